//! Rounds of training and of looking for hard negatives: the wrong labels of an example that score highest.

use slide_kernels::rng::{self, CounterRng, RngKey};
use slide_mem::MemError;

use super::config::LinearConfig;
use super::dual;
use super::examples::Examples;
use super::label_weights::LabelWeights;
use super::lists::Lists;
use super::pairs::{Pairs, Run};
use super::postings::Postings;
use super::scores::Scores;
use crate::data::TrainingSet;
use crate::layer::partition::Partition;
use crate::runtime::Runtime;
use crate::streams;

/// The first negatives of an example: so many random labels,
const RANDOM_NEGATIVES: usize = 10;
/// and the labels of so many random examples, among which frequent labels are frequent.
const EXAMPLE_NEGATIVES: usize = 5;
/// A round of mining looks at this part of the examples.
const TURNS: u32 = 3;
/// Runs of labels, of which each worker has several.
const RUNS: usize = 64;
/// Share of an example's squared length whose features are looked up in mining: the others are light, and many are frequent, with
/// long lists.
const MINED_SHARE: f32 = 0.9;
/// Examples that a worker mines at a time.
const MINED: usize = 256;

/// The features of an example with the largest values.
#[derive(Debug, Default)]
struct Heaviest {
    order: Vec<u32>,
    features: Vec<u32>,
    values: Vec<f32>,
}

impl Heaviest {
    /// Keeps as few features of a row as have [`MINED_SHARE`] of its squared length.
    fn keep(&mut self, (features, values): (&[u32], &[f32])) {
        self.order.clear();
        self.order.extend(0..values.len() as u32);
        let value = |&at: &u32| values[at as usize];
        self.order.sort_unstable_by(|a, b| value(b).abs().total_cmp(&value(a).abs()).then(a.cmp(b)));
        let all: f32 = values.iter().map(|value| value * value).sum();
        let mut sum = 0.0;
        self.features.clear();
        self.values.clear();
        for at in &self.order {
            if sum >= MINED_SHARE * all {
                break;
            }
            sum += value(at) * value(at);
            self.features.push(features[*at as usize]);
            self.values.push(value(at));
        }
    }
}

/// What a training is given besides its data.
#[derive(Clone, Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) config: &'a LinearConfig,
    pub(crate) seed: u64,
    pub(crate) features: usize,
    /// How labels are numbered in the training set.
    pub(crate) labels: &'a Partition,
    /// Whether the rows of the training set have length 1.
    pub(crate) is_scaled: bool,
}

/// One training, from round to round.
#[derive(Debug)]
pub(crate) struct Training<'a> {
    config: &'a LinearConfig,
    seed: u64,
    runtime: &'a Runtime,
    examples: Examples<'a>,
    /// The labels of each example, ascending.
    labels: Lists,
    label_count: usize,
    /// Whether an example takes part.
    takes_part: Vec<bool>,
    /// Whether it does so since the last round.
    is_new: Vec<bool>,
    pairs: Pairs,
    round: u32,
    weights: LabelWeights,
    postings: Postings,
}

impl<'a> Training<'a> {
    /// A training on the examples of `data` without `held_out`, after its first round.
    pub(crate) fn new(
        data: &'a TrainingSet,
        settings: &Settings<'a>,
        held_out: &[u32],
        runtime: &'a Runtime,
    ) -> Result<Self, MemError> {
        let &Settings { config, seed, features, labels: partition, is_scaled } = settings;
        let mut labels = Lists::default();
        for example in 0..data.examples() {
            let mut own: Vec<u32> = data.labels(example).iter().map(|&row| partition.to_logical(row)).collect();
            own.sort_unstable();
            labels.push(own);
        }
        let mut takes_part = vec![true; data.examples()];
        held_out.iter().for_each(|&example| takes_part[example as usize] = false);
        let mut training = Self {
            config,
            seed,
            runtime,
            examples: Examples::new(data, features, is_scaled, runtime.kernels()),
            labels,
            label_count: partition.rows(),
            pairs: Pairs::default(),
            round: 0,
            is_new: vec![false; data.examples()],
            weights: LabelWeights::default(),
            postings: Postings::new(features, &LabelWeights::default(), runtime)?,
            takes_part,
        };
        training.first_pairs();
        training.train(|_| true)?;
        Ok(training)
    }

    /// The weights after the last round.
    pub(crate) fn postings(&self) -> &Postings {
        &self.postings
    }

    /// The weights, when the training is done.
    pub(crate) fn into_postings(self) -> Postings {
        self.postings
    }

    /// Number of pairs of label and example in the last round.
    pub(crate) fn pairs(&self) -> usize {
        self.pairs.len()
    }

    /// Looks for hard negatives in a third of the examples, and trains all labels again.
    pub(crate) fn run_round(&mut self) -> Result<(), MemError> {
        let turn = self.round % TURNS;
        let is_due = |example: u32| {
            let key = RngKey::new(self.seed, streams::LINEAR_TURNS, 0, example);
            let has_turn = self.is_new[example as usize] || rng::word(key, 0) % TURNS == turn;
            self.takes_part[example as usize] && has_turn
        };
        let chosen: Vec<u32> = (0..self.examples.len() as u32).filter(|&example| is_due(example)).collect();
        let negatives = self.mine(&chosen);
        self.is_new.fill(false);
        self.add_pairs(&Lists::empty(self.examples.len()), &negatives);
        self.round += 1;
        self.train(|_| true)
    }

