//! What a table is learned with: a few ways are tried on held-out rows, and the best is taken.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use slide_core::{ConfigError, Event, PredictError, Predictions, Predictor, Retrieval, Runtime, TrainConfig, Trainer};
use slide_features::{Column, FeatureConfig, Featurizer, Kind, Table, Weighting};

use crate::config::Lengths;
use crate::error::TableError;
use crate::model::{COMPARED, dataset, logit, softmax};
use crate::source::Source;

/// Ways are tried from the cheapest on; a dearer one has to be right on so many more of the held-out rows.
const LEAST_GAIN: f64 = 0.0015;
/// Share of the rows that are held out, one of so many,
const HELD_OUT: usize = 10;
/// and most of them.
const MOST_HELD_OUT: usize = 4000;
/// Where they are fewer than these, as many are held out again, with the others to learn from,
const ENOUGH_JUDGED: usize = 2000;
/// and most times.
const MOST_FOLDS: usize = 3;
/// Most rows that the ways are trained on.
const MOST_TRIED: usize = 50_000;
/// and as many of them as have so many words,
const MOST_WORDS: f64 = 2e6;
/// but not fewer than these;
const LEAST_TRIED: usize = 4000;
/// and so many that these, or so many of each label, are enough to tell which way is better.
const ENOUGH: usize = 8000;
const ENOUGH_OF_LABEL: usize = 40;

/// What was chosen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Chosen {
    /// What features are made.
    pub features: FeatureConfig,
    /// How they are learned from.
    pub config: TrainConfig,
    /// What logits are divided by, so that probabilities fit the shares of right answers on the held-out rows.
    pub temperature: f32,
}

/// What happens while ways are tried.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A part of a trial's training is done.
    Working,
    /// A way was tried.
    Tried {
        /// What it is.
        way: &'a str,
        /// Share of the held-out rows whose best label is one of theirs.
        accuracy: f64,
        /// Held-out rows.
        rows: usize,
        /// How long it took.
        time: Duration,
    },
    /// The best of them, by which all rows are learned.
    Chosen {
        /// What it is.
        way: &'a str,
        /// See [`Chosen::temperature`].
        temperature: f32,
    },
}

type Settings<'a> = dyn Fn(&TrainConfig) -> Result<TrainConfig, ConfigError> + 'a;
type Watch<'a> = dyn FnMut(Progress<'_>) -> ControlFlow<()> + 'a;

/// A way to learn.
#[derive(Clone)]
struct Way {
    name: String,
    features: FeatureConfig,
    config: TrainConfig,
}

impl Way {
    fn has_network(&self) -> bool {
        self.config.model.model.has_network()
    }

    /// A network takes longest: it is tried once, with the weights of words that are best without one.
    fn is_promising(&self, best: &Self) -> bool {
        !self.has_network() || self.features.weighting == best.features.weighting
    }
}

/// What a way is worth on the held-out rows.
#[derive(Default)]
struct Worth {
    rows: Vec<Judged>,
    /// The end of the rows of each time.
    ends: Vec<usize>,
    temperature: f32,
    /// Right answers each time. With balanced labels a row counts less if its label has more of them; all together count as many as
    /// they are.
    right: Vec<f64>,
    /// The epoch after which the network was best, if not after the last.
    best_epoch: Option<u32>,
}

impl Worth {
    /// Fits the temperature and counts right answers.
    fn settle(&mut self, source: &Source<'_>) {
        self.temperature = if source.targets.are_single() { temperature(&self.rows) } else { 1.0 };
        let offsets = source.offsets();
        let mut counts = vec![0_u32; source.targets.names.len()];
        self.rows.iter().flat_map(|row| &row.truth).for_each(|&label| counts[label as usize] += 1);
        let occurring = counts.iter().filter(|&&count| count > 0).count();
        let mean = self.rows.len() as f64 / occurring.max(1) as f64;
        let weight = |label: u32| if offsets.is_some() { mean / f64::from(counts[label as usize]) } else { 1.0 };
        let mut start = 0;
        for &end in &self.ends {
            let right = self.rows[start..end].iter().map(|Judged { logits, truth }| {
                let mut logits = logits.clone();
                if let Some(offsets) = &offsets {
                    softmax(&mut logits, self.temperature, Some(offsets));
                }
                let is_right = logits.first().is_some_and(|(best, _)| truth.contains(best));
                if is_right { weight(truth[0]) } else { 0.0 }
            });
            self.right.push(right.sum());
            start = end;
        }
    }

