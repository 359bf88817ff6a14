//! The program that holds every kernel (`run-case` of the benchmarks), built for a target, and where its functions lie.

use std::collections::BTreeMap;
use std::env::consts;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;
use object::{Object as _, ObjectSymbol as _, RelocationTarget, SymbolKind};
use slide_kernels::Isa;
use xshell::{PushEnv, Shell, cmd};

use crate::cross::{self, Toolchain};
use crate::workspace;

/// What the kernels are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// This machine
    Native,
    /// 64-bit Arm, emulated as Graviton3 (neoverse-v1)
    Graviton,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Architecture {
    X86,
    Arm,
}

impl Architecture {
    /// As Rust names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "aarch64",
        }
    }

    /// The module of slide-kernels that holds its back ends.
    pub(crate) fn module(self) -> &'static str {
        match self {
            Self::X86 => "x86",
            Self::Arm => "arm",
        }
    }

    /// Whether a level belongs to it. `scalar` belongs to none: it is a specification.
    pub(crate) fn has(self, isa: Isa) -> bool {
        match isa {
            Isa::Scalar => false,
            Isa::Neon | Isa::NeonBf16 | Isa::Sve => self == Self::Arm,
            _ => self == Self::X86,
        }
    }
}

impl Target {
    pub(crate) fn architecture(self) -> Result<Architecture> {
        match (self, consts::ARCH) {
            (Self::Graviton, _) | (Self::Native, "aarch64") => Ok(Architecture::Arm),
            (Self::Native, "x86_64") => Ok(Architecture::X86),
            (Self::Native, other) => bail!("there are no kernels for {other}; --target graviton emulates 64-bit Arm"),
        }
    }
}

/// A function of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// Demangled, without the hash.
    pub(crate) name: String,
    pub(crate) address: Range<u64>,
}

/// A built program.
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) architecture: Architecture,
    /// The compiler's version, such as `1.95.0`.
    pub(crate) compiler: String,
    pub(crate) symbols: Symbols,
}

/// Names of addresses. These are those of the file: in memory the program lies elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    /// By address. Where several names stand for one function, the first of them.
    pub(crate) functions: Vec<Function>,
    /// Pointers to functions that the loader fills in, by where they lie.
    pointers: BTreeMap<u64, String>,
}

impl Program {
    /// Builds it. The tool chain is asked for only where the target needs one.
    pub(crate) fn build(shell: &Shell, target: Target) -> Result<Self> {
        let path = build(shell, target, &workspace::target(), "run-case")?;
        Self::open(path, target.architecture()?, compiler(shell, target)?)
    }

    /// One that was built before, by this compiler.
    pub(crate) fn open(path: PathBuf, architecture: Architecture, compiler: String) -> Result<Self> {
        let symbols = Symbols::read(&path).with_context(|| format!("{}", path.display()))?;
        Ok(Self { path, architecture, compiler, symbols })
    }
}

/// Builds a program of the workspace where the shell stands. Returns where it lies in the target folder. Dependencies have
/// the features that the whole workspace asks for, so that they need not be built again for the next program.
pub(crate) fn build(shell: &Shell, target: Target, folder: &Path, name: &str) -> Result<PathBuf> {
    let _environment = environment(shell, target)?;
    let (option, folder, inside) = match target {
        Target::Native => (&[][..], folder.to_owned(), "release".into()),
        Target::Graviton => {
            (&["--target", cross::TARGET][..], folder.join("cross"), Path::new(cross::TARGET).join("release"))
        }
    };
    let _folder = shell.push_env("CARGO_TARGET_DIR", &folder);
    cmd!(shell, "cargo build --quiet --release --workspace --bin {name} {option...}").run()?;
    Ok(folder.join(inside).join(name))
}

/// The version of the compiler for that target.
pub(crate) fn compiler(shell: &Shell, target: Target) -> Result<String> {
    let _environment = environment(shell, target)?;
    let compiler = shell.var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    parse_version(&cmd!(shell, "{compiler} --version").quiet().read()?)
}

/// In which cargo builds for that target, until the result is dropped.
pub(crate) fn environment(shell: &Shell, target: Target) -> Result<Vec<PushEnv<'_>>> {
    let toolchain = (target == Target::Graviton).then(Toolchain::find_or_set_up).transpose()?;
    Ok(toolchain.map(|toolchain| toolchain.enter(shell, cross::DEFAULT_CPU)).unwrap_or_default())
}

/// The number in `rustc 1.95.0 (59807616e 2026-04-14)`.
fn parse_version(text: &str) -> Result<String> {
    let version = text.strip_prefix("rustc ").and_then(|text| text.split_whitespace().next());
    Ok(version.with_context(|| format!("`rustc --version` printed `{text}`"))?.to_owned())
}

/// The demangled name, without the hash.
pub(crate) fn demangle(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

impl Symbols {
    fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path)?;
        let file = object::File::parse(&*bytes)?;
        let mut functions = Vec::new();
        for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0) {
            let address = symbol.address()..symbol.address() + symbol.size();
            functions.push(Function { name: demangle(symbol.name()?), address });
        }
        ensure!(!functions.is_empty(), "it has no symbols");
        functions.sort_by(|a, b| (a.address.start, &a.name).cmp(&(b.address.start, &b.name)));
        functions.dedup_by_key(|function| function.address.start);
        let mut symbols = Self { functions, pointers: BTreeMap::new() };
        let dynamic: Vec<_> = file.dynamic_symbols().collect();
        for (place, relocation) in file.dynamic_relocations().into_iter().flatten() {
            let name = match relocation.target() {
                RelocationTarget::Symbol(index) => {
                    dynamic.iter().find(|symbol| symbol.index() == index).and_then(|symbol| symbol.name().ok())
                }
                RelocationTarget::Absolute => {
                    symbols.at(relocation.addend() as u64).map(|function| function.name.as_str())
                }
                _ => None,
            };
            if let Some(name) = name.map(str::to_owned) {
                symbols.pointers.insert(place, name);
            }
        }
        Ok(symbols)
    }

    /// The function that this address belongs to.
    pub(crate) fn at(&self, address: u64) -> Option<&Function> {
        let after = self.functions.partition_point(|function| function.address.start <= address);
        self.functions[..after].last().filter(|function| function.address.contains(&address))
    }

    /// The function that the pointer at this place points to.
    pub(crate) fn pointed_to(&self, place: u64) -> Option<&str> {
        self.pointers.get(&place).map(String::as_str)
    }

    /// The functions of this name: more than one if it is generic.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Function> {
        self.functions.iter().filter(move |function| function.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse_version("rustc 1.95.0 (59807616e 2026-04-14)").unwrap(), "1.95.0");
        assert_eq!(parse_version("rustc 1.96.0\n").unwrap(), "1.96.0");
        assert!(parse_version("clang version 22.1.8").is_err());
    }

    #[test]
    fn names_lose_their_mangling_and_hash() {
        let name = "_ZN13slide_kernels3x864avx23dot3dot17h006f0b1e88068c7dE";
        assert_eq!(demangle(name), "slide_kernels::x86::avx2::dot::dot");
        assert_eq!(demangle("memcpy"), "memcpy");
    }

    #[test]
    fn the_symbols_of_this_test_are_read() {
        let symbols = Symbols::read(&std::env::current_exe().unwrap()).unwrap();
        let name = "xtask::program::tests::the_symbols_of_this_test_are_read";
        let function = symbols.named(name).next().expect("this function");
        assert_eq!(symbols.at(function.address.start + 1).unwrap().name, name);
        assert_eq!(symbols.at(0), None);
    }
}