    /// Lets `added` take part from now on, and trains their labels again, so that the next round finds where these are wrong.
    /// The next round looks for hard negatives in all of them.
    pub(crate) fn include(&mut self, added: &[u32]) -> Result<(), MemError> {
        for &example in added {
            self.takes_part[example as usize] = true;
            self.is_new[example as usize] = true;
        }
        let positives = self.lists_of(added, |example| self.labels.get(example as usize).to_vec());
        let mut has_new = vec![false; self.label_count];
        added
            .iter()
            .flat_map(|&example| self.labels.get(example as usize))
            .for_each(|&label| has_new[label as usize] = true);
        self.add_pairs(&positives, &Lists::empty(self.examples.len()));
        self.train(|label| has_new[label])
    }

    /// The labels of all examples that take part, and their first negatives.
    fn first_pairs(&mut self) {
        let examples = self.examples.len() as u32;
        let chosen: Vec<u32> = (0..examples).filter(|&example| self.takes_part[example as usize]).collect();
        let positives = self.lists_of(&chosen, |example| self.labels.get(example as usize).to_vec());
        let negatives = self.lists_of(&chosen, |example| {
            let mut random = CounterRng::new(RngKey::new(self.seed, streams::LINEAR_NEGATIVES, 0, example));
            let mut list: Vec<u32> = (0..RANDOM_NEGATIVES).map(|_| random.below(self.label_count as u32)).collect();
            for _ in 0..EXAMPLE_NEGATIVES {
                list.extend_from_slice(self.labels.get(chosen[random.below(chosen.len() as u32) as usize] as usize));
            }
            list.sort_unstable();
            list.dedup();
            list.retain(|label| self.labels.get(example as usize).binary_search(label).is_err());
            list
        });
        self.add_pairs(&positives, &negatives);
    }

    /// A list for each example: those of `chosen`, ascending, by `list`, the others empty.
    fn lists_of(&self, chosen: &[u32], mut list: impl FnMut(u32) -> Vec<u32>) -> Lists {
        let mut lists = Lists::default();
        let mut chosen = chosen.iter().copied().peekable();
        for example in 0..self.examples.len() as u32 {
            lists.push(chosen.next_if_eq(&example).map(&mut list).unwrap_or_default());
        }
        lists
    }

    /// Adds pairs with labels that each example has, and that it has not; pairs without influence are dropped.
    fn add_pairs(&mut self, positives: &Lists, negatives: &Lists) {
        let labels = self.label_count;
        self.pairs = self.pairs.with(&positives.transposed(labels), &negatives.transposed(labels));
    }

    /// For each example the labels that score highest and are neither its own nor negatives of it with a dual variable above 0;
    /// empty for examples that are not chosen.
    fn mine(&self, chosen: &[u32]) -> Lists {
        #[derive(Default)]
        struct Scratch {
            heaviest: Heaviest,
            scores: Scores,
        }
        let kept = self.pairs.kept_negatives(self.examples.len());
        let mut pieces: Vec<(&[u32], Lists)> = chosen.chunks(MINED).map(|piece| (piece, Lists::default())).collect();
        let workers = self.runtime.workers();
        let mut scratch: Vec<Scratch> = (0..workers.count()).map(|_| Scratch::default()).collect();
        workers.each_with(&mut scratch, &mut pieces, |_, (piece, out), scratch| {
            for &example in *piece {
                let Scratch { heaviest, scores } = scratch;
                let (row, scale) = (self.examples.row(example), self.examples.scale(example));
                heaviest.keep(row);
                let heaviest = (&heaviest.features[..], &heaviest.values[..]);
                scores.score(&self.postings, self.runtime.kernels(), heaviest, scale);
                let own = self.labels.get(example as usize);
                own.iter().chain(kept.get(example as usize)).for_each(|&label| scores.exclude(label));
                let best = scores.best(self.runtime.kernels(), self.config.hard_negatives + own.len());
                out.push(best.iter().filter(|(_, score)| *score > f32::NEG_INFINITY).map(|&(label, _)| label));
            }
        });
        let mut mined = pieces.iter().flat_map(|(piece, lists)| (0..piece.len()).map(|index| lists.get(index)));
        self.lists_of(chosen, |_| mined.next().expect("a list for each chosen example").to_vec())
    }

    /// Trains the `chosen` labels on their pairs. The others keep their weights.
    fn train(&mut self, chosen: impl Fn(usize) -> bool + Sync) -> Result<(), MemError> {
        let workers = self.runtime.workers();
        let mut runs: Vec<(Run<'_>, LabelWeights)> =
            self.pairs.runs(RUNS).into_iter().map(|run| (run, LabelWeights::default())).collect();
        let mut scratch: Vec<dual::Scratch> = (0..workers.count()).map(|_| dual::Scratch::default()).collect();
        let LinearConfig { cost, prune, .. } = *self.config;
        let (examples, before) = (&self.examples, &self.weights);
        workers.each_with(&mut scratch, &mut runs, |_, (run, out), scratch| {
            for (offset, label) in (run.first..run.first + run.labels()).enumerate() {
                let (members, positives, alphas) = run.label(offset);
                if members.is_empty() {
                    out.push_label(f32::NEG_INFINITY);
                } else if chosen(label) {
                    let key = RngKey::new(self.seed, streams::LINEAR_ORDER, u64::from(self.round), label as u32);
                    let members = (members, positives);
                    let keep = |feature, weight| out.push(feature, weight);
                    let bias = dual::train(examples, (cost, prune), key, members, alphas, scratch, keep);
                    out.push_label(bias);
                } else {
                    let (features, weights, bias) = before.label(label);
                    features.iter().zip(weights).for_each(|(&feature, &weight)| out.push(feature, weight));
                    out.push_label(bias);
                }
            }
        });
        let mut weights = LabelWeights::default();
        runs.iter().for_each(|(_, run)| weights.append(run));
        drop(runs);
        self.weights = weights;
        self.postings = Postings::new(self.examples.features(), &self.weights, self.runtime)?;
        Ok(())
    }
}
