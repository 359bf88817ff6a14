use slide_kernels::{Matrix, MatrixI8};

use super::{Case, Cost, checked};
use crate::random::{Aligned, Random};

const WIDTH: usize = 128;
const VECTORS: usize = 64;

/// 64 vectors x scattered rows of 128, in the second-level cache; 32 rows are few enough for instructions to be counted.
pub(super) fn cases() -> Vec<Case> {
    [1024, 32].into_iter().flat_map(of_rows).collect()
}

fn of_rows(rows: usize) -> [Case; 2] {
    let mut random = Random(1);
    let products = (rows * WIDTH * VECTORS) as u64;
    let bytes = (rows * WIDTH + VECTORS * WIDTH + 4 * rows * VECTORS) as u64;
    let cost = Cost { elements: products, bytes, operations: 2 * products };
    let shape = |types: &str| format!("{types}, {VECTORS} vectors x {rows} rows of {WIDTH}");
    let values: Aligned<i8> = (0..2 * rows * WIDTH).map(|_| random.word() as i8).collect();
    let signed: Aligned<i8> = (0..VECTORS * WIDTH).map(|_| random.word() as i8).collect();
    let unsigned: Aligned<u8> = (0..VECTORS * WIDTH).map(|_| random.word() as u8).collect();
    let (ids, out) = (checked(random.ascending(rows, 2 * rows), 2 * rows), Aligned::filled(0, rows * VECTORS));
    let result = |out: &[i32]| out.iter().map(|&sum| sum as u32).collect();
    [
        Case::new(
            "byte_gemm::gemm_i8",
            shape("i8"),
            cost,
            (values.clone(), ids, signed, out.clone()),
            move |kernels, (values, ids, vectors, out)| {
                kernels.gemm_i8(matrix(values), *ids, matrix(vectors), out);
            },
            move |(.., out)| result(out),
        ),
        Case::new(
            "byte_gemm::gemm_u8_i8",
            shape("u8 x i8"),
            cost,
            (values, ids, unsigned, out),
            move |kernels, (values, ids, vectors, out)| {
                let vectors = Matrix::new(vectors, WIDTH, WIDTH).expect("whole vectors");
                kernels.gemm_u8_i8(matrix(values), *ids, vectors, out);
            },
            move |(.., out)| result(out),
        ),
    ]
}

fn matrix(values: &[i8]) -> MatrixI8<'_> {
    MatrixI8::new(values, WIDTH, WIDTH).expect("whole rows")
}
