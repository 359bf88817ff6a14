//! Bodies of [`crate::api::topk`].

use core::mem::MaybeUninit;

use super::{Compress, LANES, ONES, SimdU32x16};

/// Vectors that are compared with the threshold before a branch.
const STEP: usize = 4;
/// The largest `k` for which there is room to choose among many at once.
const LARGEST: usize = 512;
/// Scores that are held before the best are chosen: so many times `k`, and at least so many.
const TIMES: usize = 4;
const AT_LEAST: usize = 64;
const MOST: usize = TIMES * LARGEST;
const ROOM: usize = MOST + STEP * LANES;

/// # Safety
/// The instruction set of `L` is available; the list has at least one place and at most as many as there are scores.
#[inline(always)]
pub(crate) unsafe fn top_k<L: Compress>(scores: &[f32], indices: &mut [u32], values: &mut [f32]) {
    let (n, k) = (scores.len(), values.len());
    let mut found = [const { MaybeUninit::<u32>::uninit() }; ROOM];
    let found = found.as_mut_ptr().cast::<u32>();
    let mut ranks = [const { MaybeUninit::<u64>::uninit() }; ROOM];
    let ranks = ranks.as_mut_ptr().cast::<u64>();
    // For a longer list the best so far are kept in the output, not in the buffer.
    let is_long = k > LARGEST;
    let room = if is_long { MOST } else { (TIMES * k).max(AT_LEAST) };
    let mut held = n.min(room);
    // SAFETY: the instruction set is guaranteed by the caller. At most `room` ranks are held before a step, which adds at most
    // 64; so `ROOM` is enough for them, and for the numbers of the new ones. The first `held` ranks are initialised.
    unsafe {
        for (index, &score) in scores[..held].iter().enumerate() {
            ranks.add(index).write(rank(score, index));
        }
        let (mut start, mut listed) = (held, 0);
        loop {
            let all = core::slice::from_raw_parts_mut(ranks, held);
            let worst = if is_long {
                listed = merge(scores, all, listed, indices, values);
                held = 0;
                // While there are free places anything has one.
                (listed == k).then(|| values[k - 1])
            } else {
                let worst = choose(all, k) as u32 as usize;
                held = k;
                Some(scores[worst])
            };
            if start == n {
                break;
            }
            let Some(worst) = worst else {
                let next = n.min(start + room);
                while start < next {
                    ranks.add(held).write(rank(scores[start], start));
                    (held, start) = (held + 1, start + 1);
                }
                continue;
            };
            // Every score ranks before NaN, although none compares greater. (The next after infinity is infinity, which is
            // selected from too.)
            let least = L::splat(L::token(), if worst.is_nan() { f32::NEG_INFINITY } else { worst.next_up() });
            let mut new = 0;
            while start < n && held + new < room {
                let (sets, _) = step(scores, start, |x: L| least.at_most(x));
                if sets != [0; STEP] {
                    for (j, set) in sets.into_iter().enumerate() {
                        new += compress_indices::<L>(start + j * LANES, set, found.add(new));
                    }
                }
                start = n.min(start + STEP * LANES);
            }
            for (i, &index) in core::slice::from_raw_parts(found, new).iter().enumerate() {
                ranks.add(held + i).write(rank(*scores.get_unchecked(index as usize), index as usize));
            }
            held += new;
        }
        if !is_long {
            let best = core::slice::from_raw_parts_mut(ranks, k);
            best.sort_unstable();
            for ((index, value), &rank) in indices.iter_mut().zip(values).zip(&*best) {
                *index = rank as u32;
                *value = scores[rank as u32 as usize];
            }
        }
    }
}

/// Merges scores, by their ranks, into a sorted list that has `listed` entries. As many of the best stay as it has places;
/// returns how many those are.
#[inline(never)]
fn merge(scores: &[f32], ranks: &mut [u64], listed: usize, indices: &mut [u32], values: &mut [f32]) -> usize {
    ranks.sort_unstable();
    let (mut old, mut new) = (listed, ranks.len());
    // From the end, so that entries move to places that are free by then.
    while new > 0 {
        let place = old + new - 1;
        let (index, value) = if old > 0 && rank(values[old - 1], indices[old - 1] as usize) > ranks[new - 1] {
            old -= 1;
            (indices[old], values[old])
        } else {
            new -= 1;
            let index = ranks[new] as u32;
            (index, scores[index as usize])
        };
        if place < values.len() {
            (indices[place], values[place]) = (index, value);
        }
    }
    (listed + ranks.len()).min(values.len())
}

