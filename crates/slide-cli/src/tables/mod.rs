//! Models of tables: text and columns in, labels with their names out.

pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod options;
pub(crate) mod predict;
pub(crate) mod prepare;
pub(crate) mod quality;
