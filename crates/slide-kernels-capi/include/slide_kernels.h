/* Kernels of sparse neural networks on CPUs. Made from crates/slide-kernels-capi by cbindgen; do not edit.
 *
 * Every function returns a status; where it is not SLIDE_STATUS_OK, slide_last_error() says why and nothing was written.
 * Pointers may be NULL where the length is 0. What is written must not overlap with anything else. Functions may
 * be called from any thread. Formulas and the order of their operations are documented with the Rust methods of the same
 * names (`slide_` apart). */

#ifndef SLIDE_KERNELS_H
#define SLIDE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// What came of a call.
typedef enum SlideStatus {
  // All is done.
  SLIDE_STATUS_OK = 0,
  // An argument does not fit; nothing was written. See `slide_last_error`.
  SLIDE_STATUS_INVALID_ARGUMENT = 1,
} SlideStatus;

// How the numbers of a table are stored.
typedef enum SlideFormat {
  // `float`.
  SLIDE_FORMAT_F32 = 0,
  // The upper half of a `float`, as `uint16_t`.
  SLIDE_FORMAT_BF16 = 1,
} SlideFormat;

// The kernels of one instruction-set level. Values live as long as the program; they are never freed.
typedef struct SlideKernels SlideKernels;

// A table of weights in one of the formats, shaped like a matrix.
typedef struct SlideTable {
  // What `data` points to: a value of `SlideFormat`.
  uint32_t format;
  // `rows * stride` elements of that format, aligned as the format needs.
  const void *data;
  // Rows there are.
  size_t rows;
  // Elements from one row to the next, at least `width` and at least 1.
  size_t stride;
  // Elements of a row that count.
  size_t width;
} SlideTable;

// A matrix of `float`: row `i` is `data[i * stride]` to `data[i * stride + width - 1]`.
typedef struct SlideMatrix {
  // `rows * stride` elements.
  const float *data;
  // Rows there are.
  size_t rows;
  // Elements from one row to the next, at least `width` and at least 1.
  size_t stride;
  // Elements of a row that count.
  size_t width;
} SlideMatrix;

// A matrix that a kernel may write; what lies between the rows is never written.
typedef struct SlideMatrixMut {
  // `rows * stride` elements.
  float *data;
  // Rows there are.
  size_t rows;
  // Elements from one row to the next, at least `width` and at least 1.
  size_t stride;
  // Elements of a row that count.
  size_t width;
} SlideMatrixMut;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The kernels of the most capable level that this machine has.
const struct SlideKernels *slide_kernels_best(void);

// The kernels of the level of that name ("scalar", "avx2", "avx512", "avx512vnni", "avx512popcnt", "avx512bf16", "neon",
// "neonbf16", "sve"); NULL if there is no such level on this machine, and `slide_last_error` names those that there are.
//
// # Safety
// `name` points to a string that ends with a zero byte.
const struct SlideKernels *slide_kernels_for_isa(const char *name);

// The kernels of the level that the environment variable SLIDE_ISA names, or the best ones where it is not set; NULL if
// this machine lacks the level.
const struct SlideKernels *slide_kernels_from_env(void);

// The kernels of the same level that may use instructions which round in their own way (`vdpbf16ps`, `bfdot`): faster on
// `bf16`, but results differ between levels. NULL for NULL.
//
// # Safety
// `kernels` is NULL or came from this library.
const struct SlideKernels *slide_kernels_native_precision(const struct SlideKernels *kernels);

// The name of the level of these kernels, as `slide_kernels_for_isa` takes it; NULL for NULL.
//
// # Safety
// `kernels` is NULL or came from this library.
const char *slide_kernels_isa(const struct SlideKernels *kernels);

// Why the last call on this thread that failed did so. Valid until the next call on this thread; empty if none failed.
const char *slide_last_error(void);

// `*out = sum_i a[i] * b[i]`.
//
// # Safety
// Pointers are valid for their lengths, and `out` for one element.
enum SlideStatus slide_dot(const struct SlideKernels *kernels,
                           const float *a,
                           const float *b,
                           size_t length,
                           float *out);

// `out[i] = <table[rows[i]], vector>` for `count` rows; `vector` has `table.width` elements.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_rows_dot(const struct SlideKernels *kernels,
                                struct SlideTable table,
                                const uint32_t *rows,
                                size_t count,
                                const float *vector,
                                float *out);

// `out[i][s] = bias[rows[i]] + <table[rows[i]], inputs[.][s]>` for `count` rows: `inputs` is transposed, one column a
// sample; `bias` has `table.rows` elements.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_gemm_forward(const struct SlideKernels *kernels,
                                    struct SlideTable table,
                                    const uint32_t *rows,
                                    size_t count,
                                    const float *bias,
                                    struct SlideMatrix inputs,
                                    struct SlideMatrixMut out);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SLIDE_KERNELS_H */
