//! The families of kernels in which back ends differ only in their features, their lanes and the sizes of their tiles.

/// Defines a module for each of these families: thin functions of the level, into which the generic bodies are inlined. The back end has
/// its lanes as `F32x16`, and in `compare` those of random numbers.
///
/// | | |
/// |---|---|
/// | `embedding` | blocks of a row that are kept in registers: forward, backward |
/// | `gemm` | the tiles, as `tile_lists` takes them |
/// | `simhash_batch` | vectors from which on simhash multiplies matrices |
/// | `multiply_adds` | independent sums of the probe |
/// | `projection` | vectors of sums in registers |
/// | `random` | lanes, and how many of them at once |
/// | `row_dot` | rows prefetched and rows at once; the same of pairs of bf16 |
/// | `sddmm` | rows ahead: forward; backward with two states; with one |
macro_rules! back_end {
    (
        features: $features:literal,
        embedding: [$embedding_forward:tt, $embedding_backward:tt],
        gemm: [$($tiles:tt)*],
        simhash_batch: $simhash_batch:expr,
        multiply_adds: $multiply_adds:tt,
        projection: $projection:tt,
        random: [$random_lanes:ident, $random:tt],
        row_dot: [$rows_ahead:tt, $rows:tt, $pairs_ahead:tt, $pairs:tt],
        sddmm: [$sddmm_forward:tt, $adam:tt, $one_state:tt] $(,)?
    ) => {
        mod axpy {
            use super::F32x16;
            use crate::api::axpy::Table;
            use crate::{Values, generic};

            wrappers!($features, Table {
                fn axpy(a: f32, x: Values<'_>, y: &mut [f32]) = generic::axpy::axpy::<F32x16>;
            });
        }

        mod codes {
            use super::F32x16;
            use crate::api::codes::Table;
            use crate::{RowIds, generic};

            wrappers!($features, Table {
                fn pack_codes(values: &[u32], bits: u32, out: &mut [u32]) = generic::codes::pack_codes::<F32x16>;
                fn hamming(a: &[u64], b: &[u64]) -> u64 = generic::codes::hamming::<F32x16>;
                fn hamming_rows(codes: &[u64], code: &[u64], out: &mut [u32]) = generic::codes::hamming_rows::<F32x16>;
                fn hamming_scattered(codes: &[u64], rows: RowIds<'_>, code: &[u64], out: &mut [u32])
                    = generic::codes::hamming_scattered::<F32x16>;
            });
        }

        mod dot {
            use half::bf16;

            use super::F32x16;
            use crate::api::dot::Table;
            use crate::generic;
            use crate::generic::pairs::Widening;

            wrappers!($features, Table {
                fn dot(a: &[f32], b: &[f32]) -> f32 = generic::dot::dot::<F32x16, f32>;
                fn dot_bf16(a: &[bf16], b: &[bf16]) -> f32 = generic::dot::dot_of_pairs::<F32x16, Widening>;
                fn dot_bf16_f32(a: &[bf16], b: &[f32]) -> f32 = generic::dot::dot::<F32x16, bf16>;
            });
        }

        mod elementwise {
            use super::F32x16;
            use crate::api::elementwise::Table;
            use crate::generic::{self, SimdF32x16};

            wrappers!($features, Table {
                fn relu(x: &mut [f32]) = |x| generic::elementwise::relu(F32x16::token(), x);
                fn relu_backward(delta: &mut [f32], activation: &[f32]) = |delta, activation| generic::elementwise::relu_backward(F32x16::token(), delta, activation);
                fn dropout(x: &mut [f32], random: &[u32], threshold: u32, scale: f32) = |x, random, threshold, scale| generic::elementwise::dropout(F32x16::token(), x, random, threshold, scale);
                fn exp(x: &mut [f32]) = generic::elementwise::exp::<F32x16>;
                fn ln(x: &mut [f32]) = generic::elementwise::ln::<F32x16>;
                fn sigmoid(x: &mut [f32]) = generic::elementwise::sigmoid::<F32x16>;
                fn softplus(x: &mut [f32]) = generic::elementwise::softplus::<F32x16>;
            });
        }

        mod embedding {
            use super::F32x16;
            use crate::api::embedding::Table;
            use crate::{MatrixMut, RowIds, generic, views};

            wrappers!($features, Table {
                fn forward(table: views::Table<'_>, rows: RowIds<'_>, values: &[f32], bias: &[f32], out: &mut [f32])
                    = generic::embedding::forward::<F32x16, $embedding_forward>;
                fn backward(out_gradient: &[f32], rows: RowIds<'_>, values: &[f32], gradient: MatrixMut<'_>)
                    = generic::embedding::backward::<F32x16, $embedding_backward>;
            });
        }

        mod gemm {
            use super::F32x16;
            use crate::api::gemm::Table;
            use crate::generic::tile::{Tile, work};
            use crate::{Matrix, MatrixMut, RowIds, generic, views};

            tile_lists!($features, $($tiles)*);

            wrappers!($features, Table {
                fn forward(table: views::Table<'_>, rows: RowIds<'_>, bias: &[f32], inputs: Matrix<'_>, out: MatrixMut<'_>)
                    = |table, rows, bias, inputs, out| generic::gemm::forward::<F32x16>(TILES, table, rows, bias, inputs, out);
                fn backward(table: views::Table<'_>, rows: RowIds<'_>, deltas: Matrix<'_>, input_gradient: MatrixMut<'_>)
                    = |table, rows, deltas, gradient| generic::gemm::backward::<F32x16>(TILES, table, rows, deltas, gradient);
                fn gradient(deltas: Matrix<'_>, inputs: Matrix<'_>, gradient: MatrixMut<'_>)
                    = |deltas, inputs, gradient| generic::gemm::gradient::<F32x16>(TILES, deltas, inputs, gradient);
            });
        }

        mod hadamard {
            use super::F32x16;
            use crate::api::hadamard::Table;
            use crate::{MatrixMut, generic};

            wrappers!($features, Table {
                fn hadamard(vectors: MatrixMut<'_>) = generic::hadamard::hadamard::<F32x16>;
            });
        }

        mod hash {
            use super::F32x16;
            use crate::api::hash::{Bins, SimHash, Table};
            use crate::{Matrix, generic};

            wrappers!($features, Table {
                fn simhash_codes(functions: &SimHash, vectors: Matrix, out: &mut [u32])
                    = generic::simhash::simhash_codes::<F32x16, { $simhash_batch }>;
                fn wta_codes(functions: &Bins, vectors: Matrix, out: &mut [u32]) = generic::hash::wta_codes::<F32x16>;
                fn dwta_codes(functions: &Bins, vectors: Matrix, out: &mut [u32]) = generic::hash::dwta_codes::<F32x16>;
                fn minhash_codes(functions: &Bins, vectors: Matrix, out: &mut [u32]) = generic::hash::minhash_codes::<F32x16>;
            });
        }

        mod loss {
            use super::F32x16;
            use crate::api::loss::Table;
            use crate::{MatrixMut, generic};

            wrappers!($features, Table {
                fn sigmoid_columns(z: MatrixMut, loss: &mut [f32]) = generic::loss::sigmoid_columns::<F32x16>;
                fn sigmoid_entries(z: &mut [f32]) -> f32 = generic::loss::sigmoid_entries::<F32x16>;
                fn binary_cross_entropy(z: &mut [f32], targets: &[f32]) -> f32 = generic::loss::binary_cross_entropy::<F32x16>;
            });
        }

        mod probe {
            use super::F32x16;
            use crate::api::probe::Table;
            use crate::{RowIds, generic};

            wrappers!($features, Table {
                fn multiply_adds(rounds: usize) -> (f32, u64) = generic::probe::multiply_adds::<F32x16, $multiply_adds>;
                fn divisions(rounds: usize) -> (f32, u64) = generic::probe::divisions::<F32x16, 4>;
                fn read(words: &[u32]) -> u32 = generic::probe::read::<F32x16>;
                fn read_rows(words: &[u32], stride: usize, width: usize, rows: RowIds<'_>) -> u32
                    = generic::probe::read_rows::<F32x16>;
                fn update(a: &mut [f32], b: &mut [f32], c: &mut [f32], factor: f32) = generic::probe::update::<F32x16>;
            });
        }

        mod projection {
            use super::F32x16;
            use crate::api::projection::{SignedProjection, Table};
            use crate::{Matrix, RowIds, generic};

            wrappers!($features, Table {
                fn projection_codes(functions: &SignedProjection<'_>, vectors: Matrix<'_>, out: &mut [u32])
                    = generic::projection::projection_codes::<F32x16, $projection>;
                fn projection_codes_sparse(functions: &SignedProjection<'_>, ids: RowIds<'_>, values: &[f32], out: &mut [u32])
                    = generic::projection::projection_codes_sparse::<F32x16, $projection>;
            });
        }

        mod random {
            use super::compare::$random_lanes;
            use crate::api::random::Table;
            use crate::generic;
            use crate::rng::RngKey;

            wrappers!($features, Table {
                fn random_words(key: RngKey, first: u64, out: &mut [u32]) = generic::random::random_words::<$random_lanes, $random>;
            });
        }

        mod row_dot {
            use half::bf16;

            use super::F32x16;
            use crate::api::row_dot::Table;
            use crate::generic::pairs::Widening;
            use crate::{Matrix, RowIds, generic, views};

            wrappers!($features, Table {
                fn rows_dot(table: views::Table<'_>, rows: RowIds<'_>, vector: &[f32], out: &mut [f32])
                    = generic::row_dot::rows_dot::<F32x16, $rows_ahead, $rows>;
                fn rows_dot_bf16(table: Matrix<'_, bf16>, rows: RowIds<'_>, vector: &[bf16], out: &mut [f32])
                    = generic::row_dot::rows_dot_of_pairs::<F32x16, Widening, $pairs_ahead, $pairs>;
                fn vectors_dot(row: &[f32], vectors: Matrix<'_>, ids: RowIds<'_>, out: &mut [f32])
                    = generic::row_dot::vectors_dot::<F32x16, $rows_ahead, $rows>;
            });
        }

        mod row_update {
            use super::F32x16;
            use crate::api::optimiser::{AdagradStep, AdamStep, MomentumStep, Target};
            use crate::api::row_update::{Rounding, Table};
            use crate::generic::optimiser::{Adagrad, Adam, Momentum};
            use crate::generic::row_update::{update_rows, update_scattered};
            use crate::{Matrix, RowIds, TableMut};

            wrappers!($features, Table {
                fn adam_rows(
                    target: Target<'_, TableMut<'_>, 2>,
                    rows: RowIds<'_>,
                    gradient: Matrix<'_>,
                    rounding: Rounding,
                    step: &AdamStep,
                ) = update_rows::<F32x16, Adam<F32x16>, 2>;
                fn momentum_rows(
                    target: Target<'_, TableMut<'_>, 1>,
                    rows: RowIds<'_>,
                    gradient: Matrix<'_>,
                    rounding: Rounding,
                    step: &MomentumStep,
                ) = update_rows::<F32x16, Momentum<F32x16>, 1>;
                fn adagrad_rows(
                    target: Target<'_, TableMut<'_>, 1>,
                    rows: RowIds<'_>,
                    gradient: Matrix<'_>,
                    rounding: Rounding,
                    step: &AdagradStep,
                ) = update_rows::<F32x16, Adagrad<F32x16>, 1>;
                fn adam_scattered(target: Target<'_, &mut [f32], 2>, rows: RowIds<'_>, gradient: &[f32], step: &AdamStep)
                    = update_scattered::<F32x16, Adam<F32x16>, 2>;
                fn momentum_scattered(target: Target<'_, &mut [f32], 1>, rows: RowIds<'_>, gradient: &[f32], step: &MomentumStep)
                    = update_scattered::<F32x16, Momentum<F32x16>, 1>;
                fn adagrad_scattered(target: Target<'_, &mut [f32], 1>, rows: RowIds<'_>, gradient: &[f32], step: &AdagradStep)
                    = update_scattered::<F32x16, Adagrad<F32x16>, 1>;
            });
        }

        mod sddmm {
            use super::F32x16;
            use crate::api::optimiser::{AdagradStep, AdamStep, MomentumStep, Target};
            use crate::api::sddmm::{Backward, Table};
            use crate::generic::optimiser::{Adagrad, Adam, Momentum};
            use crate::generic::sddmm;
            use crate::{CscPattern, Matrix, TableMut, views};

            wrappers!($features, Table {
                fn forward(
                    table: views::Table<'_>,
                    bias: &[f32],
                    pattern: &CscPattern<'_>,
                    vectors: Matrix<'_>,
                    out: &mut [f32],
                ) = sddmm::forward::<F32x16, $sddmm_forward>;
                fn adam_backward(target: Target<'_, TableMut<'_>, 2>, work: Backward<'_>, step: &AdamStep)
                    = sddmm::backward::<F32x16, Adam<F32x16>, 2, $adam>;
                fn momentum_backward(target: Target<'_, TableMut<'_>, 1>, work: Backward<'_>, step: &MomentumStep)
                    = sddmm::backward::<F32x16, Momentum<F32x16>, 1, $one_state>;
                fn adagrad_backward(target: Target<'_, TableMut<'_>, 1>, work: Backward<'_>, step: &AdagradStep)
                    = sddmm::backward::<F32x16, Adagrad<F32x16>, 1, $one_state>;
            });
        }

        mod softmax {
            use super::F32x16;
            use crate::api::softmax::Table;
            use crate::{Matrix, MatrixMut, generic};

            wrappers!($features, Table {
                fn max_sum(values: &[f32]) -> (f32, f32) = generic::softmax::max_sum::<F32x16>;
                fn softmax(z: &mut [f32], total: f32, labels: &[u32], targets: &[f32]) -> (f32, f32)
                    = generic::softmax::softmax::<F32x16>;
                fn column_max_sum(z: Matrix, max: &mut [f32], sum: &mut [f32]) = generic::softmax::column_max_sum::<F32x16>;
                fn softmax_columns(z: MatrixMut, max: &[f32], inverse_sum: &[f32]) = generic::softmax::softmax_columns::<F32x16>;
                fn softmax_entries(z: &mut [f32], examples: &[u32], max: &[f32], inverse_sum: &[f32])
                    = generic::softmax::softmax_entries::<F32x16>;
            });
        }

        mod topk {
            use super::F32x16;
            use crate::api::topk::Table;
            use crate::generic;

            wrappers!($features, Table {
                fn top_k(scores: &[f32], indices: &mut [u32], values: &mut [f32]) = generic::topk::top_k::<F32x16>;
                fn select_above(scores: &[f32], threshold: f32, indices: &mut [u32], values: &mut [f32]) -> usize
                    = generic::topk::select_above::<F32x16>;
            });
        }
    };
}
