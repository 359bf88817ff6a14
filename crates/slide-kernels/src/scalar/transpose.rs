//! Specification of [`crate::api::transpose`].

use crate::api::transpose::Table;
use crate::{Matrix, MatrixMut};

pub(crate) const TABLE: Table = Table { transpose };

fn transpose(source: Matrix<'_>, mut destination: MatrixMut<'_>) {
    for r in 0..source.rows() {
        for (c, &value) in source.row(r).iter().enumerate() {
            destination.row_mut(c)[r] = value;
        }
    }
}
