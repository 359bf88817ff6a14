//! The first files of a Linux machine: an archive that the kernel unpacks into memory.
//!
//! The format is `cpio`'s `newc` (Documentation/driver-api/early-userspace/buffer-format.rst of the kernel).

use std::collections::BTreeSet;
use std::path::{Component, Path};

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const ALIGNMENT: usize = 4;

/// An archive to which files are added. The folders that they lie in come by themselves.
#[derive(Debug, Default)]
pub(crate) struct Initramfs {
    bytes: Vec<u8>,
    folders: BTreeSet<String>,
    entries: u32,
}

impl Initramfs {
    /// Adds a folder and those that it lies in. A leading `/` is left out.
    pub(crate) fn add_folder(&mut self, path: &Path) {
        let mut name = String::new();
        for part in path.components() {
            if let Component::Normal(part) = part {
                name = Path::new(&name).join(part).to_string_lossy().into_owned();
                if self.folders.insert(name.clone()) {
                    self.add_entry(&name, FOLDER, &[]);
                }
            }
        }
    }

    /// Adds a file that may be executed.
    pub(crate) fn add_program(&mut self, path: &Path, content: &[u8]) {
        self.add_folder(path.parent().unwrap_or(Path::new("")));
        self.add_entry(path.to_string_lossy().trim_start_matches('/'), PROGRAM, content);
    }

    /// The whole archive.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.add_entry("TRAILER!!!", 0, &[]);
        self.bytes
    }

    fn add_entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.entries += 1;
        let size = u32::try_from(content.len()).expect("a file of an initramfs has less than 4 GiB");
        let (user, group, links, time, device) = (0, 0, 1, 0, 0);
        let name_size = name.len() as u32 + 1;
        let fields = [self.entries, mode, user, group, links, time, size, device, device, device, device, name_size, 0];
        self.bytes.extend(b"070701");
        self.bytes.extend(fields.iter().flat_map(|field| format!("{field:08x}").into_bytes()));
        self.bytes.extend(name.bytes().chain([0]));
        self.align();
        self.bytes.extend(content);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_to_the_byte() {
        let mut archive = Initramfs::default();
        archive.add_program(Path::new("/a/b"), b"hello");
        let expected = "\
            07070100000001000041ed00000000000000000000000100000000000000000000000000000000000000000000000000000002\
            00000000a\0\
            07070100000002000081ed00000000000000000000000100000000000000050000000000000000000000000000000000000004\
            00000000a/b\0\0\0hello\0\0\0\
            070701000000030000000000000000000000000000000100000000000000000000000000000000000000000000000000000\
            00b00000000TRAILER!!!\0\0\0\0";
        assert_eq!(String::from_utf8(archive.finish()).unwrap(), expected);
    }

    /// (name, mode, content) of every entry, read as the kernel does.
    fn entries(mut bytes: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            assert_eq!(&bytes[..6], b"070701");
            let field = |i: usize| {
                let digits = std::str::from_utf8(&bytes[6 + 8 * i..][..8]).unwrap();
                usize::from_str_radix(digits, 16).unwrap()
            };
            let (size, name_size) = (field(6), field(11));
            let name = String::from_utf8(bytes[110..][..name_size - 1].to_vec()).unwrap();
            let start = (110 + name_size).next_multiple_of(4);
            all.push((name, field(1) as u32, bytes[start..][..size].to_vec()));
            bytes = &bytes[(start + size).next_multiple_of(4)..];
        }
        all
    }

    #[test]
    fn folders_come_once_and_before_what_lies_in_them() {
        let mut archive = Initramfs::default();
        for path in ["/lib/x/one", "lib/x/two", "init"] {
            archive.add_program(Path::new(path), path.as_bytes());
        }
        archive.add_folder(Path::new("/lib"));
        let all = entries(&archive.finish());
        let names: Vec<_> = all.iter().map(|(name, mode, _)| (name.as_str(), *mode)).collect();
        let (folder, program) = (FOLDER, PROGRAM);
        let expected = [
            ("lib", folder),
            ("lib/x", folder),
            ("lib/x/one", program),
            ("lib/x/two", program),
            ("init", program),
            ("TRAILER!!!", 0),
        ];
        assert_eq!(names, expected);
        assert_eq!(all[2].2, b"/lib/x/one");
    }
}
