//! The list of all kernels. The table of the crate page, the checks of the machine code, the instruction counts and the
//! benchmarks are driven by it; a test compares it with the tables of the back ends.

use crate::Isa;

/// A kernel and the levels that implement it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Kernel {
    /// The file of its family in every back end.
    pub family: &'static str,
    /// Its name within the family: in the level `avx2` it is the function `x86::avx2::<family>::<name>`.
    pub name: &'static str,
    /// The method of [`Kernels`](crate::Kernels) that calls it.
    pub method: &'static str,
    /// What it computes, in a line.
    pub formula: &'static str,
    /// The formats that it reads and writes.
    pub types: &'static str,
    /// The levels with an own implementation, besides `scalar`; the others use that of the level below.
    pub levels: &'static [Isa],
    /// The levels with a different one for [`Precision::Native`](crate::Precision::Native).
    pub native: &'static [Isa],
}

const fn kernel(
    family: &'static str,
    name: &'static str,
    method: &'static str,
    formula: &'static str,
    types: &'static str,
    levels: &'static [Isa],
) -> Kernel {
    Kernel { family, name, method, formula, types, levels, native: &[] }
}

impl Kernel {
    const fn native(self, native: &'static [Isa]) -> Kernel {
        Kernel { native, ..self }
    }
}

/// One generic body over sixteen lanes, instantiated for each vector width.
const ALL: &[Isa] = &[Isa::Avx2, Isa::Avx512, Isa::Neon];
/// Also with SVE, where loads are the bottleneck.
const ALL_SVE: &[Isa] = &[Isa::Avx2, Isa::Avx512, Isa::Neon, Isa::Sve];
/// Written for 128- and 256-bit vectors; wider ones would not help.
const SHORT: &[Isa] = &[Isa::Avx2, Isa::Neon];
/// Scattered single elements: no vectorisation possible.
const NONE: &[Isa] = &[];
/// Levels with a vector population count.
const POPCNT: &[Isa] = &[Isa::Avx2, Isa::Avx512, Isa::Avx512Popcnt, Isa::Neon];
/// Products of bytes: every level has its own instructions for them.
const BYTES: &[Isa] = &[Isa::Avx2, Isa::Avx512, Isa::Avx512Vnni, Isa::Neon, Isa::NeonBf16];
/// Vectorised by the compiler, for the baseline and for AVX2; wider vectors would not help.
const AVX2: &[Isa] = &[Isa::Avx2];

/// One generic body over vectors of pairs; on Arm `bfmlalb` and `bfmlalt` widen.
const PAIRS: &[Isa] = &[Isa::Avx2, Isa::Avx512, Isa::Neon, Isa::NeonBf16];

/// The levels with native dot products of `bf16` pairs.
const NATIVE: &[Isa] = &[Isa::Avx512Bf16, Isa::NeonBf16];

