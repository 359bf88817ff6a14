use slide_kernels::{CscMut, CscShape, CsrView};

use super::{Case, Cost};
use crate::random::{Aligned, Random};

const EXAMPLES: usize = 256;

#[derive(Clone)]
struct Arguments {
    rows: Aligned<u32>,
    values: Aligned<f32>,
    bounds: Aligned<u32>,
    counters: Aligned<u32>,
    places: Aligned<u32>,
    out_rows: Aligned<u32>,
    out_starts: Aligned<u32>,
    out_examples: Aligned<u32>,
    out_values: Aligned<f32>,
    sorted: CscShape,
}

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    // Two batches as a whole, one of 64 shards of the first, and a small one whose instructions can be counted.
    [(1000, 670_091, 8192), (64, 50_000, 8192), (16, 10_470, 10_470), (4, 1000, 1000)]
        .map(|(each, row_bound, piece)| {
            let lists: Vec<_> = (0..EXAMPLES).map(|_| random.ascending(each, row_bound)).collect();
            let entries = EXAMPLES * each;
            let arguments = Arguments {
                rows: Aligned::new(&lists.concat()),
                values: random.values(entries),
                bounds: (0..=EXAMPLES).map(|example| (example * each) as u32).collect(),
                counters: Aligned::filled(0, piece),
                places: Aligned::filled(0, EXAMPLES),
                out_rows: Aligned::filled(0, entries),
                out_starts: Aligned::filled(0, entries + 1),
                out_examples: Aligned::filled(0, entries),
                out_values: Aligned::filled(0.0, entries),
                sorted: CscShape { rows: 0, entries: 0 },
            };
            Case::new(
                "csr_to_csc::scan",
                format!("{EXAMPLES} x {each} of {row_bound}"),
                Cost { elements: entries as u64, bytes: 16 * entries as u64, operations: 0 },
                arguments,
                move |kernels, arguments| {
                    let Arguments { rows, values, bounds, counters, places, .. } = arguments;
                    let lists = CsrView { rows, values, bounds, stride: 1 };
                    let out = CscMut {
                        rows: &mut arguments.out_rows,
                        starts: &mut arguments.out_starts,
                        examples: &mut arguments.out_examples,
                        values: &mut arguments.out_values,
                    };
                    arguments.sorted =
                        kernels.csr_to_csc(std::iter::once(lists), 0..row_bound as u32, counters, places, out);
                },
                |arguments| {
                    let values = arguments.out_values.iter().map(|value| value.to_bits());
                    let (rows, starts) =
                        (&arguments.out_rows[..arguments.sorted.rows], &arguments.out_starts[..=arguments.sorted.rows]);
                    let words = rows.iter().chain(starts).chain(arguments.out_examples.iter());
                    words.copied().chain(values).collect()
                },
            )
        })
        .into()
}
