//! Bodies of [`crate::api::codes`].
//!
//! Ones are counted byte by byte, from a table of the sixteen half bytes that stays in a register, and the bytes of up to
//! 31 vectors are added before they could overflow.

use super::{LANES, SimdF32x16, SimdU32x16, prefetch};
use crate::RowIds;
use crate::tuning::ROWS_AHEAD;

/// Counts of bits.
pub(crate) trait BitCount: SimdU32x16 {
    /// The number of ones of each byte, in its place.
    fn ones_of_bytes(self) -> Self;
    /// The sum of the 64 bytes of each vector.
    fn sums_of_bytes(four: [Self; 4]) -> [u32; 4];
}

/// Words of 64 bits in a vector.
const WORDS: usize = LANES / 2;
/// Vectors whose counts, at most 8 a byte, can be added.
const ADDENDS: usize = 31;

/// # Safety
/// The instruction set of `L` is available; `bits` is 1 to 32; `out` is not empty, and there are `K * out.len()` values with
/// `K * bits <= 32`.
#[inline(always)]
pub(crate) unsafe fn pack_codes<L: SimdF32x16>(values: &[u32], bits: u32, out: &mut [u32]) {
    let (tables, values_each) = (out.len(), values.len() / out.len());
    let (values, to) = (values.as_ptr().cast::<f32>(), out.as_mut_ptr().cast::<f32>());
    // SAFETY: as above; elements `t..t + 16` of each of the `K` stretches and of `out`, or the `tables - t` that are left.
    // Loads and stores keep the bits.
    unsafe {
        let simd = L::token();
        let low = L::U32::splat(simd, u32::MAX >> (32 - bits));
        for t in (0..tables).step_by(LANES) {
            let part = L::first(tables - t);
            let mut code = L::U32::splat(simd, 0);
            for k in 0..values_each {
                let from = values.add(k * tables + t);
                let value = if tables - t >= LANES { L::load(from) } else { L::load_masked(from, part) };
                let place = L::U32::splat(simd, k as u32 * bits);
                code = code.or(value.bitcast_u32().and(low).shift_left_each(place));
            }
            if tables - t >= LANES {
                code.bitcast_f32().store(to.add(t));
            } else {
                code.bitcast_f32().store_masked(to.add(t), part);
            }
        }
    }
}

/// # Safety
/// The instruction set of `L` is available; the lengths are equal.
#[inline(always)]
pub(crate) unsafe fn hamming<L: SimdF32x16<U32: BitCount>>(a: &[u64], b: &[u64]) -> u64 {
    let mut sum = 0;
    for (a, b) in a.chunks(4 * ADDENDS * WORDS).zip(b.chunks(4 * ADDENDS * WORDS)) {
        let (n, a, b) = (a.len(), a.as_ptr(), b.as_ptr());
        // SAFETY: as above; the loads are of words `i..i + 8`, or of those that are left. Each of the four sums has at
        // most `ADDENDS` addends.
        unsafe {
            let mut counts = [L::U32::splat(L::token(), 0); 4];
            let mut i = 0;
            while i + 4 * WORDS <= n {
                for (j, count) in counts.iter_mut().enumerate() {
                    *count = count.add(differing::<L>(a.add(i + j * WORDS), b.add(i + j * WORDS), WORDS));
                }
                i += 4 * WORDS;
            }
            for count in &mut counts {
                if i < n {
                    *count = count.add(differing::<L>(a.add(i), b.add(i), n - i));
                    i += WORDS;
                }
            }
            sum += L::U32::sums_of_bytes(counts).into_iter().map(u64::from).sum::<u64>();
        }
    }
    sum
}

/// In each byte the number of ones of `a ^ b`, of the first `count` words, at most eight.
///
/// # Safety
/// The instruction set of `L` is available; `a` and `b` are valid for reading `count` words, or eight.
#[inline(always)]
unsafe fn differing<L: SimdF32x16<U32: BitCount>>(a: *const u64, b: *const u64, count: usize) -> L::U32 {
    let (a, b) = (a.cast::<f32>(), b.cast::<f32>());
    // SAFETY: as above; loads keep the bits.
    unsafe {
        if count >= WORDS {
            return L::load(a).bitcast_u32().xor(L::load(b).bitcast_u32()).ones_of_bytes();
        }
        let part = L::first(2 * count);
        L::load_masked(a, part).bitcast_u32().xor(L::load_masked(b, part).bitcast_u32()).ones_of_bytes()
    }
}

