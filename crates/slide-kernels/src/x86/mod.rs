//! Back ends of x86-64.

pub(crate) mod avx2;
pub(crate) mod avx512;
pub(crate) mod avx512bf16;
pub(crate) mod avx512popcnt;
pub(crate) mod avx512vnni;
mod collect;
mod pairs_of_bytes;
mod wide_bytes;
