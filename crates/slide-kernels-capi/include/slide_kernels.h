/* Kernels of sparse neural networks on CPUs. Generated from crates/slide-kernels-capi by cbindgen; do not edit.
 *
 * Every function returns a status; if it is not SLIDE_STATUS_OK, slide_last_error() has the message, and nothing was
 * written unless the function says otherwise. A length comes after the first pointers that it counts.
 * Pointers may be NULL where the length is 0. Memory that is written must not overlap with any other argument; this is
 * not checked. The padding between the rows of matrices and tables must be valid memory too. Functions may
 * be called from any thread. Formulas and the order of their operations are documented with the Rust methods of the same
 * names (`slide_` apart). */

#ifndef SLIDE_KERNELS_H
#define SLIDE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// The status of a call.
typedef enum SlideStatus {
  // Success.
  SLIDE_STATUS_OK = 0,
  // An argument is invalid; nothing was written, unless the function says otherwise. See `slide_last_error`.
  SLIDE_STATUS_INVALID_ARGUMENT = 1,
} SlideStatus;

// How the numbers of a table are stored.
typedef enum SlideFormat {
  // `float`.
  SLIDE_FORMAT_F32 = 0,
  // The upper half of a `float`, as `uint16_t`.
  SLIDE_FORMAT_BF16 = 1,
} SlideFormat;

// The optimisers, and the states that each has.
typedef enum SlideOptimiserKind {
  // Adam and AdamW. Two states: the first and the second moments. Two decays for each row, of the first and of the
  // second moment.
  SLIDE_OPTIMISER_KIND_ADAM = 0,
  // Gradient descent with momentum. One state: the velocities. One decay for each row.
  SLIDE_OPTIMISER_KIND_MOMENTUM = 1,
  // Adagrad. One state: the sums of the squares of gradients. No decay.
  SLIDE_OPTIMISER_KIND_ADAGRAD = 2,
} SlideOptimiserKind;

// How a `float` becomes a `bf16`.
typedef enum SlideRoundingMode {
  // To the nearest, ties to even.
  SLIDE_ROUNDING_MODE_NEAREST = 0,
  // Up with a probability of the part that is cut off.
  SLIDE_ROUNDING_MODE_STOCHASTIC = 1,
} SlideRoundingMode;

// The kernels of one instruction-set level. Values live as long as the program; they are never freed.
typedef struct SlideKernels SlideKernels;

// Hash functions over bins of `2^bin_bits` coordinates each.
typedef struct SlideBins {
  // The width of the vectors.
  size_t width;
  // The binary logarithm of the coordinates of a bin, 1 to 6.
  size_t bin_bits;
  // Values per code, which has `values * bin_bits` bits, at most 32.
  size_t values;
  // Codes per vector.
  size_t tables;
  // As many elements as `slide_bins_positions_length` says, drawn by `slide_bins_draw_separate` or
  // `slide_bins_draw_shared`.
  const uint32_t *positions;
} SlideBins;

// A matrix of `float`: row `i` is `data[i * stride]` to `data[i * stride + width - 1]`.
typedef struct SlideMatrix {
  // `rows * stride` elements.
  const float *data;
  // Number of rows.
  size_t rows;
  // Distance between the starts of consecutive rows, in elements; at least `width` and at least 1.
  size_t stride;
  // Elements per row, without padding.
  size_t width;
} SlideMatrix;

// The inverse of the bins, for sparse vectors: for each coordinate the bins that contain it.
typedef struct SlideBinPlaces {
  // The bins.
  struct SlideBins bins;
  // As many elements as `slide_bin_places_lengths` says, written by `slide_bin_places_fill` for these bins.
  const uint32_t *starts;
  // The same.
  const uint32_t *places;
} SlideBinPlaces;

// Rows of codes of four bits or of one, in blocks of sixteen rows. With `c` columns a line, 8 for four bits and 32 for one, the
// code of row `i` and column `k` is in byte `64 (i / 16 * (width / c) + k / c) + 4 (i % 16) + k % 4`, and its lowest bit there
// is bit `k % c / 4 * 32 / c`. Code `c` of four bits represents `scales[i] * (c - 8)`; a bit 1 represents `scales[i]`, 0 its negative.
typedef struct SlideCodeBlocks {
  // `rows * width / 2` bytes for codes of four bits, `rows * width / 8` for those of one.
  const uint8_t *codes;
  // The scale of each row.
  const float *scales;
  // What is added to the score of each row.
  const float *offsets;
  // Number of rows, a multiple of 16.
  size_t rows;
  // Codes per row: a positive multiple of 8 for four bits, of 32 for one.
  size_t width;
} SlideCodeBlocks;

// How a `float` becomes a `bf16`, and by which random numbers. All zeros is to the nearest.
typedef struct SlideRounding {
  // A value of `SlideRoundingMode`; where it is the nearest, the rest is not looked at.
  uint32_t mode;
  // Of the step: two steps with one key round alike.
  uint32_t key;
  // Added to the number of a row, for a table that is part of a larger one.
  uint32_t first_row;
} SlideRounding;

// Identifies a sequence of random words. Sequences differ as long as `stream < 2^16` and `step < 2^48`.
typedef struct SlideRngKey {
  // The seed.
  uint64_t seed;
  // The time of the draw: a batch, an epoch.
  uint64_t step;
  // The purpose of the draw.
  uint32_t stream;
  // The object of the draw: an example, a row, a hash table.
  uint32_t item;
} SlideRngKey;

// Signed random projections by random signs and fast Hadamard transforms, for dense vectors.
typedef struct SlideSimHash {
  // The width of the vectors.
  size_t width;
  // Bits per code, at most 32.
  size_t bits;
  // Codes per vector.
  size_t tables;
  // As many words as `slide_simhash_signs_length` says, drawn by `slide_simhash_draw_signs`.
  const uint32_t *signs;
} SlideSimHash;

