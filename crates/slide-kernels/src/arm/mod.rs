//! Back ends of 64-bit Arm.

pub(crate) mod neon;
pub(crate) mod neonbf16;
pub(crate) mod sve;
