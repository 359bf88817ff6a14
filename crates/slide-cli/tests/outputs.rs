//! Everything that the program writes: where it goes, what is left when it is cut off, and what is said if it cannot be written.
#![cfg(target_os = "linux")]

mod common;

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Folder, SMALL, json, odd, std_slide, stderr, stdout, word};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use predicates::prelude::*;

/// Every verb that writes a file, to OUT.
fn writers() -> Vec<String> {
    let train = format!("train train.txt -q -o OUT {SMALL} --epochs 1");
    let others = [
        "tune train.txt -q -o OUT",
        "index m.slide --data train.txt -q -o OUT --lists 4",
        "quantize m.slide --to int8 -q -o OUT",
        "data convert train.txt OUT -q",
        "data synth --examples 300 --labels 20 --features 200 -q -o OUT",
        "data synth --examples 300 --labels 20 --features 200 -q -o other.txt --test OUT",
    ];
    std::iter::once(train).chain(others.map(str::to_owned)).collect()
}

fn folder_with_model() -> Folder {
    let folder = Folder::new();
    folder.train("m.slide", "--epochs 1").success();
    folder
}

/// The names in the folder that begin with a dot.
fn hidden(folder: &Folder) -> Vec<OsString> {
    let names = fs::read_dir(folder.path(".")).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.as_bytes().starts_with(b".")).collect()
}

#[test]
fn links_stay_links_and_modes_are_kept() {
    let folder = folder_with_model();
    fs::create_dir(folder.path("far")).unwrap();
    symlink("far/second", folder.path("link")).unwrap();
    symlink("real", folder.path("far/second")).unwrap();
    symlink("far/new", folder.path("dangling")).unwrap();
    for words in writers() {
        let real = folder.write("far/real", "old");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
        let _ = fs::remove_file(folder.path("far/new"));
        for (link, file) in [("link", "far/real"), ("dangling", "far/new")] {
            folder.slide(&words.replace("OUT", link)).assert().success();
            assert!(folder.path(link).is_symlink(), "{words}");
            assert!(folder.path(file).is_file() && !folder.path(file).is_symlink(), "{words}");
            assert!(folder.read(file).len() > 3, "{words}");
        }
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o7777, 0o600, "{words}");
        assert_eq!(hidden(&folder), [""; 0], "{words}");
    }
}

/// Told before anything is read: here there is nothing to read.
#[test]
fn what_is_no_regular_file_is_refused_before_the_work() {
    let folder = Folder::new();
    assert!(Command::new("mkfifo").arg(folder.path("pipe")).status().unwrap().success());
    symlink("/dev/null", folder.path("link")).unwrap();
    symlink("loop", folder.path("loop")).unwrap();
    let before = fs::symlink_metadata("/dev/stderr").unwrap().ino();
    for words in writers() {
        let words = words.replace("train.txt", "none.txt").replace("m.slide", "none.slide");
        for (output, said) in [
            ("pipe", "it is not a regular file"),
            ("link", "it is not a regular file"),
            ("/dev/null", "it is not a regular file"),
            ("/dev/stderr", "it is an open file of a process"),
            ("/dev/fd/1", "it is an open file of a process"),
            ("loop", "too many symbolic links"),
            ("folder/", "it is a folder"),
        ] {
            // With a regular file as standard output, as with `> out`.
            let mut command = std_slide();
            command.current_dir(folder.path(".")).args(words.replace("OUT", output).split_whitespace());
            let run = command.stdout(File::create(folder.path("out")).unwrap()).output().unwrap();
            let text = String::from_utf8(run.stderr).unwrap();
            assert_eq!(run.status.code(), Some(1), "{words}: {text}");
            assert!(text.contains(&format!("cannot write {output}: {said}")), "{words}: {text}");
        }
    }
    assert_eq!(fs::symlink_metadata("/dev/stderr").unwrap().ino(), before);
    let long = "x".repeat(250);
    let words = format!("train none.txt -o {long}");
    folder.slide(&words).assert().code(1).stderr(predicate::str::contains("File name too long"));
}

