//! The optimiser and its learning rate.

pub mod adam;
