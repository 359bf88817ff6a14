//! [`crate::api::embedding`] on NEON.

use super::F32x16;
use crate::api::embedding::Table;
use crate::{RowIds, generic, views};

wrappers!("neon", Table {
    fn forward(table: views::Table<'_>, rows: RowIds<'_>, values: &[f32], bias: &[f32], out: &mut [f32])
        = generic::embedding::forward::<F32x16, 4>;
});
