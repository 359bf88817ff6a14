//! Specification of [`crate::api::sparse_hash`], and the only implementation: a value updates few bins, at scattered positions.

use core::mem::MaybeUninit;

use super::hash::{EMPTY, densify, pack};
use crate::RowIds;
use crate::api::hash::{Bins, MAX_VALUES};
use crate::api::sparse_hash::{BinPlaces, Table};

pub(crate) const TABLE: Table = Table { wta_codes_sparse, dwta_codes_sparse, minhash_codes_sparse };

fn wta_codes_sparse(functions: &BinPlaces<'_>, ids: RowIds<'_>, values: &[f32], out: &mut [u32]) {
    let key = |x: f32| Some(if x.is_nan() { f32::NEG_INFINITY } else { x });
    let zeros = |bin: usize, winner: u16, best: f32| match winner {
        // Zeros only.
        EMPTY => 0,
        _ if best > 0.0 => winner,
        _ => winner_with_zeros(functions.bins(), bin, ids.ids(), values),
    };
    codes_by_winner(functions, ids, values, out, key, zeros);
}

fn dwta_codes_sparse(functions: &BinPlaces<'_>, ids: RowIds<'_>, values: &[f32], out: &mut [u32]) {
    let key = |x: f32| (x != 0.0 && x > f32::NEG_INFINITY).then_some(x);
    codes_by_winner(functions, ids, values, out, key, |_, winner, _| winner);
}

fn minhash_codes_sparse(functions: &BinPlaces<'_>, ids: RowIds<'_>, values: &[f32], out: &mut [u32]) {
    let key = |x: f32| (x > 0.0).then_some(1.0);
    codes_by_winner(functions, ids, values, out, key, |_, winner, _| winner);
}

/// Each bin's value is the lowest position of its largest key, or what `adjust(bin, value, key)` makes of it; `EMPTY` where no
/// listed value has a key.
fn codes_by_winner(
    functions: &BinPlaces<'_>,
    ids: RowIds<'_>,
    values: &[f32],
    out: &mut [u32],
    key: impl Fn(f32) -> Option<f32>,
    adjust: impl Fn(usize, u16, f32) -> u16,
) {
    let bins = functions.bins().bins();
    let mut winners = [const { MaybeUninit::uninit() }; MAX_VALUES];
    let mut best = [const { MaybeUninit::uninit() }; MAX_VALUES];
    let (winners, best) = (filled(&mut winners[..bins], EMPTY), filled(&mut best[..bins], f32::NEG_INFINITY));
    for (&id, &value) in ids.ids().iter().zip(values) {
        let Some(key) = key(value) else { continue };
        for (bin, position) in functions.places(id as usize) {
            // `EMPTY` is above every position.
            if key > best[bin] || (key == best[bin] && (position as u16) < winners[bin]) {
                (best[bin], winners[bin]) = (key, position as u16);
            }
        }
    }
    for (bin, winner) in winners.iter_mut().enumerate() {
        *winner = adjust(bin, *winner, best[bin]);
    }
    densify(winners);
    pack(winners, functions.bins().bin_bits(), out);
}

/// Of the 96 KiB that there is room for, most functions need a few: only those are written.
fn filled<T: Copy>(room: &mut [MaybeUninit<T>], value: T) -> &mut [T] {
    room.fill(MaybeUninit::new(value));
    // SAFETY: all elements have just been written.
    unsafe { room.assume_init_mut() }
}

/// The winner of a bin by looking up all of its coordinates; what is not listed is zero. 0 if all are NaN or `-inf`.
fn winner_with_zeros(bins: &Bins<'_>, bin: usize, ids: &[u32], values: &[f32]) -> u16 {
    let (mut best, mut winner) = (f32::NEG_INFINITY, 0);
    for position in 0..1 << bins.bin_bits() {
        let listed = ids.binary_search(&(bins.coordinate(bin, position) as u32));
        let value = listed.map_or(0.0, |i| values[i]);
        if value > best {
            (best, winner) = (value, position as u16);
        }
    }
    winner
}
