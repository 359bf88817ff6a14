//! Kernels of sparse neural networks on CPUs: slices in, slices out.
//!
//! ```
//! use slide_kernels::Kernels;
//!
//! let kernels = Kernels::best();
//! assert_eq!(kernels.dot(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]), 32.0);
//! ```
//!
//! * **One back end per instruction set**, chosen once: [`Kernels::best`], [`Kernels::for_isa`], or the
//!   environment variable `SLIDE_ISA` with [`Kernels::from_env`].
//! * **The same bits everywhere.** Every kernel states the order of its operations, and every back end keeps it:
//!   a result is a pure function of the arguments, whatever the machine. (A result that is NaN is NaN on every
//!   back end; its payload is not promised.) The `scalar` modules are the specification.
//! * **Safe.** Lengths and indices are checked once per call, before any unsafe code; a list of indices that is
//!   used again is checked once into a [`RowIds`] or [`CscPattern`] value. A violated length is a panic with a
//!   message, like slice indexing.
//! * **Nothing hidden.** No kernel allocates, starts a thread, or touches anything but its arguments.
//!
//! What is inlined into a kernel depends on how many units the compiler splits the crate into. The figures of this project
//! are those of one, which costs no time to speak of; in your `Cargo.toml`:
//!
//! ```toml
//! [profile.release.package.slide-kernels]
//! codegen-units = 1
//! ```

//! # The kernels
//!
//! All are methods of [`Kernels`]. Every one exists on every level; a dot marks the levels that have a function of their
//! own, the others take that of the level before them.
#![doc = include_str!("../kernels.md")]
#![cfg_attr(not(feature = "std"), no_std)]
#![allow(clippy::type_complexity, reason = "the tables of functions are made of function types")]

#[macro_use]
mod wrappers;

mod api;
#[cfg(target_arch = "aarch64")]
mod arm;
mod generic;
mod isa;
pub mod list;
pub mod numerics;
mod precision;
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
pub use isa::{Isa, IsaError, Quirks};
pub use precision::Precision;
pub use quantized::{Affine, MatrixI8, QuantizedBatchMut, QuantizedTable, QuantizedTableMut};
pub use rng::{CounterRng, RngKey};
pub use row_ids::{CscPattern, RowIds, SparseVector};
pub use table::Kernels;
pub use views::{Matrix, MatrixMut, ShapeError, Table, TableMut, Values, ValuesMut};

/// What is known of the error of quantised kernels.
pub mod quant {
    pub use crate::api::quant::dot_error_bound;
}

/// Parameters of the hash families.
pub mod hash {
    pub use crate::api::hash::{Bins, HashError, MAX_VALUES, MAX_WIDTH, SimHash};
    pub use crate::api::projection::SignedProjection;
    pub use crate::api::sparse_hash::BinPlaces;
}
