//! [`crate::api::counting_sort`], the specification.

use crate::api::counting_sort::Table;

pub(crate) const TABLE: Table = Table {};
