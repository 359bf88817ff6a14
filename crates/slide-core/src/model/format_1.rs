//! Headers of format 1, which listed all settings side by side, those without a meaning among them.

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::{Map, Value};

use super::format::{CheckpointHeader, Header};
use crate::config::TrainConfig;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct FlatHeader {
    config: Map<String, Value>,
    features: usize,
    labels: usize,
    points: usize,
    step: u64,
    checkpoint: Option<FlatCheckpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct FlatCheckpoint {
    data_digest: u64,
    tables_rebuilt_at: Option<u64>,
}

/// The header as one of the present format.
pub(super) fn header(text: &str) -> Result<Header, serde_json::Error> {
    let FlatHeader { config, features, labels, points, step, checkpoint } = serde_json::from_str(text)?;
    Ok(Header {
        feature_numbers: None,
        label_numbers: None,
        format: 1,
        config: sections(config)?,
        features,
        labels,
        examples: points,
        step,
        tables_rebuilt_at: checkpoint.as_ref().and_then(|checkpoint| checkpoint.tables_rebuilt_at),
        checkpoint: checkpoint
            .map(|checkpoint| CheckpointHeader { data_digest: checkpoint.data_digest, first_step: 0 }),
        choices: Vec::new(),
        combination: None,
        index: None,
    })
}

/// The settings that had a meaning, in their sections.
fn sections(mut flat: Map<String, Value>) -> Result<TrainConfig, serde_json::Error> {
    flat.retain(|_, value| !value.is_null());
    let word = |key: &str| flat.get(key).and_then(Value::as_str).map(str::to_owned);
    let sampler = word("sampler").ok_or_else(|| serde_json::Error::missing_field("sampler"))?;
    let mut config = TrainConfig::default();
    config.set("sampler", &sampler).map_err(serde_json::Error::custom)?;
    let uses_tables = config.sampling.rebuild().is_some();
    // A set of random rows had at least the floor and at most the ceiling; now it has its number.
    if sampler == "random" {
        let count = |key: &str| flat.get(key).and_then(Value::as_u64);
        if let Some(active) = count("active") {
            let most = count("active-ceiling").unwrap_or(u64::MAX);
            flat.insert("active".into(), active.max(count("active-floor").unwrap_or(0)).min(most).into());
        }
    }
    let settings = TrainConfig::settings();
    flat.retain(|key, _| {
        let Some(setting) = settings.iter().find(|setting| setting.key() == *key) else { return true };
        let variants = TrainConfig::variants_with(setting);
        match setting.section {
            "sampling" => variants.is_empty() || variants.contains(&sampler.as_str()),
            "hashing" => uses_tables,
            _ => true,
        }
    });
    config.with(flat).map_err(serde_json::Error::custom)
}
