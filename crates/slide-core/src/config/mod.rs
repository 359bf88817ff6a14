//! What is trained and how. Everything in [`TrainConfig`] determines the result and is stored in the model; what only
//! determines how fast it is reached (threads, instruction set, pages) is in [`Runtime`](crate::Runtime).
//!
//! A configuration has seven sections, in TOML:
//!
//! ```toml
//! [model]
//! model = "both"
//!
//! [network]
//! hidden = [256]
//! loss = "bce"
//!
//! [optimizer]
//! optimizer = "adam"
//! epochs = 10
//!
//! [sampling]
//! sampler = "vanilla"
//! active = 500
//!
//! [hashing]
//! hash = "simhash"
//! tables = 50
//!
//! [linear]
//! mining-rounds = 6
//!
//! [index]
//! index = "always"
//! ```
//!
//! The names of settings are unique over all sections: they are the program's options, and the keys of
//! [`TrainConfig::set`]. What is left out has its default; some defaults depend on the data ([`TrainConfig::resolved`]).

mod automatic;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::combination::ModelConfig;
use crate::index::{BuildIndex, IndexConfig};
use crate::linear::LinearConfig;
use crate::lsh::{HashError, HashFunctions, HashingConfig, Rebuild};
use crate::network::NetworkConfig;
use crate::optim::{Method, OptimizerConfig};
use crate::sampling::{Sampler, SamplerError, SamplingConfig};
use crate::setting::{Setting, Variants};

pub use automatic::Choice;

/// Everything that determines the trained model, besides the data.
///
/// ```
/// use slide_core::TrainConfig;
///
/// let mut config = TrainConfig::default();
/// config.network.hidden = vec![512];
/// config.optimizer.epochs = Some(5);
/// config.set("sampler", "vanilla")?.set("active", "0.005")?;
/// # Ok::<(), slide_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
#[non_exhaustive]
pub struct TrainConfig {
    /// What the model consists of.
    pub model: ModelConfig,
    /// The network: its shape, its loss, and how its weights are stored.
    pub network: NetworkConfig,
    /// How weights are updated, how often and on how many examples.
    pub optimizer: OptimizerConfig,
    /// How the output rows that are computed are chosen.
    pub sampling: SamplingConfig,
    /// Hash functions and tables over the output rows. A sampler that looks rows up in tables has them in any case, with the
    /// default settings where there are none here; with another sampler the model gets tables at the end of training, for
    /// retrieval, if there are settings here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hashing: Option<HashingConfig>,
    /// How the sparse linear part is trained.
    pub linear: LinearConfig,
    /// Whether and how labels are indexed when training has ended.
    pub index: IndexConfig,
}

