//! Data sets: folders with `train.txt` and `test.txt` in the format of the Extreme Classification Repository, compressed by zstd or
//! not.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};

/// A set, ready to be read by all systems.
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) size: Size,
    /// Plain text.
    pub(crate) train: PathBuf,
    pub(crate) test: PathBuf,
    /// In how many training examples each label occurs.
    pub(crate) frequencies: Vec<u32>,
    /// The labels of each test example.
    pub(crate) truth: Vec<Vec<u32>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Size {
    pub(crate) train_examples: usize,
    pub(crate) test_examples: usize,
    pub(crate) features: usize,
    pub(crate) labels: usize,
}

/// The sets in these folders, of these names or all of them: names, ascending, and where each lies. Of sets of one name the first
/// folder's counts.
pub(crate) fn find(folders: &[PathBuf], names: &[String]) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for folder in folders {
        let failure = || format!("cannot list {}", folder.display());
        for entry in fs::read_dir(folder).with_context(failure)? {
            let path = entry.with_context(failure)?.path();
            let Some(name) = path.file_name() else { continue };
            if ["train", "test"].iter().all(|part| source(&path, part).is_some()) {
                found.entry(name.to_string_lossy().into_owned()).or_insert(path);
            }
        }
    }
    ensure!(!found.is_empty(), "no folder with train.txt and test.txt in {}", listed(folders));
    if let Some(unknown) = names.iter().find(|&name| !found.contains_key(name)) {
        let all: Vec<_> = found.into_keys().collect();
        bail!("no set `{unknown}` in {}: there are {}", listed(folders), all.join(", "));
    }
    found.retain(|name, _| names.is_empty() || names.contains(name));
    Ok(found)
}