// Signed random projections by a matrix of random signs, for sparse vectors.
typedef struct SlideSignedProjection {
  // The width of the vectors.
  size_t width;
  // Bits per code, at most 32.
  size_t bits;
  // Codes per vector.
  size_t tables;
  // As many words as `slide_projection_signs_length` says, drawn by `slide_projection_draw_signs`.
  const uint32_t *signs;
} SlideSignedProjection;

// A vector in one of the formats.
typedef struct SlideValues {
  // What `data` points to: a value of `SlideFormat`.
  uint32_t format;
  // `length` elements of that format, aligned as the format needs.
  const void *data;
  // Number of elements.
  size_t length;
} SlideValues;

// A table of weights in one of the formats, shaped like a matrix.
typedef struct SlideTable {
  // What `data` points to: a value of `SlideFormat`.
  uint32_t format;
  // `rows * stride` elements of that format, aligned as the format needs.
  const void *data;
  // Number of rows.
  size_t rows;
  // Distance between the starts of consecutive rows, in elements; at least `width` and at least 1.
  size_t stride;
  // Elements per row, without padding.
  size_t width;
} SlideTable;

// A matrix that a kernel may write; padding between rows is never written.
typedef struct SlideMatrixMut {
  // `rows * stride` elements.
  float *data;
  // Number of rows.
  size_t rows;
  // Distance between the starts of consecutive rows, in elements; at least `width` and at least 1.
  size_t stride;
  // Elements per row, without padding.
  size_t width;
} SlideMatrixMut;

// A table of weights in eight bits that a kernel may write; padding between rows is never written.
typedef struct SlideQuantizedTableMut {
  // `rows * stride` elements.
  int8_t *values;
  // The scale of each row.
  float *scales;
  // The sum of the elements of each row.
  int32_t *sums;
  // Number of rows.
  size_t rows;
  // Distance between the starts of consecutive rows, in elements; at least `width` and at least 1.
  size_t stride;
  // Elements per row, without padding.
  size_t width;
} SlideQuantizedTableMut;

// The affine quantisation of a vector: byte `q` represents `scale * (q - zero_point)`.
typedef struct SlideAffine {
  // The difference between the values of two consecutive bytes.
  float scale;
  // The byte that represents 0.
  uint8_t zero_point;
} SlideAffine;

// Vectors in eight bits that a kernel may write, each with its scale and zero point; what lies between the vectors
// is never written.
typedef struct SlideQuantizedBatchMut {
  // `rows * stride` elements.
  uint8_t *values;
  // The quantisation of each vector.
  struct SlideAffine *affine;
  // Number of vectors.
  size_t rows;
  // Distance between the starts of consecutive vectors, in elements; at least `width` and at least 1.
  size_t stride;
  // Elements per vector, without padding.
  size_t width;
} SlideQuantizedBatchMut;

// A matrix of bytes: row `i` is `data[i * stride]` to `data[i * stride + width - 1]`.
typedef struct SlideMatrixI8 {
  // `rows * stride` elements.
  const int8_t *data;
  // Number of rows.
  size_t rows;
  // Distance between the starts of consecutive rows, in elements; at least `width` and at least 1.
  size_t stride;
  // Elements per row, without padding.
  size_t width;
} SlideMatrixI8;

// A table of weights in eight bits: element `k` of row `i` represents `scales[i] * values.data[i * stride + k]`.
typedef struct SlideQuantizedTable {
  // The elements.
  struct SlideMatrixI8 values;
  // The scale of each row.
  const float *scales;
  // The sum of the elements of each row.
  const int32_t *sums;
} SlideQuantizedTable;

// A matrix of unsigned bytes: row `i` is `data[i * stride]` to `data[i * stride + width - 1]`.
typedef struct SlideMatrixU8 {
  // `rows * stride` elements.
  const uint8_t *data;
  // Number of rows.
  size_t rows;
  // Distance between the starts of consecutive rows, in elements; at least `width` and at least 1.
  size_t stride;
  // Elements per row, without padding.
  size_t width;
} SlideMatrixU8;

// The sparsity pattern of a batch in CSC: entry `e` is the pair of row `rows[i]` and example `examples[e]`, for `e` from
// `starts[i]` to `starts[i + 1] - 1`.
typedef struct SlideCscPattern {
  // The active rows, strictly ascending.
  const uint32_t *rows;
  // `row_count + 1` elements that ascend from 0 to `entry_count`.
  const uint32_t *starts;
  // The examples of each row, strictly ascending within a row.
  const uint32_t *examples;
  // How many rows are active.
  size_t row_count;
  // How many entries there are.
  size_t entry_count;
} SlideCscPattern;

// A table of weights that a kernel may write; padding between rows is never written.
typedef struct SlideTableMut {
  // What `data` points to: a value of `SlideFormat`.
  uint32_t format;
  // `rows * stride` elements of that format, aligned as the format needs.
  void *data;
  // Number of rows.
  size_t rows;
  // Distance between the starts of consecutive rows, in elements; at least `width` and at least 1.
  size_t stride;
  // Elements per row, without padding.
  size_t width;
} SlideTableMut;

// The constants of Adam and AdamW: `m = d[0] m + (1 - beta1) g`, `v = d[1] v + (1 - beta2) g g`,
// `w = (1 - weight_decay) w - step_size m / (sqrt(v) inverse_sqrt_correction + epsilon)`.
typedef struct SlideAdamStep {
  // Decay of the first moment, from 0 to less than 1.
  float beta1;
  // Decay of the second moment, from 0 to less than 1.
  float beta2;
  // `learning_rate / (1 - beta1^t)`.
  float step_size;
  // `1 / sqrt(1 - beta2^t)`.
  float inverse_sqrt_correction;
  // Added to the denominator.
  float epsilon;
  // The part of a weight that a step takes away: the learning rate times AdamW's `lambda`. 0 is Adam.
  float weight_decay;
} SlideAdamStep;

