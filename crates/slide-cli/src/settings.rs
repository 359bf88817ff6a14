//! The options that determine the trained model: one for every field of [`TrainConfig`], of the same name.

use std::collections::HashMap;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};
use slide_core::config::{Active, Dropout, LazyMoments, Loss, Normalize, Precision, Schedule, TrainConfig};
use slide_core::lsh::{BucketPolicy, HashKind, Rebuild};
use slide_core::sampling::SamplerKind;

use crate::choice::choice;
use crate::usage::Usage;

/// What the user has set; the rest is left to the defaults, or to the checkpoint that is resumed.
#[derive(Args, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// Widths of the hidden layers, the sparse input layer's first, as in 256 or 512,128
    #[arg(long, value_name = "WIDTHS", value_delimiter = ',', help_heading = NETWORK)]
    hidden: Option<Vec<usize>>,
    /// Loss of the output layer: softmax, or one sigmoid per label
    #[arg(long, value_name = "LOSS", value_parser = choice::<Loss>(), help_heading = NETWORK)]
    loss: Option<Loss>,
    /// Scaling of input rows
    #[arg(long, value_name = "HOW", value_parser = choice::<Normalize>(), help_heading = NETWORK)]
    normalize: Option<Normalize>,
    /// Storage of the weights; arithmetic is always f32
    #[arg(long, value_name = "TYPE", value_parser = choice::<Precision>(), help_heading = NETWORK)]
    precision: Option<Precision>,

    /// Passes over the training points
    #[arg(long, value_name = "N", help_heading = OPTIMISER)]
    epochs: Option<u32>,
    /// Points a batch
    #[arg(long, value_name = "N", help_heading = OPTIMISER)]
    batch_size: Option<usize>,
    /// Learning rate after the warm-up
    #[arg(long, value_name = "RATE", value_parser = finite, help_heading = OPTIMISER)]
    learning_rate: Option<f32>,
    /// What the learning rate does after the warm-up
    #[arg(long, value_name = "CURVE", value_parser = choice::<Schedule>(), help_heading = OPTIMISER)]
    schedule: Option<Schedule>,
    /// Share of all batches over which the learning rate rises from 0
    #[arg(long, value_name = "SHARE", value_parser = finite, help_heading = OPTIMISER)]
    warmup: Option<f32>,
    /// Probabilities with which input features and hidden units are dropped; one number is for both
    #[arg(long, value_name = "INPUT,HIDDEN", help_heading = OPTIMISER)]
    dropout: Option<Dropout>,
    /// Adam's decay of the first moment
    #[arg(long, value_name = "DECAY", value_parser = finite, help_heading = OPTIMISER)]
    beta1: Option<f32>,
    /// Adam's decay of the second moment
    #[arg(long, value_name = "DECAY", value_parser = finite, help_heading = OPTIMISER)]
    beta2: Option<f32>,
    /// Adam's epsilon
    #[arg(long, value_name = "NUMBER", value_parser = finite, help_heading = OPTIMISER)]
    epsilon: Option<f32>,
    /// Adam's moments of rows that a batch does not touch: they wait, or decay as if touched
    #[arg(long, value_name = "RULE", value_parser = choice::<LazyMoments>(), help_heading = OPTIMISER)]
    moments: Option<LazyMoments>,
    /// Seed of every random number
    #[arg(long, value_name = "NUMBER", help_heading = OPTIMISER)]
    seed: Option<u64>,

    /// How the active output rows of a point are chosen
    #[arg(long, value_name = "SAMPLER", value_parser = choice::<SamplerKind>(), help_heading = SAMPLING)]
    sampler: Option<SamplerKind>,
    /// Rows to aim at per point (shared: random rows per batch): a count, or a share of the labels as in 0.005
    #[arg(long, value_name = "ROWS", help_heading = SAMPLING)]
    active: Option<Active>,
    /// Fewest active rows a point: random ones fill up what hashing did not find [default: half of --active]
    #[arg(long, value_name = "ROWS", help_heading = SAMPLING)]
    active_floor: Option<Active>,
    /// Most active rows a point; labels are never dropped [default: twice --active]
    #[arg(long, value_name = "ROWS", help_heading = SAMPLING)]
    active_ceiling: Option<Active>,
    /// The threshold sampler keeps rows that share at least so many buckets with the point
    #[arg(long, value_name = "N", help_heading = SAMPLING)]
    min_matches: Option<u32>,

    /// Hash family
    #[arg(long, value_name = "FAMILY", value_parser = choice::<HashKind>(), help_heading = HASHING)]
    hash: Option<HashKind>,
    /// Bits of a hash code: a table has 2^BITS buckets (K, times the family's bits a hash)
    #[arg(long, value_name = "BITS", help_heading = HASHING)]
    hash_bits: Option<u32>,
    /// Hash tables (L)
    #[arg(long, value_name = "N", help_heading = HASHING)]
    tables: Option<u32>,
    /// Most rows a bucket holds
    #[arg(long, value_name = "ROWS", help_heading = HASHING)]
    bucket_size: Option<u32>,
    /// Which rows stay in an overfull bucket
    #[arg(long, value_name = "POLICY", value_parser = choice::<BucketPolicy>(), help_heading = HASHING)]
    bucket_policy: Option<BucketPolicy>,
    /// When the tables are rebuilt: never, constant:EVERY or exponential:FIRST:GROWTH, in batches
    #[arg(long, value_name = "WHEN", help_heading = HASHING)]
    rebuild: Option<Rebuild>,
}

