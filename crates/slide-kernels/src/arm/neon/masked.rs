//! Loads and stores of less than a whole vector; NEON has no masked ones. They access only the selected elements, and make no
//! call, so that no register is spilled.

use core::arch::aarch64::*;

use crate::generic::LANES;

/// Bytes 0 to 15, then what is outside of every table: a window of it moves the bytes of a register down, and fills up
/// with zeros.
static MOVE_DOWN: [u8; 32] = {
    let mut bytes = [0xFF; 32];
    let mut i = 0;
    while i < 16 {
        bytes[i] = i as u8;
        i += 1;
    }
    bytes
};

/// Where register `i` of the first `count >= 4` elements is loaded from, so that it ends within them, and by how many lanes
/// it is to be moved down then.
#[inline(always)]
fn place(i: usize, count: usize) -> (usize, usize) {
    let from = (4 * i).min(count - 4);
    (from, (4 * i - from).min(4))
}

/// # Safety
/// NEON is available; `from` is valid for reading `count <= 16` elements.
#[inline(always)]
pub(super) unsafe fn load_masked(from: *const f32, count: usize) -> [float32x4_t; 4] {
    // SAFETY: guaranteed by the caller; each load is of the elements `place..place + 4 <= count`, or of single ones below `count`;
    // the window has 32 bytes and starts at 16 at most.
    unsafe {
        let zero = vdupq_n_f32(0.0);
        if count >= 4 {
            let register = |i| {
                let (place, down) = place(i, count);
                let moved = vld1q_u8(MOVE_DOWN.as_ptr().add(4 * down));
                vreinterpretq_f32_u8(vqtbl1q_u8(vreinterpretq_u8_f32(vld1q_f32(from.add(place))), moved))
            };
            return [register(0), register(1), register(2), register(3)];
        }
        let mut first = zero;
        if count > 0 {
            first = vsetq_lane_f32::<0>(*from, first);
        }
        if count > 1 {
            first = vsetq_lane_f32::<1>(*from.add(1), first);
        }
        if count > 2 {
            first = vsetq_lane_f32::<2>(*from.add(2), first);
        }
        [first, zero, zero, zero]
    }
}

/// Widened.
///
/// # Safety
/// NEON is available; `from` is valid for reading `count <= 16` elements.
#[inline(always)]
pub(super) unsafe fn load_masked_bf16(from: *const u16, count: usize) -> [float32x4_t; 4] {
    // SAFETY: as in `load_masked`.
    unsafe {
        let zero = vdup_n_u16(0);
        let widen = |halves: uint16x4_t| vreinterpretq_f32_u32(vshlq_n_u32::<16>(vmovl_u16(halves)));
        if count >= 4 {
            let register = |i| {
                let (place, down) = place(i, count);
                // Only the lower eight bytes of the table are there.
                let table = vcombine_u8(vreinterpret_u8_u16(vld1_u16(from.add(place))), vdup_n_u8(0));
                let moved = vld1_u8(MOVE_DOWN.as_ptr().add(2 * down));
                widen(vreinterpret_u16_u8(vqtbl1_u8(table, moved)))
            };
            return [register(0), register(1), register(2), register(3)];
        }
        let mut first = zero;
        if count > 0 {
            first = vset_lane_u16::<0>(*from, first);
        }
        if count > 1 {
            first = vset_lane_u16::<1>(*from.add(1), first);
        }
        if count > 2 {
            first = vset_lane_u16::<2>(*from.add(2), first);
        }
        [widen(first), widen(zero), widen(zero), widen(zero)]
    }
}

/// # Safety
/// NEON is available; `from` is valid for reading `count < 32` elements.
#[inline(always)]
pub(super) unsafe fn load_masked_halves(from: *const u16, count: usize) -> [uint16x8_t; 4] {
    // SAFETY: guaranteed by the caller; each load is of the elements `place..place + 8 <= count`, or of single ones below `count`;
    // the window has 32 bytes and starts at 16 at most.
    unsafe {
        if count >= 8 {
            let register = |i: usize| {
                let place = (8 * i).min(count - 8);
                let moved = vld1q_u8(MOVE_DOWN.as_ptr().add(2 * (8 * i - place).min(8)));
                vreinterpretq_u16_u8(vqtbl1q_u8(vreinterpretq_u8_u16(vld1q_u16(from.add(place))), moved))
            };
            return [register(0), register(1), register(2), register(3)];
        }
        let mut halves = [0_u16; 8];
        for (i, half) in halves.iter_mut().enumerate() {
            if i < count {
                *half = *from.add(i);
            }
        }
        let zero = vdupq_n_u16(0);
        [vld1q_u16(halves.as_ptr()), zero, zero, zero]
    }
}

