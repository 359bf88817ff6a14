//! Specification of [`crate::api::convert`].

use half::{bf16, f16};

use super::row_update::narrow;
use crate::Rounding;
use crate::api::convert::Table;

pub(crate) const TABLE: Table = Table { f32_to_bf16, bf16_to_f32, f32_to_f16, f16_to_f32 };

fn f32_to_bf16(from: &[f32], rounding: Rounding, to: &mut [bf16]) {
    for (i, (&from, to)) in from.iter().zip(to).enumerate() {
        *to = narrow(from, rounding, 0, i as u32, 0);
    }
}

fn bf16_to_f32(from: &[bf16], to: &mut [f32]) {
    for (from, to) in from.iter().zip(to) {
        *to = f32::from_bits(u32::from(from.to_bits()) << 16);
    }
}

fn f32_to_f16(from: &[f32], to: &mut [f16]) {
    for (from, to) in from.iter().zip(to) {
        *to = round(*from);
    }
}

fn f16_to_f32(from: &[f16], to: &mut [f32]) {
    for (from, to) in from.iter().zip(to) {
        *to = widen(*from);
    }
}

/// To the nearest, ties to even.
fn round(x: f32) -> f16 {
    let (sign, magnitude) = (x.to_bits() & 0x8000_0000, x.to_bits() & 0x7FFF_FFFF);
    let rounded = if x.is_nan() {
        0x7E00 | (magnitude >> 13) & 0x03FF
    } else if magnitude >= 0x4780_0000 {
        // From 2^16 on the result is infinity; values just below reach it by the carry of rounding.
        0x7C00
    } else if magnitude >= 0x3880_0000 {
        // The exponent's bias falls from 127 to 15.
        shift_to_nearest(magnitude - (112 << 23), 13)
    } else {
        // A multiple of 2^-24: the significand, an integer of units of 2^(exponent - 150).
        let (exponent, significand) = (magnitude >> 23, (magnitude & 0x007F_FFFF) | 0x0080_0000);
        shift_to_nearest(significand, (126 - exponent).min(31))
    };
    f16::from_bits((sign >> 16 | rounded) as u16)
}

/// `x / 2^shift`, to the nearest, ties to even.
fn shift_to_nearest(x: u32, shift: u32) -> u32 {
    let (quotient, rest, half) = (x >> shift, x & ((1 << shift) - 1), 1 << (shift - 1));
    quotient + u32::from(rest > half || (rest == half && quotient % 2 == 1))
}

fn widen(x: f16) -> f32 {
    let bits = u32::from(x.to_bits());
    let (sign, magnitude) = ((bits & 0x8000) << 16, bits & 0x7FFF);
    let widened = match magnitude {
        // A multiple of 2^-24, of which the product is exact.
        0..0x0400 => (magnitude as f32 * f32::from_bits(0x3380_0000)).to_bits(),
        0x0400..0x7C00 => (magnitude << 13) + (112 << 23),
        0x7C00 => 0x7F80_0000,
        _ => 0x7FC0_0000 | magnitude << 13,
    };
    f32::from_bits(sign | widened)
}
