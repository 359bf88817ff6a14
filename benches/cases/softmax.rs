use super::{Case, Cost, bits};
use crate::random::{Aligned, Random};
use slide_kernels::{Matrix, MatrixMut};

/// Columns of a matrix.
const EXAMPLES: usize = 64;

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let mut cases = Vec::new();
    for n in [128, 1024, 4096] {
        let cost = |bytes: usize| Cost { elements: n as u64, bytes: (bytes * n) as u64, operations: 0 };
        cases.push(Case::new(
            "softmax::max_sum",
            format!("f32 {n}"),
            cost(4),
            (random.values(n), [0.0; 2]),
            |kernels, (z, out)| *out = kernels.max_sum(z).into(),
            |(_, out)| bits(out),
        ));
        let z = random.values(n);
        cases.push(Case::new(
            "softmax::softmax",
            format!("f32 {n}, and a copy"),
            cost(8),
            (z.clone(), z),
            |kernels, (source, z)| {
                z.copy_from_slice(source);
                kernels.softmax(z);
            },
            |(_, z)| bits(z),
        ));
        let z = random.values(n);
        cases.push(Case::new(
            "softmax::softmax",
            format!("cross-entropy f32 {n}, 3 labels, and a copy"),
            cost(8),
            (z.clone(), z, 0.0),
            |kernels, (source, z, loss)| {
                z.copy_from_slice(source);
                *loss = kernels.softmax_cross_entropy(z, &[3, 40, 99], &[0.5, 0.25, 0.25]);
            },
            |(_, z, loss)| [bits(z), bits(&[*loss])].concat(),
        ));
        let examples: Vec<u32> = (0..n as u32).map(|i| i * 7 % EXAMPLES as u32).collect();
        cases.push(Case::new(
            "softmax::softmax_entries",
            format!("f32 {n}"),
            cost(12),
            (random.values(n), examples, random.values(EXAMPLES), Aligned::filled(0.125, EXAMPLES)),
            |kernels, (z, examples, max, inverse_sum)| kernels.softmax_entries(z, examples, max, inverse_sum),
            |(z, ..)| bits(z),
        ));
    }
    let rows = 64;
    let cost = |bytes: usize| Cost {
        elements: (rows * EXAMPLES) as u64,
        bytes: (bytes * rows * EXAMPLES) as u64,
        operations: 0,
    };
    cases.push(Case::new(
        "softmax::column_max_sum",
        format!("f32 {rows} x {EXAMPLES}"),
        cost(4),
        (random.values(rows * EXAMPLES), Aligned::filled(0.0, EXAMPLES), Aligned::filled(0.0, EXAMPLES)),
        |kernels, (z, max, sum)| {
            kernels.column_max_sum(Matrix::new(z, EXAMPLES, EXAMPLES).expect("whole rows"), max, sum);
        },
        |(_, max, sum)| [bits(max), bits(sum)].concat(),
    ));
    cases.push(Case::new(
        "softmax::softmax_columns",
        format!("f32 {rows} x {EXAMPLES}"),
        cost(8),
        (random.values(rows * EXAMPLES), random.values(EXAMPLES), Aligned::filled(0.125, EXAMPLES)),
        |kernels, (z, max, inverse_sum)| {
            kernels.softmax_columns(MatrixMut::new(z, EXAMPLES, EXAMPLES).expect("whole rows"), max, inverse_sum);
        },
        |(z, ..)| bits(z),
    ));
    cases
}
