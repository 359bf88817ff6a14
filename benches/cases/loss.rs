use super::{Case, Cost, bits};
use crate::random::{Aligned, Random};
use slide_kernels::MatrixMut;

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let mut cases = Vec::new();
    for n in [128, 1024, 4096] {
        let cost = |bytes: usize| Cost { elements: n as u64, bytes: (bytes * n) as u64, operations: 0 };
        // Sigmoids of sigmoids stay between 0 and 1.
        cases.push(Case::new(
            "loss::sigmoid_entries",
            format!("f32 {n}"),
            cost(8),
            (random.values(n), 0.0),
            |kernels, (z, loss)| *loss = kernels.sigmoid_entries(z),
            |(z, loss)| [bits(z), bits(&[*loss])].concat(),
        ));
        cases.push(Case::new(
            "loss::binary_cross_entropy",
            format!("f32 {n}"),
            cost(12),
            (random.values(n), Aligned::filled(0.25, n), 0.0),
            |kernels, (z, targets, loss)| *loss = kernels.binary_cross_entropy(z, targets),
            |(z, _, loss)| [bits(z), bits(&[*loss])].concat(),
        ));
    }
    let (rows, examples) = (64, 64);
    cases.push(Case::new(
        "loss::sigmoid_columns",
        format!("f32 {rows} x {examples}"),
        Cost { elements: (rows * examples) as u64, bytes: (8 * rows * examples) as u64, operations: 0 },
        (random.values(rows * examples), Aligned::filled(0.0, examples)),
        move |kernels, (z, loss)| {
            loss.fill(0.0);
            kernels.sigmoid_columns(MatrixMut::new(z, examples, examples).expect("whole rows"), loss);
        },
        |(z, loss)| [bits(z), bits(loss)].concat(),
    ));
    cases
}
