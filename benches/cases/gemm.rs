use half::bf16;
use slide_kernels::{Matrix, MatrixMut, Table, Values};

use super::{Case, Cost, bits, checked};
use crate::random::{Aligned, Random};

const WIDTH: usize = 128;
const EXAMPLES: usize = 64;

/// 64 examples x scattered rows of 128, in the second-level cache; 32 rows are few enough for instructions to be counted.
pub(super) fn cases() -> Vec<Case> {
    [1024, 32].into_iter().flat_map(of_rows).collect()
}

fn of_rows(rows: usize) -> Vec<Case> {
    let mut random = Random(1);
    let products = (rows * WIDTH * EXAMPLES) as u64;
    let cost = |weight_bytes, input_bytes| {
        let bytes = weight_bytes * rows * WIDTH + input_bytes * EXAMPLES * WIDTH + 4 * rows * EXAMPLES;
        Cost { elements: products, bytes: bytes as u64, operations: 2 * products }
    };
    let shape = |format: &str| format!("{format}, {EXAMPLES} examples x {rows} rows of {WIDTH}");
    let table = random.values(2 * rows * WIDTH);
    let narrow_table = table.iter().map(|&value| bf16::from_f32(value)).collect::<Aligned<_>>();
    let (bias, inputs) = (random.values(2 * rows), random.values(WIDTH * EXAMPLES));
    let ids = checked(random.ascending(rows, 2 * rows), 2 * rows);
    // Small ones, which the sums of a million calls do not overflow.
    let deltas: Aligned<_> = random.values(rows * EXAMPLES).iter().map(|value| value * 1e-6).collect();
    let (out, input_gradient) = (Aligned::filled(0.0, rows * EXAMPLES), Aligned::filled(0.0, EXAMPLES * WIDTH));
    vec![
        Case::new(
            "gemm::forward",
            shape("f32"),
            cost(4, 4),
            (table.clone(), ids, bias.clone(), inputs.clone(), out.clone()),
            move |kernels, (table, ids, bias, inputs, out)| {
                let table = Table::new(Values::F32(table), WIDTH, WIDTH).expect("whole rows");
                kernels.gemm_forward(table, *ids, bias, matrix(inputs, EXAMPLES), matrix_mut(out, EXAMPLES));
            },
            |(.., out)| bits(out),
        ),
        Case::new(
            "gemm::forward",
            shape("bf16 x f32"),
            cost(2, 4),
            (narrow_table.clone(), ids, bias, inputs.clone(), out),
            move |kernels, (table, ids, bias, inputs, out)| {
                let table = Table::new(Values::Bf16(table), WIDTH, WIDTH).expect("whole rows");
                // Native precision uses pairs even on processors where they are slow, in order to measure that.
                let kernels = kernels.with_quirks(kernels.quirks().with_slow_bf16_pairs(false));
                kernels.gemm_forward(table, *ids, bias, matrix(inputs, EXAMPLES), matrix_mut(out, EXAMPLES));
            },
            |(.., out)| bits(out),
        ),
        Case::new(
            "gemm::backward",
            shape("f32"),
            cost(4, 4),
            (table.clone(), ids, deltas.clone(), input_gradient.clone()),
            move |kernels, (table, ids, deltas, gradient)| {
                let table = Table::new(Values::F32(table), WIDTH, WIDTH).expect("whole rows");
                kernels.gemm_backward(table, *ids, matrix(deltas, EXAMPLES), matrix_mut(gradient, WIDTH));
            },
            |(.., gradient)| bits(gradient),
        ),
        Case::new(
            "gemm::backward",
            shape("bf16 x f32"),
            cost(2, 4),
            (narrow_table, ids, deltas.clone(), input_gradient),
            move |kernels, (table, ids, deltas, gradient)| {
                let table = Table::new(Values::Bf16(table), WIDTH, WIDTH).expect("whole rows");
                kernels.gemm_backward(table, *ids, matrix(deltas, EXAMPLES), matrix_mut(gradient, WIDTH));
            },
            |(.., gradient)| bits(gradient),
        ),
        Case::new(
            "gemm::gradient",
            shape("f32"),
            cost(4, 4),
            (deltas, inputs, Aligned::filled(0.0, rows * WIDTH)),
            move |kernels, (deltas, inputs, gradient)| {
                kernels.gemm_gradient(matrix(deltas, EXAMPLES), matrix(inputs, WIDTH), matrix_mut(gradient, WIDTH));
            },
            |(.., gradient)| bits(gradient),
        ),
    ]
}

fn matrix<T>(data: &[T], width: usize) -> Matrix<'_, T> {
    Matrix::new(data, width, width).expect("whole rows")
}

fn matrix_mut(data: &mut [f32], width: usize) -> MatrixMut<'_> {
    MatrixMut::new(data, width, width).expect("whole rows")
}
