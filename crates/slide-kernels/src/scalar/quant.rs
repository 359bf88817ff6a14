//! [`crate::api::quant`], the specification.

use crate::api::quant::Table;

pub(crate) const TABLE: Table = Table {};