#[test]
fn standard_output_where_a_stream_makes_sense() {
    let folder = folder_with_model();
    for name in ["-", "/dev/stdout"] {
        let converted = folder.slide(&format!("data convert train.txt {name} -q")).assert().success();
        assert_eq!(stdout(&converted), folder.text("train.txt"));
        let converted = folder.slide(&format!("data convert train.txt {name} --to svmlight")).assert().success();
        assert_eq!(stdout(&converted), folder.text("train.txt").split_once('\n').unwrap().1);
        assert!(stderr(&converted).contains("400 examples"), "{}", stderr(&converted));
        let counts = "--examples 300 --labels 20 --features 200";
        folder.slide(&format!("data synth {counts} -o s.svm --test t.txt")).assert().success();
        let made = folder.slide(&format!("data synth {counts} -o {name} --test t.txt --to svmlight -q")).assert();
        assert!(stdout(&made.success()).starts_with(&folder.text("s.svm")));
        let tuned = folder.slide(&format!("tune train.txt -q -o {name}")).assert().success();
        assert_eq!(stdout(&tuned), stdout(&folder.slide("tune train.txt -q").assert().success()));
    }
    for (words, said) in [
        ("data convert train.txt - --to npz", "npz is two files"),
        ("data convert train.txt - --to matrix", "matrix is two files"),
        ("data convert train.txt - --json", "--json: standard output is the data set"),
        ("data synth -o - --test -", "two outputs"),
        ("train train.txt -o -", "- is standard output"),
        ("train train.txt -o /dev/stdout", "/dev/stdout is standard output"),
        ("train train.txt -o n.slide --checkpoint -", "- is standard output"),
        ("train train.txt -o n.slide --log -", "--log: - is standard output"),
        ("index m.slide --data train.txt -o -", "- is standard output"),
        ("quantize m.slide --to int8 -o -", "- is standard output"),
    ] {
        folder.slide(words).assert().code(2).stdout("").stderr(predicate::str::contains(said));
    }
    assert!(!folder.path("-").exists());
    // The reader has seen enough.
    let mut command = std_slide();
    command.current_dir(folder.path(".")).args(["data", "convert", "train.txt", "-"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let run = child.wait_with_output().unwrap();
    assert!(run.status.success(), "{run:?}");
}

#[test]
fn both_files_of_npz_are_checked() {
    let folder = Folder::new();
    fs::create_dir(folder.path("aY.npz")).unwrap();
    let convert = |words: &str| folder.slide(&format!("data convert {words}")).assert();
    convert("none.txt aX.npz").code(1).stderr(predicate::str::contains("cannot write aY.npz: it is a folder"));
    folder.write("bY.npz", "");
    convert("bY.npz bX.npz").code(2).stderr(predicate::str::contains("bY.npz is an input"));
    // Before anything is read.
    convert("none.txt X.npy").code(1).stderr(predicate::str::contains("dense arrays are read, not written"));
}

/// Waits until the program has a file in the folder that has no name.
fn wait_for_unnamed(child: &mut Child) {
    let files = PathBuf::from(format!("/proc/{}/fd", child.id()));
    let begin = Instant::now();
    loop {
        let entries = fs::read_dir(&files).unwrap().flatten();
        let mut links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
        let is_unnamed = |link: PathBuf| link.as_os_str().as_bytes().ends_with(b" (deleted)");
        if links.any(is_unnamed) {
            // The one of the check before the work is closed at once.
            if fs::metadata(&files).is_ok() && begin.elapsed() > Duration::from_millis(300) {
                return;
            }
        }
        assert!(child.try_wait().unwrap().is_none() && begin.elapsed() < Duration::from_secs(60), "no such file");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn nothing_is_left_of_a_file_that_is_cut_off() {
    let folder = Folder::new();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGKILL] {
        for replaced in [false, true] {
            let _ = fs::remove_file(folder.path("big.txt.gz"));
            if replaced {
                folder.write("big.txt.gz", "old");
            }
            let mut command = std_slide();
            command.current_dir(folder.path(".")).args("data synth --examples 40000 -q -o big.txt.gz".split(' '));
            let mut child = command.spawn().unwrap();
            wait_for_unnamed(&mut child);
            kill(Pid::from_raw(child.id() as i32), signal).unwrap();
            assert_eq!(child.wait().unwrap().signal(), Some(signal as i32));
            assert_eq!(hidden(&folder), [""; 0]);
            assert_eq!(fs::read(folder.path("big.txt.gz")).ok(), replaced.then(|| b"old".to_vec()));
        }
    }
}

/// As on file systems without unnamed files: without /proc the program cannot give a name to one.
#[test]
fn a_temporary_name_is_removed_by_a_signal_or_by_the_next_run() {
    let folder = Folder::new();
    let without_proc = |words: &str| {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", "mount -t tmpfs none /proc && exec \"$@\"", "sh"]);
        command.arg(std_slide().get_program()).current_dir(folder.path(".")).args(words.split_whitespace());
        command
    };
    if !without_proc("--version").output().is_ok_and(|run| run.status.success()) {
        eprintln!("skipped: no user namespaces here");
        return;
    }
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
        let mut child = without_proc("data synth --examples 40000 -q -o big.txt.gz").spawn().unwrap();
        let begin = Instant::now();
        let is_temporary = |name: &OsString| name.as_bytes().ends_with(b".partial");
        while !hidden(&folder).iter().any(is_temporary) {
            assert!(child.try_wait().unwrap().is_none() && begin.elapsed() < Duration::from_secs(60), "no such file");
            std::thread::sleep(Duration::from_millis(1));
        }
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(signal as i32));
        assert_eq!(hidden(&folder).len(), usize::from(signal == Signal::SIGKILL), "{:?}", hidden(&folder));
    }
    folder.slide("tune train.txt -q -o t.toml").assert().success();
    assert_eq!(hidden(&folder), [""; 0]);
}

