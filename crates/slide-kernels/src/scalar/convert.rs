//! [`crate::api::convert`], the specification.

use crate::api::convert::Table;

pub(crate) const TABLE: Table = Table {};
