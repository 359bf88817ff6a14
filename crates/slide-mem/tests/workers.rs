//! The pool of workers; small enough for Miri.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use slide_mem::{Pinning, Synthetic, Workers};

const ROUNDS: usize = if cfg!(miri) { 5 } else { 2000 };

fn pool(count: usize) -> Workers {
    // CPUs enough to spin, whatever the machine.
    let machine = Synthetic { nodes: 1, cores_per_node: 4, threads_per_core: 1, memory_bytes_per_node: 0 };
    Workers::new(NonZeroUsize::new(count), Pinning::None, &machine.topology()).unwrap()
}

fn message(payload: &(dyn std::any::Any + Send)) -> &str {
    payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied()).unwrap_or("")
}

#[test]
fn each_item_once_by_its_owner() {
    for count in [1, 2, 3, 7] {
        let workers = pool(count);
        assert_eq!(workers.count(), count);
        let threads = Mutex::new(vec![None; count]);
        workers.broadcast(|worker| threads.lock().unwrap()[worker] = Some(thread::current().id()));
        let threads: Vec<_> = threads.into_inner().unwrap().into_iter().map(Option::unwrap).collect();
        assert_eq!(threads[0], thread::current().id());
        for len in [0, 1, 2, 3, 6, 7, 8, 64, 100] {
            let mut items = vec![None; len];
            workers.each(&mut items, |index, item| {
                assert!(item.is_none());
                *item = Some((index, thread::current().id()));
            });
            for (index, item) in items.into_iter().enumerate() {
                assert_eq!(item, Some((index, threads[index * count / len])), "{len} items, {count} workers");
            }
            let runs = (0..count).flat_map(|worker| workers.run_of(worker, len));
            assert!(runs.eq(0..len));
        }
    }
}

#[test]
fn items_without_size() {
    let workers = pool(3);
    let runs: Vec<_> = (0..3).map(|worker| workers.run_of(worker, usize::MAX)).collect();
    assert_eq!((runs[0].start, runs[2].end), (0, usize::MAX));
    let visited = AtomicUsize::new(0);
    workers.each(&mut [(); 10], |_, ()| {
        visited.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(visited.into_inner(), 10);
}

#[test]
fn scratch_belongs_to_the_worker() {
    for count in [1, 2, 3, 7] {
        let workers = pool(count);
        let mut scratch: Vec<Vec<usize>> = vec![Vec::new(); count];
        let mut items: Vec<usize> = vec![0; 50];
        for _ in 0..2 {
            workers.each_with(&mut scratch, &mut items, |index, item, seen| {
                *item += index;
                seen.push(index);
            });
        }
        assert!(items.iter().enumerate().all(|(index, &item)| item == 2 * index));
        for (worker, seen) in scratch.iter().enumerate() {
            let run = workers.run_of(worker, 50);
            assert!(seen.iter().copied().eq(run.clone().chain(run)));
        }
    }
}

#[test]
#[should_panic = "scratch needs one element for each worker"]
fn scratch_for_other_workers() {
    pool(2).each_with(&mut [0; 3], &mut [0; 5], |_, _, _| {});
}

#[test]
fn every_call_is_finished_before_the_next() {
    for count in [1, 2, 3, 7] {
        let workers = pool(count);
        let mut sums = vec![0; 20];
        for round in 0..ROUNDS {
            workers.each(&mut sums, |index, sum| *sum += index * round);
        }
        let rounds: usize = (0..ROUNDS).sum();
        assert!(sums.iter().enumerate().all(|(index, &sum)| sum == index * rounds));
    }
}

#[test]
fn workers_wake_from_sleep() {
    let workers = pool(3);
    for _ in 0..3 {
        thread::sleep(std::time::Duration::from_millis(2));
        let sleeper = AtomicUsize::new(0);
        workers.broadcast(|worker| {
            // The others wait long enough to sleep, the caller among them.
            if worker == 2 {
                thread::sleep(std::time::Duration::from_millis(2));
                sleeper.store(1, Ordering::Relaxed);
            }
        });
        assert_eq!(sleeper.into_inner(), 1);
    }
}

#[test]
fn a_panic_reaches_the_caller_after_all_are_done() {
    for count in [1, 2, 3, 7] {
        let workers = pool(count);
        for guilty in 0..count {
            let mut items = vec![0; 70];
            let first = workers.run_of(guilty, 70).start;
            let panic = catch_unwind(AssertUnwindSafe(|| {
                workers.each(&mut items, |index, item| {
                    assert!(index != first, "item {index}");
                    *item = 1;
                });
            }));
            assert_eq!(message(&*panic.unwrap_err()), format!("item {first}"));
            // The others did their share, and the pool does the next task.
            for (index, &item) in items.iter().enumerate() {
                assert_eq!(item, u32::from(index * count / 70 != guilty));
            }
            workers.each(&mut items, |_, item| *item = 2);
            assert_eq!(items, [2; 70]);
        }
    }
}

#[test]
fn of_several_panics_the_lowest_workers_is_raised() {
    let workers = pool(3);
    for expected in [0, 1, 2] {
        let panic = catch_unwind(AssertUnwindSafe(|| {
            workers.broadcast(|worker| {
                if worker >= expected {
                    resume_unwind(Box::new(format!("worker {worker}")));
                }
            });
        }));
        assert_eq!(message(&*panic.unwrap_err()), format!("worker {expected}"));
    }
}

#[test]
fn nested_calls_are_refused() {
    for count in [1, 3] {
        let (workers, other) = (pool(count), pool(2));
        for inner in [&workers, &other] {
            for caller in 0..count {
                let panic = catch_unwind(AssertUnwindSafe(|| {
                    workers.broadcast(|worker| {
                        if worker == caller {
                            inner.broadcast(|_| {});
                        }
                    });
                }));
                assert!(message(&*panic.unwrap_err()).contains("from inside a task"));
            }
        }
        workers.broadcast(|_| {});
        other.broadcast(|_| {});
    }
}

#[test]
fn callers_take_turns() {
    let workers = pool(2);
    let inside = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..ROUNDS / 5 {
                    let mut items = [0; 4];
                    workers.each(&mut items, |_, item| {
                        assert!(inside.fetch_add(1, Ordering::Relaxed) < 2);
                        *item += 1;
                        inside.fetch_sub(1, Ordering::Relaxed);
                    });
                    assert_eq!(items, [1; 4]);
                }
            });
        }
    });
}

