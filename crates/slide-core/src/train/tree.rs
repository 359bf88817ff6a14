//! The fixed binary tree by which the results of chunks are added.
//!
//! Floating-point addition is not associative, so the shape of the sum must not depend on who computes it. Chunk
//! results are the leaves of a complete binary tree; a worker adds up the subtrees that lie wholly in its run of
//! chunks and keeps only the open branches, of which there are at most two per level.

/// The sum of the leaves `index * 2^level .. (index + 1) * 2^level`.
#[derive(Clone, Debug)]
pub struct Branch {
    level: u32,
    index: usize,
    /// The sum, element by element.
    pub sum: Vec<f32>,
}

impl Branch {
    fn is_left_sibling_of(&self, right: &Branch) -> bool {
        self.level == right.level && self.index.is_multiple_of(2) && right.index == self.index + 1
    }
}

/// The open branches of a run of leaves, and buffers to use again.
#[derive(Clone, Debug, Default)]
pub struct Branches {
    open: Vec<Branch>,
    spare: Vec<Vec<f32>>,
}

impl Branches {
    /// Begins a new sum.
    pub fn clear(&mut self) {
        self.spare.extend(self.open.drain(..).map(|branch| branch.sum));
    }

    /// A leaf of zeros to be filled.
    pub fn new_leaf(&mut self, length: usize) -> Vec<f32> {
        let mut leaf = self.spare.pop().unwrap_or_default();
        leaf.clear();
        leaf.resize(length, 0.0);
        leaf
    }

    /// Adds leaf number `index`; leaves come in ascending order.
    pub fn push(&mut self, index: usize, leaf: Vec<f32>) {
        self.push_branch(Branch { level: 0, index, sum: leaf });
    }

    fn push_branch(&mut self, branch: Branch) {
        self.open.push(branch);
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

    /// The branches still open, in the order of their leaves.
    pub fn open(&self) -> &[Branch] {
        &self.open
    }
}

/// Adds up `range` of the branches of all workers (in the order of their leaves, together all leaves of a complete
/// tree) into `sum`, by the same tree.
pub fn merge<'a>(
    branches: impl Iterator<Item = &'a Branch>,
    range: std::ops::Range<usize>,
    scratch: &mut Branches,
    sum: &mut [f32],
) {
    scratch.clear();
    for branch in branches {
        let mut part = scratch.new_leaf(0);
        part.extend_from_slice(&branch.sum[range.clone()]);
        scratch.push_branch(Branch { sum: part, ..*branch });
    }
    debug_assert_eq!(scratch.open.len(), 1, "the branches make up one complete tree");
    sum.copy_from_slice(&scratch.open[0].sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_has_the_same_bits_however_the_leaves_are_shared_out() {
        let leaves: Vec<Vec<f32>> =
            (0..16).map(|leaf| (0..5).map(|i| 1.0 / (3 + leaf * 7 + i) as f32 - 0.05).collect()).collect();
        let mut sums = Vec::new();
        for workers in 1..=16 {
            let mut branches = vec![Branches::default(); workers];
            for (index, leaf) in leaves.iter().enumerate() {
                branches[index * workers / leaves.len()].push(index, leaf.clone());
            }
            let mut sum = vec![0.0; 3];
            let open = branches.iter().flat_map(Branches::open);
            merge(open, 1..4, &mut Branches::default(), &mut sum);
            sums.push(sum);
        }
        assert!(sums.iter().all(|sum| sum == &sums[0]));
    }
}