    fn accuracy(&self) -> f64 {
        self.right.iter().sum::<f64>() / self.rows.len().max(1) as f64
    }

    /// Whether it is better by more than may be chance, on the rows on which both were judged.
    fn is_clearly_more_than(&self, other: &Self) -> bool {
        let both = self.right.len().min(other.right.len());
        let right = |worth: &Self| worth.right[..both].iter().sum::<f64>();
        right(self) > right(other) + LEAST_GAIN * self.ends.get(both.wrapping_sub(1)).copied().unwrap_or(0) as f64
    }
}

/// A held-out row: logits of its best labels, and its own labels.
struct Judged {
    logits: Vec<(u32, f32)>,
    truth: Vec<u32>,
}

pub(crate) fn choose(
    source: &Source<'_>,
    settings: &Settings<'_>,
    runtime: &Runtime,
    watch: &mut Watch<'_>,
) -> Result<Chosen, TableError> {
    let columns = source.used();
    let mut ways = ways(source, &columns, settings)?;
    let labels = source.targets.names.len();
    let most = (MOST_WORDS / mean_words(source.table, &columns, &source.rows).max(1.0)) as usize;
    let most = most.min(ENOUGH.max(ENOUGH_OF_LABEL * labels));
    let folds = folds(&source.rows, most);
    let mut best: Option<(usize, Worth)> = None;
    let mut number = 0;
    while number < ways.len() {
        let way = &ways[number];
        if best.as_ref().is_some_and(|(best, _)| !way.is_promising(&ways[*best])) {
            number += 1;
            continue;
        }
        let start = Instant::now();
        let mut worth = Worth::default();
        for fold in &folds[..if way.has_network() { 1 } else { folds.len() }] {
            judge(source, way, fold, &mut worth, runtime, watch)?;
        }
        worth.settle(source);
        let (accuracy, rows, time) = (worth.accuracy(), worth.rows.len(), start.elapsed());
        go_on(watch(Progress::Tried { way: &way.name, accuracy, rows, time }))?;
        if let Some(epochs) = worth.best_epoch {
            // The learning rate falls to 0 with the last epoch: it has to be trained anew for fewer.
            let mut shorter = way.clone();
            shorter.name += &format!(", {epochs} epochs");
            shorter.config.optimizer.epochs = Some(epochs);
            ways.insert(number + 1, shorter);
        }
        if best.as_ref().is_none_or(|(_, best)| worth.is_clearly_more_than(best)) {
            best = Some((number, worth));
        }
        number += 1;
    }
    let (number, worth) = best.unwrap_or_default();
    let Way { name, features, config } = ways.swap_remove(number);
    let temperature = worth.temperature;
    go_on(watch(Progress::Chosen { way: &name, temperature }))?;
    Ok(Chosen { features, config, temperature })
}

fn go_on(flow: ControlFlow<()>) -> Result<(), TableError> {
    if flow.is_break() { Err(TableError::Stopped) } else { Ok(()) }
}

/// The rows that ways are trained on, at most `most`, and those that they are judged on, once or several times. A function of the numbers
/// of rows alone.
fn folds(rows: &[u32], most: usize) -> Vec<(Vec<u32>, Vec<u32>)> {
    let mixed =
        |row: u32| row.wrapping_mul(0x9e37_79b1).wrapping_add(0x7f4a_7c15).rotate_left(11).wrapping_mul(0x85eb_ca6b);
    let mut order: Vec<u32> = rows.to_vec();
    order.sort_by_key(|&row| (mixed(row), row));
    let count = (rows.len() / HELD_OUT).clamp(1, MOST_HELD_OUT);
    let folds = (ENOUGH_JUDGED / count).clamp(1, MOST_FOLDS.min(rows.len()));
    let fold = |number: usize| {
        let range = number * count..(number + 1) * count;
        let mut held_out = order[range.clone()].to_vec();
        let mut rest = [&order[range.end..], &order[..range.start]].concat();
        if rest.is_empty() {
            rest.clone_from(&held_out);
        }
        rest.truncate(most.clamp(LEAST_TRIED, MOST_TRIED));
        rest.sort_unstable();
        held_out.sort_unstable();
        (rest, held_out)
    };
    (0..folds).map(fold).collect()
}

