//! Specification of [`crate::api::projection`].

use crate::api::projection::{SignedProjection, Table};
use crate::{Matrix, RowIds};

pub(crate) const TABLE: Table = Table { projection_codes, projection_codes_sparse };

fn projection_codes(functions: &SignedProjection<'_>, vectors: Matrix<'_>, out: &mut [u32]) {
    for (v, codes) in out.chunks_exact_mut(functions.tables()).enumerate() {
        codes_of(functions, || vectors.row(v).iter().copied().enumerate(), codes);
    }
}

fn projection_codes_sparse(functions: &SignedProjection<'_>, ids: RowIds<'_>, values: &[f32], out: &mut [u32]) {
    codes_of(functions, || ids.ids().iter().map(|&id| id as usize).zip(values.iter().copied()), out);
}

fn codes_of<I: Iterator<Item = (usize, f32)>>(
    functions: &SignedProjection<'_>,
    entries: impl Fn() -> I,
    codes: &mut [u32],
) {
    codes.fill(0);
    for bit in 0..functions.bits() {
        for (table, code) in codes.iter_mut().enumerate() {
            let p = bit * functions.tables() + table;
            let projection = entries().fold(0.0_f32, |sum, (i, x)| {
                let minus = functions.signs_of(i)[p / 32] >> (p % 32) & 1 == 1;
                sum + if minus { -x } else { x }
            });
            *code |= u32::from(projection > 0.0) << bit;
        }
    }
}