/// A setting that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A setting has an impossible value.
    #[error("{key}: {reason}")]
    Value {
        /// Name of the setting.
        key: String,
        /// What is expected and what was found.
        reason: String,
    },
    /// There is no such setting, or not in this section.
    #[error("unknown setting `{key}`{}", hint.as_ref().map(|hint| format!(": {hint}")).unwrap_or_default())]
    Unknown {
        /// The name, with the section where one was given.
        key: String,
        /// What may have been meant.
        hint: Option<String>,
    },
    /// A setting of a variant that is not chosen.
    #[error("`{key}` has no meaning with {tag} `{chosen}`: it belongs to {}", belongs_to.join(", "))]
    Meaningless {
        /// Name of the setting.
        key: String,
        /// The setting that chooses the variant: `sampler` or `optimizer`.
        tag: &'static str,
        /// The variant that is chosen.
        chosen: String,
        /// The variants that have the setting.
        belongs_to: Vec<&'static str>,
    },
    /// Hash tables hold rows of a network.
    #[error("hash tables: the model has no network")]
    NoNetwork,
    /// An index holds rows of a network.
    #[error("index: the model has no network")]
    NoIndexedNetwork,
    /// The hash settings contradict each other or the network.
    #[error("hash tables: {0}")]
    Hash(#[from] HashError),
    /// The sampler's numbers contradict each other.
    #[error("sampler: {0}")]
    Sampler(#[from] SamplerError),
}

/// The sections and the settings that each of them always has.
const SECTIONS: [(&str, &[Setting]); 7] = [
    ("model", ModelConfig::SETTINGS),
    ("network", NetworkConfig::SETTINGS),
    ("optimizer", OptimizerConfig::SETTINGS),
    ("sampling", &[]),
    ("hashing", HashingConfig::SETTINGS),
    ("linear", LinearConfig::SETTINGS),
    ("index", IndexConfig::SETTINGS),
];

/// The settings that choose among variants.
const CHOICES: [Variants; 2] = [Method::VARIANTS, SamplingConfig::VARIANTS];

impl TrainConfig {
    /// Every setting, once, section by section: for programs that make options of them.
    #[must_use]
    pub fn settings() -> Vec<Setting> {
        let mut settings: Vec<Setting> = Vec::new();
        for (section, common) in SECTIONS {
            let choice = CHOICES.iter().filter(|choice| choice.tag.section == section);
            for choice in choice.clone() {
                settings.push(choice.tag);
            }
            settings.extend_from_slice(common);
            for setting in choice.flat_map(|choice| choice.variants).flat_map(|(_, settings)| *settings) {
                if !settings.iter().any(|known| known.field == setting.field) {
                    settings.push(*setting);
                }
            }
        }
        settings
    }

    /// The names of the variants of the sampler or the optimizer that have a setting; none if it does not depend on them.
    #[must_use]
    pub fn variants_with(setting: &Setting) -> Vec<&'static str> {
        let has = |settings: &[Setting]| settings.iter().any(|other| other.field == setting.field);
        let all = CHOICES.iter().filter(|choice| choice.tag.section == setting.section);
        all.flat_map(|choice| choice.variants).filter(|(_, settings)| has(settings)).map(|(name, _)| *name).collect()
    }

    /// Changes one setting, named as in files and on the command line, to the value that `text` says.
    ///
    /// # Errors
    /// An unknown name, a value of the wrong form, or a setting of another sampler or optimizer than the chosen one. Ranges
    /// are checked by [`validate`](Self::validate).
    pub fn set(&mut self, key: &str, text: &str) -> Result<&mut Self, ConfigError> {
        let setting = find(key)?;
        let value = setting.parse(text).map_err(|reason| ConfigError::Value { key: key.to_owned(), reason })?;
        *self = self.with([(key.to_owned(), value)])?;
        Ok(self)
    }

    /// This configuration with other values of some settings, by name; all are taken together, so that a sampler and its
    /// settings may come in any order. A setting of the sampler or optimizer that is no longer chosen is dropped.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn with(&self, changes: impl IntoIterator<Item = (String, Value)>) -> Result<Self, ConfigError> {
        let mut sections = self.sections();
        let mut changes: Vec<(Setting, Value)> = changes
            .into_iter()
            .map(|(key, value)| {
                let setting = find(&key)?;
                setting.check(&value).map_err(|reason| ConfigError::Value { key, reason })?;
                Ok((setting, value))
            })
            .collect::<Result<_, ConfigError>>()?;
        let is_choice = |setting: &Setting| CHOICES.iter().any(|choice| choice.tag.field == setting.field);
        // Choices first: they decide which other settings there are.
        changes.sort_by_key(|(setting, _)| !is_choice(setting));
        for (setting, value) in changes {
            let section = sections.entry(setting.section).or_insert_with(|| Value::Object(Map::new()));
            let section = section.as_object_mut().expect("sections are objects");
            if let Some(choice) = CHOICES.iter().find(|choice| choice.tag.field == setting.field) {
                choose(choice, value, section);
                continue;
            }
            let belongs_to = Self::variants_with(&setting);
            if let Some(choice) = CHOICES.iter().find(|choice| choice.tag.section == setting.section)
                && !belongs_to.is_empty()
            {
                let chosen = section[choice.tag.field].as_str().expect("a choice is a word").to_owned();
                if !belongs_to.contains(&chosen.as_str()) {
                    return Err(ConfigError::Meaningless {
                        key: setting.key(),
                        tag: choice.tag.field,
                        chosen,
                        belongs_to,
                    });
                }
            }
            section.insert(setting.key(), value);
        }
        #[derive(Deserialize)]
        struct Sections {
            model: ModelConfig,
            network: NetworkConfig,
            optimizer: OptimizerConfig,
            sampling: SamplingConfig,
            hashing: Option<HashingConfig>,
            linear: LinearConfig,
            index: IndexConfig,
        }
        let Sections { model, network, optimizer, sampling, hashing, linear, index } =
            serde_json::from_value(Value::Object(sections))
                .map_err(|error| ConfigError::Value { key: "configuration".into(), reason: error.to_string() })?;
        Ok(Self { model, network, optimizer, sampling, hashing, linear, index })
    }

    /// Every setting that has a value, by section: the name, and the value as JSON text.
    #[must_use]
    pub fn values(&self) -> Vec<(Setting, String)> {
        // Through text, because a `Value` widens f32 and would show 0.005 as 0.004999999888.
        let text = serde_json::to_string(self).expect("a configuration is plain data");
        let sections: Map<String, Value> = serde_json::from_str(&text).expect("just written");
        let value = |setting: Setting| {
            let value = sections.get(setting.section)?.get(setting.key())?;
            (!value.is_null()).then(|| (setting, value.to_string()))
        };
        Self::settings().into_iter().filter_map(value).collect()
    }

    fn sections(&self) -> Map<String, Value> {
        match serde_json::to_value(self).expect("a configuration is plain data") {
            Value::Object(sections) => sections,
            _ => unreachable!("a struct is an object"),
        }
    }

    /// The settings of the hash tables, if the model has any.
    #[must_use]
    pub fn tables(&self) -> Option<HashingConfig> {
        let wanted = self.sampling.rebuild().is_some();
        self.hashing.clone().or_else(|| wanted.then(HashingConfig::default))
    }

    /// The sampler for an output layer of `rows` rows, checked.
    pub(crate) fn sampler(&self, rows: usize) -> Result<Sampler, ConfigError> {
        Ok(self.sampling.sampler(rows, self.tables().map_or(0, |hashing| hashing.tables))?)
    }

    /// Checks every value against its range, and the hash settings against the width they would hash.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        fn check(holds: bool, key: &str, expected: &str, found: impl std::fmt::Debug) -> Result<(), ConfigError> {
            let reason = || format!("expected {expected}, found {found:?}");
            if holds { Ok(()) } else { Err(ConfigError::Value { key: key.to_owned(), reason: reason() }) }
        }
        let Self { network, optimizer, linear, index, .. } = self;
        let share = |value: f32| (0.0..1.0).contains(&value);
        let hidden = &network.hidden;
        check(
            (1..=64).contains(&hidden.len()) && hidden.iter().all(|width| (1..=1 << 16).contains(width)),
            "hidden",
            "1 to 64 widths, each from 1 to 65536",
            hidden,
        )?;
        let dropout = network.dropout;
        let probabilities = [dropout.input, dropout.hidden];
        check(probabilities.into_iter().all(share), "dropout", "probabilities in [0, 1)", probabilities)?;
        if let Some(epochs) = optimizer.epochs {
            check(epochs > 0, "epochs", "at least 1", epochs)?;
        }
        if let Some(budget) = optimizer.budget {
            check(budget >= automatic::LEAST_BUDGET, "budget", "at least 3", budget)?;
        }
        if let Some(batch_size) = optimizer.batch_size {
            check((1..=1 << 20).contains(&batch_size), "batch-size", "1 to 1048576", batch_size)?;
        }
        check(linear.cost > 0.0 && linear.cost.is_finite(), "cost", "a positive number", linear.cost)?;
        check(linear.prune >= 0.0 && linear.prune.is_finite(), "prune", "a number of at least 0", linear.prune)?;
        let has_network = self.model.model.has_network();
        check(
            has_network || index.index != BuildIndex::Always,
            "index",
            "`auto` or `never` without a network",
            index.index,
        )?;
        let recall = index.index_recall;
        check(recall > 0.0 && recall <= 1.0, "index-recall", "a number above 0 and at most 1", recall)?;
        for (key, number) in [("index-queries", index.index_queries), ("index-lists", index.index_lists)] {
            if let Some(number) = number {
                let is_right = number > 0 && u32::try_from(number).is_ok();
                check(is_right, key, "a whole number from 1 to 2^32 - 1", number)?;
            }
        }
        if let Some(rounds) = linear.mining_rounds {
            check(rounds <= 1000, "mining-rounds", "0 to 1000", rounds)?;
        }
        let hard = linear.hard_negatives;
        check((1..=1 << 20).contains(&hard), "hard-negatives", "1 to 1048576", hard)?;
        let rate = optimizer.learning_rate;
        check(rate > 0.0 && rate.is_finite(), "learning-rate", "a positive number", rate)?;
        let warmup = optimizer.warmup;
        check((0.0..=1.0).contains(&warmup), "warmup", "a share in [0, 1]", warmup)?;
        let constants = optimizer.method.optimizer().validate();
        constants.or_else(|wrong| check(false, wrong.name, wrong.expected, wrong.found))?;
        if let Some(hashing) = self.tables() {
            hashing.validate()?;
            HashFunctions::new(&hashing, hidden[hidden.len() - 1], optimizer.seed)?;
        }
        if let Some(rebuild) = self.sampling.rebuild() {
            let readable = rebuild.to_string().parse::<Rebuild>();
            readable.map_err(|error| ConfigError::Value { key: "rebuild".into(), reason: error.to_string() })?;
        }
        // As for a layer of very many rows; a fraction of the real ones is resolved when they are known, and only then can
        // it be compared with a count.
        match self.sampler(u32::MAX as usize) {
            Err(ConfigError::Sampler(SamplerError::CeilingBelowFloor { .. })) if self.sampling.mixes_units() => Ok(()),
            other => other.map(drop),
        }
    }
}