#[test]
fn kill_during_checkpoints() {
    let folder = folder_with_model();
    for milliseconds in [300, 407, 511, 613] {
        let mut command = std_slide();
        let words = format!("train train.txt -q -o c.slide {SMALL} --epochs 10000 --checkpoint-every 1");
        command.current_dir(folder.path(".")).args(words.split_whitespace());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
    // One may have got a temporary name when it was complete, and the next run removes it.
    assert!(hidden(&folder).len() <= 1, "{:?}", hidden(&folder));
    folder.write(".slide-1-abcdef.partial", "of a process that has ended");
    folder.slide("tune train.txt -q -o t.toml").assert().success();
    assert_eq!(hidden(&folder), [""; 0]);
}

/// `ulimit -f`: as a full disk, an error that names the file.
#[test]
fn a_limit_of_file_sizes_is_an_error() {
    let folder = folder_with_model();
    folder.slide("data synth --examples 3000 -q -o long.txt").assert().success();
    let limited = |words: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -f 1; exec \"$@\"", "sh"]).arg(std_slide().get_program());
        command.current_dir(folder.path(".")).args(words.split_whitespace());
        command
    };
    for words in [
        &format!("train train.txt -q -o OUT {SMALL} --epochs 1"),
        "tune long.txt -q -o OUT",
        "index m.slide --data train.txt -q -o OUT --lists 4",
        "quantize m.slide --to int8 -q -o OUT",
        "data convert train.txt OUT -q",
        "data synth -q -o OUT",
    ] {
        let run = limited(&words.replace("OUT", "new")).output().unwrap();
        let text = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(1), "{words}: {:?} {text}", run.status);
        assert!(text.contains("new") && text.contains("File too large"), "{words}: {text}");
        assert!(!folder.path("new").exists() && hidden(&folder).is_empty(), "{words}");
    }
    for words in ["predict m.slide train.txt -q", "data convert train.txt - -q"] {
        let output = File::create(folder.path("out")).unwrap();
        let run = limited(words).stdout(output).output().unwrap();
        let text = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(1), "{words}: {text}");
        assert!(text.contains("cannot write to standard output\n  because: File too large"), "{words}: {text}");
    }
}