/// Texts of more words on average are long: sequences of three words tell something, and a network is slow.
const LONG: f64 = 40.0;
/// Up to so many labels the linear part keeps light weights.
const FEW_LABELS: usize = 300;
/// With fewer labels, a network beside the linear part has not been worth its time.
const NETWORK_LABELS: usize = 20;
/// With more labels, features of characters would take long.
const MANY_LABELS: usize = 3000;
/// Rows below which features may occur in one row only.
const FEW_ROWS: usize = 2000;

/// The ways that are tried: functions of the numbers of rows, words and labels.
fn ways(source: &Source<'_>, columns: &[Column], settings: &Settings<'_>) -> Result<Vec<Way>, TableError> {
    let Source { config: given, targets, rows, .. } = source;
    let single = targets.are_single();
    let labels = targets.names.len();
    let words = mean_words(source.table, columns, rows);
    let mut features = FeatureConfig::new(columns.to_vec());
    features.crosses = source.crosses(columns)?;
    features.pair_window = given.pair_window;
    features.least_rows = given.min_rows.unwrap_or(if rows.len() < FEW_ROWS { 1 } else { 2 });
    let mut common = Vec::new();
    if labels <= FEW_LABELS {
        common.push(("prune", "0.05"));
    }
    let linear = ("model", "linear");
    let mut ways: Vec<Way> = Vec::new();
    let mut way = |name: &str, word_ngrams, char_ngrams, weighting, own: &[(&'static str, &'static str)]| {
        let mut features = features.clone();
        features.word_ngrams = given.word_ngrams.unwrap_or(word_ngrams);
        features.char_ngrams = given.char_ngrams.map_or(char_ngrams, |Lengths(pair)| pair);
        features.weighting = given.weighting.unwrap_or(weighting);
        let over = |own: &[(&'static str, &'static str)]| {
            let mut base = TrainConfig::default();
            for (key, value) in common.iter().chain(own) {
                base.set(key, value)?;
            }
            Ok::<_, TableError>(settings(&base)?)
        };
        let mut config = over(own)?;
        if !config.model.model.has_network() {
            // The settings of a network that there is not make no other way.
            config = over(&[linear])?;
        }
        // What the user decides is not tried.
        if ways.iter().all(|other| other.features != features || other.config != config) {
            ways.push(Way { name: name.into(), features, config });
        }
        Ok::<_, TableError>(())
    };
    let weighting = if single && labels <= FEW_LABELS { Weighting::Classes } else { Weighting::Idf };
    let loss = ("loss", if single { "softmax" } else { "bce" });
    let network: &[(&str, &str)] = &[("hidden", "128"), loss];
    let network = if single { network } else { &network[..1] };
    if words == 0.0 {
        way("a linear part", 1, None, weighting, &[linear])?;
        way("a network and a linear part", 1, None, weighting, network)?;
    } else if words >= LONG {
        way("words and pairs of words, a linear part", 2, None, weighting, &[linear])?;
        way("up to three words, a linear part", 3, None, weighting, &[linear])?;
    } else if labels > MANY_LABELS {
        way("words and pairs of words, a linear part", 2, None, weighting, &[linear])?;
        way("words and pairs of words, a network and a linear part", 2, None, weighting, &[])?;
    } else {
        let (chars, of_chars) = (Some((3, 6)), "words, pairs of words and characters");
        way("words and pairs of words, a linear part", 2, None, weighting, &[linear])?;
        let weightings = if weighting == Weighting::Idf { &[Weighting::Idf][..] } else { &[weighting, Weighting::Idf] };
        for &weighting in weightings {
            way(&format!("{of_chars} by {weighting}, a linear part"), 2, chars, weighting, &[linear])?;
        }
        for &weighting in weightings.iter().filter(|_| labels >= NETWORK_LABELS) {
            way(&format!("{of_chars} by {weighting}, a network and a linear part"), 2, chars, weighting, network)?;
        }
    }
    Ok(ways)
}

