//! The training examples as the solver reads them: rows of length 1, with products with dense weights.

use std::ops::Range;

use slide_kernels::{Kernels, RowIds, SparseVector, Values};

use crate::data::TrainingSet;

/// The factor that gives a row the Euclidean length 1; 1 for a row of zeros. Rows that were scaled before get 1 too.
pub(crate) fn unit_scale(is_scaled: bool, values: &[f32]) -> f32 {
    if is_scaled {
        return 1.0;
    }
    let square: f64 = values.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
    if square > 0.0 { (1.0 / square.sqrt()) as f32 } else { 1.0 }
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
}

impl<'a> Examples<'a> {
    /// Those of `data`, which has features below `features` and whose rows have the length 1 already if `is_scaled`.
    pub(super) fn new(data: &'a TrainingSet, features: usize, is_scaled: bool, kernels: &'a Kernels) -> Self {
        let (starts, ids, values) = data.feature_arrays();
        let features = RowIds::new(ids, features).expect("a training set has features of its partition");
        let rows = || (0..data.examples()).map(|example| data.features(example).1);
        let scales: Vec<f32> = rows().map(|values| unit_scale(is_scaled, values)).collect();
        let square = |values: &[f32], scale: f32| values.iter().map(|value| (value * scale) * (value * scale)).sum();
        let squares = rows().zip(&scales).map(|(values, &scale)| square(values, scale)).collect();
        Self { kernels, starts, features, values, scales, squares }
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

    /// Product of a scaled row and `weights`.
    pub(super) fn dot(&self, example: u32, weights: &[f32]) -> f32 {
        let range = self.range(example);
        let row = SparseVector::new(self.features.slice(range.clone()), &self.values[range]);
        self.scale(example) * self.kernels.sparse_dot(row.expect("as many values as features"), Values::F32(weights))
    }

    /// Adds `factor` times a scaled row to `weights`.
    pub(super) fn add(&self, example: u32, factor: f32, weights: &mut [f32]) {
        let factor = factor * self.scale(example);
        let (features, values) = self.row(example);
        for (&feature, &value) in features.iter().zip(values) {
            weights[feature as usize] += factor * value;
        }
    }
}
