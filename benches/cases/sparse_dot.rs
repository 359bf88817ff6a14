use half::bf16;
use slide_kernels::{Quirks, RowIds, SparseVector, Values};

use super::{Case, Cost, bits, checked};
use crate::random::{Aligned, Random};

/// Indices and values of a sparse vector.
type Lists = (RowIds<'static>, Aligned<f32>);

fn lists(random: &mut Random, count: usize, dimensions: usize) -> Lists {
    (checked(random.ascending(count, dimensions), dimensions), random.values(count))
}

fn vector((ids, values): &Lists) -> SparseVector<'_> {
    SparseVector::new(*ids, values).expect("as many")
}

pub(super) fn cases() -> Vec<Case> {
    let mut random = Random(1);
    let mut cases = Vec::new();
    for (count, dimensions) in [(75, 8192), (1024, 8192)] {
        let a = lists(&mut random, count, dimensions);
        let dense = random.values(dimensions);
        let narrow: Aligned<_> = dense.iter().map(|&x| bf16::from_f32(x)).collect();
        let cost =
            |bytes: usize| Cost { elements: count as u64, bytes: (bytes * count) as u64, operations: 2 * count as u64 };
        for (name, slow_gather) in [("sparse_dot::dot", false), ("sparse_dot::dot_without_gather", true)] {
            let quirks = Quirks::default().with_slow_gather(slow_gather);
            cases.push(Case::new(
                name,
                format!("f32 {count}"),
                cost(12),
                (a.clone(), dense.clone(), 0.0),
                move |kernels, (a, dense, sum)| {
                    *sum = kernels.with_quirks(quirks).sparse_dot(vector(a), Values::F32(dense));
                },
                |(.., sum)| bits(&[*sum]),
            ));
            cases.push(Case::new(
                name,
                format!("bf16 {count}"),
                cost(10),
                (a.clone(), narrow.clone(), 0.0),
                move |kernels, (a, dense, sum)| {
                    *sum = kernels.with_quirks(quirks).sparse_dot(vector(a), Values::Bf16(dense));
                },
                |(.., sum)| bits(&[*sum]),
            ));
        }
    }
    // Equal lengths with few and with many common indices, and very different lengths.
    for (a, b, dimensions) in [(75, 75, 50_000), (1024, 1024, 2048), (1024, 1024, 200_000), (64, 4096, 200_000)] {
        let elements = (a + b) as u64;
        cases.push(Case::new(
            "sparse_dot::sparse_sparse_dot",
            format!("{a} and {b} of {dimensions}"),
            Cost { elements, bytes: 8 * elements, operations: 0 },
            (lists(&mut random, a, dimensions), lists(&mut random, b, dimensions), 0.0),
            move |kernels, (a, b, sum)| *sum = kernels.sparse_sparse_dot(vector(a), vector(b)),
            |(.., sum)| bits(&[*sum]),
        ));
    }
    cases
}
