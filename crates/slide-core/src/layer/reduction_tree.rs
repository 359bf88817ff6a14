//! The fixed binary tree by which the results of shards are added.
//!
//! Floating-point addition is not associative, so the shape of the sum must not depend on which worker computes it. Shard
//! results are the leaves of a complete binary tree; a worker adds the subtrees that lie completely in its run of
//! shards and keeps only their sums, at most two per level.

/// The sum of the leaves `index * 2^level .. (index + 1) * 2^level`.
#[derive(Clone, Debug)]
pub(crate) struct PartialSum {
    level: u32,
    index: usize,
    /// The sum, element by element.
    sum: Vec<f32>,
}

impl PartialSum {
    fn is_left_sibling_of(&self, right: &PartialSum) -> bool {
        self.level == right.level && self.index.is_multiple_of(2) && right.index == self.index + 1
    }
}

/// The sums of the subtrees of a run of leaves that are not yet part of a larger one, and reused buffers.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReductionTree {
    open: Vec<PartialSum>,
    spare: Vec<Vec<f32>>,
}

impl ReductionTree {
    /// Begins a new sum.
    pub(crate) fn clear(&mut self) {
        self.spare.extend(self.open.drain(..).map(|partial| partial.sum));
    }

    /// A leaf of zeros to be filled.
    pub(crate) fn new_leaf(&mut self, length: usize) -> Vec<f32> {
        let mut leaf = self.spare.pop().unwrap_or_default();
        leaf.clear();
        leaf.resize(length, 0.0);
        leaf
    }

    /// Adds leaf number `index`; leaves come in ascending order.
    pub(crate) fn push(&mut self, index: usize, leaf: Vec<f32>) {
        self.push_partial(PartialSum { level: 0, index, sum: leaf });
    }

    fn push_partial(&mut self, partial: PartialSum) {
        self.open.push(partial);
        while let [.., left, right] = &mut self.open[..] {
            if !left.is_left_sibling_of(right) {
                break;
            }
            for (left, right) in left.sum.iter_mut().zip(&right.sum) {
                *left += right;
            }
            left.level += 1;
            left.index /= 2;
            let right = self.open.pop().expect("matched two");
            self.spare.push(right.sum);
        }
    }

    /// The sums without a sibling so far, in the order of their leaves.
    pub(crate) fn open(&self) -> &[PartialSum] {
        &self.open
    }
}

/// Adds up `range` of the open sums of all workers (in the order of their leaves, together all leaves of a complete
/// tree) into `sum`, by the same tree.
pub(crate) fn merge<'a>(
    partials: impl Iterator<Item = &'a PartialSum>,
    range: std::ops::Range<usize>,
    scratch: &mut ReductionTree,
    sum: &mut [f32],
) {
    scratch.clear();
    for partial in partials {
        let mut part = scratch.new_leaf(0);
        part.extend_from_slice(&partial.sum[range.clone()]);
        scratch.push_partial(PartialSum { sum: part, ..*partial });
    }
    debug_assert_eq!(scratch.open.len(), 1, "the leaves form one complete tree");
    sum.copy_from_slice(&scratch.open[0].sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_has_the_same_bits_for_any_number_of_workers() {
        let leaves: Vec<Vec<f32>> =
            (0..16).map(|leaf| (0..5).map(|i| 1.0 / (3 + leaf * 7 + i) as f32 - 0.05).collect()).collect();
        let mut sums = Vec::new();
        for workers in 1..=16 {
            let mut trees = vec![ReductionTree::default(); workers];
            for (index, leaf) in leaves.iter().enumerate() {
                trees[index * workers / leaves.len()].push(index, leaf.clone());
            }
            let mut sum = vec![0.0; 3];
            let open = trees.iter().flat_map(ReductionTree::open);
            merge(open, 1..4, &mut ReductionTree::default(), &mut sum);
            sums.push(sum);
        }
        assert!(sums.iter().all(|sum| sum == &sums[0]));
    }
}
