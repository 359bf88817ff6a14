//! Body of SimHash ([`crate::api::hash`]).

use core::mem::MaybeUninit;

use super::columns::Room;
use super::hadamard::{in_registers, longer};
use super::{Compare, LANES, SimdF32x16, SimdU32x16, Swap, Transpose, simhash_batch};
use crate::Matrix;
use crate::api::hash::{MAX_VALUES, MAX_WIDTH, SimHash};

/// 16-bit words for the bits of all projections, and one to read past their end.
const MAX_WORDS: usize = (MAX_VALUES + MAX_WIDTH) / 16 + 1;

/// The `BATCH` of a back end with too few registers for one.
pub(crate) const NEVER: usize = LANES + 1;

/// `BATCH` is from how many vectors on a batch, which always costs as much as sixteen, is faster.
///
/// # Safety
/// The instruction set of `L` is available; the shapes fit.
#[inline(always)]
pub(crate) unsafe fn simhash_codes<L: Compare + Swap + Transpose, const BATCH: usize>(
    functions: &SimHash,
    vectors: Matrix,
    out: &mut [u32],
) {
    let tables = functions.tables();
    let (mut vector, mut projections) = (Room::<f32, MAX_WIDTH>::new(), Room::<f32, MAX_WIDTH>::new());
    let (vector, projections) = (vector.start(), projections.start());
    let mut bits = MaybeUninit::<[u16; MAX_WORDS]>::uninit();
    let bits = bits.as_mut_ptr().cast::<u16>();
    let batches = simhash_batch::fits(functions);
    for (batch, out) in out.chunks_mut(LANES * tables).enumerate() {
        // SAFETY: the instruction set and the shapes are guaranteed by the caller; the buffers have the sizes asked for.
        unsafe {
            if batches && out.len() >= BATCH * tables {
                simhash_batch::codes::<L>(functions, vectors, batch * LANES, out, vector, projections);
                continue;
            }
            for (v, codes) in out.chunks_exact_mut(tables).enumerate() {
                single::<L>(functions, vectors.row(batch * LANES + v), vector, projections, bits, codes);
            }
        }
    }
}

/// Codes of one vector.
///
/// # Safety
/// The instruction set of `L` is available; the shapes fit; `copy` and `projections` are valid for writing MAX_WIDTH elements,
/// `bits` for MAX_WORDS.
#[inline(always)]
unsafe fn single<L: Compare + Swap>(
    functions: &SimHash,
    row: &[f32],
    copy: *mut f32,
    projections: *mut f32,
    bits: *mut u16,
    codes: &mut [u32],
) {
    let (width, padded, signs) = (functions.width(), functions.padded_width(), functions.signs());
    let words = signs.len() / LANES;
    // SAFETY: as above. The padded width is at most MAX_WIDTH, so that both buffers are large enough; they are written
    // before they are read. A round has `padded` signs. There is a bit for each sign, at most MAX_VALUES + MAX_WIDTH;
    // they are written before `pack` reads them, as is the word after them.
    unsafe {
        let mut vector = row.as_ptr();
        if width < padded {
            core::ptr::copy_nonoverlapping(vector, copy, width);
            core::ptr::write_bytes(copy.add(width), 0, padded - width);
            vector = copy;
        }
        for (round, signs) in signs.chunks_exact(padded).enumerate() {
            let (signs, bits) = (signs.as_ptr(), bits.add(round * (padded / LANES)));
            match padded {
                16 => small::<L, 1>(vector, signs, bits),
                32 => small::<L, 2>(vector, signs, bits),
                64 => small::<L, 4>(vector, signs, bits),
                128 if L::BLOCK == 128 => small::<L, 8>(vector, signs, bits),
                _ => large::<L>(vector, signs, padded, projections, bits),
            }
        }
        bits.add(words).write(0);
        pack::<L>(core::slice::from_raw_parts(bits, words + 1), functions.bits(), codes);
    }
}

