use super::{Case, Cost, bits};
use crate::random::Random;

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    [128, 1024, 4096]
        .map(|n: usize| {
            let cost = Cost { elements: n as u64, bytes: 8 * n as u64, operations: 2 * n as u64 };
            let arguments = (random.values(n), random.values(n), 0.0);
            Case::new(
                "dot::dot",
                format!("f32 {n}"),
                cost,
                arguments,
                |kernels, (a, b, sum)| *sum = kernels.dot(a, b),
                |(.., sum)| bits(&[*sum]),
            )
        })
        .into()
}