// The constants of momentum: `u = d u + g`, `w = (1 - weight_decay) w - learning_rate u`; Nesterov's takes
// `momentum u + g` for `u` in the latter.
typedef struct SlideMomentumStep {
  // What a step multiplies the velocity with.
  float learning_rate;
  // Decay of the velocity, from 0 to less than 1.
  float momentum;
  // Whether the gradient is taken ahead of the velocity: not 0 for Nesterov's.
  uint32_t nesterov;
  // The part of a weight that a step takes away.
  float weight_decay;
} SlideMomentumStep;

// The constants of Adagrad: `s = s + g g`, `w = (1 - weight_decay) w - learning_rate g / (sqrt(s) + epsilon)`.
typedef struct SlideAdagradStep {
  // What a step multiplies the scaled gradient with.
  float learning_rate;
  // Added to the denominator.
  float epsilon;
  // The part of a weight that a step takes away.
  float weight_decay;
} SlideAdagradStep;

// The constants of one of the optimisers.
typedef union SlideStep {
  // For `SLIDE_OPTIMISER_KIND_ADAM`.
  struct SlideAdamStep adam;
  // For `SLIDE_OPTIMISER_KIND_MOMENTUM`.
  struct SlideMomentumStep momentum;
  // For `SLIDE_OPTIMISER_KIND_ADAGRAD`.
  struct SlideAdagradStep adagrad;
} SlideStep;

// An optimiser: which, its constants, and the decays `d` of rows if they have their own.
typedef struct SlideOptimiser {
  // A value of `SlideOptimiserKind`.
  uint32_t kind;
  // The constants of that optimiser.
  union SlideStep step;
  // As many for each updated row as the optimiser has decays; NULL for those among the constants.
  const float *decay;
} SlideOptimiser;

// What consecutive examples list: row indices, ascending within an example, and perhaps a value with each.
typedef struct SlideCsrView {
  // Row indices, of one example after the other.
  const uint32_t *rows;
  // The value of each row index, or NULL.
  const float *values;
  // How many row indices there are.
  size_t length;
  // Example `s` has the places `bounds[s * stride]` to `bounds[s * stride + 1] - 1` of `rows`.
  const uint32_t *bounds;
  // How many bounds there are.
  size_t bound_count;
  // 1 if every list ends where the next begins; more if each example has as many bounds, of which two matter.
  size_t stride;
} SlideCsrView;

// Where `slide_csr_to_csc` writes: the parts of a `SlideCscPattern`, and the values. What lies behind the lists
// that come out holds anything.
typedef struct SlideCscMut {
  // Has room for `row_capacity` elements.
  uint32_t *rows;
  // Has room for `row_capacity + 1` elements.
  uint32_t *starts;
  // Has room for `entry_capacity` elements.
  uint32_t *examples;
  // Has room for `entry_capacity` elements; NULL if the examples list no values.
  float *values;
  // As many as there are rows in the range, or entries if they are fewer.
  size_t row_capacity;
  // As many as there are entries.
  size_t entry_capacity;
} SlideCscMut;

// A sparse vector: element `ids[i]` is `values[i]`, the others are zero.
typedef struct SlideSparseVector {
  // Indices of the listed elements.
  const uint32_t *ids;
  // Values of the listed elements.
  const float *values;
  // Number of listed elements.
  size_t length;
} SlideSparseVector;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// `*length` is the number of positions that such functions need.
//
// # Safety
// `length` is valid for one element.
enum SlideStatus slide_bins_positions_length(size_t width,
                                             size_t bin_bits,
                                             size_t values,
                                             size_t tables,
                                             size_t *length);

// Draws the positions of WTA: each bin has the first of a permutation of its own. `permutation` is scratch for `width`
// elements.
//
// # Safety
// `permutation` is valid for `width` elements, `positions` for `length`; they do not overlap.
enum SlideStatus slide_bins_draw_separate(uint64_t seed,
                                          size_t bin_bits,
                                          uint32_t *permutation,
                                          size_t width,
                                          uint32_t *positions,
                                          size_t length);

// Draws the positions of DWTA and MinHash: permutations are cut into bins. `permutation` is scratch for `width`
// elements.
//
// # Safety
// `permutation` is valid for `width` elements, `positions` for `length`; they do not overlap.
enum SlideStatus slide_bins_draw_shared(uint64_t seed,
                                        size_t bin_bits,
                                        uint32_t *permutation,
                                        size_t width,
                                        uint32_t *positions,
                                        size_t length);

// `out[v * tables + t]` is the WTA code of row `v` of `vectors` for table `t`: where the greatest of each bin is.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_wta_codes(const struct SlideKernels *kernels,
                                 struct SlideBins functions,
                                 struct SlideMatrix vectors,
                                 uint32_t *out);

// `out[v * tables + t]` is the DWTA code of row `v` of `vectors` for table `t`: as WTA, but zeros do not count, and
// a bin without anything else takes the value of another.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_dwta_codes(const struct SlideKernels *kernels,
                                  struct SlideBins functions,
                                  struct SlideMatrix vectors,
                                  uint32_t *out);

// `out[v * tables + t]` is the MinHash code, for table `t`, of the set of coordinates at which row `v` of `vectors`
// is positive: where the first of each bin is; a bin without any takes the value of another.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_minhash_codes(const struct SlideKernels *kernels,
                                     struct SlideBins functions,
                                     struct SlideMatrix vectors,
                                     uint32_t *out);

// `*starts` and `*places` are the lengths of what `slide_bin_places_fill` writes.
//
// # Safety
// The pointers are valid for their lengths, `starts` and `places` for one element each.
enum SlideStatus slide_bin_places_lengths(struct SlideBins bins, size_t *starts, size_t *places);

// Writes where the places of each coordinate start, and the places. If a position is not below the width, that is an
// error, and the content of `starts` and `places` is unspecified.
//
// # Safety
// The pointers are valid for their lengths; `starts` and `places` do not overlap with anything else.
enum SlideStatus slide_bin_places_fill(struct SlideBins bins,
                                       uint32_t *starts,
                                       uint32_t *places);

