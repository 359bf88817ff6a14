//! [`crate::api::row_dot`] on SVE.

use core::arch::aarch64::vst1q_f32;

use super::dots::Row;
use crate::api::row_dot::Table;
use crate::arm::neonbf16;
use crate::tuning::ROWS_AHEAD;
use crate::{Matrix, RowIds, Values, views};

wrappers! {
    "neon", Table {
        fn rows_dot(table: views::Table<'_>, rows: RowIds<'_>, vector: &[f32], out: &mut [f32]) = rows_dot_of;
        fn vectors_dot(row: &[f32], vectors: Matrix<'_>, ids: RowIds<'_>, out: &mut [f32])
            = |row, vectors: Matrix<'_>, ids: RowIds<'_>, out| dots(vectors.data(), vectors.stride(), ids.ids(), row, out);
    }
    const TABLE: Table = Table { rows_dot, vectors_dot, ..neonbf16::KERNELS.row_dot };
}

pub(crate) const NATIVE: Table = Table { rows_dot, vectors_dot, ..neonbf16::NATIVE.row_dot };

/// # Safety
/// The contract of [`Table::rows_dot`]; vectors of SVE have 256 bits.
#[inline(always)]
unsafe fn rows_dot_of(table: views::Table<'_>, rows: RowIds<'_>, vector: &[f32], out: &mut [f32]) {
    // SAFETY: `Kernels::rows_dot` checked ids and lengths; `Isa::Sve` is detected only with vectors of 256 bits.
    unsafe {
        match table.values() {
            Values::F32(values) => dots(values, table.stride(), rows.ids(), vector, out),
            Values::Bf16(values) => dots(values, table.stride(), rows.ids(), vector, out),
        }
    }
}

/// # Safety
/// SVE is available with vectors of 256 bits; every row of `ids` lies in `values`; `out` is as long as `ids`.
#[inline(always)]
unsafe fn dots<S: Row>(values: &[S], stride: usize, ids: &[u32], vector: &[f32], out: &mut [f32]) {
    let Some(last) = ids.len().checked_sub(1) else { return };
    // The list repeats its last row where it would end, so that a short block needs no code of its own.
    // SAFETY: the caller guarantees that every row of `ids` lies in `values`; the index is at most `last`.
    let row = |i: usize| unsafe { values.as_ptr().add(*ids.get_unchecked(i.min(last)) as usize * stride) };
    for (i, out) in out.chunks_mut(4).enumerate() {
        let rows = core::array::from_fn(|j| row(4 * i + j));
        let ahead = core::array::from_fn(|j| row(4 * i + j + ROWS_AHEAD));
        // SAFETY: guaranteed by the caller; rows and vector have `vector.len()` elements; the array has four.
        unsafe {
            let sums = S::dots(rows, vector.as_ptr(), vector.len(), ahead);
            if out.len() == 4 {
                vst1q_f32(out.as_mut_ptr(), sums);
            } else {
                let mut four = [0.0; 4];
                vst1q_f32(four.as_mut_ptr(), sums);
                out.copy_from_slice(&four[..out.len()]);
            }
        }
    }
}