#[test]
fn dropped_pools_end_their_threads() {
    struct Leaving<'a>(&'a AtomicUsize);
    impl Drop for Leaving<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    thread_local! {
        static LEAVING: std::cell::RefCell<Option<Leaving<'static>>> = const { std::cell::RefCell::new(None) };
    }
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    let workers = pool(7);
    workers.broadcast(|worker| {
        if worker > 0 {
            LEAVING.set(Some(Leaving(&ENDED)));
        }
    });
    assert_eq!(ENDED.load(Ordering::SeqCst), 0);
    drop(workers);
    assert_eq!(ENDED.load(Ordering::SeqCst), 6);
}

#[test]
fn a_pool_may_move_to_another_thread() {
    let workers = pool(3);
    thread::spawn(move || {
        let mut items = [0; 9];
        workers.each(&mut items, |_, item| *item = 1);
        assert_eq!(items, [1; 9]);
    })
    .join()
    .unwrap();
}

#[cfg(not(miri))]
#[test]
fn more_workers_than_cpus_are_not_pinned() {
    let topology = slide_mem::Topology::detect();
    let count = topology.cpus.len() + 1;
    let workers = Workers::new(NonZeroUsize::new(count), Pinning::All, &topology).unwrap();
    assert!(workers.cpus().is_empty());
    let notes: Vec<String> = workers.fallbacks().iter().map(ToString::to_string).collect();
    // Which CPUs are offline, or not allowed, may follow.
    let expected = format!("pinned workers: {count} workers on {} allowed CPUs", count - 1);
    assert!(notes.len() == 1 && notes[0].starts_with(&expected), "{notes:?}");
    let mut items = vec![0; 100];
    workers.each(&mut items, |index, item| *item = index);
    assert!(items.into_iter().eq(0..100));
}

#[test]
fn the_default_is_a_worker_per_core() {
    let machine = Synthetic { nodes: 1, cores_per_node: 1, threads_per_core: 2, memory_bytes_per_node: 0 };
    assert_eq!(Workers::new(None, Pinning::None, &machine.topology()).unwrap().count(), 1);
}