// `out[t]` is what `slide_wta_codes` gives for table `t` to the vector with `values[j]` at coordinate `ids[j]`, for
// `count` of them, which ascend strictly, and zeros elsewhere.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_wta_codes_sparse(const struct SlideKernels *kernels,
                                        struct SlideBinPlaces functions,
                                        const uint32_t *ids,
                                        const float *values,
                                        size_t count,
                                        uint32_t *out);

// `out[t]` is what `slide_dwta_codes` gives for table `t` to the vector with `values[j]` at coordinate `ids[j]`, for
// `count` of them, which ascend strictly, and zeros elsewhere.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_dwta_codes_sparse(const struct SlideKernels *kernels,
                                         struct SlideBinPlaces functions,
                                         const uint32_t *ids,
                                         const float *values,
                                         size_t count,
                                         uint32_t *out);

// `out[t]` is what `slide_minhash_codes` gives for table `t` to the vector with `values[j]` at coordinate `ids[j]`,
// for `count` of them, which ascend strictly, and zeros elsewhere.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_minhash_codes_sparse(const struct SlideKernels *kernels,
                                            struct SlideBinPlaces functions,
                                            const uint32_t *ids,
                                            const float *values,
                                            size_t count,
                                            uint32_t *out);

// `out[i] = d * blocks.scales[i] * scale + blocks.offsets[i] + base` for all rows, with one fused multiply-add, where `d` is the
// sum of `(code - 8) * query[k]`, in integers; codes have four bits. `query` has `blocks.width` elements.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_score_nibble_blocks(const struct SlideKernels *kernels,
                                           struct SlideCodeBlocks blocks,
                                           const int8_t *query,
                                           float scale,
                                           float base,
                                           float *out);

// `out[i] = d * blocks.scales[i] * scale + blocks.offsets[i] + base` for all rows, with one fused multiply-add, where `d` is the
// sum of `query[k]` where the bit is 1 and of `-query[k]` where it is 0. `query` has `blocks.width` elements.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_score_bit_blocks(const struct SlideKernels *kernels,
                                        struct SlideCodeBlocks blocks,
                                        const int8_t *query,
                                        float scale,
                                        float base,
                                        float *out);

// Packs `count` values of `bits` bits into `tables` bucket numbers: `out[t]` has `values[k * tables + t]` at bit
// `k * bits`.
//
// # Safety
// `values` is valid for `count` elements, `out` for `tables`; they do not overlap.
enum SlideStatus slide_pack_codes(const struct SlideKernels *kernels,
                                  const uint32_t *values,
                                  size_t count,
                                  uint32_t bits,
                                  uint32_t *out,
                                  size_t tables);

// `*out` is the number of bits in which two codes of `words` words differ.
//
// # Safety
// `a` and `b` are valid for `words` elements, `out` for one.
enum SlideStatus slide_hamming(const struct SlideKernels *kernels,
                               const uint64_t *a,
                               const uint64_t *b,
                               size_t words,
                               uint64_t *out);

// `out[i]` is the number of bits in which code `i` of `count`, which starts at `codes[i * words]`, differs from
// `code`.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_hamming_rows(const struct SlideKernels *kernels,
                                    const uint64_t *codes,
                                    size_t count,
                                    const uint64_t *code,
                                    size_t words,
                                    uint32_t *out);

// `out[i]` is the number of bits in which code `rows[i]` of `code_count`, which starts at `codes[rows[i] * words]`,
// differs from `code`, for `count` rows.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_hamming_scattered(const struct SlideKernels *kernels,
                                         const uint64_t *codes,
                                         size_t code_count,
                                         const uint32_t *rows,
                                         size_t count,
                                         const uint64_t *code,
                                         size_t words,
                                         uint32_t *out);

// `to[i]` is `from[i]` as `bf16`; for stochastic rounding, element `i` of row 0.
//
// # Safety
// Pointers are valid for `length` elements, and do not overlap.
enum SlideStatus slide_f32_to_bf16(const struct SlideKernels *kernels,
                                   const float *from,
                                   size_t length,
                                   struct SlideRounding rounding,
                                   uint16_t *to);

// `to[i] = from[i]`, exactly, from `bf16`.
//
// # Safety
// Pointers are valid for `length` elements, and do not overlap.
enum SlideStatus slide_bf16_to_f32(const struct SlideKernels *kernels,
                                   const uint16_t *from,
                                   size_t length,
                                   float *to);

// `to[i]` is `from[i]` as IEEE 754 binary16, to the nearest.
//
// # Safety
// Pointers are valid for `length` elements, and do not overlap.
enum SlideStatus slide_f32_to_f16(const struct SlideKernels *kernels,
                                  const float *from,
                                  size_t length,
                                  uint16_t *to);

// `to[i] = from[i]`, exactly, from IEEE 754 binary16.
//
// # Safety
// Pointers are valid for `length` elements, and do not overlap.
enum SlideStatus slide_f16_to_f32(const struct SlideKernels *kernels,
                                  const uint16_t *from,
                                  size_t length,
                                  float *to);

// `x[i] = max(x[i], 0)`; NaN stays.
//
// # Safety
// `x` is valid for `length` elements.
enum SlideStatus slide_relu(const struct SlideKernels *kernels, float *x, size_t length);

// `delta[i] = 0` where `activation[i] <= 0`; `activation` may be the input or the output of `slide_relu`.
//
// # Safety
// Pointers are valid for `length` elements, and do not overlap.
enum SlideStatus slide_relu_backward(const struct SlideKernels *kernels,
                                     float *delta,
                                     const float *activation,
                                     size_t length);

// `x[i] = 0` where `random[i] < threshold`, else `x[i] * scale`: for a probability `p` of dropping, `threshold` is
// `p * 2^32` and `scale` is `1 / (1 - p)`.
//
// # Safety
// Pointers are valid for `length` elements, and do not overlap.
enum SlideStatus slide_dropout(const struct SlideKernels *kernels,
                               float *x,
                               const uint32_t *random,
                               size_t length,
                               uint32_t threshold,
                               float scale);

