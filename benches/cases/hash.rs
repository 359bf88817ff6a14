use slide_kernels::hash::{Bins, SimHash};
use slide_kernels::{Kernels, Matrix};

use super::{Case, Cost};
use crate::random::{Aligned, Random};

/// As in the networks of the papers: 50 tables, for a batch of hidden vectors, and for one.
const TABLES: usize = 50;
const WIDTH: usize = 128;
const BITS: usize = 9;
const VALUES: usize = 6;
const BIN_BITS: usize = 3;

type BinCodes = fn(&Kernels, &Bins, Matrix, &mut [u32]);

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for rows in [64, 1] {
        cases.push(simhash(rows));
        let families: [(&'static str, BinCodes, bool); 3] = [
            ("hash::wta_codes", Kernels::wta_codes, false),
            ("hash::dwta_codes", Kernels::dwta_codes, true),
            ("hash::minhash_codes", Kernels::minhash_codes, true),
        ];
        cases.extend(families.map(|(kernel, codes, shared)| bins(kernel, codes, shared, rows)));
    }
    cases
}

fn vectors(rows: usize) -> Aligned<f32> {
    Random(1).values(rows * WIDTH)
}

fn matrix(vectors: &[f32]) -> Matrix<'_> {
    Matrix::new(vectors, WIDTH, WIDTH).expect("whole rows")
}

fn shape(rows: usize, values: usize) -> String {
    format!("{rows} x {WIDTH}, {values} x {TABLES}")
}

/// Elements are hash values.
fn cost(rows: usize, values: usize, parameters: usize) -> Cost {
    let bytes = 4 * (rows * (WIDTH + TABLES) + parameters);
    Cost { elements: (rows * values * TABLES) as u64, bytes: bytes as u64, operations: 0 }
}

fn simhash(rows: usize) -> Case {
    let mut signs = Aligned::filled(0, SimHash::signs_len(WIDTH, BITS, TABLES).expect("a shape"));
    SimHash::draw_signs(1, &mut signs);
    Case::new(
        "hash::simhash_codes",
        shape(rows, BITS),
        cost(rows, BITS, signs.len()),
        (signs, vectors(rows), Aligned::filled(0, rows * TABLES)),
        |kernels, (signs, vectors, out)| {
            let functions = SimHash::new(WIDTH, BITS, TABLES, signs).expect("the signs of the shape");
            kernels.simhash_codes(&functions, matrix(vectors), out);
        },
        |(.., out)| out.to_vec(),
    )
}

fn bins(kernel: &'static str, codes: BinCodes, shared: bool, rows: usize) -> Case {
    let mut positions = Aligned::filled(0, Bins::positions_len(WIDTH, BIN_BITS, VALUES, TABLES).expect("a shape"));
    let draw = if shared { Bins::draw_shared } else { Bins::draw_separate };
    draw(1, BIN_BITS, &mut [0; WIDTH], &mut positions).expect("a shape");
    Case::new(
        kernel,
        shape(rows, VALUES),
        cost(rows, VALUES, positions.len()),
        (positions, vectors(rows), Aligned::filled(0, rows * TABLES)),
        move |kernels, (positions, vectors, out)| {
            let functions = Bins::new(WIDTH, BIN_BITS, VALUES, TABLES, positions).expect("the positions of the shape");
            codes(kernels, &functions, matrix(vectors), out);
        },
        |(.., out)| out.to_vec(),
    )
}
