use super::{Case, Cost, checked};
use crate::random::{Aligned, Random};

/// Codes to compare.
const ROWS: usize = 1024;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![pack(6, 3, 50), pack(9, 1, 4096)];
    cases.extend([8, 128, 1024].map(hamming));
    // 450 bits, and a longer one.
    cases.extend([8, 32].map(rows));
    cases.extend([8, 32].map(scattered));
    cases
}

fn words(count: usize, seed: u64) -> Aligned<u64> {
    let mut random = Random(seed);
    (0..count).map(|_| random.word()).collect()
}

fn pack(each: usize, bits: u32, tables: usize) -> Case {
    let values: Aligned<u32> = words(each * tables, 1).iter().map(|&word| word as u32).collect();
    let bytes = 4 * (values.len() + tables) as u64;
    Case::new(
        "codes::pack_codes",
        format!("{each} x {tables}, {bits} bits"),
        Cost { elements: values.len() as u64, bytes, operations: 0 },
        (values, Aligned::filled(0, tables)),
        move |kernels, (values, out)| kernels.pack_codes(values, bits, out),
        |(_, out)| out.to_vec(),
    )
}

fn hamming(n: usize) -> Case {
    Case::new(
        "codes::hamming",
        format!("u64 {n}"),
        Cost { elements: n as u64, bytes: 16 * n as u64, operations: 0 },
        (words(n, 1), words(n, 2), 0),
        |kernels, (a, b, sum)| *sum = kernels.hamming(a, b),
        |(.., sum)| vec![*sum as u32],
    )
}

fn rows(n: usize) -> Case {
    Case::new(
        "codes::hamming_rows",
        format!("{ROWS} x u64 {n}"),
        Cost { elements: (ROWS * n) as u64, bytes: (ROWS * (8 * n + 4)) as u64, operations: 0 },
        (words(ROWS * n, 1), words(n, 2), Aligned::filled(0, ROWS)),
        |kernels, (codes, code, out)| kernels.hamming_rows(codes, code, out),
        |(.., out)| out.to_vec(),
    )
}

fn scattered(n: usize) -> Case {
    let ids = checked(Random(3).ascending(ROWS / 4, ROWS), ROWS);
    Case::new(
        "codes::hamming_scattered",
        format!("{} of {ROWS} x u64 {n}", ids.len()),
        Cost { elements: (ids.len() * n) as u64, bytes: (ids.len() * (8 * n + 8)) as u64, operations: 0 },
        (words(ROWS * n, 1), words(n, 2), Aligned::filled(0, ids.len()), ids),
        |kernels, (codes, code, out, ids)| {
            kernels.hamming_scattered(codes, *ids, code, out);
        },
        |(_, _, out, _)| out.to_vec(),
    )
}
