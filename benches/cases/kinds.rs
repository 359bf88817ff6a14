//! Kinds of shapes: shapes that differ only in size, one of which represents all.

use std::collections::{BTreeMap, BTreeSet};

/// Cases with more elements are passed over where their kind has a smaller one.
const MOST_ELEMENTS: u64 = 300_000;

/// Given kernels, shapes and numbers of elements: the indices of one case of each kernel and kind, the median (the lower of two)
/// or, if that is too large for its instructions to be counted, the smallest.
pub(super) fn typical<'a>(cases: impl IntoIterator<Item = (&'a str, &'a str, u64)>) -> BTreeSet<usize> {
    let mut kinds = BTreeMap::<_, Vec<_>>::new();
    for (place, (kernel, shape, elements)) in cases.into_iter().enumerate() {
        kinds.entry((kernel, kind(shape))).or_default().push((elements, (shape, place)));
    }
    kinds.into_values().map(|cases| middle(cases).1.1).collect()
}

/// A shape without its numbers: cases that differ in size alone have the same. Names of types keep theirs.
fn kind(shape: &str) -> String {
    let word =
        |word: &str| if word.starts_with(|c: char| c.is_ascii_digit()) { "#".to_owned() } else { word.to_owned() };
    shape.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn middle<T: Copy + Ord>(mut shapes: Vec<(u64, T)>) -> (u64, T) {
    shapes.sort_unstable();
    let middle = shapes[(shapes.len() - 1) / 2];
    if middle.0 <= MOST_ELEMENTS { middle } else { shapes[0] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_one_kind_differ_in_numbers_alone() {
        assert_eq!(kind("f32 1024"), kind("f32 128"));
        assert_ne!(kind("f32 1024"), kind("bf16 1024"));
        assert_eq!(kind("bf16 128 rows of 128"), "bf16 # rows of #");
    }

    #[test]
    fn the_middle_shape_is_typical_unless_it_is_large() {
        assert_eq!(middle(vec![(4096, "c"), (128, "a"), (1024, "b")]), (1024, "b"));
        assert_eq!(middle(vec![(1 << 21, "c"), (1 << 20, "b"), (1 << 17, "a")]), (1 << 17, "a"));
        let shapes = [("f32 128", 128), ("f32 1024", 1024), ("bf16 128", 128), ("f32 4096", 4096)];
        let dots = shapes.map(|(shape, elements)| ("dot::dot", shape, elements));
        let others = shapes.map(|(shape, elements)| ("axpy::axpy", shape, elements));
        assert_eq!(typical(dots.into_iter().chain(others)), BTreeSet::from([1, 2, 5, 6]));
    }
}
