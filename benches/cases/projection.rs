use slide_kernels::Matrix;
use slide_kernels::hash::SignedProjection;

use super::{Case, Cost, checked};
use crate::random::{Aligned, Random};

const BITS: usize = 9;
const TABLES: usize = 50;

pub(super) fn cases() -> Vec<Case> {
    vec![dense(128), sparse(75, 4096)]
}

fn signs(width: usize) -> Aligned<u32> {
    let mut signs = Aligned::filled(0, SignedProjection::signs_len(width, BITS, TABLES).expect("a shape"));
    SignedProjection::draw_signs(1, &mut signs);
    signs
}

fn functions(width: usize, signs: &[u32]) -> SignedProjection<'_> {
    SignedProjection::new(width, BITS, TABLES, signs).expect("the signs of the shape")
}

/// Elements are additions.
fn cost(values: usize) -> Cost {
    let additions = (values * BITS * TABLES) as u64;
    Cost { elements: additions, bytes: (4 * values + 4 * TABLES) as u64 + additions / 8, operations: additions }
}

fn dense(width: usize) -> Case {
    Case::new(
        "projection::projection_codes",
        format!("f32 {width}, {BITS} x {TABLES}"),
        cost(width),
        (signs(width), Random(1).values(width), Aligned::filled(0, TABLES)),
        move |kernels, (signs, vector, out)| {
            let vector = Matrix::new(vector, width, width).expect("one row");
            kernels.projection_codes(&functions(width, signs), vector, out);
        },
        |(.., out)| out.to_vec(),
    )
}

fn sparse(count: usize, width: usize) -> Case {
    let mut random = Random(1);
    let arguments = (
        signs(width),
        checked(random.ascending(count, width), width),
        random.values(count),
        Aligned::filled(0, TABLES),
    );
    Case::new(
        "projection::projection_codes_sparse",
        format!("{count} of {width}, {BITS} x {TABLES}"),
        cost(count),
        arguments,
        move |kernels, (signs, ids, values, out)| {
            kernels.projection_codes_sparse(&functions(width, signs), *ids, values, out);
        },
        |(.., out)| out.to_vec(),
    )
}