// `x[i] = e^x[i]`.
//
// # Safety
// `x` is valid for `length` elements.
enum SlideStatus slide_exp(const struct SlideKernels *kernels, float *x, size_t length);

// `x[i] = ln x[i]`.
//
// # Safety
// `x` is valid for `length` elements.
enum SlideStatus slide_ln(const struct SlideKernels *kernels, float *x, size_t length);

// `x[i] = 1 / (1 + e^-x[i])`.
//
// # Safety
// `x` is valid for `length` elements.
enum SlideStatus slide_sigmoid(const struct SlideKernels *kernels, float *x, size_t length);

// `x[i] = ln(1 + e^x[i])`.
//
// # Safety
// `x` is valid for `length` elements.
enum SlideStatus slide_softplus(const struct SlideKernels *kernels, float *x, size_t length);

// `out[i]` is word `first + i` of the key (Philox 4x32-10), modulo `2^34`.
//
// # Safety
// `out` is valid for `length` elements.
enum SlideStatus slide_random_words(const struct SlideKernels *kernels,
                                    struct SlideRngKey key,
                                    uint64_t first,
                                    uint32_t *out,
                                    size_t length);

// `*length` is the number of words of signs that such functions need.
//
// # Safety
// `length` is valid for one element.
enum SlideStatus slide_simhash_signs_length(size_t width,
                                            size_t bits,
                                            size_t tables,
                                            size_t *length);

// Draws the signs: words of 0 (plus) or `0x80000000` (minus).
//
// # Safety
// `signs` is valid for `length` elements.
enum SlideStatus slide_simhash_draw_signs(uint64_t seed, uint32_t *signs, size_t length);

// `out[v * tables + t]` is the code of row `v` of `vectors` for table `t`.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_simhash_codes(const struct SlideKernels *kernels,
                                     struct SlideSimHash functions,
                                     struct SlideMatrix vectors,
                                     uint32_t *out);

// `*length` is the number of words of signs that such functions need.
//
// # Safety
// `length` is valid for one element.
enum SlideStatus slide_projection_signs_length(size_t width,
                                               size_t bits,
                                               size_t tables,
                                               size_t *length);

// Draws the signs: a bit for each coordinate and projection.
//
// # Safety
// `signs` is valid for `length` elements.
enum SlideStatus slide_projection_draw_signs(uint64_t seed, uint32_t *signs, size_t length);

// `out[v * tables + t]` is the code of row `v` of `vectors` for table `t`.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_projection_codes(const struct SlideKernels *kernels,
                                        struct SlideSignedProjection functions,
                                        struct SlideMatrix vectors,
                                        uint32_t *out);

// `out[t]` is the code for table `t` of the vector with `values[j]` at coordinate `ids[j]`, for `count` of them, and
// zeros elsewhere.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_projection_codes_sparse(const struct SlideKernels *kernels,
                                               struct SlideSignedProjection functions,
                                               const uint32_t *ids,
                                               const float *values,
                                               size_t count,
                                               uint32_t *out);

// The kernels of the most capable level that this machine has.
const struct SlideKernels *slide_kernels_best(void);

// The kernels of the level of that name ("scalar", "avx2", "avx512", "avx512vnni", "avx512popcnt", "avx512bf16", "neon",
// "neonbf16", "sve"); NULL if there is no such level on this machine, and `slide_last_error` lists the available ones.
//
// # Safety
// `name` points to a string that ends with a zero byte.
const struct SlideKernels *slide_kernels_for_isa(const char *name);

// The kernels of the level that the environment variable SLIDE_ISA names, or the best ones where it is not set; NULL if
// this machine lacks the level.
const struct SlideKernels *slide_kernels_from_env(void);

// The kernels of the same level with native precision (`vdpbf16ps`, `bfdot`): faster on `bf16`, but results differ between
// levels. NULL for NULL.
//
// # Safety
// `kernels` is NULL or came from this library.
const struct SlideKernels *slide_kernels_native_precision(const struct SlideKernels *kernels);

// The name of the level of these kernels, as `slide_kernels_for_isa` takes it; NULL for NULL.
//
// # Safety
// `kernels` is NULL or came from this library.
const char *slide_kernels_isa(const struct SlideKernels *kernels);

// The message of the last failed call on this thread; empty if none failed. Valid until the next call on this thread.
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

// `*out = sum_i a[i] * b[i]` of `bf16`, in `float`.
//
// # Safety
// Pointers are valid for their lengths, and `out` for one element.
enum SlideStatus slide_dot_bf16(const struct SlideKernels *kernels,
                                const uint16_t *a,
                                const uint16_t *b,
                                size_t length,
                                float *out);

// `*out = sum_i a[i] * b[i]`, where `a` is stored as `bf16`.
//
// # Safety
// Pointers are valid for their lengths, and `out` for one element.
enum SlideStatus slide_dot_bf16_f32(const struct SlideKernels *kernels,
                                    const uint16_t *a,
                                    const float *b,
                                    size_t length,
                                    float *out);

// `y[i] += a * x[i]`, rounded once; `y` has `x.length` elements.
//
// # Safety
// Pointers are valid for their lengths; `y` does not overlap with anything else.
enum SlideStatus slide_axpy(const struct SlideKernels *kernels,
                            float a,
                            struct SlideValues x,
                            float *y);

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

// `out[i] = <table[rows[i]], vector>` for `count` rows of a table of `bf16`; `vector` has `table.width` elements.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_rows_dot_bf16(const struct SlideKernels *kernels,
                                     struct SlideTable table,
                                     const uint32_t *rows,
                                     size_t count,
                                     const uint16_t *vector,
                                     float *out);

// `out[i] = <row, vectors[ids[i]]>` for `count` vectors; `row` has `vectors.width` elements.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_vectors_dot(const struct SlideKernels *kernels,
                                   const float *row,
                                   struct SlideMatrix vectors,
                                   const uint32_t *ids,
                                   size_t count,
                                   float *out);