/// Words of a row in columns of texts, by the first rows and their spaces.
fn mean_words(table: &Table, columns: &[Column], rows: &[u32]) -> f64 {
    let texts = columns.iter().filter(|column| column.kind == Kind::Text);
    let texts: Vec<usize> = texts.filter_map(|column| table.column(&column.name)).collect();
    let looked_at = &rows[..rows.len().min(2000)];
    let words = |&row: &u32| -> usize {
        texts.iter().map(|&column| table.field(row as usize, column).split_whitespace().count()).sum()
    };
    looked_at.iter().map(words).sum::<usize>() as f64 / looked_at.len().max(1) as f64
}

/// Trains on the first rows of `fold` and predicts the others.
fn judge(
    source: &Source<'_>,
    way: &Way,
    (rest, held_out): &(Vec<u32>, Vec<u32>),
    worth: &mut Worth,
    runtime: &Runtime,
    watch: &mut Watch<'_>,
) -> Result<(), TableError> {
    let Source { table, targets, .. } = source;
    let featurizer = Featurizer::fit(&way.features, table, rest, Some(targets));
    let labels = targets.names.len();
    let train = dataset(&featurizer, table, rest, Some(targets), labels)?;
    let data = dataset(&featurizer, table, held_out, Some(targets), labels)?;
    let mut trainer = Trainer::new(way.config.clone(), &train, runtime)?;
    drop(train);
    let mut stopped = ControlFlow::Continue(());
    let mut by_epoch = Vec::new();
    let looks_for_best_epoch = way.config.optimizer.epochs.is_none();
    trainer.run(&mut |event, trainer| {
        if looks_for_best_epoch && matches!(event, Event::Batch(batch) if batch.epoch_finished) {
            by_epoch.push(trainer.evaluate(&data));
        }
        stopped = watch(Progress::Working);
        stopped
    })?;
    go_on(stopped)?;
    worth.best_epoch = best_epoch(by_epoch)?;
    let model = trainer.into_model()?;
    let predictor = Predictor::with(model, Retrieval::Auto, runtime)?.ignoring_unknown_features();
    let examples: Vec<_> = (0..data.examples()).map(|row| data.features(row)).collect();
    let mut predictions = Predictions::default();
    predictor.predict_batch_into(&examples, COMPARED, &mut predictions)?;
    for (row, predictions) in predictions.iter().enumerate() {
        let logits = predictions.iter().map(|one| (one.label, logit(one.probability))).collect();
        worth.rows.push(Judged { logits, truth: data.labels(row).to_vec() });
    }
    worth.ends.push(worth.rows.len());
    Ok(())
}

/// The epoch after which most best labels are right, the first of equals, if it is clearly better than the last one.
fn best_epoch(by_epoch: Vec<Result<slide_core::Metrics, PredictError>>) -> Result<Option<u32>, TableError> {
    let right = |metrics: slide_core::Metrics| metrics.at(1).map_or(0.0, |at| at.precision);
    let right = by_epoch.into_iter().map(|metrics| metrics.map(right)).collect::<Result<Vec<f64>, _>>()?;
    let Some(&last) = right.last() else { return Ok(None) };
    let best = right.iter().fold(last, |best, &right| best.max(right));
    let epoch = right.iter().position(|&right| right == best).unwrap_or(0);
    Ok((best > last + LEAST_GAIN).then_some(epoch as u32 + 1))
}

/// What makes the probabilities of the right labels largest. That a label is right is never certain: no row says how rare an exception
/// is that is in none of them.
fn temperature(rows: &[Judged]) -> f32 {
    let doubt = 1.0 / (rows.len() as f64 + 2.0);
    let loss = |temperature: f32| -> f64 {
        let loss = |Judged { logits, truth }: &Judged| {
            let mut probabilities = logits.clone();
            softmax(&mut probabilities, temperature, None);
            let own = probabilities.iter().find(|(label, _)| truth.contains(label)).map_or(0.0, |&(_, own)| own);
            let own = f64::from(own.clamp(1e-6, 1.0 - 1e-6));
            -(1.0 - doubt) * own.ln() - doubt * (1.0 - own).ln()
        };
        rows.iter().map(loss).sum()
    };
    let temperatures = (-20..=20).map(|step| (step as f32 / 10.0).exp2());
    let mut best = (f64::INFINITY, 1.0);
    for temperature in temperatures {
        let loss = loss(temperature);
        if loss < best.0 {
            best = (loss, temperature);
        }
    }
    best.1
}