/// How ones are counted: by functions of a type, not by closures, which are not always inlined.
pub(crate) trait Distances {
    /// The number of ones of `row ^ code` for four rows.
    ///
    /// # Safety
    /// The instruction set of the type is available; all pointers are valid for reading `words` words.
    unsafe fn of_four(rows: [*const u64; 4], code: *const u64, words: usize) -> [u32; 4];
}

/// Byte by byte.
impl<L: SimdF32x16<U32: BitCount>> Distances for L {
    #[inline(always)]
    unsafe fn of_four(rows: [*const u64; 4], code: *const u64, words: usize) -> [u32; 4] {
        let mut sums = [0; 4];
        for start in (0..words).step_by(ADDENDS * WORDS) {
            let end = words.min(start + ADDENDS * WORDS);
            // SAFETY: as above; the loads are of words `i..i + 8` of a row and of the code, or of those that are left.
            unsafe {
                let mut counts = [L::U32::splat(L::token(), 0); 4];
                for i in (start..end).step_by(WORDS) {
                    for (count, row) in counts.iter_mut().zip(rows) {
                        *count = count.add(differing::<L>(row.add(i), code.add(i), end - i));
                    }
                }
                for (sum, part) in sums.iter_mut().zip(L::U32::sums_of_bytes(counts)) {
                    *sum += part;
                }
            }
        }
        sums
    }
}

/// # Safety
/// The instruction set of `D` is available; `codes.len() == out.len() * code.len()`, and the code is not empty.
#[inline(always)]
pub(crate) unsafe fn hamming_rows<D: Distances>(codes: &[u64], code: &[u64], out: &mut [u32]) {
    // SAFETY: as above: each row index is less than `out.len()`.
    unsafe { distances::<D>(codes, |i| i, |_| {}, code, out) }
}

/// # Safety
/// The instruction set of `D` is available; `rows.bound() * code.len() <= codes.len()`, `out.len() == rows.len()`, and the code
/// is not empty.
#[inline(always)]
pub(crate) unsafe fn hamming_scattered<D: Distances>(codes: &[u64], rows: RowIds<'_>, code: &[u64], out: &mut [u32]) {
    let ids = rows.ids();
    let ask = |i: usize| {
        if let Some(&row) = ids.get(i + ROWS_AHEAD) {
            let row = codes.as_ptr().wrapping_add(row as usize * code.len());
            for line in (0..code.len()).step_by(WORDS) {
                prefetch(row.wrapping_add(line));
            }
        }
    };
    // SAFETY: as above: the numbers are below the bound.
    unsafe { distances::<D>(codes, |i| *ids.get_unchecked(i) as usize, ask, code, out) }
}

/// Four rows at a time; `ask` may prefetch memory that a later row will need.
///
/// # Safety
/// The instruction set of `D` is available; for every `i` below `out.len()`, `row(i)` is the number of one of the codes.
#[inline(always)]
unsafe fn distances<D: Distances>(
    codes: &[u64],
    row: impl Fn(usize) -> usize,
    ask: impl Fn(usize),
    code: &[u64],
    out: &mut [u32],
) {
    for (group, out) in out.chunks_mut(4).enumerate() {
        // An incomplete last group is padded with its own rows.
        let last = out.len() - 1;
        let rows: [*const u64; 4] = core::array::from_fn(|j| {
            ask(4 * group + j);
            codes.as_ptr().wrapping_add(row(4 * group + j.min(last)) * code.len())
        });
        // SAFETY: as above: each row is one of the codes, all of which have the length of this one.
        let sums = unsafe { D::of_four(rows, code.as_ptr(), code.len()) };
        // Not a copy of a slice, which would be a call.
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = sum;
        }
    }
}
