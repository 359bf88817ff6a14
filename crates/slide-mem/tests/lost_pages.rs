//! Files that are shortened while they are mapped: what a reader sees, and what a `SIGBUS` of others still does.
#![cfg(all(target_os = "linux", not(any(miri, slide_portable))))]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::sync::Barrier;
use std::thread;

use slide_mem::{BusErrors, MappedFile, MemError, set_bus_error_handling};
use tempfile::NamedTempFile;

/// Bytes of a page: 64 KiB on some Arm systems.
fn page() -> usize {
    // SAFETY: only asks.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

/// A file of so many ones.
fn ones(bytes: usize) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    fs::write(file.path(), vec![1; bytes]).unwrap();
    file
}

fn shorten(file: &NamedTempFile, bytes: usize) {
    file.as_file().set_len(bytes as u64).unwrap();
}

fn sum(bytes: &[u8]) -> usize {
    bytes.iter().map(|&byte| usize::from(byte)).sum()
}

/// Runs the test of this name again, in a process of its own with `SLIDE_MEM_TEST_CHILD` set.
fn child(test: &str) -> Output {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]).env("SLIDE_MEM_TEST_CHILD", "1").output().unwrap()
}

fn is_child() -> bool {
    std::env::var_os("SLIDE_MEM_TEST_CHILD").is_some()
}

#[test]
fn what_is_gone_reads_as_zeros_and_is_told() {
    let bytes = 100 * page() + 17;
    for left in [0, 1, page(), 50 * page() - 1, 50 * page(), 100 * page()] {
        let file = ones(bytes);
        let mapped = MappedFile::open(file.path()).unwrap();
        shorten(&file, left);
        // The last page first, then all: a page is lost once by itself, once by the loss of one before it.
        assert_eq!(mapped[bytes - 1], 0);
        assert_eq!(sum(&mapped), left, "{left} bytes left");
        let error = mapped.check().unwrap_err();
        let (expected, found) = (bytes as u64, left as u64);
        assert!(
            matches!(&error, MemError::Resized { path, expected: e, found: f }
            if path == file.path() && (*e, *f) == (expected, found)),
            "{error:?}"
        );
    }
}

#[test]
fn a_file_that_has_its_length_again_is_found_out() {
    let file = ones(10 * page());
    let mapped = MappedFile::open(file.path()).unwrap();
    mapped.check().unwrap();
    shorten(&file, 3 * page());
    assert_eq!(sum(&mapped), 3 * page());
    fs::write(file.path(), vec![1; 10 * page()]).unwrap();
    let error = mapped.check().unwrap_err();
    assert!(matches!(error, MemError::Lost { offset, .. } if offset == 3 * page() as u64), "{error:?}");
    let said = format!("{}: the bytes from {} on could not be read", file.path().display(), 3 * page());
    assert!(error.to_string().starts_with(&said), "{error}");
    // A new mapping starts afresh, in the place of the old one.
    drop(mapped);
    let mapped = MappedFile::open(file.path()).unwrap();
    assert_eq!(sum(&mapped), 10 * page());
    mapped.check().unwrap();
}

#[test]
fn other_files_are_not_concerned() {
    let files: Vec<_> = (0..20).map(|_| ones(5 * page())).collect();
    let mapped: Vec<_> = files.iter().map(|file| MappedFile::open(file.path()).unwrap()).collect();
    shorten(&files[7], page());
    for (number, mapped) in mapped.iter().enumerate() {
        assert_eq!(sum(mapped), if number == 7 { page() } else { 5 * page() });
        assert_eq!(mapped.check().is_ok(), number != 7, "{number}");
    }
}

/// All at once: readers of one lost file, each from another place, and others that open, lose and close their own.
#[test]
fn threads_lose_pages_together() {
    let (threads, pages) = (8, 64);
    let shared = ones(pages * page());
    let mapped = MappedFile::open(shared.path()).unwrap();
    shorten(&shared, 0);
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        for thread in 0..threads {
            let (mapped, start) = (&mapped, &start);
            scope.spawn(move || {
                start.wait();
                for number in 0..pages {
                    assert_eq!(mapped[(number * 29 + thread * 8) % pages * page()], 0);
                }
                assert!(mapped.check().is_err());
                for round in 0..50 {
                    let own = ones(4 * page());
                    let mapped = MappedFile::open(own.path()).unwrap();
                    let left = round % 5 * page();
                    shorten(&own, left);
                    assert_eq!(sum(&mapped), left);
                    assert_eq!(mapped.check().is_ok(), left == 4 * page());
                }
            });
        }
    });
}

#[test]
fn a_forked_child_reads_on() {
    let file = ones(4 * page());
    let mapped = MappedFile::open(file.path()).unwrap();
    shorten(&file, page());
    // SAFETY: the child only reads the mapping, examines a file and ends, none of which needs a lock that another thread
    // may have held.
    let status = unsafe {
        let child = libc::fork();
        if child == 0 {
            let right = mapped[0] == 1 && mapped[3 * page()] == 0;
            libc::_exit(if right { 7 } else { 8 });
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        status
    };
    assert!(libc::WIFEXITED(status), "{status:#x}");
    assert_eq!(libc::WEXITSTATUS(status), 7);
    // The parent has lost nothing yet.
    assert_eq!(sum(&mapped), page());
}

/// The process was ended by `SIGBUS`, and by no failed assertion.
fn assert_killed(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    let killed = output.status.signal() == Some(libc::SIGBUS) || said.contains("AddressSanitizer: BUS");
    assert!(killed, "{:?}: {}{said}", output.status, String::from_utf8_lossy(&output.stdout));
}

/// Reads behind the end of a file that is mapped by other means.
fn read_foreign() -> u8 {
    let file = ones(2 * page());
    // SAFETY: nobody else knows of the file. That it is shortened is the point.
    let foreign = unsafe { memmap2::Mmap::map(file.as_file()) }.unwrap();
    shorten(&file, 0);
    foreign[page()]
}

#[test]
fn mappings_of_others_end_the_process_as_ever() {
    if is_child() {
        let file = ones(page());
        let _watched = MappedFile::open(file.path()).unwrap();
        println!("read {} and lived", read_foreign());
        return;
    }
    assert_killed(&child("mappings_of_others_end_the_process_as_ever"));
}

/// The handler that the process has for `SIGBUS`.
fn bus_error_handler() -> usize {
    // SAFETY: writes one `sigaction`, of which zeros are a valid value.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        assert_eq!(libc::sigaction(libc::SIGBUS, std::ptr::null(), &mut action), 0);
        action.sa_sigaction
    }
}

