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

#define OK(call) EXPECT((call) == SLIDE_STATUS_OK)
#define INVALID(call) EXPECT((call) == SLIDE_STATUS_INVALID_ARGUMENT)

typedef const struct SlideKernels *Kernels;

static int near(float a, float b) { return fabsf(a - b) < 1e-5f; }

static int test_level(Kernels kernels) {
    EXPECT(slide_kernels_for_isa(slide_kernels_isa(kernels)) == kernels);
    EXPECT(slide_kernels_for_isa("mmx") == NULL);
    EXPECT(strstr(slide_last_error(), "scalar") != NULL);
    EXPECT(slide_kernels_native_precision(kernels) != NULL);
    EXPECT(slide_kernels_native_precision(NULL) == NULL && slide_kernels_isa(NULL) == NULL);
    return 0;
}

static int test_linear(Kernels kernels) {
    float a[100], b[100], sum = 0;
    for (int i = 0; i < 100; i++) {
        a[i] = (float)i;
        b[i] = 0.5f;
    }
    OK(slide_dot(kernels, a, b, 100, &sum));
    EXPECT(sum == 2475.0f);
    OK(slide_dot(kernels, NULL, NULL, 0, &sum));
    EXPECT(sum == 0.0f);
    INVALID(slide_dot(kernels, NULL, b, 100, &sum));
    INVALID(slide_dot(kernels, a, b, 100, NULL));
    INVALID(slide_dot(NULL, a, b, 100, &sum));

    /* Ten rows of ten: row 7 is 70 to 79. */
    struct SlideTable table = {SLIDE_FORMAT_F32, a, 10, 10, 10};
    const uint32_t rows[2] = {7, 0}, beyond[1] = {10};
    float out[2];
    OK(slide_rows_dot(kernels, table, rows, 2, b, out));
    EXPECT(out[0] == 372.5f && out[1] == 22.5f);
    INVALID(slide_rows_dot(kernels, table, beyond, 1, b, out));
    EXPECT(strstr(slide_last_error(), "expected less than 10") != NULL);
    const uint16_t ones[10] = {0x3f80};
    INVALID(slide_rows_dot_bf16(kernels, table, rows, 2, ones, out));
    EXPECT(strstr(slide_last_error(), "SLIDE_FORMAT_BF16") != NULL);
    table.width = 11;
    INVALID(slide_rows_dot(kernels, table, rows, 2, b, out));
    table.format = 9;
    INVALID(slide_rows_dot(kernels, table, rows, 2, b, out));

    struct SlideValues x = {SLIDE_FORMAT_BF16, ones, 10};
    OK(slide_axpy(kernels, 2.0f, x, b));
    EXPECT(b[0] == 2.5f && b[1] == 0.5f);

    float transposed[6];
    const struct SlideMatrix source = {a, 2, 3, 3};
    struct SlideMatrixMut destination = {transposed, 3, 2, 2};
    OK(slide_transpose(kernels, source, destination));
    EXPECT(transposed[1] == 3.0f && transposed[4] == 2.0f);
    destination.width = 1;
    INVALID(slide_transpose(kernels, source, destination));
    EXPECT(strstr(slide_last_error(), "transpose") != NULL);
    return 0;
}

static int test_sparse(Kernels kernels) {
    const uint32_t ids[2] = {1, 3}, other_ids[2] = {3, 9};
    const float values[2] = {2, 3}, dense[4] = {1, 10, 100, 1000};
    const struct SlideSparseVector a = {ids, values, 2}, b = {other_ids, values, 2};
    const struct SlideValues elements = {SLIDE_FORMAT_F32, dense, 4}, fewer = {SLIDE_FORMAT_F32, dense, 3};
    float out[2];
    OK(slide_sparse_dot(kernels, a, elements, out));
    EXPECT(out[0] == 3020.0f);
    INVALID(slide_sparse_dot(kernels, a, fewer, out));
    OK(slide_sparse_sparse_dot(kernels, a, b, out));
    EXPECT(out[0] == 6.0f);

    const struct SlideTable table = {SLIDE_FORMAT_F32, dense, 2, 2, 2};
    const uint32_t rows[2] = {1, 1};
    const float bias[2] = {1, 2};
    OK(slide_embedding_forward(kernels, table, rows, values, 2, bias, out));
    EXPECT(out[0] == 501.0f && out[1] == 5002.0f);
    return 0;
}

