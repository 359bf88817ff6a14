//! Kernel bodies written once over sixteen lanes ([`Lanes`]) and instantiated per instruction set.
//!
//! Everything here is `#[inline(always)]` and has no target feature of its own: the thin wrappers of the back ends
//! carry it. A body that is not inlined into its wrapper would turn every intrinsic into a call.
#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]

mod lanes;

pub(crate) mod dot;

pub(crate) use lanes::{LANES, Lanes, Words};
