//! [`crate::api::codes`], the specification.

use crate::api::codes::Table;

pub(crate) const TABLE: Table = Table {};
