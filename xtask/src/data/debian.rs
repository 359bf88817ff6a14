//! The Debian set: what a package depends on, from its name, section and description.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use md5::{Digest as _, Md5};

use super::bag_of_words::{TermCounts, Vocabulary, words};
use super::package_index::{self, PackageIndex};
use super::xmc::{self, Example};
use crate::cli::DebianArguments;
use crate::deb822::{first_alternatives, paragraphs};
use crate::workspace::{self, sha256};

/// A term is a feature if it occurs in this many training examples.
const MINIMUM_DOCUMENTS: u32 = 2;
/// Of 100 source packages, about so many are held out.
const TEST_PERCENT: u128 = 20;
const RELATIONSHIPS: [&str; 4] = ["Pre-Depends", "Depends", "Recommends", "Suggests"];

/// A package of the index that names others.
#[derive(Debug)]
struct Package<'a> {
    name: &'a str,
    is_test: bool,
    labels: BTreeSet<&'a str>,
    terms: TermCounts,
}

/// The set as it is written, text by text.
#[derive(Debug)]
struct DebianSet {
    /// (file name without `.zst`, content)
    files: [(&'static str, String); 5],
    statistics: Statistics,
}

/// Figures for the README.
#[derive(Debug)]
struct Statistics {
    train_examples: usize,
    test_examples: usize,
    features: usize,
    labels: usize,
    train_labels: usize,
    labels_per_example: f64,
    values_per_example: f64,
    /// Percent of the test examples that have a label which some training example has: no method gets beyond it in P@1.
    reachable_percent: f64,
}

/// Rebuilds the set and writes it, with its README, to the output folder.
pub(crate) fn run(arguments: &DebianArguments) -> Result<()> {
    let folder = match &arguments.index {
        Some(folder) => folder.clone(),
        None => package_index::fetch(&arguments.mirror, &arguments.suite)?,
    };
    let index = package_index::read(&folder)?;
    let set = build(&index)?;
    let out = arguments.out.clone().unwrap_or_else(|| workspace::root().join("data/debian"));
    write(&out, &set, &index)
}

fn build(index: &PackageIndex) -> Result<DebianSet> {
    let packages = read_packages(index)?;
    let (test, train): (Vec<_>, Vec<_>) = packages.iter().partition(|package| package.is_test);
    let vocabulary = Vocabulary::fit(train.iter().map(|package| &package.terms), MINIMUM_DOCUMENTS);
    let (labels, numbers) = number_names(packages.iter().map(|package| &package.labels));
    let examples = |part: &[&Package<'_>]| -> Vec<Example> {
        let example = |package: &&Package<'_>| Example {
            labels: package.labels.iter().map(|label| numbers[label]).collect(),
            features: vocabulary.vector(&package.terms),
        };
        part.iter().map(example).collect()
    };
    let (train_examples, test_examples) = (examples(&train), examples(&test));
    let text = |examples: &[Example]| xmc::to_text(examples, vocabulary.terms().len(), labels.len());
    let test_names: Vec<&str> = test.iter().map(|package| package.name).collect();
    Ok(DebianSet {
        statistics: statistics(&train_examples, &test_examples, vocabulary.terms().len(), labels.len()),
        files: [
            ("train.txt", text(&train_examples)),
            ("test.txt", text(&test_examples)),
            ("features.txt", lines(vocabulary.terms())),
            ("labels.txt", lines(&labels)),
            ("test.names", lines(&test_names)),
        ],
    })
}

/// The packages that name at least one other, in the order of the index.
fn read_packages(index: &PackageIndex) -> Result<Vec<Package<'_>>> {
    let mut descriptions = HashMap::new();
    for paragraph in paragraphs(&index.descriptions) {
        let key = (paragraph.field("Package"), paragraph.field("Description-md5"));
        descriptions.entry(key).or_insert(paragraph.field("Description-en").unwrap_or_default());
    }
    let mut seen = HashSet::new();
    let mut packages = Vec::new();
    for paragraph in paragraphs(&index.packages) {
        let name = paragraph.field("Package").context("a paragraph of the package index has no field Package")?;
        // A point release may list two versions of a package.
        if !seen.insert(name) {
            continue;
        }
        let relationships = RELATIONSHIPS.iter().filter_map(|field| paragraph.field(field));
        let mut labels: BTreeSet<&str> = relationships.flat_map(first_alternatives).collect();
        // A package may want itself for another architecture (`name:i386`).
        labels.remove(name);
        if labels.is_empty() {
            continue;
        }
        let short = paragraph.field("Description").unwrap_or_default();
        let long = descriptions.get(&(Some(name), paragraph.field("Description-md5")));
        let section = paragraph.field("Section").unwrap_or_default();
        let source = paragraph.field("Source").and_then(|source| source.split(' ').next()).unwrap_or(name);
        packages.push(Package {
            name,
            is_test: is_test(source),
            labels,
            terms: count_terms(name, section, long.copied().unwrap_or(short)),
        });
    }
    Ok(packages)
}

