//! Bodies of [`crate::api::quant`]: to eight bits and back. The products are in [`super::byte_dot`].

use super::{Compare, LANES, SimdF32x16, SimdU32x16, Storage};
use crate::scalar::quant::{SHIFTER, asymmetric, symmetric};
use crate::{Affine, Matrix, QuantizedBatchMut, QuantizedTableMut, Values, views};

/// Words of which the lowest bytes can be written.
pub(crate) trait LowBytes: SimdU32x16 {
    /// # Safety
    /// `to` is valid for writing 16 bytes.
    unsafe fn store_low_bytes(self, to: *mut u8);

    /// The first `count < 16`; nothing else is touched.
    ///
    /// # Safety
    /// `to` is valid for writing `count` bytes.
    unsafe fn store_masked_low_bytes(self, to: *mut u8, count: usize);
}

/// Calls `$work` with each 16 elements of a row, the rest filled up with zeros: their place, how many there are, and they.
macro_rules! for_each_vector {
    ($lanes:ty, $storage:ty, $from:expr, $width:expr, |$k:pat_param, $count:pat_param, $x:ident| $work:block) => {
        let mut k = 0;
        while k + LANES <= $width {
            let ($k, $count, $x) = (k, LANES, <$storage>::load::<$lanes>($from.add(k)));
            $work
            k += LANES;
        }
        if k < $width {
            let ($k, $count, $x) = (k, $width - k, <$storage>::load_masked::<$lanes>($from.add(k), $width - k));
            $work
        }
    };
}

/// # Safety
/// The contract of [`crate::api::quant::Table::quantize_rows_i8`].
#[inline(always)]
pub(crate) unsafe fn quantize_rows_i8<L: SimdF32x16<U32: LowBytes>>(
    table: views::Table<'_>,
    out: QuantizedTableMut<'_>,
) {
    // SAFETY: a `Kernels` value proves the level; `Kernels::quantize_rows_i8` checked that both have rows of one width.
    unsafe {
        match table.values() {
            Values::F32(values) => quantize_i8_of::<L, f32>(values, table.stride(), out),
            Values::Bf16(values) => quantize_i8_of::<L, half::bf16>(values, table.stride(), out),
        }
    }
}

/// # Safety
/// The instruction set of `L` is available; `values` has as many rows as `out`, of its width.
#[inline(always)]
unsafe fn quantize_i8_of<L: SimdF32x16<U32: LowBytes>, S: Storage>(
    values: &[S],
    stride: usize,
    out: QuantizedTableMut<'_>,
) {
    let width = out.width;
    for (i, (scale, sum)) in out.scales.iter_mut().zip(out.sums).enumerate() {
        // SAFETY: the instruction set is guaranteed by the caller; both have a row `i` of `width` elements.
        unsafe {
            let simd = L::token();
            let (from, to) = (values.as_ptr().add(i * stride), out.values.as_mut_ptr().add(i * out.stride));
            let factor;
            (*scale, factor) = symmetric(largest_magnitude::<L, S>(from, width));
            let (keep, factor) = (keep::<L>(simd, factor), L::splat(simd, factor));
            let (shifter, mut sums) = (L::splat(simd, SHIFTER), L::U32::splat(simd, 0));
            for_each_vector!(L, S, from, width, |k, count, x| {
                let q = x.bitcast_u32().and(keep).bitcast_f32().mul(factor).add(shifter).bitcast_u32();
                sums = sums.add(q);
                store(q, to.add(k).cast(), count);
            });
            // Each vector, filled up or not, has added the bits of the shifter to each lane.
            let shifters = (width.next_multiple_of(LANES) as u32).wrapping_mul(SHIFTER.to_bits());
            let sums = to_array(sums).into_iter().fold(0, u32::wrapping_add);
            *sum = sums.wrapping_sub(shifters) as i32;
        }
    }
}

/// The largest of the bits of the magnitudes.
///
/// # Safety
/// The instruction set of `L` is available; `from` is valid for reading `width` elements.
#[inline(always)]
unsafe fn largest_magnitude<L: SimdF32x16, S: Storage>(from: *const S, width: usize) -> u32 {
    // SAFETY: the caller has the instruction set and `width` elements; each vector ends at `width`.
    unsafe {
        let simd = L::token();
        let magnitude = L::U32::splat(simd, 0x7FFF_FFFF);
        // Four at once, because a comparison and a selection take several cycles.
        let mut largest = [L::U32::splat(simd, 0); 4];
        let whole = width - width % (4 * LANES);
        for k in (0..whole).step_by(4 * LANES) {
            for (j, largest) in largest.iter_mut().enumerate() {
                let x = S::load::<L>(from.add(k + j * LANES)).bitcast_u32().and(magnitude);
                *largest = x.select(x.greater_signed(*largest), *largest);
            }
        }
        for_each_vector!(L, S, from.add(whole), width - whole, |_, _, x| {
            let x = x.bitcast_u32().and(magnitude);
            largest[0] = x.select(x.greater_signed(largest[0]), largest[0]);
        });
        let mut most = 0;
        for words in largest {
            for bits in to_array(words) {
                most = most.max(bits);
            }
        }
        most
    }
}

