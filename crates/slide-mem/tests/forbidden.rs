//! Systems that refuse: system calls forbidden as in a container, and a limit on address space.
#![cfg(all(target_os = "linux", not(any(miri, slide_portable))))]

use std::num::NonZeroUsize;
use std::thread;

use slide_mem::{Arena, MemError, NumaPolicy, PagePolicy, Placement, RowTable, Topology, Workers};

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
        let workers = Workers::new(NonZeroUsize::new(topology.cpus.len()), true, &topology).unwrap();
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
        Workers::new(None, true, &topology).unwrap().broadcast(|_| {});
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
            assert!(report.contains(&format!("not obtained: numa {numa}: {reason}")), "{report}");
            assert!(
                report.contains("not obtained: transparent huge pages: ")
                    || Topology::detect().pages.transparent.is_none(),
                "{report}"
            );
        }
    });
}

/// In a process of its own, because a limit is for all threads.
#[test]
fn a_limit_on_address_space_is_an_error() {
    const CHILD: &str = "SLIDE_MEM_TEST_CHILD";
    if std::env::var_os(CHILD).is_none() {
        let program = std::env::current_exe().unwrap();
        let mut child = std::process::Command::new(program);
        child.args(["--exact", "a_limit_on_address_space_is_an_error"]).env(CHILD, "1");
        let output = child.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let limit = libc::rlimit { rlim_cur: 1 << 30, rlim_max: 1 << 30 };
    // SAFETY: the kernel reads one `rlimit`.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
    for pages in PagePolicy::ALL {
        let placement = Placement { pages, numa: NumaPolicy::Local };
        let error = Arena::new(1 << 30, placement).unwrap_err();
        assert!(matches!(error, MemError::OutOfMemory { bytes, .. } if bytes >= 1 << 30), "{error}");
        assert!(error.to_string().contains("Cannot allocate memory"), "{error}");
        assert!(Arena::new(1 << 24, placement).is_ok());
    }
}
