//! Settings that are chosen by the data where the user gives none.
//!
//! They are functions of counts: the number of examples, and how often labels occur. Nothing is chosen by the clock.

use serde::{Deserialize, Serialize};

use super::TrainConfig;
use crate::data::Dataset;
use crate::index::BuildIndex;
use crate::objective::Loss;

/// The least passes that both parts can do with.
pub(super) const LEAST_BUDGET: u32 = 3;
/// Passes of both parts, and of the network at most, if nothing else is said.
const BUDGET: u32 = 10;
/// A larger budget has more rounds of mining,
const THOROUGH: u32 = 12;
/// and in any case the network has no more epochs: it would only fit the training examples closer.
const MOST_EPOCHS: u32 = 16;

/// A setting that was chosen by the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Choice {
    /// The name of the setting.
    pub setting: String,
    /// The chosen value.
    pub value: String,
    /// Why.
    pub reason: String,
}

impl TrainConfig {
    /// The configuration with a value for each setting that is left to the data, and what was chosen. Training does this itself.
    ///
    /// * `batch-size`: a 150th of the examples, rounded to a power of two from 32 to 256. Small sets need the steps of small batches.
    /// * `epochs` and `mining-rounds`: by `budget`, the passes over the data. The linear part takes one for its first round and a third
    ///   for each round of mining (rounded down), of which it has 4, or 7 from a budget of 12 on; the network takes the rest, at most 16.
    /// * `loss`: binary cross-entropy; softmax if the label of a random occurrence has fewer than 10 training examples on average.
    ///   (Then nearly all outputs of a sigmoid stay near 0, and it learns slowly.)
    /// * `index`: for a network without a linear part and 20,000 labels or more.
    #[must_use]
    pub fn resolved(&self, data: &Dataset) -> (Self, Vec<Choice>) {
        let labels = data.label_numbering();
        self.resolved_by(data.examples(), &labels.frequencies(&data.arrays().label_indices))
    }

    /// The same for this number of examples and these frequencies of labels.
    pub(crate) fn resolved_by(&self, examples: usize, label_frequencies: &[u32]) -> (Self, Vec<Choice>) {
        let mut config = self.clone();
        let mut choices = Vec::new();
        let mut chosen = |setting: &str, value: String, reason: String| {
            choices.push(Choice { setting: setting.to_owned(), value, reason });
        };
        let parts = config.model.model;
        let budget = config.optimizer.budget.unwrap_or(BUDGET);
        let rounds = if budget < THOROUGH { 4 } else { 7 };
        let of_budget = match self.optimizer.budget {
            Some(budget) => format!("a budget of {budget} passes"),
            None => format!("the default budget of {BUDGET} passes"),
        };
        if parts.has_linear() && config.linear.mining_rounds.is_none() {
            config.linear.mining_rounds = Some(rounds);
            chosen("mining-rounds", rounds.to_string(), of_budget.clone());
        }
        if !parts.has_network() {
            return (config, choices);
        }
        let labels = label_frequencies.len();
        if config.index.index == BuildIndex::Auto && config.index.is_wanted(labels, parts.has_linear()) {
            config.index.index = BuildIndex::Always;
            chosen(
                "index",
                config.index.index.to_string(),
                format!("{labels} labels, and no linear part that finds them"),
            );
        }
        if config.optimizer.epochs.is_none() {
            let linear = if parts.has_linear() { 1 + config.linear.mining_rounds.unwrap_or(0) / 3 } else { 0 };
            let epochs = budget.saturating_sub(linear).clamp(1, MOST_EPOCHS);
            config.optimizer.epochs = Some(epochs);
            let reason = if linear > 0 { format!("{of_budget}, {linear} of the linear part") } else { of_budget };
            chosen("epochs", epochs.to_string(), reason);
        }
        if config.optimizer.batch_size.is_none() {
            let size = batch_size(examples);
            config.optimizer.batch_size = Some(size);
            let reason = format!("{examples} examples / 150, as a power of two from 32 to 256");
            chosen("batch-size", size.to_string(), reason);
        }
        if config.network.loss.is_none() {
            let mean = occurrences_of_a_label(label_frequencies);
            let loss = if mean < 10.0 { Loss::Softmax } else { Loss::Bce };
            config.network.loss = Some(loss);
            chosen(
                "loss",
                loss.to_string(),
                format!("the label of a random occurrence has {mean:.0} examples on average"),
            );
        }
        (config, choices)
    }
}

