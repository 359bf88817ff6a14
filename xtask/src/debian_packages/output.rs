//! What apt and the tools themselves print, as values.

use anyhow::{Context as _, Result};

use crate::deb822::{first_alternatives, paragraphs};

/// The versions that `apt-cache madison` lists, newest first.
pub(crate) fn versions(madison: &str) -> Vec<&str> {
    madison.lines().filter_map(|line| line.split('|').nth(1)).map(str::trim).collect()
}

/// The packages that `apt-get --simulate install` would install: (name, version).
pub(crate) fn installations(simulated: &str) -> Vec<(&str, &str)> {
    simulated.lines().filter_map(installation).collect()
}

fn installation(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
    // In brackets before it: the version that is installed.
    Some((name, rest.split_once('(')?.1.split(' ').next()?))
}

/// The sizes of the files of `apt-get --print-uris download`, in bytes.
pub(crate) fn download_sizes(uris: &str) -> Result<Vec<u64>> {
    let size = |line: &str| line.split_whitespace().nth(2)?.parse().ok();
    let lines = uris.lines().filter(|line| line.starts_with('\''));
    lines.map(|line| size(line).with_context(|| format!("apt-get --print-uris prints: {line}"))).collect()
}

/// The first package that begins so and that a package depends on, of the first paragraph that `apt-cache show` prints.
pub(crate) fn first_dependency<'a>(show: &'a str, prefix: &str) -> Option<&'a str> {
    let depends = paragraphs(show).next()?.field("Depends")?;
    first_alternatives(depends).find(|name| name.starts_with(prefix))
}

/// The first two numbers of a version: (1, 96) of `1.96.0+dfsg1-1~deb12u2`, and of `rustc 1.96.0 (...)`.
pub(crate) fn major_minor(text: &str) -> Option<(u32, u32)> {
    let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let mut numbers = version.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The value of `name` in os-release(5).
pub(crate) fn os_release<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.map(|value| value.trim_matches(['"', '\'']))
}

/// The address of the first mirror in a source list, and the key that signs it if the list names one.
pub(crate) fn mirror(sources: &str) -> Option<(&str, Option<&str>)> {
    if let Some(paragraph) = paragraphs(sources).find(|paragraph| paragraph.field("URIs").is_some()) {
        return Some((paragraph.field("URIs")?.split_whitespace().next()?, paragraph.field("Signed-By")));
    }
    let entry = sources.lines().find(|line| line.starts_with("deb "))?;
    let key = entry.split(['[', ']', ' ']).find_map(|option| option.strip_prefix("signed-by="));
    Some((entry.split(' ').find(|word| word.contains("://"))?, key))
}