/// JSON, through which settings are merged, has no word for the other numbers.
fn finite(text: &str) -> Result<f32, String> {
    text.parse().ok().filter(|number: &f32| number.is_finite()).ok_or_else(|| "expected a number".into())
}

const NETWORK: &str = "Network";
const OPTIMISER: &str = "Optimiser";
const SAMPLING: &str = "Sampling of the output";
const HASHING: &str = "Hash tables";

impl Settings {
    /// `base` with what the user has set.
    pub(crate) fn over(&self, base: &TrainConfig) -> Result<TrainConfig> {
        let mut merged = serde_json::to_value(base)?;
        for (key, value) in self.given()? {
            merged[key] = value;
        }
        let config: TrainConfig = serde_json::from_value(merged)?;
        config.validate().map_err(|error| Usage(error.to_string()))?;
        Ok(config)
    }

    /// The configuration of a checkpoint, provided that the user has set nothing else: a resumed run continues the
    /// interrupted one.
    pub(crate) fn agreeing_with(&self, stored: &TrainConfig) -> Result<TrainConfig> {
        let known = serde_json::to_value(stored)?;
        let config = self.over(stored)?;
        let merged = serde_json::to_value(&config)?;
        for (key, value) in self.given()? {
            if merged[&key] != known[&key] {
                return Err(
                    Usage(format!("--{key}: the checkpoint was trained with {}, not {value}", known[&key])).into()
                );
            }
        }
        Ok(config)
    }

    fn given(&self) -> Result<Map<String, Value>> {
        let Value::Object(mut settings) = serde_json::to_value(self)? else { unreachable!("a struct is an object") };
        settings.retain(|_, value| !value.is_null());
        Ok(settings)
    }
}

/// Every setting as a key and a value that a TOML file would take.
pub(crate) fn listed(config: &TrainConfig) -> Vec<(String, String)> {
    // Through text, because a `Value` widens f32 and would show 0.005 as 0.004999999888.
    let text = serde_json::to_string(config).expect("a configuration is plain data");
    let values: Map<String, Value> = serde_json::from_str(&text).expect("just written");
    values.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key, value.to_string())).collect()
}

/// The same as an option's help shows it: without quotes and brackets.
pub(crate) fn defaults() -> HashMap<String, String> {
    let plain = |value: String| value.trim_matches(['"', '[', ']']).to_owned();
    listed(&TrainConfig::default()).into_iter().map(|(key, value)| (key, plain(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_an_option_of_the_same_name() {
        let keys = |value: Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let mut options = keys(serde_json::to_value(Settings::default()).unwrap());
        let mut fields = keys(serde_json::to_value(TrainConfig::default()).unwrap());
        options.sort();
        fields.sort();
        assert_eq!(options, fields);
    }

    #[test]
    fn what_is_set_replaces_the_base() {
        let base = TrainConfig { epochs: 3, ..TrainConfig::default() };
        let settings =
            Settings { learning_rate: Some(0.1), active: Some(Active::Fraction(0.5)), ..Settings::default() };
        let config = settings.over(&base).unwrap();
        assert_eq!(config, TrainConfig { learning_rate: 0.1, active: Active::Fraction(0.5), ..base });
    }
}