/// One round of `16 * N` coordinates in registers.
///
/// # Safety
/// The instruction set of `L` is available; `vector` and `signs` are valid for `16 * N` elements, `bits` for
/// writing `N`.
#[inline(always)]
unsafe fn small<L: Compare + Swap, const N: usize>(vector: *const f32, signs: *const u32, bits: *mut u16) {
    // SAFETY: the caller has the instruction set, `16 * N` elements and signs, and room for `N` words.
    unsafe {
        let simd = L::token();
        let x = block::<L, N>(vector, signs);
        for (i, x) in x.into_iter().enumerate() {
            bits.add(i).write(L::mask_to_bits(simd, x.greater(L::zero(simd))) as u16);
        }
    }
}

/// One round of more than `L::BLOCK` coordinates: blocks in registers, then the longer distances through memory.
///
/// # Safety
/// The instruction set of `L` is available; `vector`, `signs` and `projections` are valid for `padded` elements, `bits`
/// for writing `padded / 16`; `padded` is a power of two above `L::BLOCK`.
#[inline(always)]
unsafe fn large<L: Compare + Swap>(
    vector: *const f32,
    signs: *const u32,
    padded: usize,
    projections: *mut f32,
    bits: *mut u16,
) {
    // SAFETY: the caller has the instruction set, `padded` elements, signs and projections, and room for the bits.
    unsafe {
        let simd = L::token();
        for start in (0..padded).step_by(L::BLOCK) {
            let (vector, signs, to) = (vector.add(start), signs.add(start), projections.add(start));
            if L::BLOCK == 64 {
                store(block::<L, 4>(vector, signs), to);
            } else {
                store(block::<L, 8>(vector, signs), to);
            }
        }
        longer::<L>(projections, padded);
        for i in 0..padded / LANES {
            let x = L::load(projections.add(i * LANES));
            bits.add(i).write(L::mask_to_bits(simd, x.greater(L::zero(simd))) as u16);
        }
    }
}

/// # Safety
/// `to` is valid for writing `16 * N` elements.
#[inline(always)]
unsafe fn store<L: SimdF32x16, const N: usize>(vectors: [L; N], to: *mut f32) {
    for (i, vector) in vectors.into_iter().enumerate() {
        // SAFETY: the vectors prove the instruction set; the caller has `16 * N` elements to write.
        unsafe { vector.store(to.add(i * LANES)) }
    }
}

/// The Hadamard transform of `16 * N` coordinates with their signs, `N` a power of two.
///
/// # Safety
/// The instruction set of `L` is available; `vector` and `signs` are valid for `16 * N` elements.
#[inline(always)]
unsafe fn block<L: Swap, const N: usize>(vector: *const f32, signs: *const u32) -> [L; N] {
    // SAFETY: the caller has the instruction set and `16 * N` elements and signs.
    unsafe {
        in_registers(|i| {
            let signs = L::U32::load(signs.add(i * LANES));
            L::load(vector.add(i * LANES)).bitcast_u32().xor(signs).bitcast_f32()
        })
    }
}

/// Bit `k` of the code of table `t` is bit `k * codes.len() + t`.
///
/// # Safety
/// The instruction set of `L` is available; there are enough bits for all codes, and a word after them.
#[inline(always)]
pub(crate) unsafe fn pack<L: Compare>(bits: &[u16], code_bits: usize, codes: &mut [u32]) {
    let tables = codes.len();
    // SAFETY: as above; a block of 16 codes, or the array, has room for 16.
    unsafe {
        let simd = L::token();
        for (block, codes) in codes.chunks_mut(LANES).enumerate() {
            let mut code = L::U32::splat(simd, 0);
            let mut place = L::U32::splat(simd, 1);
            for k in 0..code_bits {
                let first = k * tables + block * LANES;
                let two = u32::from(bits[first / 16]) | u32::from(bits[first / 16 + 1]) << 16;
                let mask = L::mask_from_bits(simd, two >> (first % 16));
                code = code.or(place).select(mask, code);
                place = place.add(place);
            }
            if codes.len() == LANES {
                code.store(codes.as_mut_ptr());
            } else {
                let mut all = [0; LANES];
                code.store(all.as_mut_ptr());
                codes.copy_from_slice(&all[..codes.len()]);
            }
        }
    }
}
