//! [`crate::api::sparse_dot`], the specification.

use crate::api::sparse_dot::Table;

pub(crate) const TABLE: Table = Table {};
