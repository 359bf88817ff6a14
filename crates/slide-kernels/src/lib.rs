//! SIMD kernels for sparse neural networks on CPUs: slices in, slices out, the same bits on every instruction set.
//!
//! ```
//! use slide_kernels::{Kernels, Matrix, RowIds};
//!
//! let kernels = Kernels::best(); // the best instruction set of this machine
//! let weights = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
//! let table = Matrix::new(&weights, 3, 3)?; // data, stride, width: four rows of three weights
//! let rows = RowIds::new(&[1, 3], table.rows())?; // the rows to compute, validated once
//!
//! let mut logits = [0.0; 2];
//! kernels.rows_dot(table.into(), rows, &[1.0, 2.0, 3.0], &mut logits);
//! assert_eq!(logits, [2.0, 6.0]);
//! # Ok::<(), slide_kernels::ShapeError>(())
//! ```
//!
//! * **One back end per instruction set**, chosen once at run time: [`Kernels::best`], [`Kernels::for_isa`], or
//!   [`Kernels::from_env`], which reads the environment variable `SLIDE_ISA`.
//! * **Reproducible.** Every kernel documents the order of its operations, and every back end keeps it: a result is a pure
//!   function of the arguments, on any machine. (A NaN result is NaN on every back end; its payload is unspecified.) The
//!   `scalar` back end is the specification. Faster `bf16` instructions that round differently are opt-in:
//!   [`Precision::Native`].
//! * **Safe.** Lengths and indices are checked once per call, before any unsafe code. A list of indices that is used again is
//!   validated once, as a [`RowIds`] or [`CscPattern`]. A wrong length is a panic with a message, as in slice indexing.
//! * **Coarse.** A call processes whole rows or batches, so the check and the indirect call cost little. No kernel allocates,
//!   starts a thread, or accesses anything but its arguments.
//!
//! # Features
//!
//! `std` (default) enables the detection of the instruction set at run time. Without it the crate is `no_std`: the level is that
//! of the compilation, or chosen by [`Kernels::for_isa_unchecked`].
//!
//! # Build settings
//!
//! Inlining into the kernels depends on the number of codegen units. The published measurements use one, which hardly
//! lengthens the build:
//!
//! ```toml
//! [profile.release.package.slide-kernels]
//! codegen-units = 1
//! ```
//!
//! # The kernels
//!
//! All are methods of [`Kernels`], and all exist on every level. A dot marks the levels with an own implementation; the
//! others use that of the level below.
#![doc = include_str!("../kernels.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![allow(clippy::type_complexity, reason = "the tables of functions are made of function types")]

#[macro_use]
mod wrappers;
#[macro_use]
mod back_end;

mod api;
#[cfg(target_arch = "aarch64")]
mod arm;
mod blocks;
mod generic;
mod isa;
pub mod list;
pub mod numerics;
mod precision;
mod prefetch;
mod quantized;
pub mod rng;
mod row_ids;
mod scalar;
mod table;
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
mod tuning;
mod views;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use api::csr_to_csc::{CscMut, CscShape, CsrView};
pub use api::optimiser::{AdagradStep, AdamStep, MomentumStep, Optimiser};
pub use api::row_update::Rounding;
pub use blocks::{BitBlocks, CodeBlocks, NibbleBlocks};
pub use isa::{Isa, IsaError, Quirks};
pub use precision::Precision;
pub use prefetch::prefetch;
pub use quantized::{Affine, MatrixI8, QuantizedBatchMut, QuantizedTable, QuantizedTableMut};
pub use rng::{CounterRng, RngKey};
pub use row_ids::{CscPattern, RowIds, SparseVector};
pub use table::Kernels;
pub use views::{Matrix, MatrixMut, ShapeError, Table, TableMut, Values, ValuesMut};

/// Error bounds of quantised kernels.
pub mod quant {
    pub use crate::api::quant::dot_error_bound;
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadMe;

/// Parameters of the hash families.
pub mod hash {
    pub use crate::api::hash::{Bins, HashError, MAX_VALUES, MAX_WIDTH, SimHash};
    pub use crate::api::projection::SignedProjection;
    pub use crate::api::sparse_hash::BinPlaces;
}