fn listed(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The file of a part of a set, `train` or `test`.
fn source(set: &Path, part: &str) -> Option<PathBuf> {
    let names = [format!("{part}.txt"), format!("{part}.txt.zst")];
    names.into_iter().map(|name| set.join(name)).find(|path| path.is_file())
}

/// Lays a set out as plain text in a folder, anew each time so that it is never an old one, and reads what the evaluation needs.
pub(crate) fn prepare(name: &str, from: &Path, into: &Path) -> Result<Set> {
    let into = into.join(name);
    fs::create_dir_all(&into).with_context(|| format!("cannot make {}", into.display()))?;
    let lay_out = |part: &str| {
        let from = source(from, part).with_context(|| format!("the set {name} has no {part}.txt"))?;
        let to = into.join(format!("{part}.txt"));
        copy(&from, &to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
        let text = fs::read_to_string(&to).with_context(|| format!("cannot read {}", to.display()))?;
        let read = Labels::parse(&text).with_context(|| format!("{}", from.display()))?;
        anyhow::Ok((to, read))
    };
    let (train, learnt) = lay_out("train")?;
    let (test, tested) = lay_out("test")?;
    ensure!(
        (learnt.features, learnt.labels) == (tested.features, tested.labels),
        "the set {name} has other numbers of features and labels in its test part"
    );
    let size = Size {
        train_examples: learnt.of_examples.len(),
        test_examples: tested.of_examples.len(),
        features: learnt.features,
        labels: learnt.labels,
    };
    let mut frequencies = vec![0; size.labels];
    learnt.of_examples.iter().flatten().for_each(|&label| frequencies[label as usize] += 1);
    Ok(Set { name: name.to_owned(), size, train, test, frequencies, truth: tested.of_examples })
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mut target = BufWriter::new(File::create(to)?);
    if from.extension().is_some_and(|extension| extension == "zst") {
        zstd::stream::copy_decode(source, &mut target)?;
    } else {
        io::copy(&mut source, &mut target)?;
    }
    io::Write::flush(&mut target)
}

/// What a file says, but for its features.
#[derive(Debug, PartialEq)]
struct Labels {
    features: usize,
    labels: usize,
    /// Those of each example, without repetitions.
    of_examples: Vec<Vec<u32>>,
}

impl Labels {
    fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        let numbers: Vec<usize> = header.split_ascii_whitespace().map_while(|word| word.parse().ok()).collect();
        let &[examples, features, labels] = &numbers[..] else { bail!("line 1: `EXAMPLES FEATURES LABELS` expected") };
        let of_examples = (2..)
            .zip(lines)
            .map(|(number, line)| of_line(line, labels).with_context(|| format!("line {number}")))
            .collect::<Result<Vec<_>>>()?;
        ensure!(of_examples.len() == examples, "{} examples instead of {examples}", of_examples.len());
        Ok(Self { features, labels, of_examples })
    }
}

fn of_line(line: &str, count: usize) -> Result<Vec<u32>> {
    let first = line.split(' ').next().unwrap_or_default();
    if first.is_empty() || first.contains(':') {
        return Ok(Vec::new());
    }
    let mut labels = Vec::new();
    for label in first.split(',') {
        let label: u32 = label.parse().with_context(|| format!("`{label}` is no label"))?;
        ensure!((label as usize) < count, "label {label} of {count}");
        labels.push(label);
    }
    labels.sort_unstable();
    labels.dedup();
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_a_line_begins_with() {
        let read = Labels::parse("4 9 3\n2,0,2 1:0.5\n 1:1 2:1\n1\n3:1\n").unwrap();
        let of_examples = vec![vec![0, 2], vec![], vec![1], vec![]];
        assert_eq!(read, Labels { features: 9, labels: 3, of_examples });
        for (text, error) in [
            ("1 2", "line 1: `EXAMPLES FEATURES LABELS` expected"),
            ("1 2 3\n3 0:1", "line 2: label 3 of 3"),
            ("1 2 3\nx 0:1", "line 2: `x` is no label"),
            ("2 2 3\n0 0:1", "1 examples instead of 2"),
        ] {
            let found = format!("{:#}", Labels::parse(text).unwrap_err());
            assert!(found.starts_with(error), "{found}");
        }
    }

    #[test]
    fn sets_are_found_and_laid_out() {
        let scratch = tempfile::tempdir().unwrap();
        let data = scratch.path().join("data");
        for name in ["b", "a", "other"] {
            fs::create_dir_all(data.join(name)).unwrap();
        }
        let (train, test) = ("2 1 2\n0 0:1\n0,1 0:1\n", "1 1 2\n1 0:1\n");
        for name in ["a", "b"] {
            fs::write(data.join(name).join("train.txt.zst"), zstd::encode_all(train.as_bytes(), 0).unwrap()).unwrap();
            fs::write(data.join(name).join("test.txt"), test).unwrap();
        }
        let more = scratch.path().join("more");
        fs::create_dir_all(more.join("b")).unwrap();
        fs::create_dir_all(more.join("c")).unwrap();
        for name in ["b", "c"] {
            fs::write(more.join(name).join("train.txt"), "").unwrap();
            fs::write(more.join(name).join("test.txt"), "").unwrap();
        }
        let folders = [data.clone(), more.clone()];
        let all = [("a", &data), ("b", &data), ("c", &more)].map(|(name, folder)| (name.to_owned(), folder.join(name)));
        assert_eq!(find(&folders, &[]).unwrap(), BTreeMap::from(all));
        let of_names = |names: &[&str]| find(&folders, &names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of_names(&["b"]).unwrap().into_keys().collect::<Vec<_>>(), ["b"]);
        let error = of_names(&["other"]).unwrap_err().to_string();
        assert!(error.ends_with("there are a, b, c"), "{error}");
        assert!(find(&[scratch.path().to_owned()], &[]).is_err());

        let set = prepare("a", &data.join("a"), &scratch.path().join("plain")).unwrap();
        assert_eq!(set.size, Size { train_examples: 2, test_examples: 1, features: 1, labels: 2 });
        assert_eq!((set.frequencies, set.truth), (vec![2, 1], vec![vec![1]]));
        assert_eq!(fs::read_to_string(set.train).unwrap(), train);
    }
}