/// Every kernel of the crate, by family.
#[rustfmt::skip]
pub const KERNELS: &[Kernel] = &[
    kernel("axpy", "axpy", "axpy", "y = a x + y", "f32, bf16 x", ALL),
    kernel("blocks", "score_nibble_blocks", "score_nibble_blocks", "out_i = s_i s sum_k (c_ik - 8) x_k + o_i + b, for blocks of 16 rows", "4 bits x i8 to f32", BYTES),
    kernel("blocks", "score_bit_blocks", "score_bit_blocks", "the same with x_k where bit c_ik is 1, -x_k where it is 0", "1 bit x i8 to f32", BYTES),
    kernel("byte_gemm", "gemm_i8", "gemm_i8", "Z = W X^T for chosen rows of W", "i8 x i8 to i32", BYTES),
    kernel("byte_gemm", "gemm_u8_i8", "gemm_u8_i8", "Z = W X^T for chosen rows of W", "i8 x u8 to i32", BYTES),
    kernel("codes", "pack_codes", "pack_codes", "out_t = sum_k v_kt 2^(k b)", "u32", ALL),
    kernel("codes", "hamming", "hamming", "number of ones of a ^ b", "u64", POPCNT),
    kernel("codes", "hamming_rows", "hamming_rows", "out_i = number of ones of c_i ^ a", "u64", POPCNT),
    kernel("codes", "hamming_scattered", "hamming_scattered", "out_i = number of ones of c_{n_i} ^ a", "u64", POPCNT),
    kernel("convert", "f32_to_bf16", "f32_to_bf16", "nearest, or stochastic", "f32, bf16", ALL),
    kernel("convert", "bf16_to_f32", "bf16_to_f32", "exact", "bf16, f32", ALL),
    kernel("convert", "f32_to_f16", "f32_to_f16", "nearest", "f32, f16", ALL),
    kernel("convert", "f16_to_f32", "f16_to_f32", "exact", "f16, f32", ALL),
    kernel("csr_to_csc", "scan", "csr_to_csc", "CSR (rows of each example) -> CSC (examples of each row)", "u32, f32 values", ALL),
    kernel("dot", "dot", "dot", "sum_i a_i b_i", "f32", ALL_SVE),
    kernel("dot", "dot_bf16", "dot_bf16", "sum_i a_i b_i", "bf16", PAIRS).native(NATIVE),
    kernel("dot", "dot_bf16_f32", "dot_bf16_f32", "sum_i a_i b_i", "bf16 weights, f32", ALL),
    kernel("elementwise", "relu", "relu", "x = max(x, 0)", "f32", ALL),
    kernel("elementwise", "relu_backward", "relu_backward", "dx = 0 where y <= 0", "f32", ALL),
    kernel("elementwise", "dropout", "dropout", "x = 0 or scale x, by random words", "f32", ALL),
    kernel("elementwise", "exp", "exp", "x = e^x", "f32", ALL),
    kernel("elementwise", "ln", "ln", "x = ln x", "f32", ALL),
    kernel("elementwise", "sigmoid", "sigmoid", "x = 1 / (1 + e^-x)", "f32", ALL),
    kernel("elementwise", "softplus", "softplus", "x = ln(1 + e^x)", "f32", ALL),
    kernel("embedding", "forward", "embedding_forward", "out = bias + sum_i v_i w_{n_i}", "f32, bf16 weights", ALL),
    kernel("embedding", "backward", "embedding_backward", "dw_{n_i} += v_i g", "f32", ALL),
    kernel("gemm", "forward", "gemm_forward", "Z = b + W X^T for chosen rows of W", "f32, bf16 weights", ALL).native(NATIVE),
    kernel("gemm", "backward", "gemm_backward", "dX += D^T W for chosen rows of W", "f32, bf16 weights", ALL),
    kernel("gemm", "gradient", "gemm_gradient", "dW += D X", "f32", ALL),
    kernel("hadamard", "hadamard", "hadamard", "x = H x", "f32", ALL),
    kernel("hash", "simhash_codes", "simhash_codes", "signs of H D x, K bits a table", "f32", ALL),
    kernel("hash", "wta_codes", "wta_codes", "place of the greatest of a bin", "f32", ALL),
    kernel("hash", "dwta_codes", "dwta_codes", "the same, empty bins densified", "f32", ALL),
    kernel("hash", "minhash_codes", "minhash_codes", "place of the first non-zero of a bin, densified", "f32", ALL),
    kernel("loss", "sigmoid_columns", "sigmoid_columns", "sigmoid(z), and the loss of labels 0 by column", "f32", ALL),
    kernel("loss", "sigmoid_entries", "sigmoid_entries", "sigmoid(z), and the loss of labels 0", "f32", ALL),
    kernel("loss", "binary_cross_entropy", "binary_cross_entropy", "sigmoid(z) - y, and the loss", "f32", ALL),
    kernel("probe", "multiply_adds", "probe_multiply_adds", "bare multiply-adds: the arithmetic peak", "f32", ALL),
    kernel("probe", "divisions", "probe_divisions", "bare divisions and square roots", "f32", ALL),
    kernel("probe", "read", "probe_read", "bare loads: bandwidth", "u32", ALL),
    kernel("probe", "read_rows", "probe_read_rows", "bare loads of scattered rows: bandwidth", "u32", ALL),
    kernel("probe", "update", "probe_update", "x = a x for three slices: bandwidth of a mix", "f32", ALL),
    kernel("projection", "projection_codes", "projection_codes", "signs of S x, S of random signs, K bits a table", "f32", ALL),
    kernel("projection", "projection_codes_sparse", "projection_codes_sparse", "the same of a sparse vector", "f32", ALL),
    kernel("quant", "quantize_rows_i8", "quantize_rows_i8", "q = round(x / s), s = max |x| / 127 of the row", "f32, bf16 to i8", ALL),
    kernel("quant", "quantize_rows_u8", "quantize_rows_u8", "q = round(x / s) + z, s = (max - min) / 255 of the vector", "f32 to u8", ALL),
    kernel("quant", "dequantize_i8", "dequantize_i8", "x = s q", "i8 to f32", AVX2),
    kernel("quant", "dequantize_u8", "dequantize_u8", "x = s (q - z)", "u8 to f32", AVX2),
    kernel("quant", "row_sums_i8", "row_sums_i8", "out_i = sum_k w_ik", "i8 to i32", BYTES),
    kernel("quant", "dot_i8", "dot_i8", "sum_i a_i b_i", "i8 x i8 to i32", BYTES),
    kernel("quant", "dot_u8_i8", "dot_u8_i8", "sum_i a_i b_i", "u8 x i8 to i32", BYTES),
    kernel("quant", "rows_dot_i8", "rows_dot_i8", "out_i = <w_{n_i}, x>", "i8 x i8 to i32", BYTES),
    kernel("quant", "rows_dot_u8_i8", "rows_dot_u8_i8", "out_i = <w_{n_i}, x>", "i8 x u8 to i32", BYTES),
    kernel("quant", "rows_dot_i8_scaled", "rows_dot_i8_scaled", "out_i = s_{n_i} s <w_{n_i}, x>", "i8 x i8 to f32", BYTES),
    kernel("quant", "rows_dot_u8_i8_scaled", "rows_dot_u8_i8_scaled", "out_i = s_{n_i} s <w_{n_i}, x - z>", "i8 x u8 to f32", BYTES),
    kernel("random", "random_words", "random_words", "Philox 4x32-10 of counters", "u32", ALL),
    kernel("row_dot", "rows_dot", "rows_dot", "out_i = <w_{n_i}, x>", "f32, bf16 weights", ALL_SVE),
    kernel("row_dot", "rows_dot_bf16", "rows_dot_bf16", "out_i = <w_{n_i}, x>", "bf16", PAIRS).native(NATIVE),
    kernel("row_dot", "vectors_dot", "vectors_dot", "out_i = <w, x_{s_i}>", "f32", ALL_SVE),
    kernel("row_update", "adam_rows", "update_rows", "Adam or AdamW on chosen rows", "f32, bf16 weights and states", ALL),
    kernel("row_update", "momentum_rows", "update_rows", "momentum or Nesterov's on chosen rows", "f32, bf16 weights and states", ALL),
    kernel("row_update", "adagrad_rows", "update_rows", "Adagrad on chosen rows", "f32, bf16 weights and states", ALL),
    kernel("row_update", "adam_scattered", "update_scattered", "Adam or AdamW on chosen elements", "f32", ALL),
    kernel("row_update", "momentum_scattered", "update_scattered", "momentum or Nesterov's on chosen elements", "f32", ALL),
    kernel("row_update", "adagrad_scattered", "update_scattered", "Adagrad on chosen elements", "f32", ALL),
    kernel("sddmm", "forward", "sddmm_forward", "out[e] = bias[n] + <w_n, x_s> for each pair e = (n, s)", "f32, bf16 weights", ALL),
    kernel("sddmm", "adam_backward", "sddmm_backward", "dx_s += c_e w_n; Adam on w_n with sum_s c_e x_s", "f32, bf16 weights and states", ALL),
    kernel("sddmm", "momentum_backward", "sddmm_backward", "the same with momentum", "f32, bf16 weights and states", ALL),
    kernel("sddmm", "adagrad_backward", "sddmm_backward", "the same with Adagrad", "f32, bf16 weights and states", ALL),
    kernel("softmax", "max_sum", "max_sum", "max, and sum of e^(x - max)", "f32", ALL),
    kernel("softmax", "softmax", "softmax", "z = e^(z - max) / sum", "f32", ALL),
    kernel("softmax", "column_max_sum", "column_max_sum", "the same, by column", "f32", ALL),
    kernel("softmax", "softmax_columns", "softmax_columns", "e^(z - max) / sum, by column", "f32", ALL),
    kernel("softmax", "softmax_entries", "softmax_entries", "the same, for listed entries", "f32", ALL),
    kernel("sparse_dot", "dot", "sparse_dot", "sum_i v_i x_{n_i}", "f32, bf16 dense", ALL),
    kernel("sparse_dot", "dot_without_gather", "sparse_dot", "the same, where gathers are slow", "f32, bf16 dense", ALL),
    kernel("sparse_dot", "sparse_sparse_dot", "sparse_sparse_dot", "sum of a_i b_j where n_i = m_j", "f32", ALL),
    kernel("sparse_hash", "wta_codes_sparse", "wta_codes_sparse", "wta_codes of a sparse vector", "f32", NONE),
    kernel("sparse_hash", "dwta_codes_sparse", "dwta_codes_sparse", "dwta_codes of a sparse vector", "f32", NONE),
    kernel("sparse_hash", "minhash_codes_sparse", "minhash_codes_sparse", "minhash_codes of a sparse vector", "f32", NONE),
    kernel("topk", "top_k", "top_k", "the k greatest, and where", "f32", ALL),
    kernel("topk", "select_above", "select_above", "those above a threshold, and where", "f32", ALL),
    kernel("transpose", "transpose", "transpose", "Y = X^T", "f32", SHORT),
];
