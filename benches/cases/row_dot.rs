use half::bf16;
use slide_kernels::{Matrix, Table, Values};

use super::{Case, Cost, bits, checked};
use crate::random::{Aligned, Random};

/// Scattered rows of a table of twice as many: in the first-level cache, and in the second.
pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let mut cases = Vec::new();
    for (rows, width) in [(32, 128), (1024, 128), (32, 1024_usize)] {
        let cost = |bytes| {
            let elements = (rows * width) as u64;
            Cost { elements, bytes: bytes * elements, operations: 2 * elements }
        };
        let table = random.values(2 * rows * width);
        let vector = random.values(width);
        let narrow = |values: &[f32]| values.iter().map(|&value| bf16::from_f32(value)).collect::<Aligned<_>>();
        let (narrow_table, narrow_vector) = (narrow(&table), narrow(&vector));
        let (ids, out) = (checked(random.ascending(rows, 2 * rows), 2 * rows), Aligned::filled(0.0_f32, rows));
        let kind = if width > 128 { "long rows" } else { "rows" };
        let shape = |format: &str| format!("{format}, {rows} {kind} of {width}");
        cases.push(Case::new(
            "row_dot::rows_dot",
            shape("f32"),
            cost(4),
            (table.clone(), ids, vector.clone(), out.clone()),
            move |kernels, (table, ids, vector, out)| {
                let table = Table::new(Values::F32(table), width, width).expect("whole rows");
                kernels.rows_dot(table, *ids, vector, out);
            },
            |(.., out)| bits(out),
        ));
        cases.push(Case::new(
            "row_dot::rows_dot",
            shape("bf16 x f32"),
            cost(2),
            (narrow_table.clone(), ids, vector.clone(), out.clone()),
            move |kernels, (table, ids, vector, out)| {
                let table = Table::new(Values::Bf16(table), width, width).expect("whole rows");
                kernels.rows_dot(table, *ids, vector, out);
            },
            |(.., out)| bits(out),
        ));
        cases.push(Case::new(
            "row_dot::rows_dot_bf16",
            shape("bf16"),
            cost(2),
            (narrow_table, ids, narrow_vector, out.clone()),
            move |kernels, (table, ids, vector, out)| {
                let table = Matrix::new(table, width, width).expect("whole rows");
                kernels.rows_dot_bf16(table, *ids, vector, out);
            },
            |(.., out)| bits(out),
        ));
        cases.push(Case::new(
            "row_dot::vectors_dot",
            shape("f32"),
            cost(4),
            (table, ids, vector, out),
            move |kernels, (vectors, ids, row, out)| {
                let vectors = Matrix::new(vectors, width, width).expect("whole rows");
                kernels.vectors_dot(row, vectors, *ids, out);
            },
            |(.., out)| bits(out),
        ));
    }
    cases
}
