//! Values that options call by names.

/// All values of a type without fields, their names, and what is said of an unknown name.
macro_rules! named {
    ($type:ident, $unknown:literal, $($value:ident = $name:literal),+ $(,)?) => {
        impl $type {
            /// Every value.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$value),+];

            /// Its name in options.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                let known = Self::ALL.into_iter().find(|value| value.name() == name);
                let unknown = || format!(concat!($unknown, ", expected one of: {}"), name, [$($name),+].join(", "));
                known.ok_or_else(unknown)
            }
        }
    };
}

pub(crate) use named;