static int test_sddmm(Kernels kernels) {
    /* Sample 0 lists rows 1 and 3, example 1 row 3 alone. */
    const uint32_t listed[3] = {1, 3, 3}, bounds[3] = {0, 2, 3};
    const struct SlideCsrView block = {listed, NULL, 3, bounds, 3, 1};
    uint32_t rows[4], starts[5], examples[3], counters[2], places[2];
    size_t row_count, entry_count;
    struct SlideCscMut lists = {rows, starts, examples, NULL, 4, 3};
    OK(slide_csr_to_csc(kernels, &block, 1, 0, 4, counters, 2, places, 2, lists, &row_count, &entry_count));
    EXPECT(row_count == 2 && entry_count == 3 && rows[0] == 1 && rows[1] == 3);
    EXPECT(starts[1] == 1 && starts[2] == 3 && examples[0] == 0 && examples[1] == 0 && examples[2] == 1);
    INVALID(slide_csr_to_csc(kernels, &block, 1, 0, 4, counters, 2, places, 1, lists, &row_count, &entry_count));

    float weights[4] = {1, 2, 3, 4}, velocity[4] = {0}, gradient[2] = {0}, out[3];
    const float bias[4] = {0, 10, 20, 30}, inputs[2] = {1, 2}, coefficients[3] = {1, 1, 1};
    const struct SlideCscPattern pattern = {rows, starts, examples, row_count, entry_count};
    const struct SlideTable table = {SLIDE_FORMAT_F32, weights, 4, 1, 1};
    const struct SlideMatrix vectors = {inputs, 2, 1, 1};
    OK(slide_sddmm_forward(kernels, table, bias, pattern, vectors, out));
    EXPECT(out[0] == 12.0f && out[1] == 34.0f && out[2] == 38.0f);

    const struct SlideTableMut target = {SLIDE_FORMAT_F32, weights, 4, 1, 1};
    const struct SlideTableMut state = {SLIDE_FORMAT_F32, velocity, 4, 1, 1};
    const struct SlideMatrixMut input_gradient = {gradient, 2, 1, 1};
    const struct SlideRounding nearest = {0};
    struct SlideOptimiser sgd = {.kind = SLIDE_OPTIMISER_KIND_MOMENTUM, .step.momentum = {.learning_rate = 0.5f}};
    OK(slide_sddmm_backward(kernels, target, sgd, &state, pattern, coefficients, vectors, &input_gradient, nearest));
    EXPECT(gradient[0] == 6.0f && gradient[1] == 4.0f);
    EXPECT(weights[0] == 1.0f && weights[1] == 1.5f && weights[3] == 2.5f);
    OK(slide_sddmm_backward(kernels, target, sgd, &state, pattern, coefficients, vectors, NULL, nearest));
    INVALID(slide_sddmm_backward(kernels, target, sgd, NULL, pattern, coefficients, vectors, NULL, nearest));
    return 0;
}

static int test_update(Kernels kernels) {
    float weights[3] = {1, 1, 1}, m[3] = {0}, v[3] = {0};
    float *const states[2] = {m, v};
    const uint32_t rows[2] = {0, 2}, descending[2] = {2, 0};
    const float gradient[2] = {4, -4};
    struct SlideOptimiser adam = {.kind = SLIDE_OPTIMISER_KIND_ADAM};
    adam.step.adam.step_size = 0.5f;
    adam.step.adam.inverse_sqrt_correction = 1;
    OK(slide_update_scattered(kernels, weights, 3, adam, states, rows, 2, gradient));
    EXPECT(weights[0] == 0.5f && weights[1] == 1.0f && weights[2] == 1.5f && m[0] == 4.0f && v[2] == 16.0f);
    INVALID(slide_update_scattered(kernels, weights, 3, adam, states, descending, 2, gradient));
    adam.kind = 3;
    INVALID(slide_update_scattered(kernels, weights, 3, adam, states, rows, 2, gradient));

    float sums[3] = {0};
    const struct SlideTableMut target = {SLIDE_FORMAT_F32, weights, 3, 1, 1}, sum = {SLIDE_FORMAT_F32, sums, 3, 1, 1};
    const struct SlideMatrix matrix = {gradient, 2, 1, 1};
    struct SlideRounding rounding = {SLIDE_ROUNDING_MODE_STOCHASTIC, 1, 0};
    struct SlideOptimiser adagrad = {.kind = SLIDE_OPTIMISER_KIND_ADAGRAD, .step.adagrad = {.learning_rate = 0.25f}};
    OK(slide_update_rows(kernels, target, adagrad, &sum, rows, 2, matrix, rounding));
    EXPECT(weights[0] == 0.25f && weights[1] == 1.0f && weights[2] == 1.75f && sums[0] == 16.0f);
    rounding.mode = 2;
    INVALID(slide_update_rows(kernels, target, adagrad, &sum, rows, 2, matrix, rounding));
    return 0;
}

