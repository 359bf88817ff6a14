//! Specification of [`crate::api::hash`].

use crate::Matrix;
use crate::api::hash::{Bins, MAX_VALUES, MAX_WIDTH, SimHash, Table};
use crate::scalar::hadamard;

pub(crate) const TABLE: Table = Table { simhash_codes, wta_codes, dwta_codes, minhash_codes };

fn simhash_codes(functions: &SimHash, vectors: Matrix, out: &mut [u32]) {
    let (padded, tables) = (functions.padded_width(), functions.tables());
    let mut projections = [0.0_f32; MAX_WIDTH];
    let projections = &mut projections[..padded];
    for (v, codes) in out.chunks_exact_mut(tables).enumerate() {
        codes.fill(0);
        for (round, signs) in functions.signs().chunks_exact(padded).enumerate() {
            for (i, (projection, &sign)) in projections.iter_mut().zip(signs).enumerate() {
                let coordinate = vectors.row(v).get(i).copied().unwrap_or(0.0);
                *projection = f32::from_bits(coordinate.to_bits() ^ sign);
            }
            hadamard::transform(projections);
            for (i, &projection) in projections.iter().enumerate() {
                let value = round * padded + i;
                let (bit, table) = (value / tables, value % tables);
                if projection > 0.0 && bit < functions.bits() {
                    codes[table] |= 1 << bit;
                }
            }
        }
    }
}

fn wta_codes(functions: &Bins, vectors: Matrix, out: &mut [u32]) {
    let key = |x: f32| if x.is_nan() { f32::NEG_INFINITY } else { x };
    codes_by_winner(functions, vectors, out, key, |_| ());
}

fn dwta_codes(functions: &Bins, vectors: Matrix, out: &mut [u32]) {
    let key = |x: f32| if x.is_nan() || x == 0.0 { f32::NEG_INFINITY } else { x };
    codes_by_winner(functions, vectors, out, key, densify);
}

fn minhash_codes(functions: &Bins, vectors: Matrix, out: &mut [u32]) {
    let key = |x: f32| if x > 0.0 { 1.0 } else { f32::NEG_INFINITY };
    codes_by_winner(functions, vectors, out, key, densify);
}

/// Each bin's value is the first position of its largest key, or `EMPTY` where all keys are `-inf`.
fn codes_by_winner(
    functions: &Bins,
    vectors: Matrix,
    out: &mut [u32],
    key: impl Fn(f32) -> f32,
    fill: impl Fn(&mut [u16]),
) {
    let size = 1 << functions.bin_bits();
    let mut values = [0; MAX_VALUES];
    let values = &mut values[..functions.bins()];
    for (v, codes) in out.chunks_exact_mut(functions.tables()).enumerate() {
        for (bin, value) in values.iter_mut().enumerate() {
            let mut best = f32::NEG_INFINITY;
            *value = EMPTY;
            for j in 0..size {
                let position = functions.positions()[(bin / 16 * size + j) * 16 + bin % 16];
                let coordinate = position as usize & (functions.padded_width() - 1);
                let key = key(vectors.row(v).get(coordinate).copied().unwrap_or(f32::NAN));
                if key > best {
                    best = key;
                    *value = j as u16;
                }
            }
        }
        fill(values);
        pack(values, functions.bin_bits(), codes);
    }
}

/// The value of an empty bin. The others are less than 64; what is above that is not packed.
pub(crate) const EMPTY: u16 = 0x80;
/// Marks a value that densification took from another bin.
const BORROWED: u16 = 0x40;
/// How many bins an empty one tries before it takes the next in order.
const ATTEMPTS: u32 = 64;

/// Gives every empty bin the value of one that was not empty, or 0 if there is none.
pub(crate) fn densify(values: &mut [u16]) {
    let bins = values.len();
    let mut none = None;
    for start in (0..values.len()).step_by(32) {
        let end = values.len().min(start + 32);
        // Most groups have no empty bin.
        if values[start..end].iter().fold(0, |all, value| all | value) & EMPTY == 0 {
            continue;
        }
        // All bins are empty.
        if *none.get_or_insert_with(|| values.iter().all(|&value| value == EMPTY)) {
            return values.fill(0);
        }
        for bin in start..end {
            if values[bin] == EMPTY {
                let other = source(bins, bin, |other| values[other] < BORROWED);
                values[bin] = other.map_or(BORROWED, |other| values[other] | BORROWED);
            }
        }
    }
}

/// The bin from which the empty bin `bin` takes its value; see [`Bins`].
#[inline]
pub(crate) fn source(bins: usize, bin: usize, filled: impl Fn(usize) -> bool) -> Option<usize> {
    let attempt = |attempt| ((u64::from(mix(bin as u32, attempt)) * bins as u64) >> 32) as usize;
    (0..ATTEMPTS).map(attempt).chain(bin + 1..bins).chain(0..bin).find(|&other| filled(other))
}

/// A hash of two numbers: multiplications by odd constants, mixed by shifts.
fn mix(bin: u32, attempt: u32) -> u32 {
    let mut h = bin.wrapping_mul(0x9e37_79b1).wrapping_add(attempt.wrapping_mul(0x85eb_ca77)).wrapping_add(0x27d4_eb2f);
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    h ^ (h >> 15)
}

/// Packs the values of the bins `k * tables + t` into the code of table `t`.
#[inline(always)]
pub(crate) fn pack(values: &[u16], bin_bits: usize, codes: &mut [u32]) {
    codes.fill(0);
    for (k, values) in values.chunks_exact(codes.len()).enumerate() {
        for (code, &value) in codes.iter_mut().zip(values) {
            *code |= u32::from(value & (BORROWED - 1)) << (k * bin_bits);
        }
    }
}