#[test]
fn without_the_handler_a_shortened_file_ends_the_process() {
    if !is_child() {
        assert_killed(&child("without_the_handler_a_shortened_file_ends_the_process"));
        return;
    }
    let before = bus_error_handler();
    set_bus_error_handling(BusErrors::Unhandled);
    let file = ones(2 * page());
    let mapped = MappedFile::open(file.path()).unwrap();
    assert_eq!(sum(&mapped), 2 * page());
    mapped.check().unwrap();
    assert_eq!(bus_error_handler(), before);
    // The handler is installed for files that are opened later, and does not concern the first.
    set_bus_error_handling(BusErrors::Handled);
    let handled_file = ones(2 * page());
    let handled = MappedFile::open(handled_file.path()).unwrap();
    assert_ne!(bus_error_handler(), before);
    set_bus_error_handling(BusErrors::Unhandled);
    shorten(&handled_file, page());
    assert_eq!(sum(&handled), page());
    assert!(handled.check().is_err());
    shorten(&file, page());
    assert!(matches!(mapped.check(), Err(MemError::Resized { .. })));
    println!("read {} and lived", sum(&mapped));
}

type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

fn handle_bus_errors(handler: Handler, flags: libc::c_int) {
    // SAFETY: the handlers here may run at any time, see there; zeros are a valid `sigaction`.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        (action.sa_sigaction, action.sa_flags) = (handler as usize, flags);
        assert_eq!(libc::sigaction(libc::SIGBUS, &action, std::ptr::null_mut()), 0);
    }
}

/// A handler that was there before gets what is not ours, with the address, and signals that are sent.
#[test]
fn an_earlier_handler_is_asked() {
    static SENT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    extern "C" fn earlier(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: installed with SA_SIGINFO; both calls are allowed in handlers.
        unsafe {
            if (*info).si_code == libc::BUS_ADRERR {
                libc::_exit(if (*info).si_addr().is_null() { 41 } else { 42 });
            }
        }
        SENT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
    if !is_child() {
        let output = child("an_earlier_handler_is_asked");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(42), "{said}{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    handle_bus_errors(earlier, libc::SA_SIGINFO);
    let file = ones(2 * page());
    let mapped = MappedFile::open(file.path()).unwrap();
    shorten(&file, page());
    assert_eq!(sum(&mapped), page());
    assert_eq!(SENT.load(std::sync::atomic::Ordering::SeqCst), 0);
    // SAFETY: sends this thread a signal that is handled above.
    unsafe { libc::raise(libc::SIGBUS) };
    assert_eq!(SENT.load(std::sync::atomic::Ordering::SeqCst), 1);
    println!("read {} and lived", read_foreign());
}

/// Runs `f` with another alternate stack of signals, and returns how many bytes of it were used: from the lowest one that was
/// written to the top.
fn stack_used(f: impl FnOnce()) -> usize {
    const UNUSED: u8 = 0xa5;
    let mut stack = vec![UNUSED; 1 << 18];
    let ours = libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: stack.len() };
    let mut before = libc::stack_t { ss_sp: std::ptr::null_mut(), ..ours };
    // SAFETY: `stack` is used for nothing else until the stack that was there before is set again.
    assert_eq!(unsafe { libc::sigaltstack(&ours, &mut before) }, 0);
    f();
    // SAFETY: that stack belongs to this thread.
    assert_eq!(unsafe { libc::sigaltstack(&before, std::ptr::null_mut()) }, 0);
    stack.len() - stack.iter().position(|&byte| byte != UNUSED).unwrap()
}

/// Alternate stacks are small, and what the kernel stores there may take most of them: see `sys/lost_pages.rs`.
#[test]
fn the_handler_needs_little_stack() {
    const BUDGET: usize = 1024;
    extern "C" fn earlier(_: libc::c_int, _: *mut libc::siginfo_t, _: *mut libc::c_void) {}
    if !is_child() {
        let output = child("the_handler_needs_little_stack");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    // SAFETY: sends this thread a signal that is handled.
    let send = || assert_eq!(unsafe { libc::raise(libc::SIGBUS) }, 0);
    handle_bus_errors(earlier, libc::SA_SIGINFO | libc::SA_ONSTACK);
    // What the kernel stores, and a handler that does nothing.
    let least = stack_used(send);
    let file = ones(2 * page());
    let mapped = MappedFile::open(file.path()).unwrap();
    shorten(&file, 0);
    let replaced = stack_used(|| assert_eq!(sum(&mapped), 0)) - least;
    assert!(mapped.check().is_err());
    let passed_on = stack_used(send) - least;
    println!("{least} bytes without the handler; {replaced} more to replace pages, {passed_on} to pass a signal on");
    assert!(replaced > 0 && passed_on > 0 && replaced.max(passed_on) <= BUDGET);
}
