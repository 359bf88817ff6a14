//! [`crate::api::dot`] on SVE.

use core::arch::aarch64::*;
use core::arch::asm;

use crate::api::dot::Table;
use crate::arm::neon::lanes::reduce_register;
use crate::arm::neonbf16;

wrappers! {
    "neon", Table { fn dot(a: &[f32], b: &[f32]) -> f32 = dot_of; }
    const TABLE: Table = Table { dot, ..neonbf16::KERNELS.dot };
}

pub(crate) const NATIVE: Table = Table { dot, ..neonbf16::NATIVE.dot };

/// # Safety
/// The contract of [`Table::dot`]; vectors of SVE have 256 bits.
#[inline(always)]
unsafe fn dot_of(a: &[f32], b: &[f32]) -> f32 {
    // SAFETY: the slices have one length, which `Kernels::dot` asserted; `Isa::Sve` is detected only with vectors of
    // 256 bits.
    unsafe { reduce_register(lanes(a.as_ptr(), b.as_ptr(), a.len())) }
}

/// Multiplies and adds elements `8 j..8 j + 8` to register `j`, those of predicate `j`: the others keep their sum.
macro_rules! step {
    ($($j:literal $predicate:literal $a:literal $b:literal),*) => { concat!(
        $("ld1w {{", $a, ".s}}, ", $predicate, "/z, [{a}, #", $j, ", mul vl]\n",
          "ld1w {{", $b, ".s}}, ", $predicate, "/z, [{b}, #", $j, ", mul vl]\n",)*
        $("fmla z", $j, ".s, ", $predicate, "/m, ", $a, ".s, ", $b, ".s\n",)*
    ) };
}

/// The 64 virtual lanes (lanes `8 j..8 j + 8` in register `j`), reduced to four.
///
/// # Safety
/// SVE is available with vectors of 256 bits; `a` and `b` are valid for reading `n` elements.
#[inline(always)]
unsafe fn lanes(a: *const f32, b: *const f32, n: usize) -> float32x4_t {
    let four: float32x4_t;
    // SAFETY: guaranteed by the caller. The loop reads 64 elements while there are as many; then `whilelo` makes predicates of those
    // that are left, and no others are touched. Nothing is written.
    unsafe {
        asm!(
            ".arch_extension sve",
            "ptrue p0.s",
            "movi v0.2d, #0", "movi v1.2d, #0", "movi v2.2d, #0", "movi v3.2d, #0",
            "movi v4.2d, #0", "movi v5.2d, #0", "movi v6.2d, #0", "movi v7.2d, #0",
            "subs {n}, {n}, #64",
            "b.lo 3f",
            "2:",
            step!(
                "0" "p0" "z16" "z24", "1" "p0" "z17" "z25", "2" "p0" "z18" "z26", "3" "p0" "z19" "z27",
                "4" "p0" "z20" "z28", "5" "p0" "z21" "z29", "6" "p0" "z22" "z30", "7" "p0" "z23" "z31"
            ),
            "add {a}, {a}, #256",
            "add {b}, {b}, #256",
            "subs {n}, {n}, #64",
            "b.hs 2b",
            "3:",
            "adds {n}, {n}, #64",
            "b.eq 4f",
            "whilelo p0.s, {k}, {n}", "incw {k}", "whilelo p1.s, {k}, {n}", "incw {k}",
            "whilelo p2.s, {k}, {n}", "incw {k}", "whilelo p3.s, {k}, {n}", "incw {k}",
            "whilelo p4.s, {k}, {n}", "incw {k}", "whilelo p5.s, {k}, {n}", "incw {k}",
            "whilelo p6.s, {k}, {n}", "incw {k}", "whilelo p7.s, {k}, {n}",
            step!(
                "0" "p0" "z16" "z24", "1" "p1" "z17" "z25", "2" "p2" "z18" "z26", "3" "p3" "z19" "z27",
                "4" "p4" "z20" "z28", "5" "p5" "z21" "z29", "6" "p6" "z22" "z30", "7" "p7" "z23" "z31"
            ),
            "4:",
            "fadd z0.s, z0.s, z4.s", "fadd z1.s, z1.s, z5.s", "fadd z2.s, z2.s, z6.s", "fadd z3.s, z3.s, z7.s",
            "fadd z0.s, z0.s, z2.s", "fadd z1.s, z1.s, z3.s",
            "fadd z0.s, z0.s, z1.s",
            "mov z1.d, z0.d",
            "ext z1.b, z1.b, z0.b, #16",
            "fadd v0.4s, v0.4s, v1.4s",
            ".arch_extension nosve",
            a = inout(reg) a => _,
            b = inout(reg) b => _,
            n = inout(reg) n => _,
            k = inout(reg) 0_usize => _,
            out("v0") four, out("v1") _, out("v2") _, out("v3") _, out("v4") _, out("v5") _, out("v6") _, out("v7") _,
            out("v16") _, out("v17") _, out("v18") _, out("v19") _, out("v20") _, out("v21") _, out("v22") _,
            out("v23") _, out("v24") _, out("v25") _, out("v26") _, out("v27") _, out("v28") _, out("v29") _,
            out("v30") _, out("v31") _,
            out("p0") _, out("p1") _, out("p2") _, out("p3") _, out("p4") _, out("p5") _, out("p6") _, out("p7") _,
            options(pure, readonly, nostack)
        );
    }
    four
}