/// The packages that `apt-cache depends --recurse` comes by.
pub(crate) fn dependencies(recursive: &str) -> impl Iterator<Item = &str> {
    recursive.lines().filter(|line| !line.starts_with([' ', '<']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_newest_first() {
        let madison = "\
 qemu-user | 1:10.0.2+ds-2+deb13u1~bpo12+1 | http://deb.debian.org/debian bookworm-backports/main amd64 Packages
 qemu-user | 1:7.2+dfsg-7+deb12u18+b3 | http://deb.debian.org/debian bookworm/main amd64 Packages
libstd-rust-web-dev:arm64 | 1.85.0+dfsg3-1~deb12u3 | http://deb.debian.org/debian bookworm/main arm64 Packages
";
        let expected = ["1:10.0.2+ds-2+deb13u1~bpo12+1", "1:7.2+dfsg-7+deb12u18+b3", "1.85.0+dfsg3-1~deb12u3"];
        assert_eq!(versions(madison), expected);
        assert_eq!(versions(""), [""; 0]);
    }

    #[test]
    fn installed_but_not_configured_nor_removed() {
        let simulated = "\
Remv rustup [1.26.0-4]
Inst binutils-aarch64-linux-gnu (2.40-2 Debian:12.15/oldstable [amd64])
Inst gcc-12-cross-base (12.2.0-14cross1 Debian:12.15/oldstable [all])
Inst libllvm22 [1:22.1.7-1] (1:22.1.8-1~deb12u1 Debian-Security:12/oldstable-security [amd64])
Conf binutils-aarch64-linux-gnu (2.40-2 Debian:12.15/oldstable [amd64])
";
        let expected = [
            ("binutils-aarch64-linux-gnu", "2.40-2"),
            ("gcc-12-cross-base", "12.2.0-14cross1"),
            ("libllvm22", "1:22.1.8-1~deb12u1"),
        ];
        assert_eq!(installations(simulated), expected);
    }

    #[test]
    fn sizes_of_downloads() {
        let uris = "\
'http://deb.debian.org/debian/pool/main/q/qemu/qemu-user_10.0.2%2bds-2%2bdeb13u1%7ebpo12%2b1_amd64.deb' qemu-user_1%3a10.0.2+ds-2+deb13u1~bpo12+1_amd64.deb 62834188 SHA256:10a2dec99f2b2d0b1097ff0375aea35b89322d6631fc96700511b02e05bf6fef
'http://deb.debian.org/debian-security/pool/updates/main/r/rustc-web/rustc-web_1.96.0%2bdfsg1-1%7edeb12u2_amd64.deb' rustc-web_1.96.0+dfsg1-1~deb12u2_amd64.deb 4450500 SHA256:8fefe1d6377fe4082f5a9d2a47e095e2d20319eaab9754bd2f0275155c9adf90
";
        assert_eq!(download_sizes(uris).unwrap(), [62_834_188, 4_450_500]);
        assert!(download_sizes("'http://mirror/a.deb' a.deb many\n").is_err());
    }

    #[test]
    fn dependencies_of_the_first_paragraph() {
        let show = "Package: libstd-rust-web-1.96\nVersion: 1.96.0+dfsg1-1~deb12u2\n\
            Depends: libc6 (>= 2.34), libgcc-s1 (>= 4.2), libllvm22, libstdc++6 (>= 11)\nConflicts: libstd-rust-1.96, rustup\n\n\
            Package: libstd-rust-web-1.96\nDepends: libllvm19\n";
        assert_eq!(first_dependency(show, "libllvm"), Some("libllvm22"));
        assert_eq!(first_dependency(show, "rustup"), None);
        assert_eq!(first_dependency("", ""), None);
    }

    #[test]
    fn numbers_of_versions() {
        assert_eq!(major_minor("1.96.0+dfsg1-1~deb12u2"), Some((1, 96)));
        assert_eq!(
            major_minor("qemu-aarch64 version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright (c) 2003"),
            Some((10, 0))
        );
        assert_eq!(major_minor("Debian LLVM version 22.1.8\n  Optimized build."), Some((22, 1)));
        assert_eq!(major_minor("none"), None);
    }

    #[test]
    fn the_system_by_name() {
        let text = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_CODENAME=bookworm\n";
        assert_eq!(os_release(text, "ID"), Some("debian"));
        assert_eq!(os_release(text, "PRETTY_NAME"), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(os_release(text, "VERSION"), None);
    }

    #[test]
    fn mirrors_of_both_kinds_of_source_list() {
        let sources = "Types: deb\n# http://snapshot.debian.org/archive/debian/20250520T000000Z\nURIs: http://deb.debian.org/debian\n\
            Suites: bookworm bookworm-updates\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
            Types: deb\nURIs: http://deb.debian.org/debian-security\n";
        let key = Some("/usr/share/keyrings/debian-archive-keyring.gpg");
        assert_eq!(mirror(sources), Some(("http://deb.debian.org/debian", key)));
        assert_eq!(
            mirror("# a\n\ndeb http://a/debian bookworm main\ndeb http://b/x y z\n"),
            Some(("http://a/debian", None))
        );
        assert_eq!(
            mirror("deb [arch=amd64 signed-by=/k.gpg] https://a/debian b main\n"),
            Some(("https://a/debian", Some("/k.gpg")))
        );
        assert_eq!(mirror(""), None);
    }

    #[test]
    fn packages_of_a_recursion() {
        let recursive = "\
rustc-web
  Depends: libc6
  Depends: <libc-dev>
    libc6-dev
libc6
  Depends: libgcc-s1
<libc-dev>
libgcc-s1
";
        assert_eq!(dependencies(recursive).collect::<Vec<_>>(), ["rustc-web", "libc6", "libgcc-s1"]);
    }
}
