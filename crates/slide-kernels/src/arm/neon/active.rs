//! [`crate::api::active`] on NEON.

use super::F32x16;
use crate::api::active::{Backward, Table};
use crate::{ActiveRows, Matrix, generic, views};

wrappers!("neon", Table {
    fn forward(
        table: views::Table<'_>,
        bias: &[f32],
        active: &ActiveRows<'_>,
        vectors: Matrix<'_>,
        out: &mut [f32],
    ) = generic::active::forward::<F32x16, 4>;
    fn backward(arguments: Backward<'_>) = generic::active::backward::<F32x16, 2>;
});