/// A 150th of the examples, rounded to the nearest power of two (by the logarithm) from 32 to 256.
fn batch_size(examples: usize) -> usize {
    // x >= sqrt(2) 2^k is rounded up: x^2 >= 2^(2k + 1), in units of a 150th.
    let square = (examples as u128).pow(2) / (150 * 150);
    [32_usize, 64, 128].into_iter().find(|&size| square < 2 * (size as u128).pow(2)).unwrap_or(256)
}

/// The number of examples that have the label of a random occurrence: the mean frequency, weighted by the frequency.
fn occurrences_of_a_label(frequencies: &[u32]) -> f64 {
    let square: u64 = frequencies.iter().map(|&frequency| u64::from(frequency).pow(2)).sum();
    let sum: u64 = frequencies.iter().map(|&frequency| u64::from(frequency)).sum();
    square as f64 / sum.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::combination::Parts;
    use crate::data::Parts as DataParts;

    fn data(examples: usize, labels: u32) -> Dataset {
        let parts = DataParts {
            feature_indptr: vec![0; examples + 1],
            label_indptr: (0..=examples as u64).collect(),
            label_indices: (0..examples as u32).map(|example| example % labels).collect(),
            feature_count: 1,
            label_count: labels as usize,
            ..DataParts::default()
        };
        Dataset::try_from(parts).unwrap()
    }

    fn resolved(config: &TrainConfig, data: &Dataset) -> (u32, u32, usize, Loss) {
        let (config, _) = config.resolved(data);
        let (optimizer, linear) = (&config.optimizer, &config.linear);
        let numbers = (optimizer.epochs.unwrap(), linear.mining_rounds.unwrap(), optimizer.batch_size.unwrap());
        (numbers.0, numbers.1, numbers.2, config.network.loss.unwrap())
    }

    #[test]
    fn batches_grow_with_the_examples() {
        for (examples, size) in
            [(1, 32), (4_880, 32), (6_788, 32), (6_789, 64), (12_920, 64), (15_000, 128), (46_820, 256)]
        {
            assert_eq!(batch_size(examples), size, "{examples}");
        }
        assert_eq!(batch_size(usize::MAX), 256);
    }

    #[test]
    fn settings_that_are_given_are_kept() {
        let data = data(900, 9);
        let mut config = TrainConfig::default();
        let (_, choices) = config.resolved(&data);
        let names: Vec<&str> = choices.iter().map(|choice| &*choice.setting).collect();
        assert_eq!(names, ["mining-rounds", "epochs", "batch-size", "loss"]);
        for (key, value) in [("epochs", "2"), ("batch-size", "7"), ("loss", "softmax"), ("mining-rounds", "1")] {
            config.set(key, value).unwrap();
        }
        assert_eq!(config.resolved(&data), (config, vec![]));
    }

    #[test]
    fn a_budget_is_kept_and_the_loss_follows_the_labels() {
        let (often, rare) = (data(900, 9), data(900, 300));
        let with = |budget: &str| TrainConfig::default().set("budget", budget).unwrap().clone();
        assert_eq!(resolved(&TrainConfig::default(), &often), (8, 4, 32, Loss::Bce));
        assert_eq!(resolved(&with("3"), &often), (1, 4, 32, Loss::Bce));
        assert_eq!(resolved(&with("13"), &rare), (10, 7, 32, Loss::Softmax));
        let mut network = TrainConfig::default();
        network.model.model = Parts::Network;
        assert_eq!(network.resolved(&often).0.optimizer.epochs, Some(10));
        network.model.model = Parts::Linear;
        assert_eq!(network.resolved(&often).1.len(), 1);
    }
}
