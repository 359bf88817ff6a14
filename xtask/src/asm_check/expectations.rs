//! What the machine code of each kernel must hold, and what it may: add a line here for a new kernel.

use anyhow::{Context as _, Result};
use regex::Regex;
use slide_kernels::Isa;

use super::Kernel;

/// What the hot loop of a kernel consists of: regular expressions of one instruction.
struct Work {
    /// `VECTOR` stands for the level's registers.
    x86: &'static str,
    neon: &'static str,
    sve: &'static str,
}

const MULTIPLY_ADD: Work =
    Work { x86: r"^vf[n]?m(add|sub)\d+ps .*VECTOR", neon: r"^fml[as] v\d+\.4s", sve: r"^fn?m(l|a|s)[adbs]+ z\d+\.s" };
const DIVISION: Work = Work { x86: r"^vdivps .*VECTOR", neon: r"^fdiv v\d+\.4s", sve: r"^fdivr? z\d+\.s" };
const COMPARISON: Work = Work {
    x86: r"^v(max|min)ps .*VECTOR|^vp?cmp\w+ .*VECTOR",
    neon: r"^f(max|min)\w* v\d+\.4s|^f?cm\w+ v\d+\.4s",
    sve: r"^f(max|min)\w* z\d+\.s|^f?cm\w+ p\d+\.s",
};
const INTEGER_PRODUCT: Work =
    Work { x86: r"^vpmuludq .*VECTOR", neon: r"^umull2? v\d+\.2d", sve: r"^(mul|umulh) z\d+\.s" };
const SHUFFLE: Work =
    Work { x86: r"^v(unpck|shuf|perm)\w+ .*VECTOR", neon: r"^(zip|trn|uzp)[12] v\d+", sve: r"^(zip|trn|uzp)[12] z\d+" };
const PRODUCT: Work =
    Work { x86: r"^v(mulps|fmadd\d+ps) .*VECTOR", neon: r"^fm(ul|la) v\d+\.4s", sve: r"^fm(ul|la|ad) z\d+\.s" };
const BYTE_PRODUCT: Work = Work {
    x86: r"^vpmaddubsw .*VECTOR",
    neon: r"^(sm[ul]\w+|mul) v\d+\.8h|^u?sdot v\d+\.4s",
    sve: r"^[us]+dot z\d+\.s",
};
const WIDE_PRODUCT: Work =
    Work { x86: r"^vpmaddwd .*VECTOR", neon: r"^(sm[ul]\w+|mul) v\d+\.8h", sve: r"^[us]+dot z\d+\.s" };
const EXCLUSIVE_OR: Work = Work { x86: r"^vp?(xor|ternlog)\w* .*VECTOR", neon: r"^eor v\d+", sve: r"^eor z\d+" };
const MOVE: Work = Work { x86: r"^vmov\w+ .*VECTOR", neon: r"^(ld|st)[rp] q\d+", sve: r"^(ld|st)1w \{ z\d+" };
const WIDENING: Work =
    Work { x86: r"^vp(movzxwd|ermw) .*VECTOR", neon: r"^zip[12] v\d+", sve: r"^uunpk(lo|hi) z\d+\.s" };
const SHIFT: Work = Work { x86: r"^vpsrld .*VECTOR", neon: r"^u?shr v\d+\.4s", sve: r"^lsr z\d+\.s" };
const TO_HALVES: Work = Work { x86: r"^vcvtps2ph .*VECTOR", neon: r"^fcvtn2? v\d+", sve: r"^fcvt z\d+\.h" };
const OF_HALVES: Work = Work { x86: r"^vcvtph2ps .*VECTOR", neon: r"^fcvtl2? v\d+", sve: r"^fcvt z\d+\.s" };
const PACKING: Work = Work { x86: r"^vpcompressd .*VECTOR", neon: r"^orr v\d+", sve: r"^compact z\d+\.s" };
const ADDITION: Work =
    Work { x86: r"^v(add|sub)ps .*VECTOR", neon: r"^f(add|sub) v\d+\.4s", sve: r"^f(add|sub) z\d+\.s" };
const BIT_SHIFT: Work = Work { x86: r"^vpsllv?d .*VECTOR", neon: r"^u?shl v\d+\.4s", sve: r"^lsl z\d+\.s" };
const BIT_COUNT: Work = Work { x86: r"^vpshufb .*VECTOR", neon: r"^cnt v\d+", sve: r"^cnt z\d+" };

