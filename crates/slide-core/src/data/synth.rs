//! Synthetic sets of a given shape that a model can learn.
//!
//! Every label has a *prototype*, its own set of features. An example draws its labels from a Zipf-Mandelbrot law, then
//! draws features from the prototypes of its labels, and a few at random (frequent ones most often). A value is the square
//! root of the number of times the feature was drawn; the values of an example are scaled to Euclidean length 1.
//!
//! With `siblings > 1` labels come in clusters. A prototype is then mostly that of the cluster, and a few features distinguish a
//! label from its siblings, which are its hard negatives. Only such a set shows the effect of hard negatives, and so of hash
//! tables; independent labels have none.
//!
//! An example of more than 8 labels draws that many, and takes the others from the companions of those: each label has a
//! fixed list of labels that often occur with it. So sets of 75 labels per example are learnable from 300 features.
//!
//! Everything is a pure function of the settings: numbers come from a counter-based generator and integer arithmetic, so
//! the result does not depend on threads or machine.

use rayon::prelude::*;
use slide_kernels::rng::{CounterRng, RngKey, word};

use super::dataset::{Dataset, Parts};
use super::error::DataError;
use super::line::Rows;
use super::text;
use crate::streams;

/// Counts of a set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Training examples.
    pub examples: usize,
    /// Test examples.
    pub test_examples: usize,
    /// Width of the feature matrix.
    pub features: usize,
    /// Width of the label matrix.
    pub labels: usize,
    /// Mean labels of an example, at least 1.
    pub labels_per_example: f64,
    /// Mean features of an example, at least 1.
    pub features_per_example: f64,
}

/// Published counts: the Extreme Classification Repository's table of bag-of-words sets.
const PUBLISHED: [(&str, Shape); 4] = [
    ("amazon-670k", shape(490_449, 153_025, 135_909, 670_091, 5.45, 75.0)),
    ("delicious-200k", shape(196_606, 100_095, 782_585, 205_443, 75.54, 302.0)),
    ("wikilsht-325k", shape(1_778_351, 587_084, 1_617_899, 325_056, 3.19, 42.0)),
    ("amazon-3m", shape(1_717_899, 742_507, 337_067, 2_812_281, 36.04, 49.0)),
];

const fn shape(
    examples: usize,
    test_examples: usize,
    features: usize,
    labels: usize,
    labels_per_example: f64,
    features_per_example: f64,
) -> Shape {
    Shape { examples, test_examples, features, labels, labels_per_example, features_per_example }
}

impl Shape {
    /// The names that [`Shape::like`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PUBLISHED.iter().map(|(name, _)| *name)
    }

    /// The counts of a published set.
    ///
    /// # Errors
    /// [`DataError::Request`] with the known names.
    pub fn like(name: &str) -> Result<Self, DataError> {
        PUBLISHED.iter().find(|(known, _)| *known == name).map(|(_, shape)| *shape).ok_or_else(|| {
            let known: Vec<_> = Self::names().collect();
            DataError::Request(format!("unknown set `{name}`, expected one of: {}", known.join(", ")))
        })
    }

    /// Examples, features and labels multiplied by `factor` (at least 1 of each); labels and features per example are unchanged.
    pub fn scaled(self, factor: f64) -> Self {
        let scale = |count: usize| ((count as f64 * factor).round() as usize).max(1);
        Self {
            examples: scale(self.examples),
            test_examples: scale(self.test_examples),
            features: scale(self.features),
            labels: scale(self.labels),
            ..self
        }
    }
}

/// The settings of a synthetic set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Synth {
    /// The counts.
    pub shape: Shape,
    /// Labels in a cluster of confusable ones; 1: independent labels.
    pub siblings: usize,
    /// Sets of other seeds have other examples and the same shape.
    pub seed: u64,
}

/// Which half of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// For training. Every label occurs, if `examples * floor(labels_per_example)` is at least the number of labels.
    Train,
    /// For testing: from the same law.
    Test,
}

