//! [`crate::api::hash`] on NEON.

use super::F32x16;
use crate::api::hash::{Bins, SimHash, Table};
use crate::generic::simhash::NEVER;
use crate::{Matrix, generic};

wrappers!("neon", Table {
    fn simhash_codes(functions: &SimHash, vectors: Matrix, out: &mut [u32]) = generic::simhash::simhash_codes::<F32x16, NEVER>;
    fn wta_codes(functions: &Bins, vectors: Matrix, out: &mut [u32]) = generic::hash::wta_codes::<F32x16>;
    fn dwta_codes(functions: &Bins, vectors: Matrix, out: &mut [u32]) = generic::hash::dwta_codes::<F32x16>;
    fn minhash_codes(functions: &Bins, vectors: Matrix, out: &mut [u32]) = generic::hash::minhash_codes::<F32x16>;
});
