use super::{Case, Cost, bits};
use crate::random::{Aligned, Random};
use slide_kernels::Kernels;

/// A function in place, and the scale and offset of its arguments.
type Function = (&'static str, fn(&Kernels, &mut [f32]), f32, f32);

const FUNCTIONS: [Function; 5] = [
    ("elementwise::relu", Kernels::relu, 1.0, 0.0),
    ("elementwise::exp", Kernels::exp, 10.0, 0.0),
    ("elementwise::ln", Kernels::ln, 10.0, 11.0),
    ("elementwise::sigmoid", Kernels::sigmoid, 10.0, 0.0),
    ("elementwise::softplus", Kernels::softplus, 10.0, 0.0),
];

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let mut cases = Vec::new();
    for n in [128, 1024, 4096] {
        let cost = |bytes: usize| Cost { elements: n as u64, bytes: (bytes * n) as u64, operations: 0 };
        for (kernel, function, factor, offset) in FUNCTIONS {
            let source: Aligned<f32> = random.values(n).iter().map(|x| x * factor + offset).collect();
            cases.push(Case::new(
                kernel,
                format!("f32 {n}, and a copy"),
                cost(8),
                (source.clone(), source),
                move |kernels, (source, x)| {
                    x.copy_from_slice(source);
                    function(kernels, x);
                },
                |(_, x)| bits(x),
            ));
        }
        cases.push(Case::new(
            "elementwise::relu_backward",
            format!("f32 {n}"),
            cost(12),
            (random.values(n), random.values(n)),
            |kernels, (delta, activation)| kernels.relu_backward(delta, activation),
            |(delta, _)| bits(delta),
        ));
        // Elements that are kept are multiplied by 1.
        let words: Vec<u32> = (0..n).map(|_| random.word() as u32).collect();
        cases.push(Case::new(
            "elementwise::dropout",
            format!("f32 {n}"),
            cost(12),
            (random.values(n), words),
            |kernels, (x, words)| kernels.dropout(x, words, 1 << 30, 1.0),
            |(x, _)| bits(x),
        ));
    }
    cases
}
