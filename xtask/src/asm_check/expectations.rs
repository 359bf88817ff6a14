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
    Work { x86: r"^vf[n]?m(add|sub)\d+ps .*VECTOR", neon: r"^fmla v\d+\.4s", sve: r"^fml[as] z\d+\.s|^fmad z\d+\.s" };
const MAXIMUM: Work = Work {
    x86: r"^v(max|min)ps .*VECTOR|^vp?cmp\w+ .*VECTOR",
    neon: r"^f(max|min|cmg)\w* v\d+\.4s",
    sve: r"^f(max|cmg)\w* [zp]\d+",
};
const INTEGER_PRODUCT: Work =
    Work { x86: r"^vpmuludq .*VECTOR", neon: r"^umull2? v\d+\.2d", sve: r"^(mul|umulh) z\d+\.s" };
const SHUFFLE: Work =
    Work { x86: r"^v(unpck|shuf|perm)\w+ .*VECTOR", neon: r"^(zip|trn)[12] v\d+", sve: r"^(zip|trn)[12] z\d+" };

/// By kernel, or for a whole family; the more exact line counts.
const EXPECTED: &[(&str, Work)] = &[
    ("active", MULTIPLY_ADD),
    ("dot", MULTIPLY_ADD),
    ("elementwise", MULTIPLY_ADD),
    ("elementwise::relu", MAXIMUM),
    ("elementwise::relu_backward", MAXIMUM),
    ("elementwise::dropout", MAXIMUM),
    ("embedding", MULTIPLY_ADD),
    ("gemm", MULTIPLY_ADD),
    ("hash", MAXIMUM),
    ("loss", MULTIPLY_ADD),
    ("random", INTEGER_PRODUCT),
    ("row_dot", MULTIPLY_ADD),
    ("row_update", MULTIPLY_ADD),
    ("softmax", MULTIPLY_ADD),
    ("topk", MAXIMUM),
    ("transpose", SHUFFLE),
];

/// For one level instead of the above: instructions that only it has.
const SPECIAL: &[(Isa, &str, &str)] = &[];

/// Functions beside a kernel that hold its hot loops, all of them.
pub(super) const PARTS: &[&str] = &["gemm::tile"];

/// Calls that loops may make: kernel or family, what is called, and why that costs nothing that counts.
const CALLS: &[(&str, &str, &str)] = &[
    ("gemm", r"^\*%|^x\d+$|::gemm::tile$", "a tile is hundreds of multiply-adds"),
    ("hash::simhash_codes", "^mem(set|cpy)$", "the last values of a row, and the zeros behind them"),
    ("random::random_words", "::rng::philox$", "the last words, fewer than a vector"),
];

/// Hot loops that may move vectors to and from the stack this often, and why.
const SPILLS: &[(Isa, &str, usize, &str)] = &[];

/// What counts for one kernel on one level.
pub(super) struct Expectation {
    pub(super) pattern: Regex,
    /// The function beside the kernel's own that has the hot loops.
    pub(super) part: Option<&'static str>,
    /// Callees that loops may call.
    pub(super) calls: Vec<Regex>,
    /// Moves of vectors to and from the stack that a loop may make.
    pub(super) spills: usize,
}

impl Expectation {
    /// None if no line is about the kernel.
    pub(super) fn of(kernel: &Kernel) -> Result<Option<Self>> {
        let lines = EXPECTED.iter().filter(|(of, _)| is_about(of, kernel));
        let Some((_, work)) = lines.max_by_key(|(of, _)| of.len()) else { return Ok(None) };
        let special = SPECIAL.iter().find(|(isa, of, _)| *isa == kernel.isa && is_about(of, kernel));
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
        let spills = SPILLS.iter().find(|(isa, of, ..)| *isa == kernel.isa && is_about(of, kernel));
        let spills = spills.map_or(0, |(_, _, most, _)| *most);
        Ok(Some(Self { pattern: regex(&pattern)?, part: part.map(|(_, part)| part), calls, spills }))
    }
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
