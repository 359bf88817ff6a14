use slide_kernels::{CodeBlocks, Kernels};

use super::{Case, Cost, bits};
use crate::random::{Aligned, Random};

/// Lists of an inverted file that stay in the second-level cache, and short ones, whose instructions are counted.
pub(super) fn cases() -> Vec<Case> {
    let shapes = [(4096, 128), (2048, 256), (128, 128)];
    let nibbles =
        |(rows, width)| case("blocks::score_nibble_blocks", "4 bits x i8", rows, width, Kernels::score_nibble_blocks);
    let single = |(rows, width)| case("blocks::score_bit_blocks", "1 bit x i8", rows, width, Kernels::score_bit_blocks);
    shapes.into_iter().map(nibbles).chain(shapes.into_iter().map(single)).collect()
}

fn case<const BITS: usize>(
    kernel: &'static str,
    types: &str,
    rows: usize,
    width: usize,
    score: fn(&Kernels, CodeBlocks<'_, BITS>, &[i8], f32, f32, &mut [f32]),
) -> Case {
    let mut random = Random(1);
    let products = (rows * width) as u64;
    let codes: Aligned<u8> = (0..rows * width * BITS / 8).map(|_| random.word() as u8).collect();
    let query: Aligned<i8> = (0..width).map(|_| random.word() as i8).collect();
    let (scales, offsets) = (random.values(rows), random.values(rows));
    let bytes = (codes.len() + 12 * rows + width) as u64;
    Case::new(
        kernel,
        format!("{types}, {rows} rows of {width}"),
        Cost { elements: products, bytes, operations: 0 },
        (codes, scales, offsets, query, Aligned::filled(0.0, rows)),
        move |kernels, (codes, scales, offsets, query, out)| {
            let blocks = CodeBlocks::new(codes, scales, offsets, width).expect("whole blocks");
            score(kernels, blocks, query, 0.5, 0.25, out);
        },
        |(.., out)| bits(out),
    )
}
