//! The examples that each label is trained on, with their dual variables.

use super::lists::Lists;

/// Pairs of label and example, label by label: first the examples that have the label, then others.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    starts: Vec<usize>,
    /// For each label the number of its examples that have it.
    positives: Vec<usize>,
    examples: Vec<u32>,
    alphas: Vec<f32>,
}

/// The pairs of consecutive labels, for one worker.
pub(super) struct Run<'a> {
    /// The first label.
    pub(super) first: usize,
    starts: &'a [usize],
    positives: &'a [usize],
    examples: &'a [u32],
    alphas: &'a mut [f32],
}

impl Run<'_> {
    /// Number of labels.
    pub(super) fn labels(&self) -> usize {
        self.positives.len()
    }

    /// The examples of a label (numbered from the first), how many of them have it, and their dual variables.
    pub(super) fn label(&mut self, label: usize) -> (&[u32], usize, &mut [f32]) {
        let range = self.starts[label] - self.starts[0]..self.starts[label + 1] - self.starts[0];
        (&self.examples[range.clone()], self.positives[label], &mut self.alphas[range])
    }
}

impl Pairs {
    /// Number of labels.
    fn labels(&self) -> usize {
        self.positives.len()
    }

    /// Number of pairs.
    pub(super) fn len(&self) -> usize {
        self.examples.len()
    }

    /// Those whose dual variable is not 0, all positive ones, and with a dual variable of 0 the new ones of the lists, which give
    /// the examples of each label. A label without a positive example has no pairs.
    pub(super) fn with(&self, new_positives: &Lists, new_negatives: &Lists) -> Self {
        let labels = new_positives.len();
        let mut next = Self { starts: vec![0], ..Self::default() };
        for label in 0..labels {
            let (range, split) = match label < self.labels() {
                true => (self.starts[label]..self.starts[label + 1], self.starts[label] + self.positives[label]),
                false => (0..0, 0),
            };
            let first = next.examples.len();
            for (old, new) in [(range.start..split, new_positives), (split..range.end, new_negatives)] {
                let is_positive = old.start < split;
                for pair in old.filter(|&pair| is_positive || self.alphas[pair] > 0.0) {
                    next.examples.push(self.examples[pair]);
                    next.alphas.push(self.alphas[pair]);
                }
                next.examples.extend_from_slice(new.get(label));
                next.alphas.resize(next.examples.len(), 0.0);
                if std::ptr::eq(new, new_positives) {
                    next.positives.push(next.examples.len() - first);
                }
            }
            if next.positives[label] == 0 {
                next.examples.truncate(first);
                next.alphas.truncate(first);
            }
            next.starts.push(next.examples.len());
        }
        next
    }

    /// For each of `examples` examples the labels that it is a negative of with a dual variable above 0, ascending.
    pub(super) fn kept_negatives(&self, examples: usize) -> Lists {
        let mut by_label = Lists::default();
        for label in 0..self.labels() {
            let negatives = self.starts[label] + self.positives[label]..self.starts[label + 1];
            by_label.push(negatives.filter(|&pair| self.alphas[pair] > 0.0).map(|pair| self.examples[pair]));
        }
        by_label.transposed(examples)
    }

    /// At most `count` runs of labels with about as many pairs each.
    pub(super) fn runs(&mut self, count: usize) -> Vec<Run<'_>> {
        let (pairs, labels) = (self.len(), self.labels());
        let mut bounds: Vec<usize> = (0..count)
            .map(|run| self.starts.partition_point(|&start| start < run * pairs / count).min(labels))
            .collect();
        bounds.push(labels);
        let mut alphas = &mut self.alphas[..];
        let runs = bounds.windows(2).filter(|bounds| bounds[0] < bounds[1]).map(|bounds| {
            let starts = &self.starts[bounds[0]..=bounds[1]];
            let (first, end) = (starts[0], starts[starts.len() - 1]);
            Run {
                first: bounds[0],
                starts,
                positives: &self.positives[bounds[0]..bounds[1]],
                examples: &self.examples[first..end],
                alphas: alphas.split_off_mut(..end - first).expect("runs follow one another"),
            }
        });
        runs.collect()
    }
}
