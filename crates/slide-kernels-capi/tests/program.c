/* A C program that uses the library as any other would: exits with 0 if all results are as they should be. */
#include "slide_kernels.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "line %d: %s; last error: %s\n", __LINE__, #condition, slide_last_error());                \
            return 1;                                                                                                  \
        }                                                                                                              \
    } while (0)

int main(void) {
    const struct SlideKernels *kernels = slide_kernels_best();
    EXPECT(kernels != NULL);
    printf("level %s\n", slide_kernels_isa(kernels));
    EXPECT(slide_kernels_for_isa(slide_kernels_isa(kernels)) == kernels);
    EXPECT(slide_kernels_for_isa("mmx") == NULL);
    EXPECT(strstr(slide_last_error(), "scalar") != NULL);

    float a[100], b[100], sum = 0;
    for (int i = 0; i < 100; i++) {
        a[i] = (float)i;
        b[i] = 0.5f;
    }
    EXPECT(slide_dot(kernels, a, b, 100, &sum) == SLIDE_STATUS_OK);
    EXPECT(sum == 2475.0f);
    EXPECT(slide_dot(kernels, a, b, 0, &sum) == SLIDE_STATUS_OK && sum == 0.0f);
    EXPECT(slide_dot(kernels, NULL, b, 100, &sum) == SLIDE_STATUS_INVALID_ARGUMENT);
    EXPECT(slide_dot(NULL, a, b, 100, &sum) == SLIDE_STATUS_INVALID_ARGUMENT);

    /* Ten rows of ten: row 7 is 70 to 79. */
    struct SlideTable table = {SLIDE_FORMAT_F32, a, 10, 10, 10};
    const uint32_t rows[2] = {7, 0}, beyond[1] = {10};
    float out[2];
    EXPECT(slide_rows_dot(kernels, table, rows, 2, b, out) == SLIDE_STATUS_OK);
    EXPECT(out[0] == 372.5f && out[1] == 22.5f);
    EXPECT(slide_rows_dot(kernels, table, beyond, 1, b, out) == SLIDE_STATUS_INVALID_ARGUMENT);
    EXPECT(strstr(slide_last_error(), "expected less than 10") != NULL);
    table.width = 11;
    EXPECT(slide_rows_dot(kernels, table, rows, 2, b, out) == SLIDE_STATUS_INVALID_ARGUMENT);
    table.format = 9;
    EXPECT(slide_rows_dot(kernels, table, rows, 2, b, out) == SLIDE_STATUS_INVALID_ARGUMENT);
    return 0;
}
