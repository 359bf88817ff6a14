use half::bf16;
use slide_kernels::{MatrixMut, Table, Values};

use super::{Case, Cost, bits, checked};
use crate::random::{Aligned, Random};

/// Features of an example, as on TIBKAT and Amazon-670K.
const FEATURES: usize = 75;
/// Rows that stay in the second-level cache.
const ROWS: usize = 2048;

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let mut cases = Vec::new();
    for width in [128, 256] {
        let (ids, values) = (checked(random.ascending(FEATURES, ROWS), ROWS), random.values(FEATURES));
        let (weights, bias) = (random.values(ROWS * width), random.values(width));
        let narrow: Aligned<_> = weights.iter().map(|&weight| bf16::from_f32(weight)).collect();
        let elements = (FEATURES * width) as u64;
        let cost = |bytes: u64| Cost { elements, bytes: bytes * elements, operations: 2 * elements };
        cases.push(Case::new(
            "embedding::forward",
            format!("f32 {FEATURES} x {width}"),
            cost(4),
            (ids, values.clone(), weights.clone(), bias.clone(), Aligned::filled(0.0, width)),
            move |kernels, (ids, values, weights, bias, out)| {
                let table = Table::new(Values::F32(weights), width, width).expect("whole rows");
                kernels.embedding_forward(table, *ids, values, bias, out);
            },
            |(.., out)| bits(out),
        ));
        cases.push(Case::new(
            "embedding::forward",
            format!("bf16 {FEATURES} x {width}"),
            cost(2),
            (ids, values.clone(), narrow, bias.clone(), Aligned::filled(0.0, width)),
            move |kernels, (ids, values, weights, bias, out)| {
                let table = Table::new(Values::Bf16(weights), width, width).expect("whole rows");
                kernels.embedding_forward(table, *ids, values, bias, out);
            },
            |(.., out)| bits(out),
        ));
        let gradient: Aligned<_> = bias.iter().map(|&g| 1e-12 * g).collect();
        cases.push(Case::new(
            "embedding::backward",
            format!("f32 {FEATURES} x {width}"),
            cost(8),
            (ids, values, gradient, weights),
            move |kernels, (ids, values, out_gradient, gradient)| {
                let gradient = MatrixMut::new(gradient, width, width).expect("whole rows");
                kernels.embedding_backward(out_gradient, *ids, values, gradient);
            },
            |(.., gradient)| bits(gradient),
        ));
    }
    cases
}