/// Labels of an example that are drawn by themselves.
pub(crate) const THEMES: usize = 8;
/// Features in the prototype of an independent label, or of a cluster.
const PROTOTYPE: u32 = 32;
/// Features that distinguish a label from its siblings.
const OWN: u32 = 6;
/// Draws in 64 that come from a label's own features rather than the cluster's.
const OWN_DRAWS: u32 = 6;
/// Draws in 64 that are of random features.
const NOISE_DRAWS: u32 = 8;
/// Companions of a label; the first ones are the most frequent.
const COMPANIONS: u32 = 32;
/// A feature drawn again adds to its count; after this many draws per feature, drawing ends even if features are missing.
const PATIENCE: u64 = 8;

impl Synth {
    /// Labels that are confused with each other in a clustered set, by default.
    pub const SIBLINGS: usize = 16;

    /// Generates one half of the set.
    ///
    /// # Errors
    /// [`DataError::Request`] where the shape is impossible: no labels or features, means below 1 or above the number
    /// of labels or features, counts beyond 2^31.
    pub fn generate(&self, part: Part) -> Result<Dataset, DataError> {
        self.check()?;
        let plan = Plan::new(self);
        let Shape { examples, test_examples, features, labels, .. } = self.shape;
        let examples = if part == Part::Train { examples } else { test_examples };
        const BLOCK: usize = 4096;
        let blocks: Vec<Rows> = (0..examples.div_ceil(BLOCK))
            .into_par_iter()
            .map(|block| {
                let mut rows = Rows::default();
                let mut draws = Vec::new();
                for example in block * BLOCK..((block + 1) * BLOCK).min(examples) {
                    plan.example(part, example, &mut rows, &mut draws);
                }
                rows
            })
            .collect();
        let parts: Parts = text::join(blocks, features, labels);
        Ok(Dataset::from_checked(parts))
    }

    fn check(&self) -> Result<(), DataError> {
        let Shape { examples, test_examples, features, labels, labels_per_example, features_per_example } = self.shape;
        let require = |holds: bool, what: &str| match holds {
            true => Ok(()),
            false => Err(DataError::Request(format!("impossible shape: {what} ({:?})", self.shape))),
        };
        let most = 1 << 31;
        require(features > 0 && labels > 0, "there must be features and labels")?;
        require(
            [examples, test_examples, features, labels].iter().all(|&count| count <= most),
            "counts go up to 2^31",
        )?;
        require((1.0..=labels as f64).contains(&labels_per_example), "1 <= labels per example <= labels")?;
        require((1.0..=features as f64).contains(&features_per_example), "1 <= features per example <= features")?;
        require(self.siblings > 0, "at least 1 sibling, the label itself")
    }
}

/// Data shared by all examples.
struct Plan<'a> {
    synth: &'a Synth,
    /// Running sums of the weights of labels by rank, and of features by number.
    label_law: Vec<u64>,
    feature_law: Vec<u64>,
    /// Label of rank r: `r * step % labels`, a permutation.
    step: u64,
}

impl<'a> Plan<'a> {
    fn new(synth: &'a Synth) -> Self {
        let labels = synth.shape.labels as u64;
        // Near the golden section, so that neighbours in rank are far apart in number; coprime, so that all are reached.
        let mut step = (labels * 618 / 1000).max(1);
        while gcd(step, labels) != 1 {
            step += 1;
        }
        Self { synth, label_law: law(synth.shape.labels), feature_law: law(synth.shape.features), step }
    }

    fn label_of_rank(&self, rank: usize) -> u32 {
        (rank as u64 * self.step % self.synth.shape.labels as u64) as u32
    }

    /// Appends the example to `rows`; `draws` is scratch.
    fn example(&self, part: Part, example: usize, rows: &mut Rows, draws: &mut Vec<u32>) {
        let shape = &self.synth.shape;
        let stream = if part == Part::Train { streams::synth::TRAIN } else { streams::synth::TEST };
        let mut rng = CounterRng::new(RngKey::new(self.synth.seed, stream, 0, example as u32));
        let first = rows.labels.len();
        let mut count = spread(&mut rng, shape.labels_per_example, shape.labels_per_example - 1.0).min(shape.labels);
        if part == Part::Train {
            // So that every label occurs: example `i` has the labels `i`, `i + examples`, ... in any case.
            let certain = (example..shape.labels).step_by(shape.examples).take(shape.labels_per_example as usize);
            rows.labels.extend(certain.map(|label| label as u32));
            count = count.max(rows.labels.len() - first);
        }
        let themes = count.min(THEMES);
        let mut patience = PATIENCE * count as u64;
        while rows.labels.len() < first + count && patience > 0 {
            patience -= 1;
            let have = rows.labels.len() - first;
            let label = if have < themes {
                self.label_of_rank(draw(&self.label_law, rng.next_u64()))
            } else {
                let anchor = rows.labels[first + rng.below(themes as u32) as usize];
                self.companion(anchor, rng.below(COMPANIONS).min(rng.below(COMPANIONS)))
            };
            if !rows.labels[first..].contains(&label) {
                rows.labels.push(label);
            }
        }
        let themes = themes.min(rows.labels.len() - first);
        draws.clear();
        let wanted = spread(&mut rng, shape.features_per_example, shape.features_per_example / 2.0).min(shape.features);
        self.features(&mut rng, &rows.labels[first..first + themes], wanted, draws);
        rows.labels[first..].sort_unstable();
        rows.label_ends.push(rows.labels.len());
        push_counts(draws, rows);
    }

