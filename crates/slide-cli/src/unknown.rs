//! What is said about features and labels that the model does not know.

use std::path::Path;

use slide_core::metrics::Unknown;

use crate::output::{count, say};

/// Warns of what a file has that the model does not, even with `--quiet`: results may depend on it.
pub(crate) fn warn(unknown: &Unknown, path: &Path) {
    let path = path.display();
    let of = |number: u64, what: &str| format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" });
    for (entries, examples, what, result) in [
        (unknown.features, unknown.examples_with_features, "feature", "left out"),
        (unknown.labels, unknown.examples_with_labels, "label", "each counts as a miss"),
    ] {
        if entries > 0 {
            let (entries, examples) = (of(entries, what), of(examples, "example"));
            say(&format!("warning: {path}: {entries} unknown to the model, in {examples}: {result}"));
        }
    }
}