/// By kernel, or for a whole family; the more exact line counts.
const EXPECTED: &[(&str, Work)] = &[
    ("axpy", MULTIPLY_ADD),
    ("blocks", BYTE_PRODUCT),
    ("byte_gemm", WIDE_PRODUCT),
    ("codes", BIT_COUNT),
    ("codes::pack_codes", BIT_SHIFT),
    ("convert::f32_to_bf16", SHIFT),
    ("convert::bf16_to_f32", WIDENING),
    ("convert::f32_to_f16", TO_HALVES),
    ("convert::f16_to_f32", OF_HALVES),
    ("csr_to_csc", PACKING),
    ("dot", MULTIPLY_ADD),
    ("elementwise", MULTIPLY_ADD),
    ("elementwise::relu", COMPARISON),
    ("elementwise::relu_backward", COMPARISON),
    ("elementwise::dropout", COMPARISON),
    ("embedding", MULTIPLY_ADD),
    ("gemm", MULTIPLY_ADD),
    ("hadamard", ADDITION),
    ("hash", COMPARISON),
    ("loss", MULTIPLY_ADD),
    ("probe::divisions", DIVISION),
    ("probe::multiply_adds", MULTIPLY_ADD),
    ("probe::read", EXCLUSIVE_OR),
    ("probe::read_rows", EXCLUSIVE_OR),
    ("probe::update", MOVE),
    ("projection", ADDITION),
    ("quant", BYTE_PRODUCT),
    ("quant::quantize_rows_i8", PRODUCT),
    ("quant::quantize_rows_u8", PRODUCT),
    ("quant::dequantize_i8", PRODUCT),
    ("quant::dequantize_u8", PRODUCT),
    ("random", INTEGER_PRODUCT),
    ("row_dot", MULTIPLY_ADD),
    ("row_update", MULTIPLY_ADD),
    ("sddmm", MULTIPLY_ADD),
    ("softmax", MULTIPLY_ADD),
    ("sparse_dot", MULTIPLY_ADD),
    ("sparse_hash", COMPARISON),
    ("topk", COMPARISON),
    ("transpose", SHUFFLE),
];

/// For one level instead of the above: instructions that only it has.
const SPECIAL: &[(Isa, &str, &str)] = &[
    (Isa::Avx512Popcnt, "codes", r"^vpopcntq .*%zmm"),
    (Isa::Avx512Bf16, "dot::dot_bf16", r"^vdpbf16ps .*%zmm"),
    (Isa::Avx512Bf16, "gemm", r"^vdpbf16ps .*%zmm"),
    (Isa::Avx512Bf16, "row_dot::rows_dot_bf16", r"^vdpbf16ps .*%zmm"),
    // Bytes with zeros between them come from a shuffle of a broadcast: one micro-operation less.
    (Isa::Avx2, "convert::bf16_to_f32", r"^vpshufb .*%ymm"),
    // It cannot pack lanes, but looks for counters in vectors.
    (Isa::Avx2, "csr_to_csc", r"^vpor .*%ymm"),
    (Isa::Avx512Vnni, "blocks", r"^vpdpbusd .*%zmm"),
    (Isa::Avx512Vnni, "byte_gemm", r"^vpdpbusd .*%zmm"),
    (Isa::Avx512Vnni, "quant", r"^vpdpbusd .*%zmm"),
    (Isa::NeonBf16, "blocks", r"^sdot v\d+\.4s"),
    (Isa::NeonBf16, "byte_gemm", r"^u?s?mmla v\d+\.4s"),
    (Isa::NeonBf16, "dot::dot_bf16", r"^bfmlal[bt] v"),
    (Isa::NeonBf16, "dot::dot_bf16_native", r"^bfdot v"),
    (Isa::NeonBf16, "gemm", r"^bfmmla v\d+\.4s"),
    (Isa::NeonBf16, "row_dot::rows_dot_bf16", r"^bfmlal[bt] v"),
    (Isa::NeonBf16, "row_dot::rows_dot_bf16_native", r"^bfdot v"),
    // They have nothing to multiply.
    (Isa::Neon, "blocks::score_bit_blocks", r"^sadalp v\d+\.8h"),
    (Isa::Neon, "quant::row_sums_i8", r"^sadalp v\d+\.4s"),
    (Isa::NeonBf16, "quant", r"^u?sdot v\d+\.4s"),
];

