//! The options of `slide train` that stand in a TOML file.
//!
//! A key of the file is the name of a long option, and the file's lines become arguments before those given: so every
//! option can stand there, is checked in the same way, and gives way to the command line.

use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::Command;
use clap::error::ContextKind;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::usage::Usage;

/// `arguments` with those of the file behind the verb `train`.
pub(crate) fn insert(path: &Path, arguments: &[OsString], command: &Command) -> Result<Vec<OsString>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let train = command.find_subcommand("train").expect("a verb");
    let from_file = read(&text, train).map_err(|defect| Usage(defect.locate(path, &text)))?;
    // Options that are global may stand before the verb.
    let behind_verb = 1 + arguments.iter().position(|argument| argument == "train").expect("parsed as this verb");
    let (before, behind) = arguments.split_at(behind_verb);
    Ok(before.iter().cloned().chain(from_file).chain(behind.iter().cloned()).collect())
}

/// What is wrong with the file, and at which bytes.
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

fn read(text: &str, train: &Command) -> Result<Vec<OsString>, Defect> {
    let table = DeTable::parse(text)
        .map_err(|error| Defect { message: error.message().to_owned(), span: error.span().unwrap_or_default() })?;
    table.get_ref().iter().map(|(key, value)| argument(key, value, train)).collect()
}

fn argument(key: &Spanned<impl AsRef<str>>, value: &Spanned<DeValue<'_>>, train: &Command) -> Result<OsString, Defect> {
    let name = key.get_ref().as_ref();
    let words = words(value.get_ref());
    let argument = format!("--{name}={}", words.as_deref().unwrap_or_default());
    // Tried alone, so that what is wrong with it is reported here and not as if it had been typed.
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
            wrong_value(format!("`{name}`: expected a text, a number or a list of them, found {found}"))
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

/// A value as it would be typed.
fn words(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Array(items) => {
            items.iter().map(|item| words(item.get_ref())).collect::<Option<Vec<_>>>().map(|all| all.join(","))
        }
        _ => None,
    }
}
