//! What the benchmarks, the instruction counts and the checks of the assembly have in common: one call of every kernel, on
//! fixed arguments, with what it should cost.
#![forbid(unsafe_code)]

pub mod cases;
pub mod counters;
pub mod machine;
pub mod random;
pub mod record;
pub mod roofline;
pub mod statistics;
pub mod turns;
