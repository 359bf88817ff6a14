//! Systems that refuse: system calls forbidden as in a container, and a limit on address space.
#![cfg(all(target_os = "linux", not(any(miri, slide_portable))))]

use std::num::NonZeroUsize;
use std::thread;

use slide_mem::{Arena, MemError, NumaPolicy, PagePolicy, Pinning, Placement, RowTable, Topology, Workers};

/// Makes these system calls fail with EPERM for this thread and the threads it starts, for good.
fn forbid(calls: &[libc::c_long]) {
    const LOAD_WORD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let instruction = |code, k, jt| libc::sock_filter { code, jt, jf: 0, k };
    // The number of the call is the first word of `seccomp_data`.
    let mut program = vec![instruction(LOAD_WORD, 0, 0)];
    for (index, &call) in calls.iter().enumerate() {
        // Over the comparisons that are left and the permission, to the refusal.
        program.push(instruction(JUMP_IF_EQUAL, call as u32, (calls.len() - index) as u8));
    }
    program.push(instruction(RETURN, libc::SECCOMP_RET_ALLOW, 0));
    program.push(instruction(RETURN, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32, 0));
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: `filter` describes `program`, which outlives the calls; the kernel copies it.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter), 0);
    }
}

/// Runs `test` on a thread that may not make these calls.
fn without(calls: &'static [libc::c_long], test: impl FnOnce() + Send + 'static) {
    let thread = thread::spawn(|| {
        forbid(calls);
        test();
    });
    thread.join().unwrap();
}

#[test]
fn workers_stay_unpinned() {
    without(&[libc::SYS_sched_setaffinity], || {
        let topology = Topology::detect();
        let workers = Workers::new(NonZeroUsize::new(topology.cpus.len()), Pinning::All, &topology).unwrap();
        assert_eq!(workers.cpus(), []);
        let notes: Vec<String> = workers.fallbacks().iter().map(ToString::to_string).collect();
        assert_eq!(notes, ["pinned workers: Operation not permitted (os error 1)"]);
        let mut items = [0; 10];
        workers.each(&mut items, |_, item| *item += 1);
        assert_eq!(items, [1; 10]);
    });
}

#[test]
fn topology_is_detected_all_the_same() {
    without(&[libc::SYS_sched_getaffinity], || {
        let topology = Topology::detect();
        assert!(!topology.cpus.is_empty());
        Workers::new(None, Pinning::All, &topology).unwrap().broadcast(|_| {});
    });
}

#[test]
fn tables_are_not_placed() {
    without(&[libc::SYS_mbind, libc::SYS_madvise], || {
        let nodes = Topology::detect().nodes.iter().filter(|node| node.memory_bytes > 0).count();
        for numa in [NumaPolicy::Interleave, NumaPolicy::Partition] {
            let placement = Placement { pages: PagePolicy::Auto, numa };
            let mut table = RowTable::<f32>::zeroed(10_000, 128, placement).unwrap();
            table.as_mut_slice().fill(1.0);
            let report = table.report().to_string();
            let reason = if nodes > 1 { "mbind: Operation not permitted (os error 1)" } else { "this machine has" };
            assert!(report.contains(&format!("not granted: numa {numa}: {reason}")), "{report}");
            assert!(
                report.contains("not granted: transparent huge pages: ")
                    || Topology::detect().pages.transparent.is_none(),
                "{report}"
            );
        }
    });
}

/// Runs the test of this name again, in a process of its own, because a limit is for all threads. False in that process.
fn ran_in_child(test: &str) -> bool {
    const CHILD: &str = "SLIDE_MEM_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return false;
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", test]).env(CHILD, "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    true
}

fn limit(what: libc::__rlimit_resource_t, bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: the kernel reads one `rlimit`.
    assert_eq!(unsafe { libc::setrlimit(what, &limit) }, 0);
}

#[test]
fn a_limit_on_address_space_is_an_error() {
    if ran_in_child("a_limit_on_address_space_is_an_error") {
        return;
    }
    limit(libc::RLIMIT_AS, 1 << 30);
    for pages in PagePolicy::ALL {
        let placement = Placement { pages, numa: NumaPolicy::Local };
        let error = Arena::new(1 << 30, placement).unwrap_err();
        assert!(matches!(error, MemError::OutOfMemory { bytes, .. } if bytes >= 1 << 30), "{error}");
        assert!(error.to_string().contains("Cannot allocate memory"), "{error}");
        assert!(Arena::new(1 << 24, placement).is_ok());
    }
}

/// Nothing is locked in memory, so there is nothing that the limit could take: the system refuses the same calls with it as
/// without. How many transparent huge pages the kernel finds is left out: that changes from one moment to the next.
#[test]
fn a_limit_on_locked_memory_changes_nothing() {
    let refusals = |pages| {
        let mut table = RowTable::<f32>::zeroed(16 << 10, 128, Placement { pages, numa: NumaPolicy::Local }).unwrap();
        table.as_mut_slice().fill(1.0);
        let notes = table.report().fallbacks.into_iter().map(|fallback| (fallback.wanted, fallback.reason));
        notes.filter(|(_, reason)| reason.contains("os error")).collect::<Vec<_>>()
    };
    if ran_in_child("a_limit_on_locked_memory_changes_nothing") {
        return;
    }
    let before = PagePolicy::ALL.map(refusals);
    limit(libc::RLIMIT_MEMLOCK, 0);
    assert_eq!(PagePolicy::ALL.map(refusals), before);
}

/// As in a container with one CPU: the default is one worker, which is the caller, pinned and without a note.
#[test]
fn one_cpu_is_one_worker() {
    without(&[], || {
        let all = Topology::detect();
        let last = all.cpus[all.cpus.len() - 1].id;
        let one = Topology::from_root(std::path::Path::new("/"), Some(&[last]));
        let pinned = Workers::new(NonZeroUsize::new(1), Pinning::All, &one).unwrap();
        assert_eq!((pinned.cpus(), pinned.fallbacks()), (&[last][..], &[][..]));
        let topology = Topology::detect();
        assert_eq!(topology.cpus.iter().map(|cpu| cpu.id).collect::<Vec<_>>(), [last]);
        let workers = Workers::new(None, Pinning::All, &topology).unwrap();
        assert_eq!((workers.count(), workers.cpus()), (1, &[last][..]));
        // Where other CPUs are offline, there may be a note about those.
        assert!(workers.fallbacks().is_empty() || !topology.offline_cpus.is_empty(), "{:?}", workers.fallbacks());
        // Two on one CPU take turns, and neither waits for the other for ever.
        let two = Workers::new(NonZeroUsize::new(2), Pinning::All, &topology).unwrap();
        assert_eq!(two.fallbacks().len(), 1);
        let mut items = [0; 9];
        (0..100).for_each(|_| two.each(&mut items, |_, item| *item += 1));
        assert_eq!(items, [100; 9]);
    });
}
