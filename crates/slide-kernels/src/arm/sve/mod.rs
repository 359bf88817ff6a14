//! SVE with vectors of 256 bits (Graviton3), where it is faster than NEON. Everything else is that of
//! [`super::neonbf16`].
//!
//! The intrinsics are not stable, and no variable can hold a vector of SVE: each loop is one block of `asm!`, which
//! leaves its sums in registers of NEON.
//!
//! Neoverse V1 has the same arithmetic throughput with both (2 x 256 = 4 x 128 bits per cycle), but loads 2 x 256 bits per cycle
//! with SVE and 3 x 128 with NEON. So SVE is faster where loads are the bottleneck, as in `dot`, `rows_dot` and `vectors_dot`:
//!
//! ```text
//! cargo xtask mca --target graviton --cpu neoverse-v1 --filter '(neon|sve) (dot::dot|row_dot::rows_dot|row_dot::vectors_dot)$'
//! ```
//!
//! models the cycles per element of their loops on both. When this was written NEON had 0.168 and SVE 0.126 for `dot`, 0.134 and
//! 0.105 for `rows_dot` and `vectors_dot`, and 0.154 and 0.109 for `rows_dot` on `bf16`.
//!
//! Of a row of `bf16`, two loads take the elements with odd and with even numbers, by a predicate that leaves out the
//! others: the elements arrive in the upper halves of words, that is, widened, without an arithmetic instruction.
//! (After `ld1h` into words each register would need a shift, for which there is one unit only.)
//!
//! Products of pairs of `bf16` (`dot_bf16`, `rows_dot_bf16`) read as much, but are not written for SVE yet.
//!
//! Not faster: dense products and Adam (arithmetic is the bottleneck: 6 x 16 multiply-adds are 24 of NEON's or 12 of SVE's,
//! six cycles either way; and the divider), functions of elements (the same), whatever reads its table from memory rather than
//! the cache, and gathers, which load one element after the other.

mod dot;
mod dots;
mod row_dot;

use super::neonbf16;
use crate::{Isa, Kernels};

pub(crate) const KERNELS: Kernels =
    Kernels { isa: Isa::Sve, dot: dot::TABLE, row_dot: row_dot::TABLE, ..neonbf16::KERNELS };

/// With the native instructions (see [`Precision::Native`](crate::Precision::Native)).
pub(crate) const NATIVE: Kernels =
    Kernels { isa: Isa::Sve, dot: dot::NATIVE, row_dot: row_dot::NATIVE, ..neonbf16::NATIVE };
