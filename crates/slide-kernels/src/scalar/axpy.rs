//! [`crate::api::axpy`], the specification.

use crate::api::axpy::Table;

pub(crate) const TABLE: Table = Table {};