/// Functions beside a kernel that hold its hot loops, all of them.
pub(super) const PARTS: &[&str] = &["byte_gemm::tile", "gemm::tile"];

/// Two kernels that the compiler may merge into one of them, because they are the same instructions.
const MERGED: &[(Isa, [&str; 2])] = &[
    // There is no gather to do without.
    (Isa::Neon, ["sparse_dot::dot", "sparse_dot::dot_without_gather"]),
];

/// Calls that loops may make: kernel or family, what is called, and why that costs nothing that counts.
const CALLS: &[(&str, &str, &str)] = &[
    ("byte_gemm", r"^\*|^x\d+$|::byte_gemm::tile$", "a tile is hundreds of products"),
    ("byte_gemm", "^memset$", "once a step of a panel, for lanes that have no vector"),
    ("gemm", r"^\*|^x\d+$|::gemm::tile$", "a tile is hundreds of multiply-adds"),
    ("gemm::backward", "::Product::tiles_of_rows$", "once a panel"),
    ("hash", "^memset$|^memcpy$", "once a row, which is copied and filled up with zeros"),
    ("hash", "::scalar::hash::densify$", "once a row, for its empty bins"),
    ("row_dot", "^memcpy$", "the last results, fewer than four"),
    ("random::random_words", "::rng::philox$", "the last words, fewer than a vector"),
    ("projection", r"^memcpy$|^\*%r\d+$", "once a vector, for the last codes"),
    ("projection::projection_codes_sparse", "^memset$", "once, where there are no values"),
    ("topk::top_k", "^memmove$", "for the rare score that enters the list"),
    ("topk::top_k", "::topk::merge$", "when the buffer of candidates is full, for many greatest"),
    ("topk::top_k", "::topk::choose$", "when the buffer of candidates is full"),
    ("topk::select_above", r"^memcpy$|^\*%r\w+$", "for the last place of the output that does not take a whole vector"),
];

/// Hot loops that may branch to a panic this often: kernel or family, and why.
const CHECKS: &[(&str, usize, &str)] = &[
    ("hadamard", 2, "the bounds of a block that fits the registers, 64 elements or more"),
    ("hash::simhash_codes", 2, "where a bit of the codes of sixteen tables lies"),
    (
        "projection::projection_codes_sparse",
        1,
        "the bound of a coordinate's number; each is looked up in dozens of signs",
    ),
];

/// 16 registers: values wait on the stack, and constants are read again.
const HALVES: &str = "two registers for sixteen lanes: 16 do not hold the values of a step and its constants";
/// 32 registers, the same.
const QUARTERS: &str = "four registers for sixteen lanes: 32 do not hold the values of a step and its constants";

