//! Records on disk: `benches/records/<machine>/<name>-<suite>` as JSON, Markdown and drawings.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};

use super::record::Record;
use crate::workspace;

/// The folder of records.
pub(crate) struct Store {
    folder: PathBuf,
}

impl Store {
    pub(crate) fn open() -> Self {
        Self { folder: workspace::root().join("benches/records") }
    }

    #[cfg(test)]
    fn at(folder: &std::path::Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The folder of a machine.
    pub(crate) fn of_machine(&self, machine: &str) -> PathBuf {
        self.folder.join(machine)
    }

    /// Keeps a record and its report, each whole or not at all. Returns the path of the record.
    pub(crate) fn save(&self, record: &Record, name: &str, report: &str) -> Result<PathBuf> {
        let folder = self.of_machine(&record.origin.machine.name);
        let path = folder.join(file_name(name, &record.suite, "json"));
        workspace::write_whole(&folder.join(file_name(name, &record.suite, "md")), report)?;
        workspace::write_json(&path, record)?;
        Ok(path)
    }

    /// The record of that name and suite. If there is none, the error lists the names that are there.
    pub(crate) fn load(&self, machine: &str, name: &str, suite: &str) -> Result<Record> {
        check_name(name)?;
        let path = self.folder.join(machine).join(file_name(name, suite, "json"));
        if !path.exists() {
            let names = self.names(machine, suite)?;
            let there =
                if names.is_empty() { "there are none".to_owned() } else { format!("there are {}", names.join(", ")) };
            bail!("no record `{name}` of the suite {suite} on {machine}: {there}");
        }
        workspace::read_json(&path)
    }

    fn names(&self, machine: &str, suite: &str) -> Result<Vec<String>> {
        let folder = self.folder.join(machine);
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let end = format!("-{suite}.json");
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let file = entry?.file_name().to_string_lossy().into_owned();
            names.extend(file.strip_suffix(&end).filter(|name| !name.starts_with('.')).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }
}

fn file_name(name: &str, suite: &str, extension: &str) -> String {
    format!("{name}-{suite}.{extension}")
}

/// A name becomes that of a file.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_good = !name.is_empty() && !name.starts_with(['.', '-']) && name.chars().all(is_plain);
    ensure!(
        is_good,
        "`{name}` is no name of a record: letters, digits, hyphens, dots and underscores, a letter or digit first"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::table::tests::record;

    #[test]
    fn records_are_kept_and_found() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        let record = record();
        let error = store.load(&record.origin.machine.name, "before", "kernels").unwrap_err().to_string();
        assert!(error.ends_with("no record `before` of the suite kernels on a-machine: there are none"), "{error}");
        store.save(&record, "before", "# A report\n").unwrap();
        store.save(&record, "native", "").unwrap();
        assert_eq!(store.load("a-machine", "before", "kernels").unwrap(), record);
        let error = store.load("a-machine", "after", "kernels").unwrap_err().to_string();
        assert!(error.ends_with("there are before, native"), "{error}");
        let report = fs::read_to_string(folder.path().join("a-machine/before-kernels.md")).unwrap();
        assert_eq!(report, "# A report\n");
        assert_eq!(fs::read_dir(folder.path().join("a-machine")).unwrap().count(), 4, "nothing unfinished is left");
    }

    #[test]
    fn names_are_those_of_files() {
        assert!(["before", "v1.0", "a_b-c"].iter().all(|name| check_name(name).is_ok()));
        assert!(["", "../x", "a b", ".hidden", "-x"].iter().all(|name| check_name(name).is_err()));
    }
}
