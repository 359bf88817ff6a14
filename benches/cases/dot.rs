use half::bf16;

use super::{Case, Cost, bits};
use crate::random::{Aligned, Random};

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let mut cases = Vec::new();
    for n in [128, 1024, 4096_usize] {
        let cost = |bytes| Cost { elements: n as u64, bytes: bytes * n as u64, operations: 2 * n as u64 };
        let (a, b) = (random.values(n), random.values(n));
        let narrow = |values: &[f32]| values.iter().map(|&value| bf16::from_f32(value)).collect::<Aligned<_>>();
        let (narrow_a, narrow_b) = (narrow(&a), narrow(&b));
        cases.push(Case::new(
            "dot::dot",
            format!("f32 {n}"),
            cost(8),
            (a, b.clone(), 0.0),
            |kernels, (a, b, sum)| *sum = kernels.dot(a, b),
            |(.., sum)| bits(&[*sum]),
        ));
        cases.push(Case::new(
            "dot::dot_bf16",
            format!("bf16 {n}"),
            cost(4),
            (narrow_a.clone(), narrow_b, 0.0),
            |kernels, (a, b, sum)| *sum = kernels.dot_bf16(a, b),
            |(.., sum)| bits(&[*sum]),
        ));
        cases.push(Case::new(
            "dot::dot_bf16_f32",
            format!("bf16 x f32 {n}"),
            cost(6),
            (narrow_a, b, 0.0),
            |kernels, (a, b, sum)| *sum = kernels.dot_bf16_f32(a, b),
            |(.., sum)| bits(&[*sum]),
        ));
    }
    cases
}
