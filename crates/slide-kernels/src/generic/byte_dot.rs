//! Bodies of the integer dot products of [`crate::api::quant`].
//!
//! Sums are taken modulo 2^32, so every order of additions gives the same.

use super::prefetch;
use crate::tuning::ROWS_AHEAD;
use crate::{Affine, MatrixI8, QuantizedTable, RowIds};

/// How an instruction set multiplies and accumulates bytes: the products of `u8` or `i8` (the vector; the implementor says
/// which) with `i8` (the row).
pub(crate) trait Products {
    /// Bytes of a register.
    const WIDTH: usize;
    /// A register of bytes.
    type Bytes: Copy;
    /// Sums of products, in several parts.
    type Sums: Copy;
    /// Proves what registers of bytes and sums need; multiplying them may need more.
    type Token: Copy;

    /// # Safety
    /// The instruction set is available.
    unsafe fn token() -> Self::Token;

    /// # Safety
    /// The instruction set is available; `from` is valid for reading `WIDTH` bytes.
    unsafe fn load(from: *const u8) -> Self::Bytes;

    /// The first `count`, at least 1 and less than `WIDTH`; the others are 0 and their memory is not touched.
    ///
    /// # Safety
    /// The instruction set is available; `from` is valid for reading `count` bytes.
    unsafe fn load_masked(from: *const u8, count: usize) -> Self::Bytes;

    fn splat(simd: Self::Token, value: u8) -> Self::Bytes;

    fn zero(simd: Self::Token) -> Self::Sums;

    /// The sums and the products. Where `row` is 0 nothing is added, whatever `vector` is, and the other way round.
    ///
    /// # Safety
    /// The instruction set is available.
    unsafe fn add_products(sums: Self::Sums, vector: Self::Bytes, row: Self::Bytes) -> Self::Sums;

    fn add(a: Self::Sums, b: Self::Sums) -> Self::Sums;

    fn reduce_sum(sums: Self::Sums) -> i32;

    #[inline(always)]
    fn reduce_sum4(four: [Self::Sums; 4]) -> [i32; 4] {
        four.map(|sums| Self::reduce_sum(sums))
    }

    /// By how much [`reduce_sum`](Products::reduce_sum) is too large after all products with this vector.
    ///
    /// # Safety
    /// The instruction set is available; `vector` is valid for reading `width` bytes.
    #[inline(always)]
    unsafe fn excess(vector: *const u8, width: usize) -> i32 {
        let _ = (vector, width);
        0
    }
}

/// A function, not a closure: closures are not always inlined.
///
/// # Safety
/// The instruction set of `P` is available; both pointers are valid for reading `WIDTH` bytes.
#[inline(always)]
unsafe fn whole<P: Products>(sums: P::Sums, a: *const u8, b: *const u8) -> P::Sums {
    // SAFETY: the caller has the instruction set and `WIDTH` bytes behind both pointers.
    unsafe { P::add_products(sums, P::load(a), P::load(b)) }
}

/// `CHAINS` registers at once, to hide the latency of the additions; the rest two at a time.
///
/// # Safety
/// The instruction set of `P` is available; both pointers are valid for reading `n` bytes.
#[inline(always)]
pub(crate) unsafe fn dot<P: Products, const CHAINS: usize>(a: *const u8, b: *const u8, n: usize) -> i32 {
    // SAFETY: the instruction set is guaranteed by the caller; each load is of bytes `i..i + WIDTH <= n`, or of the `n - i` that
    // are left.
    unsafe {
        let mut first = P::zero(P::token());
        let mut i = 0;
        if n >= CHAINS * P::WIDTH {
            let mut chains = [P::zero(P::token()); CHAINS];
            while i + CHAINS * P::WIDTH <= n {
                for (j, chain) in chains.iter_mut().enumerate() {
                    *chain = whole::<P>(*chain, a.add(i + j * P::WIDTH), b.add(i + j * P::WIDTH));
                }
                i += CHAINS * P::WIDTH;
            }
            let mut half = CHAINS / 2;
            while half > 0 {
                for j in 0..half {
                    chains[j] = P::add(chains[j], chains[j + half]);
                }
                half /= 2;
            }
            first = chains[0];
        }
        if i + 2 * P::WIDTH <= n {
            let mut second = P::zero(P::token());
            while i + 2 * P::WIDTH <= n {
                first = whole::<P>(first, a.add(i), b.add(i));
                second = whole::<P>(second, a.add(i + P::WIDTH), b.add(i + P::WIDTH));
                i += 2 * P::WIDTH;
            }
            first = P::add(first, second);
        }
        if i + P::WIDTH <= n {
            first = whole::<P>(first, a.add(i), b.add(i));
            i += P::WIDTH;
        }
        if i < n {
            first = P::add_products(first, P::load_masked(a.add(i), n - i), P::load_masked(b.add(i), n - i));
        }
        P::reduce_sum(first)
    }
}

