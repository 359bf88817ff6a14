//! What a setting is: a field of the configuration with the text that explains it, so that programs derive their options
//! from the configuration instead of listing them again.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The type of a setting's value.
pub(crate) trait SettingValue: Serialize + DeserializeOwned {
    /// All values, where there are a few with names.
    const CHOICES: &'static [&'static str] = &[];

    /// The value that `text` says; the error says what is expected.
    fn parse(text: &str) -> Result<Self, String>;
}

/// One setting of [`TrainConfig`](crate::TrainConfig), for programs that make an option of it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Setting {
    /// The section of the configuration that it belongs to: `network`, `optimizer`, `sampling` or `hashing`.
    pub section: &'static str,
    pub(crate) field: &'static str,
    /// What its value is called in help texts, such as `WIDTHS`.
    pub value_name: &'static str,
    /// What it does, in a sentence or two; lines are joined without a blank between them but the leading one.
    pub(crate) raw_help: &'static str,
    /// All values, where there are a few with names; else empty.
    pub choices: &'static [&'static str],
    pub(crate) parse: fn(&str) -> Result<Value, String>,
    /// A value in the form in which the configuration becomes JSON; the error says what is expected.
    pub(crate) normalise: fn(&Value) -> Result<Value, String>,
    pub(crate) default: fn() -> String,
}

impl Setting {
    pub(crate) const fn new<T: SettingValue>(
        section: &'static str,
        field: &'static str,
        value_name: &'static str,
        raw_help: &'static str,
        default: fn() -> String,
    ) -> Self {
        let (choices, parse, normalise) = (T::CHOICES, parse::<T>, normalise::<T>);
        Self { section, field, value_name, raw_help, choices, parse, normalise, default }
    }

    /// Its name: the key in files, and after `--` the option of the program.
    #[must_use]
    pub fn key(&self) -> String {
        self.field.replace('_', "-")
    }

    /// What it does, in a sentence or two.
    #[must_use]
    pub fn help(&self) -> &'static str {
        self.raw_help.trim()
    }

    /// Its default as JSON text; none if it has no value by default.
    #[must_use]
    pub fn default(&self) -> Option<String> {
        Some((self.default)()).filter(|text| text != "null")
    }

    /// Whether a value of a configuration that was made JSON is the default.
    pub(crate) fn is_default(&self, value: &Value) -> bool {
        // Through the type, because `Value` widens f32.
        let default = serde_json::from_str(&(self.default)());
        default.is_ok_and(|default: Value| (self.normalise)(&default).as_ref() == Ok(value))
    }

    /// Whether a JSON value is one of this setting.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        (self.normalise)(value).map(drop)
    }

    /// The value that a text says, as JSON.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn parse(&self, text: &str) -> Result<Value, String> {
        (self.parse)(text)
    }
}

fn parse<T: SettingValue>(text: &str) -> Result<Value, String> {
    let value = T::parse(text)?;
    serde_json::to_value(value).map_err(|error| error.to_string())
}

fn normalise<T: SettingValue>(value: &Value) -> Result<Value, String> {
    let value = serde_json::from_value::<T>(value.clone()).and_then(serde_json::to_value);
    value.map_err(|error| error.to_string())
}

macro_rules! whole_numbers {
    ($($type:ty),+) => {$(
        impl SettingValue for $type {
            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("expected a whole number, found `{text}`"))
            }
        }
    )+};
}
whole_numbers!(u32, u64, usize);

impl SettingValue for f32 {
    fn parse(text: &str) -> Result<Self, String> {
        let number = text.parse().ok().filter(|number: &f32| number.is_finite());
        number.ok_or_else(|| format!("expected a number, found `{text}`"))
    }
}

impl SettingValue for bool {
    const CHOICES: &'static [&'static str] = &["true", "false"];

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("expected `true` or `false`, found `{text}`"))
    }
}

/// Separated by commas.
impl SettingValue for Vec<usize> {
    fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(<usize as SettingValue>::parse).collect()
    }
}

