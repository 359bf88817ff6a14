//! Enums whose variants have a name in files and on the command line.

use std::fmt;

/// A word that names none of the choices; the message lists them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {subject} `{found}`, expected one of: {expected}")]
#[non_exhaustive]
pub struct UnknownName {
    /// What was to be chosen.
    pub subject: &'static str,
    /// The word that was found.
    pub found: String,
    /// The words that are known, separated by commas.
    pub expected: String,
}

/// The choice of `all` that is written `word`.
pub(crate) fn parse<T: Copy + fmt::Display>(subject: &'static str, all: &[T], word: &str) -> Result<T, UnknownName> {
    all.iter().copied().find(|choice| choice.to_string() == word).ok_or_else(|| UnknownName {
        subject,
        found: word.to_owned(),
        expected: all.iter().map(T::to_string).collect::<Vec<_>>().join(", "),
    })
}

/// An enum without fields, each variant with the word by which it is written and, with `as FUNCTION: TYPE`, what the function
/// returns for it: one line a variant.
macro_rules! choices {
    ($(#[$meta:meta])* pub enum $name:ident ($subject:literal) as $function:ident: $type:ty {
        $($(#[$variant_meta:meta])* $variant:ident = $word:literal => $value:expr,)+
    }) => {
        $crate::choice::choices! {
            $(#[$meta])*
            pub enum $name ($subject) {
                $($(#[$variant_meta])* $variant = $word,)+
            }
        }

        impl $name {
            pub(crate) fn $function(self) -> $type {
                match self {
                    $(Self::$variant => $value,)+
                }
            }
        }
    };
    ($(#[$meta:meta])* pub enum $name:ident ($subject:literal) {
        $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every choice.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The words by which they are written, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($word),+];

            /// The word by which it is written.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::choice::UnknownName;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                $crate::choice::parse($subject, Self::ALL, word)
            }
        }

        impl $crate::setting::SettingValue for $name {
            const CHOICES: &'static [&'static str] = Self::NAMES;

            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|error: $crate::choice::UnknownName| error.to_string())
            }
        }
    };
}
pub(crate) use choices;