/// The words of the description, the parts of the name as `name_PART`, the section as `sec_SECTION`.
fn count_terms(name: &str, section: &str, description: &str) -> TermCounts {
    let parts = name.split(['-', '.', '+', '_']).filter(|part| !part.is_empty()).map(|part| format!("name_{part}"));
    let mut counts = TermCounts::new();
    for term in words(description).chain(parts).chain([format!("sec_{section}")]) {
        *counts.entry(term).or_default() += 1;
    }
    counts
}

/// All binary packages of a source package fall on one side: they resemble each other too much to test on.
fn is_test(source: &str) -> bool {
    let digest: [u8; 16] = Md5::digest(source).into();
    u128::from_be_bytes(digest) % 100 < TEST_PERCENT
}

fn statistics(train: &[Example], test: &[Example], features: usize, labels: usize) -> Statistics {
    let train_labels: HashSet<usize> = train.iter().flat_map(|example| example.labels.iter().copied()).collect();
    let reachable =
        test.iter().filter(|example| example.labels.iter().any(|label| train_labels.contains(label))).count();
    let mean = |size: fn(&Example) -> usize| {
        train.iter().chain(test).map(size).sum::<usize>() as f64 / (train.len() + test.len()) as f64
    };
    Statistics {
        train_examples: train.len(),
        test_examples: test.len(),
        features,
        labels,
        train_labels: train_labels.len(),
        labels_per_example: mean(|example| example.labels.len()),
        values_per_example: mean(|example| example.features.len()),
        reachable_percent: 100.0 * reachable as f64 / test.len() as f64,
    }
}

/// The distinct names among `sets` in ascending order, and their numbers.
fn number_names<'a>(sets: impl Iterator<Item = &'a BTreeSet<&'a str>>) -> (Vec<&'a str>, HashMap<&'a str, usize>) {
    let names: Vec<&str> = sets.flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let numbers = names.iter().enumerate().map(|(number, &name)| (name, number)).collect();
    (names, numbers)
}

fn lines<T: AsRef<str>>(names: &[T]) -> String {
    names.iter().flat_map(|name| [name.as_ref(), "\n"]).collect()
}

fn write(out: &Path, set: &DebianSet, index: &PackageIndex) -> Result<()> {
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let mut table = String::new();
    for (name, content) in &set.files {
        let packed = compress(content.as_bytes())?;
        let path = out.join(format!("{name}.zst"));
        fs::write(&path, &packed).with_context(|| format!("cannot write {}", path.display()))?;
        table +=
            &format!("| `{name}.zst` | {} | {} | `{}` |\n", packed.len(), content.len(), sha256(content.as_bytes()));
    }
    let readme = readme(&set.statistics, index, &table);
    fs::write(out.join("README.md"), &readme).with_context(|| format!("cannot write to {}", out.display()))?;
    print!("{readme}");
    Ok(())
}

fn compress(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 19)?;
    encoder.long_distance_matching(true)?;
    encoder.include_checksum(true)?;
    encoder.set_pledged_src_size(Some(content.len() as u64))?;
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

