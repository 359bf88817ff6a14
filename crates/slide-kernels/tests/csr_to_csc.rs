//! Transposition of active sets: the specification against a search, the other levels against the specification.

mod support;

use proptest::prelude::*;
use slide_kernels::{CscMut, CscPattern, CscShape, CsrView, Isa, Kernels};
use support::{Guarded, Random, others, scalar};

/// Lists of some examples, as in compressed storage.
struct Block {
    rows: Vec<u32>,
    values: Vec<f32>,
    bounds: Vec<u32>,
}

impl Block {
    fn new(random: &mut Random, examples: usize, count: usize, bound: usize) -> Block {
        let mut block = Block { rows: Vec::new(), values: Vec::new(), bounds: vec![0] };
        for _ in 0..examples {
            let count = random.below(count + 1);
            block.rows.extend(random.ascending(count, bound));
            block.bounds.push(block.rows.len() as u32);
        }
        block.values.extend(block.rows.iter().map(|_| random.value()));
        block
    }

    fn lists(&self, with_values: bool) -> CsrView<'_> {
        let values = if with_values { &self.values[..] } else { &[] };
        CsrView { rows: &self.rows, values, bounds: &self.bounds, stride: 1 }
    }
}

/// Rows, starts, examples and values.
type Lists = (Vec<u32>, Vec<u32>, Vec<u32>, Vec<f32>);

fn searched(blocks: &[Block], range: std::ops::Range<u32>, with_values: bool) -> Lists {
    let (mut rows, mut starts, mut examples, mut values) = (vec![], vec![], vec![], vec![]);
    for row in range.clone() {
        let before = examples.len();
        let lists = blocks.iter().flat_map(|block| block.bounds.windows(2).map(move |pair| (block, pair)));
        for (example, (block, pair)) in lists.enumerate() {
            let (from, to) = (pair[0] as usize, pair[1] as usize);
            if let Ok(place) = block.rows[from..to].binary_search(&row) {
                examples.push(example as u32);
                values.push(block.values[from + place]);
            }
        }
        if examples.len() > before {
            rows.push(row - range.start);
            starts.push(before as u32);
        }
    }
    starts.push(examples.len() as u32);
    (rows, starts, examples, if with_values { values } else { vec![] })
}

fn sorted(
    kernels: &Kernels,
    blocks: &[CsrView<'_>],
    range: std::ops::Range<u32>,
    counters: usize,
    rows: usize,
    entries: usize,
) -> Lists {
    let examples = blocks.iter().map(|lists| lists.examples()).sum();
    let with_values = blocks.iter().any(|lists| !lists.values.is_empty());
    // Room for just what comes, at guard pages.
    let list = |length| Guarded::<u32>::new(length, true);
    let (mut counters, mut places, mut examples) = (list(counters), list(examples), list(entries));
    let (mut rows, mut starts) = (list(rows), list(rows + 1));
    let mut values = Guarded::<f32>::new(if with_values { entries } else { 0 }, true);
    counters.fill(77);
    places.fill(77);
    let out = CscMut { rows: &mut rows, starts: &mut starts, examples: &mut examples, values: &mut values };
    let sorted = kernels.csr_to_csc(blocks.iter().copied(), range, &mut counters, &mut places, out);
    assert_eq!(sorted.entries, entries, "on {}", kernels.isa());
    (rows[..sorted.rows].to_vec(), starts[..=sorted.rows].to_vec(), examples.to_vec(), values.to_vec())
}

proptest! {
    #![proptest_config(support::cases(200))]

    #[test]
    fn sorting_agrees_with_a_search(
        examples in prop::collection::vec(0_usize..12, 0..4),
        count in 0_usize..60,
        bound in 1_usize..300,
        cuts in (0_usize..300, 0_usize..300),
        counters in prop_oneof![1_usize..40, 300_usize..400],
        with_values: bool,
        seed: u64,
    ) {
        let mut random = Random::new(seed);
        let blocks: Vec<_> = examples.iter().map(|&examples| Block::new(&mut random, examples, count, bound)).collect();
        let cuts = (cuts.0.min(bound) as u32, cuts.1.min(bound) as u32);
        let range = if seed % 2 == 0 { 0..bound as u32 } else { cuts.0.min(cuts.1)..cuts.0.max(cuts.1) };
        let expected = searched(&blocks, range.clone(), with_values && blocks.iter().any(|b| !b.values.is_empty()));
        let lists: Vec<_> = blocks.iter().map(|block| block.lists(with_values)).collect();
        let entries = expected.2.len();
        let room = entries.min(range.len());
        for kernels in std::iter::once(scalar()).chain(others()) {
            let found = sorted(kernels, &lists, range.clone(), counters, room, entries);
            prop_assert_eq!(&found, &expected, "on {}", kernels.isa());
        }
        CscPattern::new(&expected.0, &expected.1, &expected.2, bound, examples.iter().sum()).unwrap();
    }
}

/// Lists that were cut into chunks once: each example has as many bounds, and the chunk's begin at its own.
#[test]
fn lists_with_bounds_for_each_chunk() {
    let rows = [1, 5, 12, 14, 0, 13, 15];
    // Chunks of rows 0..10 and 10..20; examples of four and three rows.
    let bounds = [0, 2, 4, 4, 5, 7];
    let lists = CsrView { rows: &rows, values: &[], bounds: &bounds[1..], stride: 3 };
    assert_eq!(lists.examples(), 2);
    let found = sorted(scalar(), &[lists], 10..20, 10, 4, 4);
    assert_eq!(found, (vec![2, 3, 4, 5], vec![0, 1, 2, 3, 4], vec![0, 1, 0, 1], vec![]));
}

#[test]
fn a_row_that_is_listed_twice_has_two_members() {
    let lists = CsrView { rows: &[3, 3], values: &[1.0, 2.0], bounds: &[0, 2], stride: 1 };
    assert_eq!(sorted(Kernels::best(), &[lists], 0..5, 2, 2, 2), (vec![3], vec![0, 2], vec![0, 0], vec![1.0, 2.0]));
}

#[test]
fn nothing_is_sorted_into_nothing() {
    for &isa in Isa::ALL {
        let Ok(kernels) = Kernels::for_isa(isa) else { continue };
        let out = CscMut { rows: &mut [], starts: &mut [9], examples: &mut [], values: &mut [] };
        let sorted = kernels.csr_to_csc(std::iter::empty(), 0..0, &mut [0], &mut [], out);
        assert_eq!(sorted, CscShape { rows: 0, entries: 0 });
    }
}

#[test]
#[should_panic(expected = "csr_to_csc: the rows of an example must ascend")]
fn rows_that_do_not_ascend_are_refused() {
    let lists = CsrView { rows: &[9, 3], values: &[], bounds: &[0, 2], stride: 1 };
    sorted(Kernels::best(), &[lists], 0..10, 5, 2, 2);
}

#[test]
#[should_panic(expected = "csr_to_csc: examples has too few elements")]
fn too_little_room_is_refused() {
    let lists = CsrView { rows: &[3, 9], values: &[], bounds: &[0, 2], stride: 1 };
    sorted(Kernels::best(), &[lists], 0..10, 10, 2, 1);
}
