//! [`crate::api::hash`] on AVX-512.

use super::F32x16;
use crate::api::hash::{Bins, SimHash, Table};
use crate::tuning::SIMHASH_BATCH;
use crate::{Matrix, generic};

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd", Table {
    fn simhash_codes(functions: &SimHash, vectors: Matrix, out: &mut [u32])
        = generic::simhash::simhash_codes::<F32x16, SIMHASH_BATCH>;
    fn wta_codes(functions: &Bins, vectors: Matrix, out: &mut [u32]) = generic::hash::wta_codes::<F32x16>;
    fn dwta_codes(functions: &Bins, vectors: Matrix, out: &mut [u32]) = generic::hash::dwta_codes::<F32x16>;
    fn minhash_codes(functions: &Bins, vectors: Matrix, out: &mut [u32]) = generic::hash::minhash_codes::<F32x16>;
});
