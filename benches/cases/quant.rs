use half::bf16;
use slide_kernels::{Affine, Matrix, MatrixI8, QuantizedBatchMut, QuantizedTable, QuantizedTableMut, Table, Values};

use super::{Case, Cost, bits, checked};
use crate::random::{Aligned, Random};

const WIDTH: usize = 128;
/// Rows of a table of bytes that stays in the second-level cache.
const ROWS: usize = 4096;
/// Rows of a product.
const CHOSEN: usize = 1024;

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let random = &mut random;
    let mut cases = Vec::new();
    for n in [128, 1024, 4096] {
        let cost = Cost { elements: n as u64, bytes: 2 * n as u64, operations: 2 * n as u64 };
        let (a, u, b) = (bytes(random, n), unsigned(random, n), bytes(random, n));
        cases.push(Case::new(
            "quant::dot_i8",
            format!("i8 {n}"),
            cost,
            (a, b.clone(), 0),
            |kernels, (a, b, sum)| *sum = kernels.dot_i8(a, b),
            |(.., sum)| vec![*sum as u32],
        ));
        cases.push(Case::new(
            "quant::dot_u8_i8",
            format!("u8 x i8 {n}"),
            cost,
            (u, b, 0),
            |kernels, (u, b, sum)| *sum = kernels.dot_u8_i8(u, b),
            |(.., sum)| vec![*sum as u32],
        ));
    }
    rows(random, &mut cases);
    quantise(random, &mut cases);
    cases
}

fn bytes(random: &mut Random, count: usize) -> Aligned<i8> {
    (0..count).map(|_| random.word() as i8).collect()
}

fn unsigned(random: &mut Random, count: usize) -> Aligned<u8> {
    (0..count).map(|_| random.word() as u8).collect()
}

fn words(values: &[i32]) -> Vec<u32> {
    values.iter().map(|&value| value as u32).collect()
}

fn matrix(values: &[i8]) -> MatrixI8<'_> {
    MatrixI8::new(values, WIDTH, WIDTH).expect("whole rows")
}

fn rows(random: &mut Random, cases: &mut Vec<Case>) {
    let products = (WIDTH * CHOSEN) as u64;
    let cost = Cost { elements: products, bytes: products + 4 * CHOSEN as u64, operations: 2 * products };
    let shape = |types: &str| format!("{types} {CHOSEN} rows x {WIDTH}");
    let values = bytes(random, ROWS * WIDTH);
    let ids = checked((0..CHOSEN).map(|_| (random.word() % ROWS as u64) as u32).collect(), ROWS);
    let (signed, positive) = (bytes(random, WIDTH), unsigned(random, WIDTH));
    let (scales, sums) = (random.values(ROWS), (0..ROWS as i32).collect::<Aligned<_>>());
    cases.push(Case::new(
        "quant::rows_dot_i8",
        shape("i8"),
        cost,
        (values.clone(), ids, signed.clone(), Aligned::filled(0, CHOSEN)),
        |kernels, (values, ids, vector, out)| {
            kernels.rows_dot_i8(matrix(values), *ids, vector, out);
        },
        |(.., out)| words(out),
    ));
    cases.push(Case::new(
        "quant::rows_dot_u8_i8",
        shape("u8 x i8"),
        cost,
        (values.clone(), ids, positive.clone(), Aligned::filled(0, CHOSEN)),
        |kernels, (values, ids, vector, out)| {
            kernels.rows_dot_u8_i8(matrix(values), *ids, vector, out);
        },
        |(.., out)| words(out),
    ));
    cases.push(Case::new(
        "quant::rows_dot_i8_scaled",
        shape("i8"),
        cost,
        (values.clone(), scales.clone(), sums.clone(), ids, signed, Aligned::filled(0.0, CHOSEN)),
        |kernels, (values, scales, sums, ids, vector, out)| {
            let table = QuantizedTable::new(matrix(values), scales, sums).expect("one scale a row");
            kernels.rows_dot_i8_scaled(table, *ids, vector, 0.1, out);
        },
        |(.., out)| bits(out),
    ));
    cases.push(Case::new(
        "quant::rows_dot_u8_i8_scaled",
        shape("u8 x i8"),
        cost,
        (values.clone(), scales, sums, ids, positive, Aligned::filled(0.0, CHOSEN)),
        |kernels, (values, scales, sums, ids, vector, out)| {
            let table = QuantizedTable::new(matrix(values), scales, sums).expect("one scale a row");
            let affine = Affine { scale: 0.1, zero_point: 77 };
            kernels.rows_dot_u8_i8_scaled(table, *ids, vector, affine, out);
        },
        |(.., out)| bits(out),
    ));
    const SUMS: usize = 512;
    cases.push(Case::new(
        "quant::row_sums_i8",
        format!("i8 {SUMS} rows x {WIDTH}"),
        Cost { elements: (SUMS * WIDTH) as u64, bytes: (SUMS * WIDTH + 4 * SUMS) as u64, operations: 0 },
        (values[..SUMS * WIDTH].to_vec(), Aligned::filled(0, SUMS)),
        |kernels, (values, out)| kernels.row_sums_i8(matrix(values), out),
        |(.., out)| words(out),
    ));
}

