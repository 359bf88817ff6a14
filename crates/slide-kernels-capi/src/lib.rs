//! The kernels of [`slide_kernels`] behind a C interface.
//!
//! The header is `include/slide_kernels.h`; it is made by cbindgen, and a test holds it against this code. Build
//! `libslide_kernels_capi.a` or `.so` with `cargo build --release -p slide-kernels-capi`.
//!
//! Every function checks its arguments as the Rust method does: a length that does not fit is a status and a message, never
//! undefined behaviour. What cannot be checked is that pointers are valid for their lengths.

mod arguments;
mod level;
mod linear;

pub use arguments::{SlideFormat, SlideMatrix, SlideMatrixMut, SlideTable, SlideTableMut};
pub use level::*;
pub use linear::*;
