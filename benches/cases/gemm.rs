use half::bf16;
use slide_kernels::{Matrix, MatrixMut, RowIds, Table, Values};

use super::{Case, Cost, bits};
use crate::random::{Aligned, Random};

const WIDTH: usize = 128;
const ROWS: usize = 1024;
const SAMPLES: usize = 64;

/// 64 samples x 1,024 scattered rows of 128, in the second-level cache.
pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let products = (ROWS * WIDTH * SAMPLES) as u64;
    let cost = |weight_bytes, input_bytes| {
        let bytes = weight_bytes * ROWS * WIDTH + input_bytes * SAMPLES * WIDTH + 4 * ROWS * SAMPLES;
        Cost { elements: products, bytes: bytes as u64, operations: 2 * products }
    };
    let shape = |format: &str| format!("{format}, {SAMPLES} samples x {ROWS} rows of {WIDTH}");
    let table = Aligned::new(&random.values(2 * ROWS * WIDTH));
    let narrow_table = Aligned::new(&table.iter().map(|&value| bf16::from_f32(value)).collect::<Vec<_>>());
    let (bias, inputs) = (random.values(2 * ROWS), Aligned::new(&random.values(WIDTH * SAMPLES)));
    let ids = random.ascending(ROWS, 2 * ROWS);
    // Small ones, which the sums of a million calls do not overflow.
    let deltas = random.values(ROWS * SAMPLES).iter().map(|value| value * 1e-6).collect::<Vec<_>>();
    let deltas = Aligned::new(&deltas);
    let (out, input_gradient) = (Aligned::new(&vec![0.0; ROWS * SAMPLES]), Aligned::new(&vec![0.0; SAMPLES * WIDTH]));
    vec![
        Case::new(
            "gemm::forward",
            shape("f32"),
            cost(4, 4),
            (table.clone(), ids.clone(), bias.clone(), inputs.clone(), out.clone()),
            move |kernels, (table, ids, bias, inputs, out)| {
                let table = Table::new(Values::F32(table), WIDTH, WIDTH).expect("whole rows");
                kernels.gemm_forward(table, checked(ids), bias, matrix(inputs, SAMPLES), matrix_mut(out, SAMPLES));
            },
            |(.., out)| bits(out),
        ),
        Case::new(
            "gemm::forward",
            shape("bf16 x f32"),
            cost(2, 4),
            (narrow_table.clone(), ids.clone(), bias, inputs.clone(), out),
            move |kernels, (table, ids, bias, inputs, out)| {
                let table = Table::new(Values::Bf16(table), WIDTH, WIDTH).expect("whole rows");
                kernels.gemm_forward(table, checked(ids), bias, matrix(inputs, SAMPLES), matrix_mut(out, SAMPLES));
            },
            |(.., out)| bits(out),
        ),
        Case::new(
            "gemm::backward",
            shape("f32"),
            cost(4, 4),
            (table.clone(), ids.clone(), deltas.clone(), input_gradient.clone()),
            move |kernels, (table, ids, deltas, gradient)| {
                let table = Table::new(Values::F32(table), WIDTH, WIDTH).expect("whole rows");
                kernels.gemm_backward(table, checked(ids), matrix(deltas, SAMPLES), matrix_mut(gradient, WIDTH));
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
                kernels.gemm_backward(table, checked(ids), matrix(deltas, SAMPLES), matrix_mut(gradient, WIDTH));
            },
            |(.., gradient)| bits(gradient),
        ),
        Case::new(
            "gemm::gradient",
            shape("f32"),
            cost(4, 4),
            (deltas, inputs, Aligned::new(&vec![0.0; ROWS * WIDTH])),
            move |kernels, (deltas, inputs, gradient)| {
                kernels.gemm_gradient(matrix(deltas, SAMPLES), matrix(inputs, WIDTH), matrix_mut(gradient, WIDTH));
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

fn checked(ids: &[u32]) -> RowIds<'_> {
    RowIds::new(ids, 2 * ROWS).expect("rows of the table")
}
