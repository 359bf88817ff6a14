//! [`crate::api::hadamard`], the specification.

use crate::api::hadamard::Table;

pub(crate) const TABLE: Table = Table {};
