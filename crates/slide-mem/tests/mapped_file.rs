//! Mapped files, and paths that are none.
#![cfg(not(miri))]

use std::fs;
use std::sync::Arc;

use slide_mem::{FileSlice, MappedFile, MemError, RowTable};

#[test]
fn a_file_is_its_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data");
    for len in [1, 4095, 4096, 100_000] {
        let bytes: Vec<u8> = (0..len).map(|index| index as u8).collect();
        fs::write(&path, &bytes).unwrap();
        let file = MappedFile::open(&path).unwrap();
        file.advise_sequential().unwrap();
        file.advise_large_pages();
        assert_eq!(*file, bytes);
        file.check().unwrap();
    }
}

#[test]
fn an_empty_file_is_an_empty_slice() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    let file = MappedFile::open(empty.path()).unwrap();
    file.advise_sequential().unwrap();
    assert!(file.is_empty());
    file.check().unwrap();
    fs::write(empty.path(), "no more").unwrap();
    assert!(matches!(file.check(), Err(MemError::Resized { expected: 0, found: 7, .. })));
}

#[test]
fn a_shortened_file_is_noticed() {
    let shrinking = tempfile::NamedTempFile::new().unwrap();
    fs::write(shrinking.path(), [1; 10_000]).unwrap();
    let file = MappedFile::open(shrinking.path()).unwrap();
    shrinking.as_file().set_len(9_999).unwrap();
    let error = file.check().unwrap_err();
    assert!(matches!(error, MemError::Resized { expected: 10_000, found: 9_999, .. }), "{error:?}");
    let path = shrinking.path().display();
    let said = format!("{path}: expected 10000 bytes, as when it was opened, found 9999: the file was written to");
    assert!(error.to_string().starts_with(&said), "{error}");
}

#[test]
fn a_replaced_file_keeps_its_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let (path, new) = (directory.path().join("model"), directory.path().join("model.new"));
    fs::write(&path, [1; 5000]).unwrap();
    fs::write(&new, [2; 10]).unwrap();
    let file = MappedFile::open(&path).unwrap();
    fs::rename(&new, &path).unwrap();
    assert_eq!(*file, [1; 5000]);
    file.check().unwrap();
}

#[test]
fn a_missing_file_is_named() {
    let error = MappedFile::open("/no/such/file").unwrap_err();
    assert!(matches!(error, MemError::File { action: "open", .. }));
    assert!(error.to_string().starts_with("cannot open /no/such/file: "), "{error}");
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_mapped() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let paths = [(directory.path(), "directory"), (&pipe, "pipe"), ("/dev/null".as_ref(), "device")];
    for (path, found) in paths {
        let error = MappedFile::open(path).unwrap_err();
        assert!(matches!(error, MemError::NotRegular { .. }), "{error}");
        let expected = format!("cannot map {}: expected a regular file, found a {found}", path.display());
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn elements_of_a_file_are_aligned_and_keep_it_mapped() {
    let named = tempfile::NamedTempFile::new().unwrap();
    let numbers: Vec<u32> = (0..1024).collect();
    fs::write(named.path(), numbers.iter().flat_map(|number| number.to_ne_bytes()).collect::<Vec<u8>>()).unwrap();
    let file = Arc::new(MappedFile::open(named.path()).unwrap());
    for wrong in [1..5, 0..7, 4092..4100, 4096..4100, usize::MAX - 3..usize::MAX] {
        assert!(FileSlice::<u32>::new(&file, wrong.clone()).is_none(), "{wrong:?}");
    }
    assert!(FileSlice::<u32>::new(&file, 4096..4096).unwrap().is_empty());
    let slice = FileSlice::<u32>::new(&file, 4..4096).unwrap();
    assert_eq!(slice.file().len(), 4096);
    drop(file);
    assert_eq!(*slice, numbers[1..]);
}

#[test]
fn tables_in_a_file_are_whole_lines() {
    let named = tempfile::NamedTempFile::new().unwrap();
    let numbers: Vec<u32> = (0..1024).collect();
    fs::write(named.path(), numbers.iter().flat_map(|number| number.to_ne_bytes()).collect::<Vec<u8>>()).unwrap();
    let file = Arc::new(MappedFile::open(named.path()).unwrap());
    let table = |bytes, width| RowTable::in_file(FileSlice::<u32>::new(&file, bytes).unwrap(), width);
    for (bytes, width) in [(0..4096, 0), (0..4096, 8), (0..4096, 17), (4..68, 16), (0..4096, 48)] {
        assert!(table(bytes.clone(), width).is_none(), "{bytes:?}, {width}");
    }
    let table = table(64..4096, 16).unwrap();
    assert_eq!((table.rows(), table.width(), table.stride()), (63, 16, 16));
    assert_eq!(table.row(1), &numbers[32..48]);
    assert!(table.is_in_file() && table.report().asked.is_empty());
}

#[test]
#[should_panic(expected = "read-only")]
fn tables_in_a_file_cannot_be_written() {
    let named = tempfile::NamedTempFile::new().unwrap();
    fs::write(named.path(), [0; 64]).unwrap();
    let file = Arc::new(MappedFile::open(named.path()).unwrap());
    RowTable::in_file(FileSlice::<u8>::new(&file, 0..64).unwrap(), 64).unwrap().row_mut(0)[0] = 1;
}
