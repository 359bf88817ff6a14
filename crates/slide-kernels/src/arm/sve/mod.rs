//! SVE with vectors of 256 bits (Graviton3), where it is faster than NEON. Everything else is that of
//! [`super::neonbf16`].
//!
//! The intrinsics are not stable, and no variable can hold a vector of SVE: each loop is one block of `asm!`, which
//! leaves its sums in registers of NEON.
//!
//! Neoverse V1 does the same arithmetic a cycle with both (2 x 256 = 4 x 128 bits), but loads 2 x 256 bits a cycle by SVE,
//! and 3 x 128 by NEON. So SVE pays where loads are the limit. Cycles an element in the loop, modelled (llvm-mca 22,
//! neoverse-v1):
//!
//! | loop | NEON | SVE | limit of SVE |
//! |---|---|---|---|
//! | `dot`, f32 | 0.167 | 0.125 | loads |
//! | `rows_dot`, f32 | 0.125 | 0.078 | loads |
//! | `rows_dot`, bf16 | 0.125 | 0.078 | loads and arithmetic |
//! | `vectors_dot` | 0.125 | 0.078 | loads |
//!
//! Of a row of `bf16`, two loads take the elements with odd and with even numbers, by a predicate that leaves out the
//! others: the elements arrive in the upper halves of words, which is to say widened, without an arithmetic instruction.
//! (`ld1h` into words and a shift cost 0.125, no less than NEON: only one unit shifts.)
//!
//! It would pay for products of pairs of `bf16` too, which are not written yet: `dot_bf16` 0.063 for 0.084,
//! `rows_dot_bf16` 0.063 for 0.096 (by `bfmlalb` and `bfmlalt`), native 0.039 for 0.081 (by `bfdot`).
//!
//! What does not pay: dense products and Adam (arithmetic is the limit: 6.0 cycles for 6 x 16 multiply-adds, and the
//! divider), functions of elements (the same), whatever reads its table from memory rather than the cache, and gathers,
//! which load one element after the other.

mod dot;
mod dots;
mod row_dot;

use super::neonbf16;
use crate::{Isa, Kernels};

pub(crate) const KERNELS: Kernels =
    Kernels { isa: Isa::Sve, dot: dot::TABLE, row_dot: row_dot::TABLE, ..neonbf16::KERNELS };

/// With the instructions that round in their own way.
pub(crate) const NATIVE: Kernels =
    Kernels { isa: Isa::Sve, dot: dot::NATIVE, row_dot: row_dot::NATIVE, ..neonbf16::NATIVE };
