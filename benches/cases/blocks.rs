use slide_kernels::NibbleBlocks;

use super::{Case, Cost, bits};
use crate::random::{Aligned, Random};

/// Lists of an inverted file that stay in the second-level cache; and one of few rows, whose instructions are counted.
pub(super) fn cases() -> Vec<Case> {
    [(4096, 128), (2048, 256), (128, 128)].into_iter().map(|(rows, width)| nibbles(rows, width)).collect()
}

fn nibbles(rows: usize, width: usize) -> Case {
    let mut random = Random(1);
    let products = (rows * width) as u64;
    let bytes = (rows * (width / 2 + 12) + width) as u64;
    let codes: Aligned<u8> = (0..rows * width / 2).map(|_| random.word() as u8).collect();
    let query: Aligned<i8> = (0..width).map(|_| random.word() as i8).collect();
    let (scales, offsets) = (random.values(rows), random.values(rows));
    Case::new(
        "blocks::score_nibble_blocks",
        format!("4 bits x i8, {rows} rows of {width}"),
        Cost { elements: products, bytes, operations: 0 },
        (codes, scales, offsets, query, Aligned::filled(0.0, rows)),
        move |kernels, (codes, scales, offsets, query, out)| {
            let blocks = NibbleBlocks::new(codes, scales, offsets, width).expect("whole blocks");
            kernels.score_nibble_blocks(blocks, query, 0.5, 0.25, out);
        },
        |(.., out)| bits(out),
    )
}
