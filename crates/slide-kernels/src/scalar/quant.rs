//! Specification of [`crate::api::quant`].

use super::fma;
use crate::api::quant::Table;
use crate::{Affine, Matrix, MatrixI8, QuantizedBatchMut, QuantizedTable, QuantizedTableMut, RowIds, views};

pub(crate) const TABLE: Table = Table {
    quantize_rows_i8,
    quantize_rows_u8,
    dequantize_i8,
    dequantize_u8,
    row_sums_i8,
    dot_i8,
    dot_u8_i8,
    rows_dot_i8,
    rows_dot_u8_i8,
    rows_dot_i8_scaled,
    rows_dot_u8_i8_scaled,
};

/// `1.5 * 2^23`: the last place of numbers of its size is 1, so adding it to a small one rounds that to an integer.
pub(crate) const SHIFTER: f32 = 12_582_912.0;

/// The nearest integer, ties to even, of a magnitude of at most 2^22.
pub(crate) fn nearest(x: f32) -> i32 {
    (x + SHIFTER).to_bits().wrapping_sub(SHIFTER.to_bits()) as i32
}

/// The scale that is stored and the factor to quantise with; a factor of 0 says that every element becomes 0.
fn scale_and_factor(scale: f32) -> (f32, f32) {
    if !scale.is_finite() {
        (f32::NAN, 0.0)
    } else if scale < f32::MIN_POSITIVE {
        (0.0, 0.0)
    } else {
        (scale, 1.0 / scale)
    }
}

/// Scale and factor of a row by the largest of the bits of its magnitudes, which are ordered as these are; then follow
/// infinity and NaN.
pub(crate) fn symmetric(largest: u32) -> (f32, f32) {
    scale_and_factor(f32::from_bits(largest) / 127.0)
}

/// Scale, zero point and factor of a vector by its extremes.
pub(crate) fn asymmetric(finite: bool, high: f32, low: f32) -> (Affine, f32) {
    let (scale, factor) = scale_and_factor(if finite { high / 255.0 + low / 255.0 } else { f32::NAN });
    let zero_point = if factor == 0.0 { 0 } else { nearest(low * factor).clamp(0, 255) as u8 };
    (Affine { scale, zero_point }, factor)
}

fn quantize_rows_i8(table: views::Table<'_>, out: QuantizedTableMut<'_>) {
    for (i, (scale, sum)) in out.scales.iter_mut().zip(out.sums).enumerate() {
        let magnitudes = table.row(i as u32).map(|x| x.to_bits() & 0x7FFF_FFFF);
        let factor;
        (*scale, factor) = symmetric(magnitudes.max().unwrap_or(0));
        *sum = 0;
        for (to, x) in out.values[i * out.stride..].iter_mut().zip(table.row(i as u32)) {
            let q = if factor == 0.0 { 0 } else { nearest(x * factor) };
            *to = q as i8;
            *sum = sum.wrapping_add(q);
        }
    }
}

fn quantize_rows_u8(vectors: Matrix<'_>, out: QuantizedBatchMut<'_>) {
    for (i, affine) in out.affine.iter_mut().enumerate() {
        let row = vectors.row(i);
        let finite = row.iter().all(|x| x.is_finite());
        let high = row.iter().fold(0.0, |high, &x| if x > high { x } else { high });
        let low = row.iter().fold(0.0, |low, &x| if -x > low { -x } else { low });
        let factor;
        (*affine, factor) = asymmetric(finite, high, low);
        let zero_point = f32::from(affine.zero_point);
        for (to, &x) in out.values[i * out.stride..].iter_mut().zip(row) {
            let q = if factor == 0.0 { 0 } else { nearest(fma(x, factor, zero_point)) };
            *to = q.clamp(0, 255) as u8;
        }
    }
}

fn dequantize_i8(values: &[i8], scale: f32, out: &mut [f32]) {
    for (out, &q) in out.iter_mut().zip(values) {
        *out = scale * f32::from(q);
    }
}

fn dequantize_u8(values: &[u8], affine: Affine, out: &mut [f32]) {
    for (out, &q) in out.iter_mut().zip(values) {
        *out = affine.scale * f32::from(i16::from(q) - i16::from(affine.zero_point));
    }
}

fn row_sums_i8(values: MatrixI8<'_>, out: &mut [i32]) {
    for (i, out) in out.iter_mut().enumerate() {
        *out = values.row(i).iter().fold(0, |sum, &q| sum.wrapping_add(i32::from(q)));
    }
}

fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).fold(0, |sum, (&a, &b)| sum.wrapping_add(i32::from(a) * i32::from(b)))
}

fn dot_u8_i8(a: &[u8], b: &[i8]) -> i32 {
    a.iter().zip(b).fold(0, |sum, (&a, &b)| sum.wrapping_add(i32::from(a) * i32::from(b)))
}

fn rows_dot_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vector: &[i8], out: &mut [i32]) {
    for (out, &row) in out.iter_mut().zip(rows.ids()) {
        *out = dot_i8(vector, values.row(row as usize));
    }
}

fn rows_dot_u8_i8(values: MatrixI8<'_>, rows: RowIds<'_>, vector: &[u8], out: &mut [i32]) {
    for (out, &row) in out.iter_mut().zip(rows.ids()) {
        *out = dot_u8_i8(vector, values.row(row as usize));
    }
}

fn rows_dot_i8_scaled(table: QuantizedTable<'_>, rows: RowIds<'_>, vector: &[i8], scale: f32, out: &mut [f32]) {
    for (out, &row) in out.iter_mut().zip(rows.ids()) {
        let row = row as usize;
        *out = dot_i8(vector, table.values().row(row)) as f32 * (table.scales()[row] * scale);
    }
}

fn rows_dot_u8_i8_scaled(table: QuantizedTable<'_>, rows: RowIds<'_>, vector: &[u8], affine: Affine, out: &mut [f32]) {
    for (out, &row) in out.iter_mut().zip(rows.ids()) {
        let row = row as usize;
        let zero = i32::from(affine.zero_point).wrapping_mul(table.sums()[row]);
        let sum = dot_u8_i8(vector, table.values().row(row)).wrapping_sub(zero);
        *out = sum as f32 * (table.scales()[row] * affine.scale);
    }
}