/// The setting of this name.
fn find(key: &str) -> Result<Setting, ConfigError> {
    let settings = TrainConfig::settings();
    let found = settings.iter().find(|setting| setting.key() == key).copied();
    found.ok_or_else(|| {
        let nearest = settings.iter().map(Setting::key).min_by_key(|known| edit_distance(known, key));
        let near = nearest.filter(|known| edit_distance(known, key) <= 1 + key.len() / 4);
        ConfigError::Unknown { key: key.to_owned(), hint: near.map(|near| format!("did you mean `{near}`?")) }
    })
}

/// Insertions, deletions and replacements that make one word of the other.
fn edit_distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in right.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

/// Chooses another variant in `section`. Of the settings of the one before those are kept that the new one has too and that
/// differ from their default there.
fn choose(choice: &Variants, name: Value, section: &mut Map<String, Value>) {
    let of = |name: Option<&str>| {
        let variant = choice.variants.iter().find(|(variant, _)| Some(*variant) == name);
        variant.map_or(&[][..], |(_, settings)| settings)
    };
    let (old, new) = (of(section.get(choice.tag.field).and_then(Value::as_str)), of(name.as_str()));
    for setting in old {
        let key = setting.key();
        let is_default = || section.get(&key).is_none_or(|value| setting.is_default(value));
        if !new.iter().any(|other| other.field == setting.field) || is_default() {
            section.remove(&key);
        }
    }
    section.insert(choice.tag.field.to_owned(), name);
}

