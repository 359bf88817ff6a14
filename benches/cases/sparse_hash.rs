use slide_kernels::hash::{BinPlaces, Bins};
use slide_kernels::{Kernels, RowIds};

use super::{Case, Cost, checked};
use crate::random::{Aligned, Random};

const TABLES: usize = 50;
const VALUES: usize = 6;
const BIN_BITS: usize = 3;
const WIDTH: usize = 1024;
const COUNT: usize = 75;

type SparseCodes = fn(&Kernels, &BinPlaces, RowIds, &[f32], &mut [u32]);

pub(super) fn cases() -> Vec<Case> {
    let families: [(&'static str, SparseCodes, bool); 3] = [
        ("sparse_hash::wta_codes_sparse", Kernels::wta_codes_sparse, false),
        ("sparse_hash::dwta_codes_sparse", Kernels::dwta_codes_sparse, true),
        ("sparse_hash::minhash_codes_sparse", Kernels::minhash_codes_sparse, true),
    ];
    families.map(|(kernel, codes, shared)| case(kernel, codes, shared)).into()
}

fn bins(positions: &[u32]) -> Bins<'_> {
    Bins::new(WIDTH, BIN_BITS, VALUES, TABLES, positions).expect("the positions of the shape")
}

fn case(kernel: &'static str, codes: SparseCodes, shared: bool) -> Case {
    let mut positions = Aligned::filled(0, Bins::positions_len(WIDTH, BIN_BITS, VALUES, TABLES).expect("a shape"));
    let draw = if shared { Bins::draw_shared } else { Bins::draw_separate };
    draw(1, BIN_BITS, &mut [0; WIDTH], &mut positions).expect("a shape");
    let lengths = BinPlaces::lengths(&bins(&positions));
    let (mut starts, mut places) = (Aligned::filled(0, lengths.0), Aligned::filled(0, lengths.1));
    BinPlaces::fill(&bins(&positions), &mut starts, &mut places).expect("positions that were drawn");
    let mut random = Random(1);
    let vector = (checked(random.ascending(COUNT, WIDTH), WIDTH), random.values(COUNT));
    // Elements are hash values.
    let bytes = 4 * (2 * COUNT + TABLES + COUNT * lengths.1 / WIDTH) as u64;
    Case::new(
        kernel,
        format!("{COUNT} of {WIDTH}, {VALUES} x {TABLES}"),
        Cost { elements: (VALUES * TABLES) as u64, bytes, operations: 0 },
        (positions, starts, places, vector, Aligned::filled(0, TABLES)),
        move |kernels, (positions, starts, places, (ids, values), out)| {
            let functions = BinPlaces::new(bins(positions), starts, places).expect("what was filled");
            codes(kernels, &functions, *ids, values, out);
        },
        |(.., out)| out.to_vec(),
    )
}