static int test_elements(Kernels kernels) {
    float x[3] = {-1, 0, 2};
    OK(slide_relu(kernels, x, 3));
    EXPECT(x[0] == 0.0f && x[2] == 2.0f);
    OK(slide_sigmoid(kernels, x, 1));
    EXPECT(x[0] == 0.5f);
    INVALID(slide_relu(kernels, NULL, 3));

    const struct SlideRngKey key = {1, 2, 3, 4}, other = {1, 2, 3, 5};
    uint32_t words[4], later[1], others[1];
    OK(slide_random_words(kernels, key, 0, words, 4));
    OK(slide_random_words(kernels, key, 2, later, 1));
    OK(slide_random_words(kernels, other, 2, others, 1));
    EXPECT(words[2] == later[0] && words[2] != others[0]);

    const float from[3] = {1.0f, 1.001f, -2.5f};
    const struct SlideRounding nearest = {0};
    uint16_t half[3];
    float to[3];
    OK(slide_f32_to_bf16(kernels, from, 3, nearest, half));
    OK(slide_bf16_to_f32(kernels, half, 3, to));
    EXPECT(half[0] == 0x3f80 && to[1] == 1.0f && to[2] == -2.5f);
    OK(slide_f32_to_f16(kernels, from, 3, half));
    OK(slide_f16_to_f32(kernels, half, 3, to));
    EXPECT(half[0] == 0x3c00 && to[2] == -2.5f);
    INVALID(slide_f16_to_f32(kernels, NULL, 3, to));
    return 0;
}

static int test_loss(Kernels kernels) {
    float z[3] = {1, 3, 1}, max, sum, loss;
    const uint32_t label[1] = {1}, beyond[1] = {3};
    const float target[1] = {1};
    OK(slide_max_sum(kernels, z, 3, &max, &sum));
    EXPECT(max == 3.0f && near(sum, 1 + 2 * expf(-2)));
    OK(slide_softmax_cross_entropy(kernels, z, 3, label, target, 1, &loss));
    EXPECT(near(loss, logf(sum)) && near(z[1], 1 / sum - 1));
    INVALID(slide_softmax_cross_entropy(kernels, z, 3, beyond, target, 1, &loss));
    INVALID(slide_softmax_cross_entropy(kernels, z, 3, label, target, 1, NULL));
    EXPECT(near(z[1], 1 / sum - 1));
    return 0;
}

static int test_hash(Kernels kernels) {
    /* A vector and its opposite have opposite codes. */
    float data[32] = {0};
    const uint32_t ids[2] = {2, 7};
    const float values[2] = {1, 2};
    data[2] = 1, data[7] = 2, data[16 + 2] = -1, data[16 + 7] = -2;
    const struct SlideMatrix vectors = {data, 2, 16, 16};
    uint32_t signs[64], codes[4], sparse[2];
    size_t length;
    OK(slide_simhash_signs_length(16, 8, 2, &length));
    EXPECT(length <= 64);
    OK(slide_simhash_draw_signs(1, signs, length));
    struct SlideSimHash simhash = {16, 8, 2, signs};
    OK(slide_simhash_codes(kernels, simhash, vectors, codes));
    EXPECT((codes[0] ^ codes[2]) == 0xff && (codes[1] ^ codes[3]) == 0xff);
    simhash.bits = 33;
    INVALID(slide_simhash_codes(kernels, simhash, vectors, codes));

    OK(slide_projection_signs_length(16, 8, 2, &length));
    EXPECT(length <= 64);
    OK(slide_projection_draw_signs(1, signs, length));
    const struct SlideSignedProjection projection = {16, 8, 2, signs};
    OK(slide_projection_codes(kernels, projection, vectors, codes));
    OK(slide_projection_codes_sparse(kernels, projection, ids, values, 2, sparse));
    EXPECT(codes[0] == sparse[0] && codes[1] == sparse[1]);

    uint32_t permutation[16], positions[128], starts[32], places[64];
    size_t place_count;
    OK(slide_bins_positions_length(16, 2, 4, 2, &length));
    EXPECT(length <= 128);
    OK(slide_bins_draw_shared(1, 2, permutation, 16, positions, length));
    const struct SlideBins bins = {16, 2, 4, 2, positions};
    const struct SlideBinPlaces by_coordinate = {bins, starts, places};
    OK(slide_bin_places_lengths(bins, &length, &place_count));
    EXPECT(length <= 32 && place_count <= 64);
    OK(slide_bin_places_fill(bins, starts, places));
    OK(slide_dwta_codes(kernels, bins, vectors, codes));
    OK(slide_dwta_codes_sparse(kernels, by_coordinate, ids, values, 2, sparse));
    EXPECT(codes[0] == sparse[0] && codes[1] == sparse[1]);
    INVALID(slide_bins_positions_length(16, 7, 4, 2, &length));

    const uint32_t two[4] = {1, 2, 3, 0};
    OK(slide_pack_codes(kernels, two, 4, 2, codes, 2));
    EXPECT(codes[0] == 13 && codes[1] == 2);
    const uint64_t zero[2] = {0, 0}, ones[2] = {1, 7};
    uint64_t distance;
    OK(slide_hamming(kernels, zero, ones, 2, &distance));
    EXPECT(distance == 4);
    INVALID(slide_pack_codes(kernels, two, 4, 17, codes, 2));

    /* Row 3 has code 9 in column 5 and 8 elsewhere; then ones in its columns 4 to 7 alone. */
    uint8_t nibbles[64], bits[64] = {0};
    float row_scales[16], offsets[16], scores[16];
    int8_t query[32];
    for (int i = 0; i < 64; i++) nibbles[i] = 0x88;
    for (int i = 0; i < 16; i++) row_scales[i] = 0.5f, offsets[i] = (float)i;
    for (int i = 0; i < 32; i++) query[i] = (int8_t)(i + 1);
    nibbles[4 * 3 + 1] = 0x98;
    for (int i = 0; i < 4; i++) bits[4 * 3 + i] = 2;
    struct SlideCodeBlocks blocks = {nibbles, row_scales, offsets, 16, 8};
    OK(slide_score_nibble_blocks(kernels, blocks, query, 2.0f, 100.0f, scores));
    EXPECT(scores[2] == 102.0f && scores[3] == 109.0f);
    blocks.codes = bits, blocks.width = 32;
    OK(slide_score_bit_blocks(kernels, blocks, query, 2.0f, 100.0f, scores));
    EXPECT(scores[2] == 102.0f - 528.0f && scores[3] == 103.0f - 528.0f + 52.0f);
    blocks.width = 31;
    INVALID(slide_score_bit_blocks(kernels, blocks, query, 2.0f, 100.0f, scores));
    return 0;
}

