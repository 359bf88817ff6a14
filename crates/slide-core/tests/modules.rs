//! The modules of the crate use one another downward only.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// All modules, the lowest first: each uses only modules that stand before it.
const ORDER: [(&str, &str); 22] = [
    ("setting", "what a setting is: a field of the configuration with its name and its help"),
    ("choice", "settings that are one of a few words"),
    ("streams", "numbers of the streams of random numbers"),
    ("views", "buffers as the kernels take them"),
    ("atomic_file", "files that appear or are replaced as a whole"),
    ("metrics", "P@k, nDCG@k, PSP@k, recall"),
    ("runtime", "threads, instruction set, placement of memory"),
    ("objective", "losses and their gradients"),
    ("optim", "optimizers and their state"),
    ("layer", "rows of weights: forward, backward, update"),
    ("data", "data sets: formats, reading, writing, synthetic data"),
    ("lsh", "hash functions and hash tables over rows"),
    ("sampling", "which output rows are computed for an example"),
    ("network", "the layers together, for a block of examples"),
    ("linear", "the sparse linear part and its training"),
    ("combination", "one score from the two parts"),
    ("index", "lists of labels, and the router that chooses among them"),
    ("config", "what is trained and how"),
    ("retrieval", "which labels are scored for an example, and the best of them"),
    ("model", "the network with its history, and its file"),
    ("infer", "predictions and their evaluation"),
    ("train", "epochs of batches"),
];

/// `from` uses `to`, in this line.
#[derive(Debug)]
struct Use {
    from: String,
    to: String,
    place: String,
}

fn source_files(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            source_files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push(path);
        }
    }
}

/// The lines of a file with their numbers, without comments and without modules for tests; the names of test modules that
/// are files of their own go to `test_files`.
fn code(path: &Path, test_files: &mut BTreeSet<PathBuf>) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().enumerate();
    let mut code = Vec::new();
    let mut for_tests = false;
    while let Some((number, line)) = lines.next() {
        let line = line.split("//").next().unwrap();
        if for_tests && line.starts_with("mod ") {
            match line.strip_prefix("mod ").and_then(|line| line.strip_suffix(';')) {
                Some(name) => drop(test_files.insert(path.with_file_name(format!("{name}.rs")))),
                None => drop(lines.by_ref().find(|(_, line)| *line == "}")),
            }
        } else {
            code.push((number + 1, line.to_owned()));
        }
        for_tests = line == "#[cfg(test)]";
    }
    code
}

/// The name at the start of `text`.
fn name(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(text.len());
    &text[..end]
}

/// Each use of one module by another.
fn uses() -> Vec<Use> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&source, &mut files);
    let mut test_files = BTreeSet::new();
    let files: Vec<_> = files.into_iter().map(|path| (code(&path, &mut test_files), path)).collect();
    assert!(!test_files.is_empty() && test_files.iter().all(|path| path.exists()), "{test_files:?}");
    let mut uses = Vec::new();
    for (code, path) in files.iter().filter(|(_, path)| !test_files.contains(path)) {
        let inside = path.strip_prefix(&source).unwrap();
        let from = name(inside.iter().next().unwrap().to_str().unwrap()).to_owned();
        if from == "lib" {
            continue;
        }
        let depth = inside.iter().count() - usize::from(inside.ends_with("mod.rs"));
        for (number, line) in code {
            let place = format!("{}:{number}: {}", inside.display(), line.trim());
            let leaves = line.contains(&"super::".repeat(depth));
            assert!(!leaves, "{place}\nanother module is named from the root: `crate::`");
            for (at, _) in line.match_indices("crate::") {
                let to = name(&line[at + "crate::".len()..]);
                let is_module = to.starts_with(|letter: char| letter.is_ascii_lowercase());
                assert!(is_module, "{place}\nan item is named by its module, each module by a path of its own");
                if to != from {
                    uses.push(Use { from: from.clone(), to: to.to_owned(), place: place.clone() });
                }
            }
        }
    }
    uses
}

#[test]
fn the_list_is_that_of_the_crate() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    let code = code(&root, &mut BTreeSet::new());
    let declared = code.iter().filter_map(|(_, line)| line.trim_start_matches("pub ").strip_prefix("mod "));
    let mut declared: Vec<&str> = declared.map(|line| line.trim_end_matches(';')).collect();
    let mut listed: Vec<&str> = ORDER.map(|(name, _)| name).to_vec();
    declared.sort_unstable();
    listed.sort_unstable();
    assert_eq!(declared, listed);
}

#[test]
fn modules_use_those_below_them() {
    let place = |module: &str| ORDER.iter().position(|(name, _)| *name == module);
    let uses = uses();
    assert!(uses.iter().any(|used| (&*used.from, &*used.to) == ("infer", "model")), "uses are found: {uses:?}");
    let mut upward = String::new();
    for Use { from, to, place: line } in &uses {
        let (Some(from_place), Some(to_place)) = (place(from), place(to)) else {
            panic!("{line}\n`{from}` or `{to}` is no module of the crate");
        };
        if to_place > from_place {
            upward += &format!("\n{line}\n    `{from}` must not use `{to}`");
        }
    }
    assert!(upward.is_empty(), "{upward}");
}
