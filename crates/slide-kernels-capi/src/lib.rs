//! The kernels of [`slide_kernels`] behind a C interface.
//!
//! The header is `include/slide_kernels.h`; it is made by cbindgen, and a test holds it against this code. Build
//! `libslide_kernels_capi.a` or `.so` with `cargo build --release -p slide-kernels-capi`.
//!
//! There is a function `slide_<method>` for each kernel; its arguments come in the order of the method's, and a
//! length comes after the first pointers that it counts. Every function checks its arguments as the Rust method does:
//! a length that does not fit is a status and a message, never undefined behaviour. What cannot be checked is that
//! pointers are valid for their lengths, and that what is written overlaps with nothing.

mod arguments;
mod bins;
mod codes;
mod convert;
mod elementwise;
mod hash;
mod level;
mod linear;
mod loss;
mod quant;
mod sddmm;
mod select;
mod sparse;
mod update;

pub use arguments::{
    SlideFormat, SlideMatrix, SlideMatrixMut, SlideSparseVector, SlideTable, SlideTableMut, SlideValues,
};
pub use bins::*;
pub use codes::*;
pub use convert::*;
pub use elementwise::*;
pub use hash::*;
pub use level::*;
pub use linear::*;
pub use loss::*;
pub use quant::*;
pub use sddmm::*;
pub use select::*;
pub use sparse::*;
pub use update::*;
