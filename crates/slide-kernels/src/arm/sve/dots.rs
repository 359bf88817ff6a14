//! Dot products of four rows with one vector, each in 16 virtual lanes.
//!
//! The blocks are alike. A loop reads 16 elements while there are as many; then `whilelo` makes predicates of those that are
//! left, and no others are touched: lanes without an element keep their sum. Then lane `j` += lane `j + 8`, and `+ 4`, which
//! leaves four lanes of each row. Rows `ahead` are prefetched meanwhile.

use core::arch::aarch64::*;
use core::arch::asm;

use half::bf16;

use crate::arm::neon::lanes::reduce_each;

/// A format of rows.
pub(super) trait Row: Copy {
    /// # Safety
    /// SVE is available with vectors of 256 bits; each pointer of `rows`, and `vector`, is valid for reading `width`
    /// elements.
    unsafe fn dots(rows: [*const Self; 4], vector: *const f32, width: usize, ahead: [*const Self; 4]) -> float32x4_t;
}

/// Lines of the four rows ahead.
macro_rules! prefetch {
    () => {
        "prfm pldl1keep, [{ahead_a}, {bytes}]\n prfm pldl1keep, [{ahead_b}, {bytes}]\n\
         prfm pldl1keep, [{ahead_c}, {bytes}]\n prfm pldl1keep, [{ahead_d}, {bytes}]"
    };
}

/// Sets the sums to zero. Those of row `i` are in registers `16 + 2 i` and `17 + 2 i`.
macro_rules! start {
    () => {
        "movi v16.2d, #0\n movi v17.2d, #0\n movi v18.2d, #0\n movi v19.2d, #0\n\
         movi v20.2d, #0\n movi v21.2d, #0\n movi v22.2d, #0\n movi v23.2d, #0"
    };
}

/// Adds the upper half of each of some registers to its lower half.
macro_rules! add_halves {
    ($($register:literal)*) => { concat!(
        $("mov z0.d, z", $register, ".d\n",
          "ext z0.b, z0.b, z0.b, #16\n",
          "fadd v", $register, ".4s, v", $register, ".4s, v0.4s\n",)*
    ) };
}

/// Multiplies and adds 16 elements of each row: register 16 + 2 i takes lanes 0 to 7 of row `i`, of the first predicate.
macro_rules! f32_step {
    ($low:literal, $high:literal; $($row:literal $even:literal $odd:literal),*) => { concat!(
        "ld1w {{z0.s}}, ", $low, "/z, [{x}, {k}, lsl #2]\n",
        "ld1w {{z1.s}}, ", $high, "/z, [{x}, {k_8}, lsl #2]\n",
        $("ld1w {{z2.s}}, ", $low, "/z, [{", $row, "}, {k}, lsl #2]\n",
          "ld1w {{z3.s}}, ", $high, "/z, [{", $row, "}, {k_8}, lsl #2]\n",
          "fmla z", $even, ".s, ", $low, "/m, z2.s, z0.s\n",
          "fmla z", $odd, ".s, ", $high, "/m, z3.s, z1.s\n",)*
    ) };
    ($low:literal, $high:literal) => {
        f32_step!($low, $high; "a" "16" "17", "b" "18" "19", "c" "20" "21", "d" "22" "23")
    };
}

impl Row for f32 {
    #[inline(always)]
    unsafe fn dots(rows: [*const f32; 4], vector: *const f32, width: usize, ahead: [*const f32; 4]) -> float32x4_t {
        let (a, b, c, d);
        // SAFETY: guaranteed by the caller, and see above. Nothing is written, and a prefetch has no effect on memory.
        unsafe {
            asm!(
                ".arch_extension sve",
                "ptrue p0.s",
                start!(),
                "cmp {last}, #0",
                "b.lt 3f",
                "2:",
                prefetch!(),
                f32_step!("p0", "p0"),
                "add {k}, {k}, #16",
                "add {k_8}, {k_8}, #16",
                "add {bytes}, {bytes}, #64",
                "cmp {k}, {last}",
                "b.le 2b",
                "3:",
                "whilelo p1.s, {k_8}, {width}",
                "whilelo p0.s, {k}, {width}",
                "b.none 4f",
                prefetch!(),
                f32_step!("p0", "p1"),
                "4:",
                "fadd z16.s, z16.s, z17.s", "fadd z18.s, z18.s, z19.s",
                "fadd z20.s, z20.s, z21.s", "fadd z22.s, z22.s, z23.s",
                add_halves!("16" "18" "20" "22"),
                ".arch_extension nosve",
                x = in(reg) vector,
                a = in(reg) rows[0], b = in(reg) rows[1], c = in(reg) rows[2], d = in(reg) rows[3],
                ahead_a = in(reg) ahead[0], ahead_b = in(reg) ahead[1],
                ahead_c = in(reg) ahead[2], ahead_d = in(reg) ahead[3],
                width = in(reg) width,
                // The last place from which 16 elements can be read.
                last = in(reg) width as isize - 16,
                k = inout(reg) 0_usize => _,
                k_8 = inout(reg) 8_usize => _,
                bytes = inout(reg) 0_usize => _,
                out("v16") a, out("v18") b, out("v20") c, out("v22") d,
                out("v17") _, out("v19") _, out("v21") _, out("v23") _,
                out("v0") _, out("v1") _, out("v2") _, out("v3") _, out("p0") _, out("p1") _,
                options(pure, readonly, nostack)
            );
        }
        reduce_each([a, b, c, d])
    }
}