impl<T: SettingValue> SettingValue for Option<T> {
    const CHOICES: &'static [&'static str] = T::CHOICES;

    fn parse(text: &str) -> Result<Self, String> {
        T::parse(text).map(Some)
    }
}

/// A section of the configuration, or the fields that one variant of a section brings: a struct whose fields are settings.
/// The documentation of a field is the help of its option.
macro_rules! settings {
    ($(#[$meta:meta])* pub struct $name:ident in $section:literal {
        $(flatten $(#[$flat_meta:meta])* $flat:ident: $flat_type:ty,)?
        $($(#[doc = $help:literal])+ $field:ident: $type:ty = $default:expr, $value_name:literal;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case", default)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$flat_meta])* #[serde(flatten)] pub $flat: $flat_type,)?
            $($(#[doc = $help])+ pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($flat: Default::default(),)? $($field: $default,)* }
            }
        }

        impl $name {
            pub(crate) const SETTINGS: &'static [$crate::setting::Setting] = &[$(
                $crate::setting::Setting::new::<$type>(
                    $section, stringify!($field), $value_name, concat!($($help),+),
                    || serde_json::to_string(&{ let default: $type = $default; default }).unwrap_or_default(),
                ),
            )*];
        }
    };
}
pub(crate) use settings;

/// A choice that brings settings of its own: an enum whose variants hold structs of [`settings!`]. The first is the default.
/// With `dyn FUNCTION: TRAIT` the function gives the held struct as that trait.
macro_rules! variants {
    (dyn $function:ident: $trait:ident; $(#[$meta:meta])* pub enum $name:ident in $section:literal as $tag:literal
        ($tag_help:literal, $value_name:literal)
        { $($(#[doc = $help:literal])+ $variant:ident($payload:ty) = $word:literal,)+ }
    ) => {
        $crate::setting::variants! {
            $(#[$meta])*
            pub enum $name in $section as $tag ($tag_help, $value_name) {
                $($(#[doc = $help])+ $variant($payload) = $word,)+
            }
        }

        impl $name {
            pub(crate) fn $function(&self) -> &dyn $trait {
                match self {
                    $(Self::$variant(payload) => payload,)+
                }
            }
        }
    };
    ($(#[$meta:meta])* pub enum $name:ident in $section:literal as $tag:literal ($tag_help:literal, $value_name:literal) {
        $(#[doc = $first_help:literal])+ $first:ident($first_payload:ty) = $first_word:literal,
        $($(#[doc = $help:literal])+ $variant:ident($payload:ty) = $word:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = $tag)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = $first_help])+ #[serde(rename = $first_word)] $first($first_payload),
            $($(#[doc = $help])+ #[serde(rename = $word)] $variant($payload),)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self::$first(Default::default())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl $name {
            /// The words by which the variants are written.
            pub const NAMES: &'static [&'static str] = &[$first_word, $($word),*];

            /// The word by which it is written.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    Self::$first(_) => $first_word,
                    $(Self::$variant(_) => $word,)*
                }
            }

            pub(crate) const VARIANTS: $crate::setting::Variants = $crate::setting::Variants {
                tag: $crate::setting::Setting {
                    section: $section,
                    field: $tag,
                    value_name: $value_name,
                    raw_help: $tag_help,
                    choices: Self::NAMES,
                    default: || format!("\"{}\"", $first_word),
                    parse: |text| (Self::VARIANTS.tag.normalise)(&text.into()),
                    normalise: |value| match value.as_str().is_some_and(|name| Self::NAMES.contains(&name)) {
                        true => Ok(value.clone()),
                        false => Err(format!("expected one of: {}, found {value}", Self::NAMES.join(", "))),
                    },
                },
                variants: &[($first_word, <$first_payload>::SETTINGS), $(($word, <$payload>::SETTINGS)),*],
            };
        }
    };
}
pub(crate) use variants;

/// A setting that chooses among variants, and the settings that each of them has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variants {
    pub(crate) tag: Setting,
    pub(crate) variants: &'static [(&'static str, &'static [Setting])],
}
