//! Tools from Debian's packages: fetched and unpacked into a cache folder of their own, never installed.

pub(crate) mod apt;
mod folder;
pub(crate) mod output;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use xshell::{Shell, cmd};

pub(crate) use self::apt::Apt;
use self::apt::Settings;
pub(crate) use self::folder::{Folder, Purpose};
use self::output::{download_sizes, mirror, os_release, versions};
use crate::workspace;

/// The folder of a private apt inside one that is being filled.
const APT: &str = "apt";

/// Why tools cannot come from packages here.
pub(crate) fn obstacle() -> Option<String> {
    let os = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let programs = ["apt-get", "apt-cache", "dpkg-deb"];
    if os_release(&os, "ID") != Some("debian") || !cfg!(target_arch = "x86_64") {
        let name = os_release(&os, "PRETTY_NAME").unwrap_or(std::env::consts::OS);
        return Some(format!("this system is {name} on {}, not Debian on x86-64", std::env::consts::ARCH));
    }
    let missing = programs.into_iter().find(|program| workspace::on_path(&[program]).is_none())?;
    Some(format!("this Debian has no {missing}"))
}

impl Folder {
    /// Fills this folder, unless it is ready, with the packages that `choose` names, as `apt-get download` takes them, of these
    /// architectures (Debian's names, this machine's first). `finish` makes of them what is wanted, before they are in their place.
    pub(crate) fn provide<T>(
        &self,
        shell: &Shell,
        architectures: &[&str],
        choose: impl FnOnce(&Apt<'_>) -> Result<(Vec<String>, T)>,
        finish: impl FnOnce(&Self, T) -> Result<()>,
    ) -> Result<()> {
        if self.is_ready() {
            return Ok(());
        }
        if let Some(obstacle) = obstacle() {
            bail!("{} is unpacked from Debian's packages, and {obstacle}", self.purpose.content);
        }
        self.fill(|new| {
            let apt = apt(shell, new, architectures)?;
            let (packages, chosen) = choose(&apt)?;
            unpack(shell, &apt, &packages, new, self)?;
            finish(new, chosen)
        })
    }

    /// The same with these packages, as they are.
    pub(crate) fn provide_packages(&self, shell: &Shell, packages: &[&str]) -> Result<()> {
        let packages = packages.iter().map(|&name| name.to_owned()).collect();
        self.provide(shell, &["amd64"], |_| Ok((packages, ())), |_, ()| Ok(()))
    }
}

/// An apt whose state lies in `new`, a folder that is being filled: for this machine's mirror and the suite of backports, with
/// fresh lists of the packages of `architectures`, which are Debian's names, this machine's first.
fn apt<'a>(shell: &'a Shell, new: &Folder, architectures: &[&str]) -> Result<Apt<'a>> {
    println!("{}: fetching Debian's package lists, about {} MB", new.purpose.task, 10 * architectures.len());
    let list = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"].into_iter().find_map(|path| {
        let text = fs::read_to_string(path).ok()?;
        mirror(&text)?;
        Some((Path::new(path), text))
    });
    let (list, sources) =
        list.context("neither /etc/apt/sources.list.d/debian.sources nor /etc/apt/sources.list names a mirror")?;
    let (mirror, key) = mirror(&sources).context("the mirror has just been there")?;
    let key = key.map(|key| format!("Signed-By: {key}\n")).unwrap_or_default();

    let status = Path::new("/var/lib/dpkg/status");
    let apt = Apt::new(shell, &new.path().join(APT), &Settings { architectures, status, language: "none" })?;
    let extension = list.extension().unwrap_or_default().to_string_lossy();
    apt.add_source(&format!("main.{extension}"), &sources)?;
    apt.add_source(
        "backports.sources",
        &format!("Types: deb\nURIs: {mirror}\nSuites: {}\nComponents: main\n{key}", backports()?),
    )?;
    apt.update()?;
    Ok(apt)
}

/// The suite of backports to this release.
pub(crate) fn backports() -> Result<String> {
    let os = fs::read_to_string("/etc/os-release")?;
    let release = os_release(&os, "VERSION_CODENAME").context("/etc/os-release has no VERSION_CODENAME")?;
    Ok(format!("{release}-backports"))
}

/// `PACKAGE=VERSION` of the newest version, of any suite.
pub(crate) fn newest(apt: &Apt<'_>, package: &str) -> Result<String> {
    let madison = apt.command("apt-cache").args(["madison", package]).read()?;
    let newest = versions(&madison).first().map(|version| format!("{package}={version}"));
    newest.with_context(|| format!("apt knows no package {package}"))
}

/// Fetches packages and unpacks them into the root of `new`, which is to become `destination`. Says what it downloads before it
/// does so.
fn unpack(shell: &Shell, apt: &Apt<'_>, packages: &[String], new: &Folder, destination: &Folder) -> Result<()> {
    announce(shell, apt, packages, new, destination)?;
    let folder = new.path().join("debs");
    let files = download(shell, apt, packages, &folder)?;
    println!("{}: unpacking", new.purpose.task);
    let root = new.root();
    fs::create_dir(&root)?;
    for file in files {
        cmd!(shell, "dpkg-deb --extract {file} {root}").quiet().run()?;
    }
    for finished in ["debs", APT, "root/usr/share/doc", "root/usr/share/man", "root/usr/share/locale"] {
        shell.remove_path(new.path().join(finished))?;
    }
    Ok(())
}

/// Says what will be downloaded and how much, and fails early if there is no room for it.
fn announce(shell: &Shell, apt: &Apt<'_>, packages: &[String], new: &Folder, destination: &Folder) -> Result<()> {
    let Purpose { task, variable, .. } = new.purpose;
    let uris = apt.command("apt-get").args(["-qq", "--print-uris", "download"]).args(packages).read()?;
    let sizes = download_sizes(&uris)?;
    let bytes: u64 = sizes.iter().sum();
    // Unpacked, packages of programs are about four times as large; both lie there for a while.
    let needed = 5 * bytes;
    println!(
        "{task}: downloading {} packages, {} MB, to {} (about {} MB in the end; nothing is installed)",
        sizes.len(),
        bytes / 1_000_000,
        destination.path().display(),
        4 * bytes / 1_000_000
    );
    let path = new.path();
    let df = cmd!(shell, "df --output=avail --block-size=1 {path}").quiet().read()?;
    let available: Option<u64> = df.lines().nth(1).and_then(|bytes| bytes.trim().parse().ok());
    let available = available.with_context(|| format!("df prints:\n{df}"))?;
    ensure!(
        available >= needed,
        "{} has {} MB left and {} MB are needed; {variable} names another place",
        path.display(),
        available / 1_000_000,
        needed / 1_000_000
    );
    Ok(())
}

fn download(shell: &Shell, apt: &Apt<'_>, packages: &[String], folder: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir(folder)?;
    let _inside = shell.push_dir(folder);
    let get = apt.command("apt-get").args(["-qq", "download"]).args(packages);
    get.run().context("apt cannot download the packages; what it says above names the reason")?;
    let files: Vec<_> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    ensure!(files.len() >= packages.len(), "apt has left {} files of {}", files.len(), packages.len());
    Ok(files)
}