// `out[i][s] = bias[rows[i]] + <table[rows[i]], inputs[.][s]>` for `count` rows: `inputs` is transposed, one column per
// example; `bias` has `table.rows` elements.
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

// `input_gradient[s][k] += sum_r deltas[r][s] * table[rows[r]][k]` for `count` rows.
//
// # Safety
// Pointers are valid for their lengths; `input_gradient` does not overlap with anything else.
enum SlideStatus slide_gemm_backward(const struct SlideKernels *kernels,
                                     struct SlideTable table,
                                     const uint32_t *rows,
                                     size_t count,
                                     struct SlideMatrix deltas,
                                     struct SlideMatrixMut input_gradient);

// `gradient[r][k] += sum_s deltas[r][s] * inputs[s][k]`.
//
// # Safety
// Pointers are valid for their lengths; `gradient` does not overlap with anything else.
enum SlideStatus slide_gemm_gradient(const struct SlideKernels *kernels,
                                     struct SlideMatrix deltas,
                                     struct SlideMatrix inputs,
                                     struct SlideMatrixMut gradient);

// `destination[c][r] = source[r][c]`.
//
// # Safety
// Pointers are valid for their lengths; `destination` does not overlap with anything else.
enum SlideStatus slide_transpose(const struct SlideKernels *kernels,
                                 struct SlideMatrix source,
                                 struct SlideMatrixMut destination);

// Replaces each row by its Walsh-Hadamard transform, without a factor; the width is a power of two.
//
// # Safety
// `vectors` is valid for its shape, and does not overlap with anything else.
enum SlideStatus slide_hadamard(const struct SlideKernels *kernels, struct SlideMatrixMut vectors);

// `*max` is the greatest of the values, `*sum` the sum of `e^(values[i] - max)`; without values `-inf` and 0.
//
// # Safety
// `values` is valid for `length` elements, `max` and `sum` for one each.
enum SlideStatus slide_max_sum(const struct SlideKernels *kernels,
                               const float *values,
                               size_t length,
                               float *max,
                               float *sum);

// `*out = ln sum_i e^values[i]`.
//
// # Safety
// `values` is valid for `length` elements, `out` for one.
enum SlideStatus slide_log_sum_exp(const struct SlideKernels *kernels,
                                   const float *values,
                                   size_t length,
                                   float *out);

// `z[i] = e^(z[i] - max) / sum`, with the two of `slide_max_sum`.
//
// # Safety
// `z` is valid for `length` elements.
enum SlideStatus slide_softmax(const struct SlideKernels *kernels, float *z, size_t length);

// `slide_max_sum` of each column of `z`; `max` and `sum` have one element for each. `z.width` is a multiple of 16.
//
// # Safety
// Pointers are valid for their lengths; `max` and `sum` do not overlap with anything else.
enum SlideStatus slide_column_max_sum(const struct SlideKernels *kernels,
                                      struct SlideMatrix z,
                                      float *max,
                                      float *sum);

// `z = e^(z - max) * inverse_sum`, with `max` and `inverse_sum` of the column. `z.width` is a multiple of 16.
//
// # Safety
// Pointers are valid for their lengths; `z` does not overlap with anything else.
enum SlideStatus slide_softmax_columns(const struct SlideKernels *kernels,
                                       struct SlideMatrixMut z,
                                       const float *max,
                                       const float *inverse_sum);

// `z[e] = e^(z[e] - max[s]) * inverse_sum[s]`, with `s = examples[e]`, for `count` entries of `example_count` examples.
//
// # Safety
// `z` and `examples` are valid for `count` elements, `max` and `inverse_sum` for `example_count`; `z` does not overlap
// with anything else.
enum SlideStatus slide_softmax_entries(const struct SlideKernels *kernels,
                                       float *z,
                                       const uint32_t *examples,
                                       size_t count,
                                       const float *max,
                                       const float *inverse_sum,
                                       size_t example_count);

// `*loss = -sum_e targets[e] ln p[labels[e]]` with `p = softmax(z)`, for `count` labels; then `z` is its gradient,
// `sum(targets) p` less the targets.
//
// # Safety
// `z` is valid for `length` elements, `labels` and `targets` for `count`, `loss` for one; what is written does not
// overlap with anything else.
enum SlideStatus slide_softmax_cross_entropy(const struct SlideKernels *kernels,
                                             float *z,
                                             size_t length,
                                             const uint32_t *labels,
                                             const float *targets,
                                             size_t count,
                                             float *loss);

// `*loss = sum_i -y ln sigmoid(z[i]) - (1 - y) ln(1 - sigmoid(z[i]))` with `y = targets[i]`; then `z` is its gradient,
// `sigmoid(z[i]) - y`.
//
// # Safety
// `z` and `targets` are valid for `length` elements, `loss` for one; what is written does not overlap with anything
// else.
enum SlideStatus slide_binary_cross_entropy(const struct SlideKernels *kernels,
                                            float *z,
                                            const float *targets,
                                            size_t length,
                                            float *loss);

// `slide_binary_cross_entropy` with targets of 0 except at `count` labels.
//
// # Safety
// `z` is valid for `length` elements, `labels` and `targets` for `count`, `loss` for one; what is written does not
// overlap with anything else.
enum SlideStatus slide_binary_cross_entropy_sparse(const struct SlideKernels *kernels,
                                                   float *z,
                                                   size_t length,
                                                   const uint32_t *labels,
                                                   const float *targets,
                                                   size_t count,
                                                   float *loss);

// For each column, `loss += sum_r ln(1 + e^z[r])`; then `z = sigmoid(z)`. `loss` has `z.width` elements, a multiple
// of 16.
//
// # Safety
// Pointers are valid for their lengths; `z` and `loss` do not overlap with anything else.
enum SlideStatus slide_sigmoid_columns(const struct SlideKernels *kernels,
                                       struct SlideMatrixMut z,
                                       float *loss);

