use half::bf16;
use slide_kernels::Values;

use super::{Case, Cost, bits};
use crate::random::{Aligned, Random};

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let mut cases = Vec::new();
    for n in [128, 1024, 4096] {
        let (x, y) = (random.values(n), random.values(n));
        let narrow: Aligned<_> = x.iter().map(|&x| bf16::from_f32(x)).collect();
        let cost = |bytes: usize| Cost { elements: n as u64, bytes: (bytes * n) as u64, operations: 2 * n as u64 };
        // So small a factor changes nothing that is not near zero.
        const A: f32 = 1e-12;
        cases.push(Case::new(
            "axpy::axpy",
            format!("f32 {n}"),
            cost(12),
            (x, y.clone()),
            |kernels, (x, y)| kernels.axpy(A, Values::F32(x), y),
            |(_, y)| bits(y),
        ));
        cases.push(Case::new(
            "axpy::axpy",
            format!("bf16 {n}"),
            cost(10),
            (narrow, y),
            |kernels, (x, y)| kernels.axpy(A, Values::Bf16(x), y),
            |(_, y)| bits(y),
        ));
    }
    cases
}
