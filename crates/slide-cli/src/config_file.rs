//! The TOML file of `slide train --config`.
//!
//! The settings of the model are in their sections or, since their names are unique, before all sections. A key before the
//! sections may also be any other long option of the verb: it becomes an argument before those of the command line, so it is checked in
//! the same way, and the command line takes precedence.

use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::error::ContextKind;
use clap::{Arg, Command};
use serde_json::Value;
use slide_core::{Setting, TrainConfig};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::settings::FileSettings;
use crate::usage::Usage;

/// The contents of a file.
pub(crate) struct ConfigFile {
    pub(crate) settings: FileSettings,
    /// The other options, as arguments.
    pub(crate) arguments: Vec<OsString>,
}

/// Reads the file; `train` is the verb whose options its keys are.
pub(crate) fn read(path: &Path, train: &Command) -> Result<ConfigFile> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (values, arguments) = parse(&text, train).map_err(|defect| Usage(defect.locate(path, &text)))?;
    Ok(ConfigFile { settings: FileSettings { path: path.to_owned(), values }, arguments })
}

/// An error in the file, and its bytes.
struct Defect {
    message: String,
    span: Range<usize>,
}

impl Defect {
    fn locate(&self, path: &Path, text: &str) -> String {
        let before = &text[..self.span.start.min(text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1) + 1;
        format!("{}:{line}:{column}: {}", path.display(), self.message)
    }
}

type Contents = (Vec<(String, Value)>, Vec<OsString>);

fn parse(text: &str, train: &Command) -> Result<Contents, Defect> {
    let table = DeTable::parse(text)
        .map_err(|error| Defect { message: error.message().to_owned(), span: error.span().unwrap_or_default() })?;
    let settings = TrainConfig::settings();
    let find = |key: &str| settings.iter().find(|setting| setting.key() == key);
    let (mut values, mut places, mut arguments) = (Vec::new(), Vec::new(), Vec::new());
    for (key, value) in table.get_ref() {
        let name = key.get_ref().as_ref();
        let is_table = matches!(value.get_ref(), DeValue::Table(_));
        if let Some(setting) = find(name).filter(|_| !is_table) {
            values.push((name.to_owned(), checked(setting, value)?));
            places.push(key.span());
            continue;
        }
        let section = settings.iter().any(|setting| setting.section == name);
        let DeValue::Table(section_table) = value.get_ref() else {
            arguments.push(argument(key, value, train)?);
            continue;
        };
        if !section {
            return Err(Defect { message: format!("unknown section `{name}`"), span: key.span() });
        }
        for (key, value) in section_table {
            let setting = find(key.get_ref()).filter(|setting| setting.section == name);
            let Some(setting) = setting else {
                let belongs = find(key.get_ref()).map(|setting| format!(": it belongs to [{}]", setting.section));
                let message = format!("unknown key `{}` in [{name}]{}", key.get_ref(), belongs.unwrap_or_default());
                return Err(Defect { message, span: key.span() });
            };
            values.push((setting.key(), checked(setting, value)?));
            places.push(key.span());
        }
    }
    for (number, (key, _)) in values.iter().enumerate() {
        if values[..number].iter().any(|(other, _)| other == key) {
            let message = format!("`{key}` is set twice: in its section and outside");
            return Err(Defect { message, span: places[number].clone() });
        }
    }
    Ok((values, arguments))
}

/// The value of a setting as JSON, checked alone, so that an error is reported at its place.
fn checked(setting: &Setting, value: &Spanned<DeValue<'_>>) -> Result<Value, Defect> {
    let found = json(value.get_ref());
    let wrong = |reason: String| Defect { message: format!("{}: {reason}", setting.key()), span: value.span() };
    let Some(json) = found else {
        let found = value.get_ref().type_str();
        return Err(wrong(format!("expected a text, a number, true or false, or a list of them, found {found}")));
    };
    setting.check(&json).map_err(wrong)?;
    Ok(json)
}

fn json(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(number) => {
            let (digits, radix) = (number.as_str(), number.radix());
            let small = || i64::from_str_radix(digits, radix).ok().map(Value::from);
            u64::from_str_radix(digits, radix).ok().map(Value::from).or_else(small)?
        }
        DeValue::Float(number) => serde_json::Number::from_f64(number.to_string().parse().ok()?)?.into(),
        DeValue::Boolean(truth) => (*truth).into(),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect::<Option<Vec<_>>>()?.into(),
        _ => return None,
    })
}

/// Another option of the verb, as an argument.
fn argument(key: &Spanned<impl AsRef<str>>, value: &Spanned<DeValue<'_>>, train: &Command) -> Result<OsString, Defect> {
    let name = key.get_ref().as_ref();
    let is_truth =
        |option: &Arg| option.get_possible_values().iter().map(|value| value.get_name()).eq(["true", "false"]);
    let words = match value.get_ref() {
        DeValue::Boolean(truth)
            if train.get_arguments().any(|option| option.get_long() == Some(name) && is_truth(option)) =>
        {
            Some(truth.to_string())
        }
        value => words(value),
    };
    let argument = format!("--{name}={}", words.as_deref().unwrap_or_default());
    // Parsed alone, so that an error is reported here and not as one of the command line.
    let mut alone = train.clone().no_binary_name(true).mut_args(|arg| arg.required(false));
    let error = alone.try_get_matches_from_mut([&argument]).err();
    let mut options = train.get_arguments().filter_map(|arg| arg.get_long());
    if !options.any(|option| option == name && option != "config") {
        let similar = error.and_then(|error| error.get(ContextKind::SuggestedArg).map(ToString::to_string));
        let hint = similar.map(|option| format!(", did you mean `{}`?", option.trim_start_matches('-')));
        return Err(Defect { message: format!("unknown key `{name}`{}", hint.unwrap_or_default()), span: key.span() });
    }
    let wrong_value = |message| Err(Defect { message, span: value.span() });
    match (words, error) {
        (None, _) => {
            let found = value.get_ref().type_str();
            wrong_value(format!("`{name}`: expected a text, a number or a list of numbers, found {found}"))
        }
        (Some(_), None) => Ok(argument.into()),
        (Some(_), Some(error)) => {
            let text = error.to_string();
            let reason = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
            let choices = error.get(ContextKind::ValidValue).map(|names| format!(", expected one of: {names}"));
            wrong_value(format!("{reason}{}", choices.unwrap_or_default()))
        }
    }
}

/// A value as text of the command line.
fn words(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        // An option with several numbers takes them separated by commas.
        DeValue::Array(items) => {
            let is_number = |value: &DeValue<'_>| matches!(value, DeValue::Integer(_) | DeValue::Float(_));
            let number =
                |item: &Spanned<DeValue<'_>>| Some(item.get_ref()).filter(|item| is_number(item)).and_then(words);
            Some(items.iter().map(number).collect::<Option<Vec<String>>>()?.join(","))
        }
        _ => None,
    }
}
