//! Specification of [`crate::api::sparse_dot`].

use core::cmp::Ordering;

use super::{fma, reduce_sum};
use crate::api::sparse_dot::Table;
use crate::{SparseVector, Values};

pub(crate) const TABLE: Table = Table { dot, dot_without_gather: dot, sparse_sparse_dot };

pub(crate) fn dot(a: SparseVector<'_>, dense: Values<'_>) -> f32 {
    let mut lanes = [0.0_f32; 16];
    for (i, (&id, &value)) in a.ids().ids().iter().zip(a.values()).enumerate() {
        lanes[i % 16] = fma(value, dense.get(id as usize), lanes[i % 16]);
    }
    reduce_sum(lanes)
}

pub(crate) fn sparse_sparse_dot(a: SparseVector<'_>, b: SparseVector<'_>) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let (a_ids, b_ids) = (a.ids().ids(), b.ids().ids());
    let (mut i, mut j) = (0, 0);
    while i < a_ids.len() && j < b_ids.len() {
        match a_ids[i].cmp(&b_ids[j]) {
            Ordering::Less => i += 1,
            Ordering::Greater => j += 1,
            Ordering::Equal => {
                lanes[i % 16] = fma(a.values()[i], b.values()[j], lanes[i % 16]);
                (i, j) = (i + 1, j + 1);
            }
        }
    }
    reduce_sum(lanes)
}
