//! The package index of a Debian suite: fetched by apt into a folder of its own, and checked against the release file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::cmd;

use crate::debian_packages::apt::{Apt, Settings};
use crate::workspace::{self, sha256};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The index of component main for amd64, and what identifies it.
#[derive(Debug)]
pub(crate) struct PackageIndex {
    /// `Packages`: one paragraph for each binary package.
    pub(crate) packages: String,
    /// `Translation-en`: the long descriptions.
    pub(crate) descriptions: String,
    /// SHA-256 of the two texts, hexadecimal, as the release file lists them.
    pub(crate) packages_sha256: String,
    pub(crate) descriptions_sha256: String,
    /// Of the release file.
    pub(crate) codename: String,
    pub(crate) version: String,
    pub(crate) date: String,
}

/// The three files as plain text in one folder.
struct Files {
    release: PathBuf,
    packages: PathBuf,
    descriptions: PathBuf,
}

impl Files {
    fn of(folder: &Path) -> Self {
        Self {
            release: folder.join("InRelease"),
            packages: folder.join("Packages"),
            descriptions: folder.join("Translation-en"),
        }
    }
}

/// Fetches the index with apt, which verifies the archive's signature, and returns the folder with the plain files.
/// The state of the system's own apt stays as it is.
pub(crate) fn fetch(mirror: &str, suite: &str) -> Result<PathBuf> {
    ensure!(Path::new(KEYRING).exists(), "{KEYRING} is missing; `apt-get install debian-archive-keyring` brings it");
    let (folder, shell) = (workspace::scratch("debian"), workspace::shell()?);
    let settings = Settings { architectures: &["amd64"], status: Path::new("/dev/null"), language: "en" };
    let apt = Apt::new(&shell, &folder.join("apt"), &settings)?;
    apt.add_source(
        "debian.sources",
        &format!(
            "Types: deb\nURIs: {mirror}\nSuites: {suite}\nComponents: main\nArchitectures: amd64\nSigned-By: {KEYRING}\n"
        ),
    )?;
    apt.update().context("`data debian` needs the package index; `--index` names a folder that has it")?;
    let targets = apt.command("apt-get").args(["indextargets", "--format", "$(CREATED_BY) $(FILENAME)"]).read()?;
    let files = Files::of(&folder);
    for (kind, copy) in [("Packages ", &files.packages), ("Translations ", &files.descriptions)] {
        let Some(list) = targets.lines().find_map(|line| line.strip_prefix(kind)) else {
            bail!("apt lists no index of the kind `{}` for {suite} at {mirror}; it lists:\n{targets}", kind.trim_end());
        };
        // The lists lie compressed in a way that the system's configuration chooses.
        fs::write(copy, cmd!(shell, "/usr/lib/apt/apt-helper cat-file {list}").output()?.stdout)?;
    }
    let releases = fs::read_dir(apt.lists())?.filter_map(|entry| Some(entry.ok()?.path()));
    let suffix = format!("_dists_{suite}_InRelease");
    let mut releases = releases.filter(|path| path.to_string_lossy().ends_with(&suffix));
    let release = releases.next().with_context(|| format!("apt has left no InRelease of {suite} at {mirror}"))?;
    fs::copy(release, &files.release)?;
    Ok(folder)
}

/// Reads `InRelease`, `Packages` and `Translation-en` from a folder. The release file must list the checksums of the others.
pub(crate) fn read(folder: &Path) -> Result<PackageIndex> {
    let files = Files::of(folder);
    let text = |path: &Path| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let (release, packages, descriptions) = (text(&files.release)?, text(&files.packages)?, text(&files.descriptions)?);
    let value = |name: &str| {
        let found = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.map(str::to_owned).with_context(|| format!("{} has no field {name}", files.release.display()))
    };
    let checked = |content: &str, listed_as: &str| -> Result<String> {
        let sum = sha256(content.as_bytes());
        // Lines of the release file: checksum, size, path.
        let listed = release.lines().any(|line| {
            let mut parts = line.split_whitespace();
            parts.next() == Some(&sum) && parts.nth(1) == Some(listed_as)
        });
        ensure!(listed, "{} does not list {listed_as} with SHA-256 {sum}", files.release.display());
        Ok(sum)
    };
    Ok(PackageIndex {
        packages_sha256: checked(&packages, "main/binary-amd64/Packages")?,
        descriptions_sha256: checked(&descriptions, "main/i18n/Translation-en")?,
        codename: value("Codename")?,
        version: value("Version")?,
        date: value("Date")?,
        packages,
        descriptions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_that_its_release_does_not_list_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let release = format!(
            "Version: 12.1\nCodename: bookworm\nDate: today\nSHA256:\n {} 3 main/binary-amd64/Packages\n {} 4 main/i18n/Translation-en\n",
            sha256(b"one"),
            sha256(b"four")
        );
        write("InRelease", &release);
        write("Packages", "one");
        write("Translation-en", "four");
        let index = read(folder.path()).unwrap();
        assert_eq!((index.version.as_str(), index.packages_sha256), ("12.1", sha256(b"one")));

        write("Packages", "two");
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("does not list main/binary-amd64/Packages"), "{error}");
        write("Packages", "four");
        assert!(read(folder.path()).is_err(), "the sum of another file");
    }
}