/// # Safety
/// The contract of [`crate::api::quant::Table::quantize_rows_u8`].
#[inline(always)]
pub(crate) unsafe fn quantize_rows_u8<L: Compare + SimdF32x16<U32: LowBytes>>(
    vectors: Matrix<'_>,
    out: QuantizedBatchMut<'_>,
) {
    let width = out.width;
    for (i, affine) in out.affine.iter_mut().enumerate() {
        // SAFETY: the instruction set is guaranteed by the caller; both have a row `i` of `width` elements.
        unsafe {
            let simd = L::token();
            let from = vectors.data().as_ptr().add(i * vectors.stride());
            let to = out.values.as_mut_ptr().add(i * out.stride);
            let zero = L::zero(simd);
            let (mut high, mut low, mut not_finite) = (zero, zero, zero);
            for_each_vector!(L, f32, from, width, |_, _, x| {
                high = x.larger(high);
                low = zero.sub(x).larger(low);
                // NaN as soon as there is an infinity or a NaN.
                not_finite = x.fma(zero, not_finite);
            });
            let largest = |lanes: L| to_array(lanes.bitcast_u32()).into_iter().map(f32::from_bits).fold(0.0, f32::max);
            let finite = to_array(not_finite.bitcast_u32()).into_iter().all(|bits| !f32::from_bits(bits).is_nan());
            let factor;
            (*affine, factor) = asymmetric(finite, largest(high), largest(low));
            let (keep, factor) = (keep::<L>(simd, factor), L::splat(simd, factor));
            let (zero_point, shifter) = (L::splat(simd, f32::from(affine.zero_point)), L::splat(simd, SHIFTER));
            let (least, greatest) =
                (L::U32::splat(simd, SHIFTER.to_bits()), L::U32::splat(simd, SHIFTER.to_bits() + 255));
            for_each_vector!(L, f32, from, width, |k, count, x| {
                let x = x.bitcast_u32().and(keep).bitcast_f32();
                let q = x.fma(factor, zero_point).add(shifter).bitcast_u32();
                let q = q.select(q.greater_signed(least), least);
                store(greatest.select(q.greater_signed(greatest), q), to.add(k), count);
            });
        }
    }
}

/// All bits, or none if the factor is 0: also an infinity becomes 0 then.
#[inline(always)]
fn keep<L: SimdF32x16>(simd: L::Token, factor: f32) -> L::U32 {
    L::U32::splat(simd, if factor == 0.0 { 0 } else { u32::MAX })
}

/// # Safety
/// `to` is valid for writing `count <= 16` bytes.
#[inline(always)]
unsafe fn store<W: LowBytes>(words: W, to: *mut u8, count: usize) {
    // SAFETY: `words` proves the instruction set; the caller has `count` bytes to write.
    unsafe { if count == LANES { words.store_low_bytes(to) } else { words.store_masked_low_bytes(to, count) } }
}

#[inline(always)]
fn to_array<W: SimdU32x16>(words: W) -> [u32; LANES] {
    let mut array = [0; LANES];
    // SAFETY: the array has 16 elements.
    unsafe { words.store(array.as_mut_ptr()) };
    array
}

/// For levels on which the compiler makes good vectors of it.
///
/// # Safety
/// None beyond those of the wrapper.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "the compiler makes NEON of the scalar one"))]
#[inline(always)]
pub(crate) unsafe fn dequantize_i8(values: &[i8], scale: f32, out: &mut [f32]) {
    for (out, &q) in out.iter_mut().zip(values) {
        *out = scale * f32::from(q);
    }
}

/// For levels on which the compiler makes good vectors of it.
///
/// # Safety
/// None beyond those of the wrapper.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "the compiler makes NEON of the scalar one"))]
#[inline(always)]
pub(crate) unsafe fn dequantize_u8(values: &[u8], affine: Affine, out: &mut [f32]) {
    let zero_point = i32::from(affine.zero_point);
    for (out, &q) in out.iter_mut().zip(values) {
        *out = affine.scale * (i32::from(q) - zero_point) as f32;
    }
}
