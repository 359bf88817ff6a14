use super::{Case, Cost, bits};
use crate::random::{Aligned, Random};

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [(128, 10), (1024, 5), (1024, 100), (4096, 100), (65536, 100)].map(top_k).into();
    cases.extend([1024, 4096, 65536].map(select));
    cases
}

fn top_k((n, k): (usize, usize)) -> Case {
    Case::new(
        "topk::top_k",
        format!("{k} of f32 {n}"),
        Cost { elements: n as u64, bytes: 4 * n as u64, operations: 0 },
        (Random(1).values(n), Aligned::filled(0, k), Aligned::filled(0.0, k)),
        |kernels, (scores, indices, values)| {
            kernels.top_k(scores, indices, values);
        },
        |(_, indices, values)| [indices.to_vec(), bits(values)].concat(),
    )
}

/// About one in a hundred.
fn select(n: usize) -> Case {
    Case::new(
        "topk::select_above",
        format!("1 % of f32 {n}"),
        Cost { elements: n as u64, bytes: 4 * n as u64, operations: 0 },
        (Random(1).values(n), Aligned::filled(0, n / 16), Aligned::filled(0.0, n / 16), 0),
        |kernels, (scores, indices, values, count)| *count = kernels.select_above(scores, 0.98, indices, values),
        |(_, indices, values, count)| [indices[..*count].to_vec(), bits(&values[..*count])].concat(),
    )
}
