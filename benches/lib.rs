//! Shared by the benchmarks, the instruction counts and the checks of the machine code: a call of every kernel on fixed
//! arguments, with its minimum cost.
#![forbid(unsafe_code)]

pub mod cases;
pub mod counters;
pub mod machine;
pub mod random;
pub mod record;
pub mod roofline;
pub mod statistics;
pub mod turns;
