//! [`crate::api::dot`] by `vdpbf16ps`.

use half::bf16;

use super::{F32x16, KERNELS, Vdpbf16ps};
use crate::api::dot::Table;
use crate::generic;

wrappers!("avx,avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni,avx512bf16", Table {
    fn dot_bf16(a: &[bf16], b: &[bf16]) -> f32 = generic::dot::dot_of_pairs::<F32x16, Vdpbf16ps>;
}
    const NATIVE: Table = Table { dot_bf16, ..KERNELS.dot };
);