// `*loss = sum_i ln(1 + e^z[i])`; then `z = sigmoid(z)`.
//
// # Safety
// `z` is valid for `length` elements, `loss` for one; they do not overlap.
enum SlideStatus slide_sigmoid_entries(const struct SlideKernels *kernels,
                                       float *z,
                                       size_t length,
                                       float *loss);

// Rows to eight bits, symmetric: `s = max |x| / 127` of the row, `q = round(x * (1 / s))`, and the sum of the `q`.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_quantize_rows_i8(const struct SlideKernels *kernels,
                                        struct SlideTable table,
                                        struct SlideQuantizedTableMut out);

// A vector to eight bits, symmetric: `*scale = max |values[k]| / 127`, `out[k] = round(values[k] / *scale)`.
//
// # Safety
// `values` and `out` are valid for `length` elements, `scale` for one; what is written does not overlap with
// anything else.
enum SlideStatus slide_quantize_i8(const struct SlideKernels *kernels,
                                   const float *values,
                                   size_t length,
                                   int8_t *out,
                                   float *scale);

// Vectors to eight bits, asymmetric: `s = (max(x, 0) - min(x, 0)) / 255` of the vector, `z = round(-min(x, 0) / s)`,
// `q = round(fma(x, 1 / s, z))`, at least 0 and at most 255.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_quantize_rows_u8(const struct SlideKernels *kernels,
                                        struct SlideMatrix vectors,
                                        struct SlideQuantizedBatchMut out);

// A vector to eight bits, asymmetric, as `slide_quantize_rows_u8`.
//
// # Safety
// `values` and `out` are valid for `length` elements, `affine` for one; what is written does not overlap with
// anything else.
enum SlideStatus slide_quantize_u8(const struct SlideKernels *kernels,
                                   const float *values,
                                   size_t length,
                                   uint8_t *out,
                                   struct SlideAffine *affine);

// `out[k] = scale * values[k]`.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_dequantize_i8(const struct SlideKernels *kernels,
                                     const int8_t *values,
                                     size_t length,
                                     float scale,
                                     float *out);

// `out[k] = affine.scale * (values[k] - affine.zero_point)`.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_dequantize_u8(const struct SlideKernels *kernels,
                                     const uint8_t *values,
                                     size_t length,
                                     struct SlideAffine affine,
                                     float *out);

// `out[i] = sum_k values[i][k]` for all rows.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_row_sums_i8(const struct SlideKernels *kernels,
                                   struct SlideMatrixI8 values,
                                   int32_t *out);

// `*out = sum_i a[i] * b[i]`, exact up to 131,071 elements; beyond, modulo `2^32`.
//
// # Safety
// Pointers are valid for their lengths, and `out` for one element.
enum SlideStatus slide_dot_i8(const struct SlideKernels *kernels,
                              const int8_t *a,
                              const int8_t *b,
                              size_t length,
                              int32_t *out);

// `*out = sum_i a[i] * b[i]`, exact up to 65,793 elements; beyond, modulo `2^32`.
//
// # Safety
// Pointers are valid for their lengths, and `out` for one element.
enum SlideStatus slide_dot_u8_i8(const struct SlideKernels *kernels,
                                 const uint8_t *a,
                                 const int8_t *b,
                                 size_t length,
                                 int32_t *out);

// `out[i] = <values[rows[i]], vector>` for `count` rows, in integers; `vector` has `values.width` elements.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_rows_dot_i8(const struct SlideKernels *kernels,
                                   struct SlideMatrixI8 values,
                                   const uint32_t *rows,
                                   size_t count,
                                   const int8_t *vector,
                                   int32_t *out);

// `out[i] = <values[rows[i]], vector>` for `count` rows, in integers; `vector` has `values.width` elements.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_rows_dot_u8_i8(const struct SlideKernels *kernels,
                                      struct SlideMatrixI8 values,
                                      const uint32_t *rows,
                                      size_t count,
                                      const uint8_t *vector,
                                      int32_t *out);

// `out[i] = table.scales[n] * scale * <table[n], vector>`, with `n = rows[i]`, for `count` rows; `vector` has
// `table.values.width` elements.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_rows_dot_i8_scaled(const struct SlideKernels *kernels,
                                          struct SlideQuantizedTable table,
                                          const uint32_t *rows,
                                          size_t count,
                                          const int8_t *vector,
                                          float scale,
                                          float *out);

// `out[i] = table.scales[n] * affine.scale * <table[n], vector - affine.zero_point>`, with `n = rows[i]`, for
// `count` rows; `vector` has `table.values.width` elements.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_rows_dot_u8_i8_scaled(const struct SlideKernels *kernels,
                                             struct SlideQuantizedTable table,
                                             const uint32_t *rows,
                                             size_t count,
                                             const uint8_t *vector,
                                             struct SlideAffine affine,
                                             float *out);

// `out[r * vectors.rows + s] = <values[rows[r]], vectors[s]>` for `count` rows and all vectors, in integers: exact up to 131,071
// elements; beyond, modulo `2^32`. `vectors.width` is `values.width`.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_gemm_i8(const struct SlideKernels *kernels,
                               struct SlideMatrixI8 values,
                               const uint32_t *rows,
                               size_t count,
                               struct SlideMatrixI8 vectors,
                               int32_t *out);

// `out[r * vectors.rows + s] = <values[rows[r]], vectors[s]>` for `count` rows and all vectors, in integers: exact up to 65,793
// elements; beyond, modulo `2^32`. `vectors.width` is `values.width`.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_gemm_u8_i8(const struct SlideKernels *kernels,
                                  struct SlideMatrixI8 values,
                                  const uint32_t *rows,
                                  size_t count,
                                  struct SlideMatrixU8 vectors,
                                  int32_t *out);

// `out[e] = bias[n] + <table[n], vectors[s]>` for each entry `e` of row `n` and example `s`. `bias` has `table.rows`
// elements, `out` one for each entry.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_sddmm_forward(const struct SlideKernels *kernels,
                                     struct SlideTable table,
                                     const float *bias,
                                     struct SlideCscPattern pattern,
                                     struct SlideMatrix vectors,
                                     float *out);