    /// Companion number `number` of `label`.
    fn companion(&self, label: u32, number: u32) -> u32 {
        let key = RngKey::new(self.synth.seed, streams::synth::COMPANION, 0, label);
        let random = u64::from(word(key, 2 * number)) << 32 | u64::from(word(key, 2 * number + 1));
        self.label_of_rank(draw(&self.label_law, random))
    }

    /// Draws features for `labels`, with repetitions, until there are `wanted` different ones.
    fn features(&self, rng: &mut CounterRng, labels: &[u32], wanted: usize, draws: &mut Vec<u32>) {
        let seed = self.synth.seed;
        let features = self.synth.shape.features as u64;
        let siblings = self.synth.siblings as u32;
        let mut seen = std::collections::HashSet::with_capacity(wanted);
        for turn in 0..PATIENCE * wanted as u64 {
            if seen.len() == wanted {
                return;
            }
            let label = labels[turn as usize % labels.len()];
            let kind = rng.below(64);
            let feature = if kind < NOISE_DRAWS {
                draw(&self.feature_law, rng.next_u64()) as u32
            } else {
                let random = if siblings > 1 && kind < NOISE_DRAWS + OWN_DRAWS {
                    word(RngKey::new(seed, streams::synth::LABEL, 0, label), rng.below(OWN))
                } else {
                    word(RngKey::new(seed, streams::synth::CLUSTER, 0, label / siblings), rng.below(PROTOTYPE))
                };
                ((u64::from(random) * features) >> 32) as u32
            };
            seen.insert(feature);
            draws.push(feature);
        }
    }
}

/// Sorts the draws and appends each feature with the square root of its count, scaled to length 1, to four decimals.
fn push_counts(draws: &mut [u32], rows: &mut Rows) {
    draws.sort_unstable();
    // The squares of the values add up to the number of draws.
    let length = (draws.len() as f64).sqrt();
    for run in draws.chunk_by(|a, b| a == b) {
        let value = (run.len() as f64).sqrt() / length;
        rows.features.push(run[0]);
        rows.values.push(((value * 1e4).round().max(1.0) / 1e4) as f32);
    }
    rows.feature_ends.push(rows.features.len());
}

/// A whole number, equally likely anywhere in `mean - around ..= mean + around`, whose mean is `mean`.
fn spread(rng: &mut CounterRng, mean: f64, around: f64) -> usize {
    const ONE: u64 = 1 << 16;
    let width = around.floor() as u64;
    let base = ((mean - width as f64) * ONE as f64).round() as u64;
    let whole = base / ONE + u64::from(u64::from(rng.next_u32() >> 16) < base % ONE);
    (whole + u64::from(rng.below(2 * width as u32 + 1))) as usize
}

/// Running sums of `1 / (rank + 1 + count / 1000)`: Zipf's law with Mandelbrot's shift, in integers.
fn law(count: usize) -> Vec<u64> {
    let shift = count as u64 / 1000 + 1;
    let mut sum = 0;
    (0..count as u64)
        .map(|rank| {
            sum += (1 << 40) / (rank + shift);
            sum
        })
        .collect()
}

/// The rank that a random word selects.
fn draw(law: &[u64], random: u64) -> usize {
    let total = law[law.len() - 1];
    let hit = ((u128::from(random) * u128::from(total)) >> 64) as u64;
    law.partition_point(|&sum| sum <= hit)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
