//! What `--target` and `--suite` may be.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail, ensure};
use clap::ValueEnum;
use slide_kernels::Isa;

use crate::graviton::Graviton;

/// Where, and on which level, something is measured or modelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// This machine, on all its levels but `scalar`.
    Native,
    /// This machine, on one of its levels and those that only add instructions to it.
    Level(Isa),
    /// This machine, beside models of Xeons.
    Xeon,
    /// No machine: a processor's model.
    Model(Graviton),
    /// Another machine, as `native` there.
    Ssh(String),
}

const LEVELS: [Isa; 5] = [Isa::Scalar, Isa::Avx2, Isa::Avx512, Isa::Neon, Isa::Sve];

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(host) = text.strip_prefix("ssh:") {
            // A host that begins with a hyphen would be an option of ssh.
            let is_host = !host.is_empty() && !host.starts_with('-');
            return if is_host { Ok(Self::Ssh(host.to_owned())) } else { Err("`ssh:` needs a host".to_owned()) };
        }
        if let Some(&isa) = LEVELS.iter().find(|isa| isa.name() == text) {
            return Ok(Self::Level(isa));
        }
        if let Ok(graviton) = Graviton::from_str(text, false) {
            return Ok(Self::Model(graviton));
        }
        match text {
            "native" => Ok(Self::Native),
            "xeon" => Ok(Self::Xeon),
            _ => Err(format!(
                "there are native, xeon, {}, {} and ssh:HOST",
                Graviton::value_variants().iter().map(|graviton| graviton.target()).collect::<Vec<_>>().join(", "),
                LEVELS.map(Isa::name).join(", ")
            )),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native => f.pad("native"),
            Self::Level(isa) => f.pad(isa.name()),
            Self::Xeon => f.pad("xeon"),
            Self::Model(graviton) => graviton.fmt(f),
            Self::Ssh(host) => write!(f, "ssh:{host}"),
        }
    }
}

impl Target {
    /// The name that its records have: what another machine measures of itself is what `native` would have been there.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Native | Self::Ssh(_) => "native",
            Self::Level(isa) => isa.name(),
            Self::Xeon => "xeon",
            Self::Model(graviton) => graviton.target(),
        }
    }

    /// The levels to ask a suite for; none: all but `scalar`.
    pub(crate) fn levels(&self) -> Result<Vec<String>> {
        let is_xeon = cfg!(target_arch = "x86_64");
        ensure!(*self != Self::Xeon || is_xeon, "this machine is {}, not x86-64", std::env::consts::ARCH);
        let Self::Level(chosen) = *self else { return Ok(Vec::new()) };
        if !chosen.is_available() {
            let available: Vec<_> = Isa::available().map(Isa::name).collect();
            bail!("this machine has no {chosen}: it has {}", available.join(", "));
        }
        let adds = |isa: &Isa| *isa == chosen || (chosen == Isa::Avx512 && isa.name().starts_with("avx512"));
        Ok(Isa::available().filter(adds).map(|isa| isa.name().to_owned()).collect())
    }

    /// The suites that it can run.
    pub(crate) fn suites(&self, chosen: Suite) -> Result<Vec<Suite>> {
        let is_model = matches!(self, Self::Model(_));
        match chosen {
            Suite::Kernels => Ok(vec![Suite::Kernels]),
            Suite::All if is_model => Ok(vec![Suite::Kernels]),
            Suite::All => Ok(vec![Suite::Kernels, Suite::Memory, Suite::Network]),
            _ => {
                ensure!(!is_model, "{self} is a model of a core, which knows no memory: it has the suite kernels only");
                Ok(vec![chosen])
            }
        }
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// Each kernel on each level that has its own, in the caches
    Kernels,
    /// Kernels whose tables do not fit the caches
    Memory,
    /// Training, rebuilding of hash tables, evaluation, single predictions
    Network,
    /// One after the other
    All,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read() {
        for name in ["native", "scalar", "avx2", "avx512", "xeon", "graviton", "graviton2", "graviton4", "ssh:me@host"]
        {
            assert_eq!(name.parse::<Target>().unwrap().to_string(), name);
        }
        assert_eq!("ssh:me@host".parse::<Target>().unwrap().name(), "native");
        let error = "gravitron".parse::<Target>().unwrap_err();
        assert!(error.contains("graviton2") && error.contains("avx512") && error.contains("ssh:HOST"), "{error}");
        assert!("ssh:".parse::<Target>().is_err() && "ssh:-oProxyCommand=x".parse::<Target>().is_err());
    }

    #[test]
    fn levels_are_those_of_the_machine() {
        assert!(Target::Native.levels().unwrap().is_empty());
        assert_eq!(Target::Level(Isa::Scalar).levels().unwrap(), ["scalar"]);
        for isa in LEVELS.into_iter().filter(|isa| !isa.is_available()) {
            let error = Target::Level(isa).levels().unwrap_err().to_string();
            assert!(error.starts_with(&format!("this machine has no {isa}: it has scalar")), "{error}");
        }
        if Isa::Avx512Vnni.is_available() {
            assert!(Target::Level(Isa::Avx512).levels().unwrap().contains(&"avx512vnni".to_owned()));
        }
    }

    #[test]
    fn models_have_no_memory() {
        let model: Target = "graviton".parse().unwrap();
        assert_eq!(model.suites(Suite::All).unwrap(), [Suite::Kernels]);
        assert!(model.suites(Suite::Memory).unwrap_err().to_string().contains("knows no memory"));
        assert_eq!(Target::Native.suites(Suite::All).unwrap().len(), 3);
    }
}