// For each active row `n` and its entries `e` of examples `s`: `input_gradient[s] += coefficients[e] * weights[n]`,
// unless `input_gradient` is NULL; then the step of the optimiser on row `n` with the gradient
// `sum_e coefficients[e] * vectors[s]`. `states` as for `slide_update_rows`; a decay is that of an active row.
//
// # Safety
// Pointers are valid for their lengths; weights, states and `input_gradient` do not overlap with anything else.
enum SlideStatus slide_sddmm_backward(const struct SlideKernels *kernels,
                                      struct SlideTableMut weights,
                                      struct SlideOptimiser optimiser,
                                      const struct SlideTableMut *states,
                                      struct SlideCscPattern pattern,
                                      const float *coefficients,
                                      struct SlideMatrix vectors,
                                      const struct SlideMatrixMut *input_gradient,
                                      struct SlideRounding rounding);

// Lists the rows from `first_row` to `end_row - 1` that at least one example of `block_count` blocks lists, ascending
// and counted from `first_row`, and for each the examples that list it, ascending, with their values. Examples are
// numbered through all blocks; `*row_count` and `*entry_count` say how much came out.
//
// `counters` (8192 are good) and `places`, one for each example, are scratch. If the blocks turn out not to be as they
// should while they are sorted, `out` holds anything.
//
// # Safety
// Pointers are valid for their lengths; what is written does not overlap with anything else.
enum SlideStatus slide_csr_to_csc(const struct SlideKernels *kernels,
                                  const struct SlideCsrView *blocks,
                                  size_t block_count,
                                  uint32_t first_row,
                                  uint32_t end_row,
                                  uint32_t *counters,
                                  size_t counter_count,
                                  uint32_t *places,
                                  size_t place_count,
                                  struct SlideCscMut out,
                                  size_t *row_count,
                                  size_t *entry_count);

// The `k` greatest of `count` scores, best first, and where they stand; `*found` is `k`, or `count` if that is less.
// Of equal scores the earlier comes first; NaN comes last.
//
// # Safety
// `scores` is valid for `count` elements, `indices` and `values` for `k`, `found` for one; what is written does not
// overlap with anything else.
enum SlideStatus slide_top_k(const struct SlideKernels *kernels,
                             const float *scores,
                             size_t count,
                             uint32_t *indices,
                             float *values,
                             size_t k,
                             size_t *found);

// Those of `count` scores above the threshold, ascending by where they stand; `*found` is how many there are. Beyond
// `capacity` they are only counted.
//
// # Safety
// `scores` is valid for `count` elements, `indices` and `values` for `capacity`, `found` for one; what is written
// does not overlap with anything else.
enum SlideStatus slide_select_above(const struct SlideKernels *kernels,
                                    const float *scores,
                                    size_t count,
                                    float threshold,
                                    uint32_t *indices,
                                    float *values,
                                    size_t capacity,
                                    size_t *found);

// `*out = sum_i a.values[i] * dense[a.ids[i]]`.
//
// # Safety
// Pointers are valid for their lengths, and `out` for one element.
enum SlideStatus slide_sparse_dot(const struct SlideKernels *kernels,
                                  struct SlideSparseVector a,
                                  struct SlideValues dense,
                                  float *out);

// `*out` is the sum of `a.values[i] * b.values[j]` over all pairs with `a.ids[i] == b.ids[j]`; the ids of each ascend
// strictly.
//
// # Safety
// Pointers are valid for their lengths, and `out` for one element.
enum SlideStatus slide_sparse_sparse_dot(const struct SlideKernels *kernels,
                                         struct SlideSparseVector a,
                                         struct SlideSparseVector b,
                                         float *out);

// `out = bias + sum_i values[i] * table[rows[i]]` for `count` rows; `bias` and `out` have `table.width` elements.
//
// # Safety
// Pointers are valid for their lengths; `out` does not overlap with anything else.
enum SlideStatus slide_embedding_forward(const struct SlideKernels *kernels,
                                         struct SlideTable table,
                                         const uint32_t *rows,
                                         const float *values,
                                         size_t count,
                                         const float *bias,
                                         float *out);

// `gradient[rows[i]] += values[i] * out_gradient` for `count` rows, in order; one may come twice. `out_gradient` has
// `gradient.width` elements.
//
// # Safety
// Pointers are valid for their lengths; `gradient` does not overlap with anything else.
enum SlideStatus slide_embedding_backward(const struct SlideKernels *kernels,
                                          const float *out_gradient,
                                          const uint32_t *rows,
                                          const float *values,
                                          size_t count,
                                          struct SlideMatrixMut gradient);

// The step of an optimiser on `count` rows of `weights`, which ascend strictly: row `i` of `gradient` is that of row
// `rows[i]`. `states` are as many tables as the optimiser has states, in the shape of the weights and in one format.
//
// # Safety
// Pointers are valid for their lengths; weights and states do not overlap with anything else.
enum SlideStatus slide_update_rows(const struct SlideKernels *kernels,
                                   struct SlideTableMut weights,
                                   struct SlideOptimiser optimiser,
                                   const struct SlideTableMut *states,
                                   const uint32_t *rows,
                                   size_t count,
                                   struct SlideMatrix gradient,
                                   struct SlideRounding rounding);

// The step of an optimiser on `count` of `length` weights, which ascend strictly: `gradient[i]` is that of weight
// `rows[i]`. `states` are as many pointers to `length` elements as the optimiser has states.
//
// # Safety
// Pointers are valid for their lengths; weights and states do not overlap with anything else.
enum SlideStatus slide_update_scattered(const struct SlideKernels *kernels,
                                        float *weights,
                                        size_t length,
                                        struct SlideOptimiser optimiser,
                                        float *const *states,
                                        const uint32_t *rows,
                                        size_t count,
                                        const float *gradient);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SLIDE_KERNELS_H */