fn readme(statistics: &Statistics, index: &PackageIndex, table: &str) -> String {
    let Statistics { train_examples, test_examples, features, labels, train_labels, .. } = statistics;
    let Statistics { labels_per_example, values_per_example, reachable_percent, .. } = statistics;
    let PackageIndex { codename, version, date, packages_sha256, descriptions_sha256, .. } = index;
    format!(
        "\
# What Debian packages depend on

An extreme multi-label set: from the name, section and description of a package, predict the packages that it depends on,
recommends or suggests. Written by `cargo xtask data debian`; do not edit.

| | |
|---|---|
| examples | {train_examples} train, {test_examples} test |
| features | {features} |
| labels | {labels}, of which {train_labels} occur in the training part |
| labels per example | {labels_per_example:.2} |
| non-zero features per example | {values_per_example:.2} |
| test examples with a label that occurs in the training part | {reachable_percent:.2} % |

## Files

`train.txt`, `test.txt`: bag-of-words format of the extreme-classification repository. `features.txt`, `labels.txt`: the
name of feature or label *i* on line *i* (from zero). `test.names`: the package that each test example is.

| file | bytes | unpacked | SHA-256 unpacked |
|---|---|---|---|
{table}
## How made

From the index of Debian {version} ({codename}), component main, amd64, of {date}:

| index file (unpacked) | SHA-256 |
|---|---|
| `main/binary-amd64/Packages` | `{packages_sha256}` |
| `main/i18n/Translation-en` | `{descriptions_sha256}` |

- **Examples**: the binary packages, in the order of the index (the first paragraph where a package has two); those without a label
  are left out.
- **Labels**: the packages named in Pre-Depends, Depends, Recommends and Suggests; of alternatives (`a | b`) the first; without
  versions and architectures; never the package itself. Virtual packages, essential ones and ones outside the release count like any other.
- **Features**: the words of the English description, short and long (`\\w[\\w.+-]*\\w`, lower case), the parts of the name
  between `-`, `.`, `+`, `_` as `name_PART`, and the section as `sec_SECTION`; those that at least {MINIMUM_DOCUMENTS} training examples have.
- **Values**: tf-idf, (1 + ln tf) (1 + ln((1 + N) / (1 + df))) with N and df counted on the training part; each example scaled
  to Euclidean length 1; rounded to four significant digits.
- **Split** by source package, since the packages of one source resemble each other: test if MD5(source) mod 100 < {TEST_PERCENT}.

## Licence

The files hold names of packages and counts of words, which are facts about the archive; no description can be read back from them.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sources on both sides of the split: MD5 of the name mod 100 is 89 and 8 (md5sum).
    const TRAIN: &str = "acl";
    const TEST: &str = "gzip";

    fn index(packages: String, descriptions: &str) -> PackageIndex {
        PackageIndex {
            packages,
            descriptions: descriptions.to_owned(),
            packages_sha256: String::new(),
            descriptions_sha256: String::new(),
            codename: String::new(),
            version: String::new(),
            date: String::new(),
        }
    }

    #[test]
    fn a_small_index_becomes_a_set() {
        let packages = format!(
            "Package: tool-b\nSource: {TRAIN} (1.0)\nSection: utils\nDescription: short\nDescription-md5: 1\nDepends: libc6 (>= 2), x | y\n\n\
             Package: tool-c\nSource: {TRAIN}\nSection: utils\nDescription: Short\nSuggests: ghost, tool-c:i386\n\n\
             Package: tool-b\nVersion: 2\nSection: utils\nDescription: second\nDepends: never\n\n\
             Package: alone\nSection: utils\nDescription: names nobody\nDepends: alone:i386\n\n\
             Package: {TEST}\nSection: libs\nDescription: short\nPre-Depends: dpkg\nRecommends: libc6\n"
        );
        let set =
            build(&index(packages, "Package: tool-b\nDescription-md5: 1\nDescription-en: short\n short unseen\n"))
                .unwrap();
        let [train, test, features, labels, names] = set.files.map(|(_, text)| text);
        assert_eq!(labels, "dpkg\nghost\nlibc6\nx\n");
        assert_eq!(features, "name_tool\nsec_utils\nshort\n");
        // Equal idf cancels: weights 1, 1 and 1 + ln 2 over their norm; then three equal ones.
        assert_eq!(train, "2 3 4\n2,3 0:0.4533 1:0.4533 2:0.7675\n1 0:0.5774 1:0.5774 2:0.5774\n");
        assert_eq!(test, "1 3 4\n0,2 2:1\n");
        assert_eq!(names, format!("{TEST}\n"));
        assert_eq!(set.statistics.train_labels, 3);
        assert!((set.statistics.reachable_percent - 100.0).abs() < 1e-9);
    }

    /// What lies in the repository is what its README says, and is well formed.
    #[test]
    fn the_shipped_set_is_whole() {
        let folder = workspace::root().join("data/debian");
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        let [train, test, features, labels, names] =
            ["train.txt", "test.txt", "features.txt", "labels.txt", "test.names"].map(|name| {
                let packed = fs::read(folder.join(format!("{name}.zst"))).unwrap();
                let content = zstd::decode_all(packed.as_slice()).unwrap();
                let row = format!("| `{name}.zst` | {} | {} | `{}` |", packed.len(), content.len(), sha256(&content));
                assert!(readme.contains(&row), "README.md lacks: {row}");
                String::from_utf8(content).unwrap()
            });
        for text in [&features, &labels] {
            assert!(text.lines().is_sorted_by(|a, b| a < b));
        }
        for text in [&train, &test] {
            let (header, body) = text.split_once('\n').unwrap();
            let counts = format!("{} {} {}", body.lines().count(), features.lines().count(), labels.lines().count());
            assert_eq!(header, counts);
        }
        assert_eq!(names.lines().count() + 1, test.lines().count());
    }
}