impl TryFrom<Map<String, Value>> for TrainConfig {
    type Error = ConfigError;

    /// The default configuration with the settings of the sections.
    fn try_from(sections: Map<String, Value>) -> Result<Self, ConfigError> {
        let mut changes = Vec::new();
        for (section, settings) in sections {
            let unknown = |key: &str, hint: String| ConfigError::Unknown { key: key.to_owned(), hint: Some(hint) };
            if !SECTIONS.iter().any(|(name, _)| *name == section) {
                let known = SECTIONS.map(|(name, _)| name).join(", ");
                return Err(unknown(&format!("[{section}]"), format!("the sections are {known}")));
            }
            let Value::Object(settings) = settings else {
                return Err(ConfigError::Value {
                    key: section,
                    reason: format!("expected settings, found {settings}"),
                });
            };
            for (key, value) in settings {
                let setting = find(&key)?;
                if setting.section != section {
                    return Err(unknown(&format!("[{section}] {key}"), format!("it belongs to [{}]", setting.section)));
                }
                changes.push((key, value));
            }
        }
        Self::default().with(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{Active, SharedSampling};

    fn read(text: &str) -> Result<TrainConfig, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_configuration_survives_json_and_toml() {
        let mut config = TrainConfig::default();
        config.network.hidden = vec![512, 64];
        config.linear.mining_rounds = Some(0);
        config.optimizer.learning_rate = 0.007;
        config.set("optimizer", "sgd").unwrap().set("momentum", "0.8").unwrap();
        config.set("sampler", "threshold").unwrap().set("min-matches", "3").unwrap().set("tables", "7").unwrap();
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<TrainConfig>(&json).unwrap(), config);
        assert_eq!(read(&toml::to_string(&config).unwrap()).unwrap(), config);
        assert_eq!(read("").unwrap(), TrainConfig::default());
    }

    #[test]
    fn numbers_are_kept_exactly() {
        let mut config = TrainConfig::default();
        config.set("seed", "18446744073709551615").unwrap().set("learning-rate", "0.1").unwrap();
        assert_eq!((config.optimizer.seed, config.optimizer.learning_rate), (u64::MAX, 0.1));
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<TrainConfig>(&json).unwrap(), config);
        assert_eq!(read("[optimizer]\nseed = 18446744073709551615").unwrap().optimizer.seed, u64::MAX);
        for fraction in (1..300).map(|numerator| f64::from(numerator) / 301.0) {
            config.sampling = SamplingConfig::Shared(SharedSampling { active: Active::Fraction(fraction) });
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<TrainConfig>(&json).unwrap(), config);
        }
        config.set("active", "0.005").unwrap();
        let shown: Vec<_> = config.values().into_iter().map(|(setting, value)| (setting.key(), value)).collect();
        for (key, value) in [("seed", "18446744073709551615"), ("learning-rate", "0.1"), ("active", "0.005")] {
            assert!(shown.contains(&(key.into(), value.into())), "{shown:?}");
        }
    }

    #[test]
    fn a_rebuild_schedule_that_no_file_can_say_is_an_error() {
        for rebuild in [
            Rebuild::Constant { every: 0 },
            Rebuild::Exponential { first: 0, growth: 2.0 },
            Rebuild::Exponential { first: 1, growth: 0.5 },
            Rebuild::Exponential { first: 1, growth: f64::NAN },
        ] {
            let mut config = TrainConfig::default();
            config.set("sampler", "vanilla").unwrap();
            let SamplingConfig::Vanilla(sampling) = &mut config.sampling else { panic!("{config:?}") };
            sampling.rebuild = rebuild;
            let said = config.validate().unwrap_err().to_string();
            assert!(said.starts_with("rebuild: "), "{said}");
        }
    }

    #[test]
    fn settings_that_mean_nothing_cannot_be_written() {
        for (text, said) in [
            ("[sampling]\nmin-matches = 2", "no meaning with sampler `shared`: it belongs to threshold"),
            (
                "[optimizer]\noptimizer = \"sgd\"\nbeta1 = 0.5",
                "no meaning with optimizer `sgd`: it belongs to adam, adamw",
            ),
            ("[network]\nepochs = 2", "[network] epochs`: it belongs to [optimizer]"),
            ("[network]\nhiden = [2]", "did you mean `hidden`?"),
            ("[net]\nhidden = [2]", "the sections are model, network, optimizer, sampling, hashing, linear, index"),
            ("[sampling]\nsampler = \"best\"", "expected one of: shared, exact"),
            ("hidden = [2]", "the sections are"),
            ("[network]\nhidden = \"wide\"", "hidden: "),
            ("[network]\ndropout = \"much\"", "dropout: expected a probability"),
            ("[sampling]\nactive = \"many\"", "active: expected a number of rows"),
            ("[optimizer]\nlearning-rate = inf", "learning-rate: "),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn another_sampler_keeps_the_settings_that_it_has_too() {
        let mut config = TrainConfig::default();
        config.set("sampler", "vanilla").unwrap().set("active", "60").unwrap().set("active-floor", "5").unwrap();
        config.set("sampler", "topk").unwrap();
        let SamplingConfig::TopK(sampling) = &config.sampling else { panic!("{config:?}") };
        assert_eq!((sampling.active, sampling.active_floor.unwrap()), ("60".parse().unwrap(), "5".parse().unwrap()));
        config.set("optimizer", "adamw").unwrap().set("moments", "catch-up").unwrap().set("optimizer", "sgd").unwrap();
        let Method::Sgd(sgd) = &config.optimizer.method else { panic!("{config:?}") };
        assert_eq!((sgd.moments, sgd.weight_decay), (crate::optim::LazyMoments::CatchUp, 0.0), "not AdamW's default");
        config.set("sampler", "random").unwrap();
        let SamplingConfig::Random(sampling) = &config.sampling else { panic!("{config:?}") };
        assert_eq!(sampling.active, "60".parse().unwrap());
    }

    #[test]
    fn names_are_unique_and_choices_are_complete() {
        let keys: Vec<String> = TrainConfig::settings().iter().map(Setting::key).collect();
        let mut unique = keys.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), keys.len(), "{keys:?}");
        for (key, names) in [("optimizer", Method::NAMES), ("sampler", SamplingConfig::NAMES)] {
            for name in names {
                assert!(TrainConfig::default().set(key, name).unwrap().validate().is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn counts_are_compared_with_fractions_when_the_rows_are_known() {
        let mut config = TrainConfig::default();
        config.set("sampler", "vanilla").unwrap().set("active-floor", "0.005").unwrap();
        assert!(config.validate().is_ok());
        assert!(config.sampler(50_000).is_ok());
        assert!(config.sampler(500_000).is_err(), "a floor of 2,500 over a ceiling of 2,000");
    }

    #[test]
    fn values_out_of_range_are_named() {
        for (key, value) in [
            ("hidden", "0"),
            ("dropout", "1"),
            ("epochs", "0"),
            ("learning-rate", "-1"),
            ("warmup", "2"),
            ("beta2", "1"),
            ("epsilon", "0"),
            ("batch-size", "0"),
        ] {
            let mut config = TrainConfig::default();
            config.set(key, value).unwrap();
            let said = config.validate().unwrap_err().to_string();
            assert!(said.starts_with(&format!("{key}: expected ")), "{said}");
        }
    }
}