/// # Safety
/// NEON is available; `to` is valid for writing `count <= 16` elements.
#[inline(always)]
pub(super) unsafe fn store_masked(mut to: *mut f32, [mut a, mut b, c, d]: [float32x4_t; 4], count: usize) {
    // SAFETY: guaranteed by the caller; together the stores write as many elements as `count` says, bit by bit.
    unsafe {
        if count >= LANES {
            vst1q_f32(to, a);
            vst1q_f32(to.add(4), b);
            vst1q_f32(to.add(8), c);
            vst1q_f32(to.add(12), d);
            return;
        }
        if count & 8 != 0 {
            vst1q_f32(to, a);
            vst1q_f32(to.add(4), b);
            to = to.add(8);
            (a, b) = (c, d);
        }
        if count & 4 != 0 {
            vst1q_f32(to, a);
            to = to.add(4);
            a = b;
        }
        let mut two = vget_low_f32(a);
        if count & 2 != 0 {
            vst1_f32(to, two);
            to = to.add(2);
            two = vget_high_f32(a);
        }
        if count & 1 != 0 {
            vst1_lane_f32::<0>(to, two);
        }
    }
}

/// # Safety
/// NEON is available; `to` is valid for writing `count < 16` elements.
#[inline(always)]
pub(super) unsafe fn store_masked_halves(mut to: *mut u16, [mut a, b]: [uint16x8_t; 2], count: usize) {
    // SAFETY: as in `store_masked`.
    unsafe {
        if count & 8 != 0 {
            vst1q_u16(to, a);
            to = to.add(8);
            a = b;
        }
        let mut four = vget_low_u16(a);
        if count & 4 != 0 {
            vst1_u16(to, four);
            to = to.add(4);
            four = vget_high_u16(a);
        }
        let mut two = vreinterpret_u32_u16(four);
        if count & 2 != 0 {
            to.cast::<u32>().write_unaligned(vget_lane_u32::<0>(two));
            to = to.add(2);
            two = vdup_lane_u32::<1>(two);
        }
        if count & 1 != 0 {
            vst1_lane_u16::<0>(to, vreinterpret_u16_u32(two));
        }
    }
}

/// The lanes of any set, one by one; the others are 0.
///
/// # Safety
/// NEON is available; `from` is valid for reading the elements of `set`.
#[inline(always)]
pub(super) unsafe fn load_selected(from: *const f32, set: [uint32x4_t; 4]) -> [float32x4_t; 4] {
    let mut lanes = [0.0; LANES];
    // SAFETY: guaranteed by the caller; the array has 16 elements.
    unsafe {
        let members = members(set);
        for (i, lane) in lanes.iter_mut().enumerate() {
            if members[i] != 0 {
                *lane = *from.add(i);
            }
        }
        core::array::from_fn(|i| vld1q_f32(lanes.as_ptr().add(4 * i)))
    }
}

/// Writes the lanes of any set, one by one.
///
/// # Safety
/// NEON is available; `to` is valid for writing the elements of `set`.
#[inline(always)]
pub(super) unsafe fn store_selected(to: *mut f32, registers: [float32x4_t; 4], set: [uint32x4_t; 4]) {
    let mut lanes = [0.0_f32; LANES];
    // SAFETY: guaranteed by the caller; the array has 16 elements.
    unsafe {
        let members = members(set);
        for (i, register) in registers.into_iter().enumerate() {
            vst1q_f32(lanes.as_mut_ptr().add(4 * i), register);
        }
        for (i, &lane) in lanes.iter().enumerate() {
            if members[i] != 0 {
                *to.add(i) = lane;
            }
        }
    }
}

/// # Safety
/// NEON is available.
#[inline(always)]
unsafe fn members(set: [uint32x4_t; 4]) -> [u32; LANES] {
    let mut members = [0; LANES];
    for (i, register) in set.into_iter().enumerate() {
        // SAFETY: guaranteed by the caller; the array has 16 elements.
        unsafe { vst1q_u32(members.as_mut_ptr().add(4 * i), register) };
    }
    members
}
