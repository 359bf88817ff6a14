//! The training examples as the solver reads them: rows of length 1, with products with dense weights.

use std::ops::Range;

use slide_kernels::{Kernels, RowIds, SparseVector, Values};

use crate::data::{TrainingSet, unit_scale};

/// How many rows ahead of its use a row is prefetched.
const AHEAD: usize = 4;

/// The factor that the linear part multiplies a row with, so that its length is 1: 1 for rows that were scaled before.
pub(crate) fn row_scale(is_scaled: bool, values: &[f32]) -> f32 {
    if is_scaled { 1.0 } else { unit_scale(values.iter().copied()) as f32 }
}

/// Features of examples, checked once, with the factor that makes each row's length 1.
#[derive(Debug)]
pub(super) struct Examples<'a> {
    kernels: &'a Kernels,
    starts: &'a [u64],
    features: RowIds<'a>,
    values: &'a [f32],
    scales: Vec<f32>,
    squares: Vec<f32>,
    /// For each feature how much heavier than others its values are where it occurs: root mean squares.
    heaviness: Vec<f32>,
}

impl<'a> Examples<'a> {
    /// Those of `data`, which has features below `features` and whose rows have the length 1 already if `is_scaled`.
    pub(super) fn new(data: &'a TrainingSet, features: usize, is_scaled: bool, kernels: &'a Kernels) -> Self {
        let (starts, ids, values) = data.feature_arrays();
        let features = RowIds::new(ids, features).expect("a training set has features of its partition");
        let rows = || (0..data.examples()).map(|example| data.features(example).1);
        let scales: Vec<f32> = rows().map(|values| row_scale(is_scaled, values)).collect();
        let square = |values: &[f32], scale: f32| values.iter().map(|value| (value * scale) * (value * scale)).sum();
        let squares = rows().zip(&scales).map(|(values, &scale)| square(values, scale)).collect();
        let heaviness = heaviness(data, features.bound(), &scales);
        Self { kernels, starts, features, values, scales, squares, heaviness }
    }

    /// Number of examples.
    pub(super) fn len(&self) -> usize {
        self.scales.len()
    }

    /// Number of features.
    pub(super) fn features(&self) -> usize {
        self.features.bound()
    }

    fn range(&self, example: u32) -> Range<usize> {
        self.starts[example as usize] as usize..self.starts[example as usize + 1] as usize
    }

    /// Features, ascending, and their values before scaling.
    pub(super) fn row(&self, example: u32) -> (&'a [u32], &'a [f32]) {
        let range = self.range(example);
        (&self.features.ids()[range.clone()], &self.values[range])
    }

    /// The factor of a row's values.
    pub(super) fn scale(&self, example: u32) -> f32 {
        self.scales[example as usize]
    }

    /// Squared length of a scaled row.
    pub(super) fn square(&self, example: u32) -> f32 {
        self.squares[example as usize]
    }

    /// The root mean square of a feature's values where it occurs, divided by that of all values; 1 if there is none.
    pub(super) fn heaviness(&self, feature: u32) -> f32 {
        self.heaviness[feature as usize]
    }

    /// The kernels that the products are computed with.
    pub(super) fn kernels(&self) -> &'a Kernels {
        self.kernels
    }
}

fn heaviness(data: &TrainingSet, features: usize, scales: &[f32]) -> Vec<f32> {
    let mut sums = vec![(0.0_f64, 0_u32); features];
    let (mut all, mut entries) = (0.0, 0_u64);
    for (example, &scale) in scales.iter().enumerate() {
        let (features, values) = data.features(example);
        for (&feature, &value) in features.iter().zip(values) {
            let square = f64::from(value * scale) * f64::from(value * scale);
            let sum = &mut sums[feature as usize];
            *sum = (sum.0 + square, sum.1 + 1);
            (all, entries) = (all + square, entries + 1);
        }
    }
    let mean = all / entries.max(1) as f64;
    let ratio = |(sum, count): (f64, u32)| (sum / f64::from(count) / mean).sqrt() as f32;
    sums.into_iter().map(|sum| if sum.0 > 0.0 { ratio(sum) } else { 1.0 }).collect()
}

/// The rows of one label's examples side by side, with features numbered anew: a label's examples have few of all features, so its
/// weights stay in the first cache while a solver passes over them.
#[derive(Debug, Default)]
pub(super) struct LocalRows {
    /// 1 + the local number of each feature, or 0; all 0 between labels.
    numbers: Vec<u32>,
    /// The feature of each local number.
    features: Vec<u32>,
    starts: Vec<usize>,
    ids: Vec<u32>,
    values: Vec<f32>,
}

impl LocalRows {
    /// Copies the scaled rows of `members`.
    pub(super) fn fill(&mut self, examples: &Examples<'_>, members: &[u32]) {
        self.numbers.resize(examples.features(), 0);
        self.features.clear();
        self.starts.clear();
        self.starts.push(0);
        self.ids.clear();
        self.values.clear();
        for (index, &member) in members.iter().enumerate() {
            if let Some(&later) = members.get(index + AHEAD) {
                let (features, values) = examples.row(later);
                slide_kernels::prefetch(features);
                slide_kernels::prefetch(values);
            }
            let (features, values) = examples.row(member);
            let scale = examples.scale(member);
            self.values.extend(values.iter().map(|value| value * scale));
            let (numbers, known) = (&mut self.numbers, &mut self.features);
            self.ids.extend(features.iter().map(|&feature| {
                let number = &mut numbers[feature as usize];
                if *number == 0 {
                    known.push(feature);
                    *number = known.len() as u32;
                }
                *number - 1
            }));
            self.starts.push(self.ids.len());
        }
        for &feature in &self.features {
            self.numbers[feature as usize] = 0;
        }
    }

    /// The rows, to compute with.
    pub(super) fn view<'a>(&'a self, kernels: &'a Kernels) -> LocalView<'a> {
        let ids = RowIds::new(&self.ids, self.features.len()).expect("numbers are given in order");
        LocalView { kernels, starts: &self.starts, ids, values: &self.values, features: &self.features }
    }
}

/// The rows of a label, by their place among its examples.
#[derive(Debug)]
pub(super) struct LocalView<'a> {
    kernels: &'a Kernels,
    starts: &'a [usize],
    ids: RowIds<'a>,
    values: &'a [f32],
    /// The feature of each local number.
    pub(super) features: &'a [u32],
}

impl LocalView<'_> {
    /// Product of a row and `weights`.
    #[inline]
    pub(super) fn dot(&self, row: usize, weights: &[f32]) -> f32 {
        let range = self.starts[row]..self.starts[row + 1];
        let row = SparseVector::new(self.ids.slice(range.clone()), &self.values[range]);
        self.kernels.sparse_dot(row.expect("as many values as features"), Values::F32(weights))
    }

    /// Adds `factor` times a row to `weights`.
    #[inline]
    pub(super) fn add(&self, row: usize, factor: f32, weights: &mut [f32]) {
        let range = self.starts[row]..self.starts[row + 1];
        for (&id, &value) in self.ids.ids()[range.clone()].iter().zip(&self.values[range]) {
            weights[id as usize] += factor * value;
        }
    }
}