fn quantise(random: &mut Random, cases: &mut Vec<Case>) {
    const ROWS: usize = 64;
    let cost =
        |bytes: usize| Cost { elements: (ROWS * WIDTH) as u64, bytes: (bytes * ROWS * WIDTH) as u64, operations: 0 };
    let values = random.values(ROWS * WIDTH);
    let narrow: Vec<bf16> = values.iter().map(|&value| bf16::from_f32(value)).collect();
    let out = (Aligned::filled(0_i8, ROWS * WIDTH), Aligned::filled(0.0, ROWS), Aligned::filled(0, ROWS));
    let result = |(values, scales, sums): &(Aligned<i8>, Aligned<f32>, Aligned<i32>)| {
        let values = values.iter().map(|&value| value as u32);
        values.chain(bits(scales)).chain(words(sums)).collect()
    };
    cases.push(Case::new(
        "quant::quantize_rows_i8",
        format!("f32 {ROWS} rows x {WIDTH}"),
        cost(5),
        (values.clone(), out.clone()),
        |kernels, (from, (values, scales, sums))| {
            let table = Table::new(Values::F32(from), WIDTH, WIDTH).expect("whole rows");
            let out = QuantizedTableMut::new(values, scales, sums, WIDTH, WIDTH).expect("whole rows");
            kernels.quantize_rows_i8(table, out);
        },
        move |(_, out)| result(out),
    ));
    cases.push(Case::new(
        "quant::quantize_rows_i8",
        format!("bf16 {ROWS} rows x {WIDTH}"),
        cost(3),
        (narrow, out),
        |kernels, (from, (values, scales, sums))| {
            let table = Table::new(Values::Bf16(from), WIDTH, WIDTH).expect("whole rows");
            let out = QuantizedTableMut::new(values, scales, sums, WIDTH, WIDTH).expect("whole rows");
            kernels.quantize_rows_i8(table, out);
        },
        move |(_, out)| result(out),
    ));
    cases.push(Case::new(
        "quant::quantize_rows_u8",
        format!("f32 {ROWS} rows x {WIDTH}"),
        cost(5),
        (values, Aligned::filled(0_u8, ROWS * WIDTH), Aligned::filled(Affine::default(), ROWS)),
        |kernels, (from, values, affine)| {
            let vectors = Matrix::new(from, WIDTH, WIDTH).expect("whole rows");
            let out = QuantizedBatchMut::new(values, affine, WIDTH, WIDTH).expect("whole rows");
            kernels.quantize_rows_u8(vectors, out);
        },
        |(_, values, affine)| {
            let values = values.iter().map(|&value| u32::from(value));
            values.chain(affine.iter().flat_map(|a| [a.scale.to_bits(), u32::from(a.zero_point)])).collect()
        },
    ));
    let n = ROWS * WIDTH;
    cases.push(Case::new(
        "quant::dequantize_i8",
        format!("i8 {n}"),
        cost(5),
        (bytes(random, n), Aligned::filled(0.0, n)),
        |kernels, (values, out)| kernels.dequantize_i8(values, 0.1, out),
        |(_, out)| bits(out),
    ));
    cases.push(Case::new(
        "quant::dequantize_u8",
        format!("u8 {n}"),
        cost(5),
        (unsigned(random, n), Aligned::filled(0.0, n)),
        |kernels, (values, out)| kernels.dequantize_u8(values, Affine { scale: 0.1, zero_point: 77 }, out),
        |(_, out)| bits(out),
    ));
}