/// Multiplies and adds 16 elements of each row: register `16 + 2 i` takes the even elements of row `i`, the next one the odd
/// ones.
///
/// A `bf16` is the upper half of an `f32`, and of the halves of a register those with odd numbers are the upper ones. So the
/// odd elements are what a load of those halves brings, the others being zero; and the even ones what it brings from a
/// place one element before.
macro_rules! bf16_step {
    (
        $low:literal, $high:literal, $load_even:literal, $load_odd:literal, $even:literal, $odd:literal;
        $($row:literal $evens:literal $odds:literal),*
    ) => { concat!(
        "ld1w {{z2.s}}, ", $low, "/z, [{x}, {k}, lsl #2]\n",
        "ld1w {{z3.s}}, ", $high, "/z, [{x}, {k_8}, lsl #2]\n",
        "uzp1 z0.s, z2.s, z3.s\n",
        "uzp2 z1.s, z2.s, z3.s\n",
        $("ld1h {{z2.h}}, ", $load_even, "/z, [{", $row, "}, {before}, lsl #1]\n",
          "ld1h {{z3.h}}, ", $load_odd, "/z, [{", $row, "}, {k}, lsl #1]\n",
          "fmla z", $evens, ".s, ", $even, "/m, z2.s, z0.s\n",
          "fmla z", $odds, ".s, ", $odd, "/m, z3.s, z1.s\n",)*
    ) };
    ($low:literal, $high:literal, $load_even:literal, $load_odd:literal, $even:literal, $odd:literal) => {
        bf16_step!(
            $low, $high, $load_even, $load_odd, $even, $odd;
            "a" "16" "17", "b" "18" "19", "c" "20" "21", "d" "22" "23"
        )
    };
}

impl Row for bf16 {
    #[inline(always)]
    unsafe fn dots(rows: [*const bf16; 4], vector: *const f32, width: usize, ahead: [*const bf16; 4]) -> float32x4_t {
        let (even_a, even_b, even_c, even_d);
        let (odd_a, odd_b, odd_c, odd_d);
        // SAFETY: as for `f32`; the element before a row is never among those of a predicate.
        unsafe {
            asm!(
                ".arch_extension sve",
                "ptrue p0.s",
                // The odd ones of the halves.
                "pfalse p1.b",
                "ptrue p2.h",
                "trn1 p1.h, p1.h, p2.h",
                start!(),
                "cmp {last}, #0",
                "b.lt 3f",
                "2:",
                prefetch!(),
                bf16_step!("p0", "p0", "p1", "p1", "p0", "p0"),
                "add {k}, {k}, #16",
                "add {k_8}, {k_8}, #16",
                "add {before}, {before}, #16",
                "add {bytes}, {bytes}, #32",
                "cmp {k}, {last}",
                "b.le 2b",
                "3:",
                "cmp {k}, {width}",
                "b.eq 4f",
                prefetch!(),
                "ptrue p6.b",
                // Halves from `k` on: of the first so many elements, and of one fewer and of one more.
                "whilelo p3.h, {k}, {width}",
                "and p5.b, p6/z, p1.b, p3.b",
                "add {width}, {width}, #1",
                "whilelo p4.h, {k}, {width}",
                "and p4.b, p6/z, p1.b, p4.b",
                "sub {width}, {width}, #2",
                "whilelo p6.h, {k}, {width}",
                "add {width}, {width}, #1",
                "whilelo p0.s, {k}, {width}",
                "whilelo p2.s, {k_8}, {width}",
                // As a predicate of words, one of halves says what it says of the lower ones, which have even numbers.
                bf16_step!("p0", "p2", "p4", "p5", "p3", "p6"),
                "4:",
                add_halves!("16" "17" "18" "19" "20" "21" "22" "23"),
                ".arch_extension nosve",
                x = in(reg) vector,
                a = in(reg) rows[0], b = in(reg) rows[1], c = in(reg) rows[2], d = in(reg) rows[3],
                ahead_a = in(reg) ahead[0], ahead_b = in(reg) ahead[1],
                ahead_c = in(reg) ahead[2], ahead_d = in(reg) ahead[3],
                width = inout(reg) width => _,
                // The last place from which 16 elements can be read.
                last = in(reg) width as isize - 16,
                k = inout(reg) 0_usize => _,
                k_8 = inout(reg) 8_usize => _,
                before = inout(reg) -1_isize => _,
                bytes = inout(reg) 0_usize => _,
                out("v16") even_a, out("v18") even_b, out("v20") even_c, out("v22") even_d,
                out("v17") odd_a, out("v19") odd_b, out("v21") odd_c, out("v23") odd_d,
                out("v0") _, out("v1") _, out("v2") _, out("v3") _, out("p0") _, out("p1") _, out("p2") _,
                out("p3") _, out("p4") _, out("p5") _, out("p6") _,
                options(pure, readonly, nostack)
            );
            // Lanes 0, 2, 4, 6 and 1, 3, 5, 7 are left: `+ 4` and `+ 2` in each, then `+ 1`.
            vaddq_f32(reduce_each([even_a, even_b, even_c, even_d]), reduce_each([odd_a, odd_b, odd_c, odd_d]))
        }
    }
}
