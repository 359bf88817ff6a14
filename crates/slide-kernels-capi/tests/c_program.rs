//! The header is what cbindgen generates from the code, and a C program that includes it links and runs.

use std::path::{Path, PathBuf};
use std::process::Command;

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `SLIDE_BLESS=1 cargo test -p slide-kernels-capi` regenerates the header.
#[test]
fn the_header_is_up_to_date() {
    let config = cbindgen::Config::from_file(crate_folder().join("cbindgen.toml")).unwrap();
    let bindings = cbindgen::Builder::new().with_crate(crate_folder()).with_config(config).generate().unwrap();
    let mut made = Vec::new();
    bindings.write(&mut made);
    let path = crate_folder().join("include/slide_kernels.h");
    if std::env::var_os("SLIDE_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let found = std::fs::read(&path).unwrap_or_default();
    assert!(found == made, "{} is not what cbindgen generates; SLIDE_BLESS=1 regenerates it", path.display());
}

/// Methods without a C function, by the beginning of their names, and why.
const EXCEPTIONS: &[(&str, &str)] = &[("probe_", "they measure a machine, and compute nothing")];

#[test]
fn every_kernel_has_a_c_function() {
    let header = std::fs::read_to_string(crate_folder().join("include/slide_kernels.h")).unwrap();
    for kernel in slide_kernels::list::KERNELS {
        let method = kernel.method;
        let there = header.contains(&format!(" slide_{method}("));
        let excepted = EXCEPTIONS.iter().any(|(beginning, _)| method.starts_with(beginning));
        assert!(there != excepted, "slide_{method}: in the header {there}, excepted {excepted}");
    }
}

/// The folder of the static library, which cargo builds together with this test.
fn library_folder() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let found = folder.join("libslide_kernels_capi.a").is_file();
    assert!(found, "no libslide_kernels_capi.a in {}", folder.display());
    folder
}

/// Compiles a C program against the header and the static library, and runs it; returns what it printed.
fn run(source: &Path) -> String {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let status = Command::new(&compiler)
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
        .arg(crate_folder().join("include"))
        .arg(source)
        .arg(library_folder().join("libslide_kernels_capi.a"))
        .args(["-lm", "-lpthread", "-ldl", "-o"])
        .arg(&program)
        .status()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    assert!(status.success(), "{compiler} failed");
    let output = Command::new(&program).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the program failed: {errors}");
    assert!(errors.is_empty(), "the library printed: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_c_program_links_and_runs() {
    run(&crate_folder().join("tests/program.c"));
}

#[test]
fn the_example_of_the_readme_runs() {
    let text = std::fs::read_to_string(crate_folder().join("README.md")).unwrap();
    let (_, example) = text.split_once("```c\n").expect("a C example");
    let (example, _) = example.split_once("```").expect("its end");
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("example.c");
    std::fs::write(&source, example).unwrap();
    assert_eq!(run(&source), "2 6\n");
}