static int test_quant(Kernels kernels) {
    const float weights[4] = {127, -1, 0, 254}, vector[2] = {0, 255};
    int8_t bytes[4];
    uint8_t levels[2];
    float scales[2], out[2];
    int32_t sums[2], product;
    const struct SlideTable table = {SLIDE_FORMAT_F32, weights, 2, 2, 2};
    struct SlideQuantizedTableMut made = {bytes, scales, sums, 2, 2, 2};
    OK(slide_quantize_rows_i8(kernels, table, made));
    EXPECT(bytes[0] == 127 && bytes[1] == -1 && bytes[3] == 127 && scales[1] == 2.0f && sums[0] == 126);
    made.rows = 1;
    INVALID(slide_quantize_rows_i8(kernels, table, made));

    struct SlideAffine affine[1];
    const struct SlideMatrix vectors = {vector, 1, 2, 2};
    const struct SlideQuantizedBatchMut batch = {levels, affine, 1, 2, 2};
    OK(slide_quantize_rows_u8(kernels, vectors, batch));
    EXPECT(levels[1] == 255 && affine[0].scale == 1.0f && affine[0].zero_point == 0);
    OK(slide_dot_u8_i8(kernels, levels, bytes + 2, 2, &product));
    EXPECT(product == 255 * 127);

    const uint32_t rows[2] = {1, 0};
    const struct SlideQuantizedTable quantized = {{bytes, 2, 2, 2}, scales, sums};
    OK(slide_rows_dot_u8_i8_scaled(kernels, quantized, rows, 2, levels, affine[0], out));
    EXPECT(out[0] == 254.0f * 255 && out[1] == -255.0f);
    return 0;
}

static int test_select(Kernels kernels) {
    const float scores[4] = {1, 5, 3, 4};
    uint32_t indices[2];
    float values[2];
    size_t found;
    OK(slide_top_k(kernels, scores, 4, indices, values, 2, &found));
    EXPECT(found == 2 && indices[0] == 1 && indices[1] == 3 && values[0] == 5.0f);
    OK(slide_select_above(kernels, scores, 4, 2.0f, indices, values, 2, &found));
    EXPECT(found == 3 && indices[0] == 1 && indices[1] == 2 && values[1] == 3.0f);
    INVALID(slide_top_k(kernels, scores, 4, indices, NULL, 2, &found));
    return 0;
}

int main(void) {
    Kernels kernels = slide_kernels_best();
    EXPECT(kernels != NULL);
    printf("level %s\n", slide_kernels_isa(kernels));
    return test_level(kernels) || test_linear(kernels) || test_sparse(kernels) || test_sddmm(kernels) ||
           test_update(kernels) || test_elements(kernels) || test_loss(kernels) || test_hash(kernels) ||
           test_quant(kernels) || test_select(kernels);
}