/// Hot loops that may move vectors to and from the stack this often, and why.
const SPILLS: &[(Isa, &str, usize, &str)] = &[
    (Isa::Avx2, "sddmm", 14, HALVES),
    (Isa::Neon, "sddmm", 12, QUARTERS),
    (Isa::Avx512, "sddmm::adam_backward", 6, "random words for three numbers wait until those are there to be rounded"),
    (
        Isa::Avx2,
        "blocks::score_bit_blocks",
        44,
        "16 registers do not hold two for each of four sums, codes of sixteen rows, the same shifted, and four masks",
    ),
    (Isa::Avx2, "codes", 15, "two registers for the counts of each of four rows, which wait while others are counted"),
    (Isa::Neon, "convert::f32_to_bf16", 10, "constants that make and apply the random words are read again"),
    (Isa::Avx2, "dot::dot_bf16", 2, "16 registers hold 8 sums and what is widened; the shuffles are the limit"),
    (Isa::Neon, "dot::dot_bf16", 16, "32 registers hold 16 sums and what is widened, which the compiler orders badly"),
    (
        Isa::Neon,
        "row_dot::rows_dot_bf16",
        4,
        "32 registers hold 16 sums, 8 of the vector, what is widened, and a constant",
    ),
    (
        Isa::Avx2,
        "row_dot::rows_dot_bf16",
        2,
        "16 registers hold 8 sums, 4 of the vector, what is widened, and a constant",
    ),
    (Isa::Avx2, "elementwise::ln", 3, "constants are read again"),
    (Isa::Neon, "elementwise::ln", 9, "constants are read again"),
    (Isa::Neon, "elementwise::sigmoid", 6, QUARTERS),
    (Isa::Avx2, "elementwise::softplus", 5, HALVES),
    (Isa::Neon, "elementwise::softplus", 20, QUARTERS),
    (Isa::Avx2, "hadamard", 21, "16 registers do not hold 16 vectors of a round and what comes of them"),
    (
        Isa::Avx2,
        "hash",
        20,
        "16 registers do not hold the values of eight places of sixteen bins, and the numbers of the places",
    ),
    (Isa::Avx2, "hash::simhash_codes", 15, "16 registers do not hold 16 vectors of a round and what comes of them"),
    (
        Isa::Neon,
        "hash::simhash_codes",
        30,
        "32 registers hold 16 vectors of a round, but not what a batch needs beside them",
    ),
    (Isa::Avx2, "loss", 9, HALVES),
    (Isa::Avx2, "loss::binary_cross_entropy", 21, HALVES),
    (Isa::Neon, "loss", 36, QUARTERS),
    (Isa::Avx2, "random", 22, "two registers for each of 4 words of 16 counters, and twice as many for their products"),
    (Isa::Neon, "random", 6, "32 registers do not hold 3 vectors of 4 words, what their products need, and the keys"),
    (Isa::Avx2, "row_update", 22, HALVES),
    (Isa::Neon, "row_update", 13, QUARTERS),
    (Isa::Avx2, "row_update::adam_scattered", 58, "scattered elements are collected there"),
    (Isa::Avx512, "row_update::adam_scattered", 39, "scattered elements are collected there"),
    (Isa::Neon, "row_update::adam_scattered", 73, "scattered elements are collected there"),
    (Isa::Avx512, "row_update::momentum_scattered", 21, "scattered elements are collected there"),
    (Isa::Avx2, "row_update::momentum_scattered", 26, "constants are read again for each element"),
    (Isa::Neon, "softmax", 6, QUARTERS),
    (Isa::Avx512, "topk::top_k", 1, "the numbers of the lanes are read again where there are survivors"),
    (Isa::Neon, "topk", 21, "the numbers of the lanes are read again for each vector that has a survivor"),
];

/// The same for other innermost loops over vectors.
const SPILLS_BESIDE: &[(Isa, &str, usize, &str)] = &[
    (Isa::Neon, "gemm::backward", 1, "once a panel, after a call"),
    (Isa::Avx512, "gemm::backward", 5, "which half of a word a bf16 becomes is read again where rows are packed"),
    (Isa::Avx2, "hash::simhash_codes", 24, "16 registers do not hold 16 vectors of a round and what comes of them"),
    (Isa::Avx512, "hash", 96, "a block of 16 x 16 that the rows do not fill is put together there"),
    (Isa::Avx512, "hash::simhash_codes", 86, "a block of 16 x 16 that the rows do not fill is put together there"),
    (Isa::Neon, "hash::simhash_codes", 4, "a block of 16 x 16 that the rows do not fill is put together there"),
    (Isa::Neon, "hash", 3, "a block of 16 x 16 that the rows do not fill is put together there"),
    (Isa::Avx2, "loss::sigmoid_columns", 16, NO_COLUMNS),
    (
        Isa::Avx512,
        "projection::projection_codes_sparse",
        1,
        "the last codes, fewer than a vector, are copied from there",
    ),
    (Isa::Avx2, "random", 2, "the last words, fewer than a vector, come by calls"),
    (Isa::Avx2, "softmax::column_max_sum", 16, NO_COLUMNS),
    (Isa::Avx2, "softmax::softmax_columns", 16, NO_COLUMNS),
    (
        Isa::Neon,
        "softmax",
        24,
        "32 registers do not hold four times sixteen maxima, as many numbers, and how they compare",
    ),
    (Isa::Avx2, "topk", 3, "ranks of the first scores, once a call: constants are read again"),
    (Isa::Avx2, "topk::select_above", 3, "for the last place of the output that does not take a whole vector"),
    (Isa::Neon, "topk::top_k", 3, "when the buffer of candidates is full, after a call"),
    (Isa::Neon, "topk::select_above", 2, "for the last place of the output that does not take a whole vector"),
];

const NO_COLUMNS: &str = "where there are no columns, only the bounds of the rows are left to be checked";