/// `finish(row, sum)` of every row of the list, `N` at once; `excess` is subtracted from each sum.
///
/// # Safety
/// The instruction set of `P` is available; `rows.bound() <= values.rows()`; `vector` is valid for reading a row's width;
/// `out.len() == rows.len()`.
#[inline(always)]
pub(crate) unsafe fn rows<P: Products, T, const N: usize>(
    values: MatrixI8<'_>,
    rows: RowIds<'_>,
    vector: *const u8,
    out: &mut [T],
    finish: impl Fn(usize, i32) -> T,
) {
    const { assert!(N.is_multiple_of(4)) };
    let (ids, width, stride) = (rows.ids(), values.width(), values.stride());
    let Some(last) = ids.len().checked_sub(1) else { return };
    // The list repeats its last row where it would end, so that a short block needs no code of its own.
    // SAFETY: the index is at most `last`.
    let id = |i: usize| unsafe { *ids.get_unchecked(i.min(last)) as usize };
    // SAFETY: the caller guarantees that every row of the list is one of the matrix.
    let row = |i: usize| unsafe { values.values().as_ptr().cast::<u8>().add(id(i) * stride) };
    // SAFETY: the instruction set is guaranteed by the caller; each load is of elements `k..k + WIDTH <= width` of a row or of the
    // vector, or of the `width - k` that are left.
    unsafe {
        let excess = P::excess(vector, width);
        let mut i = 0;
        while i < ids.len() {
            let rows: [_; N] = core::array::from_fn(|j| row(i + j));
            let ahead: [_; N] = core::array::from_fn(|j| row(i + j + ROWS_AHEAD));
            let mut sums = [P::zero(P::token()); N];
            let mut k = 0;
            while k + P::WIDTH <= width {
                let vector = P::load(vector.add(k));
                for j in 0..N {
                    if k.is_multiple_of(64) {
                        prefetch(ahead[j].wrapping_add(k));
                    }
                    sums[j] = P::add_products(sums[j], vector, P::load(rows[j].add(k)));
                }
                k += P::WIDTH;
            }
            if k < width {
                let vector = P::load_masked(vector.add(k), width - k);
                for j in 0..N {
                    prefetch(ahead[j].wrapping_add(k));
                    sums[j] = P::add_products(sums[j], vector, P::load_masked(rows[j].add(k), width - k));
                }
            }
            for j in (0..N).step_by(4) {
                let sums = P::reduce_sum4([sums[j], sums[j + 1], sums[j + 2], sums[j + 3]]);
                let results: [T; 4] = core::array::from_fn(|l| finish(id(i + j + l), sums[l].wrapping_sub(excess)));
                for (out, result) in out[(i + j).min(last + 1)..].iter_mut().zip(results) {
                    *out = result;
                }
            }
            i += N;
        }
    }
}

/// # Safety
/// `P` multiplies `i8` and `i8`; the contract of [`crate::api::quant::Table::dot_i8`].
#[inline(always)]
pub(crate) unsafe fn dot_i8<P: Products, const CHAINS: usize>(a: &[i8], b: &[i8]) -> i32 {
    // SAFETY: a `Kernels` value proves the level; `Kernels::dot_i8` asserted that both slices have `a.len()` elements.
    unsafe { dot::<P, CHAINS>(a.as_ptr().cast(), b.as_ptr().cast(), a.len()) }
}

/// # Safety
/// `P` multiplies `u8` and `i8`; the contract of [`crate::api::quant::Table::dot_u8_i8`].
#[inline(always)]
pub(crate) unsafe fn dot_u8_i8<P: Products, const CHAINS: usize>(a: &[u8], b: &[i8]) -> i32 {
    // SAFETY: a `Kernels` value proves the level; `Kernels::dot_u8_i8` asserted that both slices have `a.len()`
    // elements.
    unsafe { dot::<P, CHAINS>(a.as_ptr(), b.as_ptr().cast(), a.len()) }
}

/// # Safety
/// `P` multiplies `u8` and `i8`; the contract of [`crate::api::quant::Table::row_sums_i8`].
#[inline(always)]
pub(crate) unsafe fn row_sums_i8<P: Products>(values: MatrixI8<'_>, out: &mut [i32]) {
    let width = values.width();
    for (i, out) in out.iter_mut().enumerate() {
        // SAFETY: the instruction set is guaranteed by the caller; the matrix has a row `i` of `width` elements.
        unsafe {
            let (row, one) = (values.values().as_ptr().cast::<u8>().add(i * values.stride()), P::splat(P::token(), 1));
            let mut sums = P::zero(P::token());
            let mut k = 0;
            while k + P::WIDTH <= width {
                sums = P::add_products(sums, one, P::load(row.add(k)));
                k += P::WIDTH;
            }
            if k < width {
                sums = P::add_products(sums, one, P::load_masked(row.add(k), width - k));
            }
            *out = P::reduce_sum(sums);
        }
    }
}