/// A sort key that is smaller for better scores: equal scores by index, NaN last.
#[inline(always)]
fn rank(score: f32, index: usize) -> u64 {
    // `+ 0.0` makes -0 of the same rank as +0.
    let bits = (score + 0.0).to_bits();
    let ascending = bits ^ ((bits as i32 >> 31) as u32 | 0x8000_0000);
    let descending = if score.is_nan() { u32::MAX } else { !ascending };
    u64::from(descending) << 32 | index as u64
}

/// Puts the `k` least ranks first, in any order, and returns the greatest of them. Rare, so it is kept out of the loop.
#[inline(never)]
fn choose(ranks: &mut [u64], k: usize) -> u64 {
    *ranks.select_nth_unstable(k - 1).1
}

/// The sets of lanes that pass, of four vectors from `start` on, and the vectors.
///
/// # Safety
/// The instruction set of `L` is available; `start` is less than the number of scores.
#[inline(always)]
unsafe fn step<L: Compress>(scores: &[f32], start: usize, passes: impl Fn(L) -> L::Mask) -> ([u32; STEP], [L; STEP]) {
    let (left, from) = (scores.len() - start, scores.as_ptr().wrapping_add(start));
    let mut sets = [0; STEP];
    // SAFETY: as above; each load is of elements `i..i + 16` below `left`, or of the `left - i` that are left.
    unsafe {
        let simd = L::token();
        let mut vectors = [L::zero(simd); STEP];
        for (j, (set, vector)) in sets.iter_mut().zip(&mut vectors).enumerate() {
            let i = j * LANES;
            if left >= STEP * LANES {
                *vector = L::load(from.wrapping_add(i));
                *set = L::mask_to_bits(simd, passes(*vector));
            } else if i < left {
                *vector = L::load_masked(from.wrapping_add(i), L::first(left - i));
                *set = L::mask_to_bits(simd, passes(*vector)) & (0xFFFF >> (LANES - (left - i).min(LANES)));
            }
        }
        (sets, vectors)
    }
}

static LANE_NUMBERS: [u32; LANES] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Writes `first` plus the numbers of the lanes of a set, and returns how many they are.
///
/// # Safety
/// The instruction set of `L` is available; `to` is valid for writing 16 elements.
#[inline(always)]
unsafe fn compress_indices<L: Compress>(first: usize, set: u32, to: *mut u32) -> usize {
    // SAFETY: as above; lanes keep their bits.
    unsafe {
        let indices = L::U32::load(LANE_NUMBERS.as_ptr()).add(L::U32::splat(L::token(), first as u32));
        indices.bitcast_f32().compress(set, to.cast());
    }
    usize::from(ONES[set as u8 as usize]) + usize::from(ONES[(set >> 8) as u8 as usize])
}

/// # Safety
/// The instruction set of `L` is available; `indices` and `values` have one length; there are at most `u32::MAX` scores.
#[inline(always)]
pub(crate) unsafe fn select_above<L: Compress>(
    scores: &[f32],
    threshold: f32,
    indices: &mut [u32],
    values: &mut [f32],
) -> usize {
    let room = values.len();
    let mut count = 0;
    // SAFETY: the instruction set is guaranteed by the caller; what has room for fewer than 16 elements is not written to
    // directly.
    unsafe {
        let threshold = L::splat(L::token(), threshold);
        for start in (0..scores.len()).step_by(STEP * LANES) {
            let (sets, vectors) = step(scores, start, |x: L| x.greater(threshold));
            if sets == [0; STEP] {
                continue;
            }
            for (j, (set, vector)) in sets.into_iter().zip(vectors).enumerate() {
                let first = start + j * LANES;
                if count + LANES <= room {
                    vector.compress(set, values.as_mut_ptr().add(count));
                    count += compress_indices::<L>(first, set, indices.as_mut_ptr().add(count));
                } else {
                    let (mut some_values, mut some_indices) = ([0.0; LANES], [0; LANES]);
                    vector.compress(set, some_values.as_mut_ptr());
                    let new = compress_indices::<L>(first, set, some_indices.as_mut_ptr());
                    let kept = room.saturating_sub(count).min(new);
                    if kept > 0 {
                        values[count..count + kept].copy_from_slice(&some_values[..kept]);
                        indices[count..count + kept].copy_from_slice(&some_indices[..kept]);
                    }
                    count += new;
                }
            }
        }
    }
    count
}