#[test]
fn names_of_any_bytes() {
    let folder = Folder::new();
    let copy = |from: &str, to: &[u8]| fs::copy(folder.path(from), folder.path(".").join(odd(to))).unwrap();
    copy("train.txt", b"train.txt");
    copy("test.txt", b"test.txt");
    let numbers: String = (0..common::LABELS).map(|label| format!("label {label}\n")).collect();
    fs::write(folder.path(".").join(odd(b"names")), numbers).unwrap();
    fs::write(folder.path(".").join(odd(b"run.toml")), "epochs = 2\n").unwrap();
    fs::write(folder.path(".").join(odd(b"filter")), "").unwrap();
    for words in [
        &format!(
            "train ?train.txt -o ?m.slide {SMALL} --test ?test.txt --log ?log --checkpoint ?check --checkpoint-every 9 \
             --keep-checkpoint --config ?run.toml"
        ),
        &format!("train ?train.txt -o ?n.slide --resume ?check {SMALL} --epochs 8"),
        "tune ?train.txt -o ?tune.toml",
        "index ?m.slide --data ?train.txt -o ?i.slide --lists 4",
        "quantize ?m.slide --to int8 --data ?test.txt --max-loss 100 -o ?q.slide",
        "eval ?m.slide ?test.txt --compare ?n.slide --filter ?filter",
        "predict ?m.slide ?test.txt --names ?names",
        "info ?m.slide",
        "data stats ?train.txt",
        "data convert ?train.txt ?t.svm",
        "data convert ?train.txt ?X.npz",
        "data convert ?X.npz ?back.txt",
        "data synth --examples 300 --labels 20 --features 200 -o ?s.txt.zst",
    ] {
        let words: Vec<OsString> = words.split_whitespace().map(word).collect();
        for format in [None, Some("--json")] {
            let mut command = folder.slide("");
            let run = command.args(&words).args(format).assert().success();
            if format.is_none() || words[0] == "predict" {
                continue;
            }
            let said = json(&run);
            let path = said.get("model").or(said.get("file"));
            if ["train", "index", "quantize", "eval"].iter().any(|verb| words[0] == *verb) {
                assert!(path.unwrap().as_str().unwrap().starts_with('\u{fffd}'), "{said}");
            }
        }
    }
    assert_eq!(fs::read(folder.path(".").join(odd(b"back.txt"))).unwrap(), folder.read("train.txt"));
}

#[test]
fn the_checkpoint_of_a_finished_training_is_removed() {
    let folder = Folder::new();
    let checkpoint = folder.path("m.slide.checkpoint");
    folder.train("m.slide", "--checkpoint-every 30").success();
    assert!(!checkpoint.exists());
    folder.train("m.slide", "--checkpoint-every 30 --keep-checkpoint").success();
    assert!(checkpoint.exists());
    // Of this training it has not been the checkpoint.
    folder.train("m.slide", "").success();
    assert!(checkpoint.exists());
    fs::copy(&checkpoint, folder.path("other")).unwrap();
    folder.slide("train train.txt -q -o m.slide --resume other").assert().success();
    assert!(checkpoint.exists() && folder.path("other").exists());
    folder.slide("train train.txt -q -o m.slide --resume m.slide.checkpoint").assert().success();
    assert!(!checkpoint.exists());
    folder.write("run.toml", "keep-checkpoint = true\ncheckpoint-every = 30\n");
    folder.train("m.slide", "--config run.toml --keep-checkpoint=false").success();
    assert!(!checkpoint.exists());
    folder.train("m.slide", "--config run.toml").success();
    assert!(checkpoint.exists());
}