/// # Safety
/// `P` multiplies `i8` and `i8`; the contract of [`crate::api::quant::Table::rows_dot_i8`].
#[inline(always)]
pub(crate) unsafe fn rows_dot_i8<P: Products, const N: usize>(
    values: MatrixI8<'_>,
    ids: RowIds<'_>,
    vector: &[i8],
    out: &mut [i32],
) {
    // SAFETY: a `Kernels` value proves the level; the public method checked ids, the vector's width, and the length of
    // `out`.
    unsafe { rows::<P, _, N>(values, ids, vector.as_ptr().cast(), out, |_, sum| sum) }
}

/// # Safety
/// `P` multiplies `u8` and `i8`; the contract of [`crate::api::quant::Table::rows_dot_u8_i8`].
#[inline(always)]
pub(crate) unsafe fn rows_dot_u8_i8<P: Products, const N: usize>(
    values: MatrixI8<'_>,
    ids: RowIds<'_>,
    vector: &[u8],
    out: &mut [i32],
) {
    // SAFETY: a `Kernels` value proves the level; the public method checked ids, the vector's width, and the length of
    // `out`.
    unsafe { rows::<P, _, N>(values, ids, vector.as_ptr(), out, |_, sum| sum) }
}

/// # Safety
/// `P` multiplies `i8` and `i8`; the contract of [`crate::api::quant::Table::rows_dot_i8_scaled`].
#[inline(always)]
pub(crate) unsafe fn rows_dot_i8_scaled<P: Products, const N: usize>(
    table: QuantizedTable<'_>,
    ids: RowIds<'_>,
    vector: &[i8],
    scale: f32,
    out: &mut [f32],
) {
    // SAFETY: upheld by the caller; there is a scale for each row.
    unsafe {
        rows::<P, _, N>(table.values(), ids, vector.as_ptr().cast(), out, |row, sum| {
            sum as f32 * (*table.scales().get_unchecked(row) * scale)
        });
    }
}

/// # Safety
/// `P` multiplies `u8` and `i8`; the contract of [`crate::api::quant::Table::rows_dot_u8_i8_scaled`].
#[inline(always)]
pub(crate) unsafe fn rows_dot_u8_i8_scaled<P: Products, const N: usize>(
    table: QuantizedTable<'_>,
    ids: RowIds<'_>,
    vector: &[u8],
    affine: Affine,
    out: &mut [f32],
) {
    let zero_point = i32::from(affine.zero_point);
    // SAFETY: upheld by the caller; there is a scale and a sum for each row.
    unsafe {
        rows::<P, _, N>(table.values(), ids, vector.as_ptr(), out, |row, sum| {
            let sum = sum.wrapping_sub(zero_point.wrapping_mul(*table.sums().get_unchecked(row)));
            sum as f32 * (*table.scales().get_unchecked(row) * affine.scale)
        });
    }
}

/// The first `count < 16` bytes in the lower part of a number, zeros above; reads nothing else.
///
/// # Safety
/// `from` is valid for reading `count` bytes.
#[inline(always)]
pub(crate) unsafe fn load_below_16(from: *const u8, count: usize) -> u128 {
    // The last word overlaps the first, and is moved down by what they share.
    // SAFETY: guaranteed by the caller; each read is within the `count` bytes.
    unsafe {
        if count >= 8 {
            let (low, high) = (from.cast::<u64>().read_unaligned(), from.add(count - 8).cast::<u64>().read_unaligned());
            let high = (high.to_le() >> 1) >> (8 * (16 - count) - 1);
            u128::from(low.to_le()) | u128::from(high) << 64
        } else if count >= 4 {
            let (low, high) = (from.cast::<u32>().read_unaligned(), from.add(count - 4).cast::<u32>().read_unaligned());
            u128::from(u64::from(low.to_le()) | u64::from(high.to_le()) << (8 * (count - 4)))
        } else if count > 0 {
            let byte = |i: usize| u32::from(*from.add(i)) << (8 * i);
            u128::from(byte(0) | byte(count / 2) | byte(count - 1))
        } else {
            0
        }
    }
}

/// Writes the lowest `count < 16` bytes and touches nothing else.
///
/// # Safety
/// `to` is valid for writing `count` bytes.
#[inline(always)]
pub(crate) unsafe fn store_below_16(mut to: *mut u8, mut bytes: u128, count: usize) {
    // SAFETY: guaranteed by the caller; together the stores write as many bytes as `count` says, bit by bit.
    unsafe {
        if count & 8 != 0 {
            to.cast::<u64>().write_unaligned((bytes as u64).to_le());
            (to, bytes) = (to.add(8), bytes >> 64);
        }
        let mut bytes = bytes as u64;
        if count & 4 != 0 {
            to.cast::<u32>().write_unaligned((bytes as u32).to_le());
            (to, bytes) = (to.add(4), bytes >> 32);
        }
        if count & 2 != 0 {
            to.cast::<u16>().write_unaligned((bytes as u16).to_le());
            (to, bytes) = (to.add(2), bytes >> 16);
        }
        if count & 1 != 0 {
            to.write(bytes as u8);
        }
    }
}