/// What counts for one kernel on one level.
pub(super) struct Expectation {
    pub(super) pattern: Regex,
    /// The function beside the kernel's own that has the hot loops.
    pub(super) part: Option<&'static str>,
    /// Callees that loops may call.
    pub(super) calls: Vec<Regex>,
    /// Branches to panics that a hot loop may have.
    pub(super) checks: usize,
    /// Moves of vectors to and from the stack that a hot loop may make.
    pub(super) spills: usize,
    /// The same for another loop over vectors.
    pub(super) spills_beside: usize,
}

impl Expectation {
    /// None if no line is about the kernel.
    pub(super) fn of(kernel: &Kernel) -> Result<Option<Self>> {
        let lines = EXPECTED.iter().filter(|(of, _)| is_about(of, kernel));
        let Some((_, work)) = lines.max_by_key(|(of, _)| of.len()) else { return Ok(None) };
        let special = SPECIAL.iter().filter(|(isa, of, _)| *isa == kernel.isa && is_about(of, kernel));
        let special = special.max_by_key(|(_, of, _)| of.len());
        let pattern = match (special, kernel.isa) {
            (Some((.., pattern)), _) => (*pattern).to_owned(),
            (None, Isa::Sve) => work.sve.to_owned(),
            (None, Isa::Neon | Isa::NeonBf16) => work.neon.to_owned(),
            (None, Isa::Avx2) => work.x86.replace("VECTOR", "%ymm"),
            (None, _) => work.x86.replace("VECTOR", "%zmm"),
        };
        let family = kernel.name.split_once("::").map_or("", |(family, _)| family);
        let part = PARTS.iter().filter_map(|part| part.split_once("::")).find(|(of, _)| *of == family);
        let regex = |pattern: &str| Regex::new(pattern).with_context(|| format!("`{pattern}`"));
        let calls = CALLS.iter().filter(|(of, ..)| is_about(of, kernel)).map(|(_, callee, _)| regex(callee));
        let calls = calls.collect::<Result<_>>()?;
        let (spills, spills_beside) = (most_spills(SPILLS, kernel), most_spills(SPILLS_BESIDE, kernel));
        let checks = CHECKS.iter().filter(|(of, ..)| is_about(of, kernel)).max_by_key(|(of, ..)| of.len());
        let checks = checks.map_or(0, |(_, most, _)| *most);
        let (pattern, part) = (regex(&pattern)?, part.map(|(_, part)| part));
        Ok(Some(Self { pattern, part, calls, checks, spills, spills_beside }))
    }
}

fn most_spills(lines: &[(Isa, &str, usize, &str)], kernel: &Kernel) -> usize {
    let lines = lines.iter().filter(|(isa, of, ..)| *isa == kernel.isa && is_about(of, kernel));
    lines.max_by_key(|(_, of, ..)| of.len()).map_or(0, |(_, _, most, _)| *most)
}

/// The other kernel that the compiler may have merged it with.
pub(super) fn merged_with(kernel: &Kernel) -> Option<&'static str> {
    let merged = MERGED.iter().filter(|(isa, _)| *isa == kernel.isa).map(|(_, names)| names);
    merged.flat_map(|&[a, b]| [(a, b), (b, a)]).find(|(name, _)| *name == kernel.name).map(|(_, other)| other)
}

fn is_about(of: &str, kernel: &Kernel) -> bool {
    kernel.name.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use slide_kernels::list::KERNELS;

    use super::*;

    fn expectation(isa: Isa, name: &str) -> Option<Expectation> {
        Expectation::of(&Kernel { isa, name: name.to_owned() }).unwrap()
    }

    #[test]
    fn every_kernel_has_one_on_every_level() {
        for kernel in KERNELS {
            for &isa in Isa::ALL {
                let name = format!("{}::{}", kernel.family, kernel.name);
                assert!(expectation(isa, &name).is_some(), "{name}");
            }
        }
        assert!(expectation(Isa::Avx2, "dots::dot").is_none());
    }

    #[test]
    fn the_more_exact_line_counts() {
        let [exp, relu] = ["elementwise::exp", "elementwise::relu"].map(|name| expectation(Isa::Avx512, name).unwrap());
        assert!(exp.pattern.is_match("vfmadd213ps (%rax), %zmm1, %zmm2"));
        assert!(!exp.pattern.is_match("vfmadd213ps (%rax), %ymm1, %ymm2"));
        assert!(relu.pattern.is_match("vmaxps %zmm1, %zmm0, %zmm0"));
        assert_eq!(expectation(Isa::Avx2, "gemm::forward").unwrap().part, Some("tile"));
    }
}
