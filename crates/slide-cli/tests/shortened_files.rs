//! Files that another process shortens while the program reads them: an error that names the file, and no death by a signal.
#![cfg(all(target_os = "linux", target_env = "gnu", not(slide_portable)))]

mod common;

use std::path::PathBuf;
use std::process::Command;

use common::{Folder, SMALL, stderr};

/// A preloaded library that acts as the other process: as soon as the program has mapped `$SHORTENED`, it cuts the file to `$LEFT`
/// bytes. `mmap` is also called by the program's handler of `SIGBUS`, on a stack of a few KiB, without a file: for that call it
/// needs no memory, and the library is linked such that no symbol is looked up then.
const SHORTENER: &str = r#"
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((noinline)) static void shorten(int file) {
    const char *shortened = getenv("SHORTENED");
    char link[64], path[PATH_MAX + 1] = {0};
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (shortened && readlink(link, path, PATH_MAX) > 0 && strcmp(path, shortened) == 0) {
        if (truncate(path, atol(getenv("LEFT"))) != 0) abort();
    }
}

void *mmap64(void *address, size_t length, int protection, int flags, int file, off_t offset) {
    void *start = (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset);
    if (file >= 0) shorten(file);
    return start;
}

void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset) {
    return mmap64(address, length, protection, flags, file, offset);
}
"#;

fn shortener(folder: &Folder) -> PathBuf {
    let (source, library) = (folder.write("shortener.c", SHORTENER), folder.path("shortener.so"));
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let status =
        Command::new(&compiler).args(["-shared", "-fPIC", "-Wl,-z,now", "-o"]).arg(&library).arg(&source).status();
    assert!(status.unwrap_or_else(|error| panic!("{compiler}: {error}")).success());
    library
}

#[test]
fn every_mapped_file() {
    let folder = Folder::new();
    let library = shortener(&folder);
    folder.train("model.slide", "--checkpoint-every 4 --keep-checkpoint").success();
    folder.slide("data convert train.txt trainX.npz").assert().success();
    let gzip = Command::new("gzip").args(["-k", "train.txt"]).current_dir(folder.path(".")).status();
    assert!(gzip.unwrap().success());
    let train = |file: &str, rest: &str| format!("train {file} -o new.slide {SMALL} {rest}");
    for (file, words) in [
        ("train.txt", train("train.txt", "")),
        ("train.txt.gz", train("train.txt.gz", "")),
        ("test.txt", train("train.txt", "--test test.txt")),
        ("trainX.npz", train("trainX.npz", "")),
        ("trainY.npz", train("trainX.npz", "")),
        ("model.slide", "predict model.slide test.txt".into()),
        ("model.slide", "eval model.slide test.txt".into()),
        ("model.slide", "info model.slide".into()),
        ("model.slide.checkpoint", train("train.txt", "--resume model.slide.checkpoint --epochs 9")),
    ] {
        let (path, whole) = (folder.path(file).canonicalize().unwrap(), folder.read(file));
        for left in [0, 1, whole.len() / 2, whole.len() - 1] {
            let mut command = folder.slide(&words);
            command.env("LD_PRELOAD", &library).env("SHORTENED", &path).env("LEFT", left.to_string());
            let assert = command.assert().code(1).stdout("");
            let said = format!("{file}: expected {} bytes, as when it was opened, found {left}: ", whole.len());
            let text = stderr(&assert);
            assert!(text.contains(&said) && !text.contains("panicked"), "{words}, {left} bytes left: {text}");
            folder.write(file, &whole);
        }
        assert!(!folder.path("new.slide").exists(), "{words}");
    }
}
