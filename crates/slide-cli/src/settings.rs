//! The options that determine the trained model: those of [`TrainConfig`], from which the options are derived.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::builder::{PossibleValuesParser, TypedValueParser, ValueParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use serde_json::Value;
use slide_core::{Choice, ConfigError, Setting, TrainConfig};

use crate::usage::Usage;

/// The settings that the user gives: on the command line and in a configuration file, over which the command line takes
/// precedence. The others have their defaults, or the values of the resumed checkpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    given: Vec<(String, Value)>,
    pub(crate) file: Option<FileSettings>,
}

/// The settings in a configuration file.
#[derive(Clone, Debug)]
pub(crate) struct FileSettings {
    pub(crate) path: PathBuf,
    pub(crate) values: Vec<(String, Value)>,
}

impl Settings {
    /// `base` with the given settings.
    pub(crate) fn over(&self, base: &TrainConfig) -> Result<TrainConfig> {
        let in_file = |path: &Path, error| Usage(format!("{}: {error}", path.display()));
        Ok(self.merged(base, in_file, |error| Usage(error.to_string()))?)
    }

    /// The same, of settings that have been looked at once.
    pub(crate) fn put_over(&self, base: &TrainConfig) -> Result<TrainConfig, ConfigError> {
        self.merged(base, |_, error| error, |error| error)
    }

    /// `base` with the settings of the file and of the command line, which have errors of their own.
    fn merged<E>(
        &self,
        base: &TrainConfig,
        in_file: impl Fn(&Path, ConfigError) -> E,
        given: impl Fn(ConfigError) -> E,
    ) -> Result<TrainConfig, E> {
        let mut config = base.clone();
        if let Some(FileSettings { path, values }) = &self.file {
            config = config.with(values.iter().cloned()).map_err(|error| in_file(path, error))?;
        }
        config = config.with(self.given.iter().cloned()).map_err(&given)?;
        config.validate().map_err(given)?;
        Ok(config)
    }

    /// The configuration of a checkpoint or a model, if no setting is given with another value: a resumed run continues the
    /// interrupted one. Only the epochs may be more.
    pub(crate) fn agreeing_with(&self, stored: &TrainConfig) -> Result<TrainConfig> {
        let config = self.over(stored)?;
        let of = |config: &TrainConfig, key: &str| {
            let values = config.values();
            let value = values.into_iter().find(|(setting, _)| setting.key() == key);
            value.map_or_else(|| "none".to_owned(), |(_, value)| value)
        };
        let in_file = self.file.iter().flat_map(|file| {
            let name = |key: &str| format!("{}: {key}", file.path.display());
            file.values.iter().map(move |(key, _)| (key, name(key)))
        });
        let given = self.given.iter().map(|(key, _)| (key, format!("--{key}")));
        for (key, name) in in_file.chain(given) {
            let (known, asked) = (of(stored, key), of(&config, key));
            if key == "epochs" && config.optimizer.epochs > stored.optimizer.epochs {
                continue;
            }
            if known != asked {
                return Err(Usage(format!("{name}: the checkpoint was trained with {known}, not {asked}")).into());
            }
        }
        Ok(config)
    }
}

impl Args for Settings {
    fn augment_args(command: Command) -> Command {
        TrainConfig::settings().into_iter().fold(command, |command, setting| command.arg(argument(setting)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut settings = Self::default();
        settings.update_from_arg_matches(matches)?;
        Ok(settings)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let keys = TrainConfig::settings().into_iter().map(|setting| setting.key());
        let given = keys.filter(|key| matches.value_source(key) == Some(ValueSource::CommandLine));
        self.given = given
            .filter_map(|key| {
                let value = matches.get_one::<Value>(&key)?.clone();
                Some((key, value))
            })
            .collect();
        Ok(())
    }
}

/// The option of a setting.
fn argument(setting: Setting) -> Arg {
    let key = setting.key();
    let mut help = setting.help().to_owned();
    let variants = TrainConfig::variants_with(&setting);
    if !variants.is_empty() {
        let choice = if setting.section == "optimizer" { "optimizer" } else { "sampler" };
        help += &format!(" [{choice}: {}]", variants.join(", "));
    }
    if let Some(default) = setting.default() {
        help += &format!(" [default: {}]", default.trim_matches(['"', '[', ']']));
    }
    let parser: ValueParser = if setting.choices.is_empty() {
        ValueParser::from(move |text: &str| setting.parse(text))
    } else {
        PossibleValuesParser::new(setting.choices).try_map(move |text| setting.parse(&text)).into()
    };
    let heading = match setting.section {
        "model" => "Parts of the model",
        "network" => "Network",
        "optimizer" => "Optimizer",
        "sampling" => "Sampling of the output",
        "linear" => "Linear part",
        _ => "Hash tables",
    };
    Arg::new(key.clone()).long(key).value_name(setting.value_name).help(help).help_heading(heading).value_parser(parser)
}

/// The settings that the data decided, and why, as comments of such a file.
pub(crate) fn reasons_as_toml(choices: &[Choice]) -> String {
    choices.iter().map(|choice| format!("# {}: {}\n", choice.setting, choice.reason)).collect()
}

/// Every setting of a configuration as a TOML file for `--config`.
pub(crate) fn as_toml(config: &TrainConfig) -> String {
    let mut text = String::new();
    let mut section = "";
    for (setting, value) in config.values() {
        if setting.section != section {
            text += &format!("{}[{}]\n", if section.is_empty() { "" } else { "\n" }, setting.section);
            section = setting.section;
        }
        text += &format!("{} = {value}\n", setting.key());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(words: &str) -> Settings {
        let command = Settings::augment_args(Command::new("slide")).no_binary_name(true).args_override_self(true);
        let matches = command.try_get_matches_from(words.split_whitespace()).unwrap();
        Settings::from_arg_matches(&matches).unwrap()
    }

    #[test]
    fn the_command_line_replaces_the_file() {
        let hidden = |words: &str| {
            let mut settings = settings(words);
            let values = vec![("hidden".into(), serde_json::json!([16])), ("epochs".into(), 3.into())];
            settings.file = Some(FileSettings { path: "c.toml".into(), values });
            let config = settings.over(&TrainConfig::default()).unwrap();
            (config.network.hidden, config.optimizer.epochs)
        };
        assert_eq!(hidden(""), (vec![16], Some(3)));
        assert_eq!(hidden("--hidden 8"), (vec![8], Some(3)));
        assert_eq!(hidden("--hidden 8 --hidden 9,7 --epochs 1"), (vec![9, 7], Some(1)));
    }

    #[test]
    fn a_configuration_is_shown_as_a_file() {
        let config = settings("--sampler threshold --tables 7").over(&TrainConfig::default()).unwrap();
        let read: TrainConfig = toml::from_str(&as_toml(&config)).unwrap();
        assert_eq!(read, config);
    }
}
