//! A thread pool in which each item of work always belongs to the same thread.

use std::any::Any;
use std::cell::{Cell, RefCell, UnsafeCell};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, Thread, ThreadId};
use std::time::{Duration, Instant};

use crate::{Fallback, MemError, Topology, sys};

/// How long a thread polls for the next task, or for the end of the other workers' parts, before it sleeps. Several times the
/// cost of waking a sleeping thread, so that no thread sleeps during the short serial parts between the phases of a batch.
const SPIN: Duration = Duration::from_micros(20);

/// The same for threads that are not all pinned. The scheduler may run two of them on one CPU, where polling delays the thread
/// that is waited for: a call took 44 us with 20 us here, and takes 5 us with 2. (Yielding the CPU instead gives it to other
/// programs for milliseconds.)
const SPIN_UNPINNED: Duration = Duration::from_micros(2);

/// Which threads a pool binds to CPUs, each to a CPU of its own.
///
/// A pinned pool is for a program that has its CPUs for itself: two pools that are pinned to the same CPUs slow each other down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pinning {
    /// None: the affinity of no thread is changed.
    #[default]
    None,
    /// The threads that the pool starts, workers 1, 2, ...: the affinity of the calling thread is not changed. No other worker is
    /// bound to the CPU of worker 0, so the scheduler can run the calling thread there.
    Started,
    /// All workers. The calling thread is worker 0: it may run on one CPU only until the same thread drops the pool, which
    /// restores the CPUs that it was allowed before. Threads that it starts meanwhile inherit that one CPU.
    All,
}

/// A thread pool with a fixed division of work: item `i` of `n` always belongs to worker `i * count / n`; there is no work
/// stealing. The calling thread is worker 0. Calls return when all workers are done.
///
/// Calls from several threads run one after the other. A call from inside a task, of this pool or another, would deadlock: it
/// panics.
pub struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// Held during a call.
    turn: Mutex<()>,
    /// How long to poll before sleeping.
    spin: Duration,
    caller: Option<Caller>,
    cpus: Vec<u32>,
    fallbacks: Vec<Fallback>,
}

/// The calling thread of a pinned pool, and what to restore.
struct Caller {
    thread: ThreadId,
    /// The CPUs that it was allowed to use, if it is pinned.
    cpus_before: Option<Vec<u32>>,
    /// Its `NODES`.
    nodes_before: Vec<u32>,
}

/// A task whose lifetime is erased: see `Shared` for how long it is valid.
#[derive(Clone)]
struct Task {
    run: *const (dyn Fn(usize) + Sync),
    /// Unparked by the worker that finishes last.
    caller: Thread,
}

struct Shared {
    /// Number of tasks published. A worker runs one task for each increment.
    published: AtomicUsize,
    /// Workers, without the caller, that have not finished the task of `published`.
    unfinished: AtomicUsize,
    /// The task that was published last; `None` ends the workers.
    ///
    /// Written by a thread that holds `turn` (or owns the pool) while `unfinished` is 0, before it increments `published`. Read by
    /// workers after that, until they decrement `unfinished`.
    task: UnsafeCell<Option<Task>>,
    /// The workers that panicked in the current task, with the panics' payloads.
    panics: Mutex<Vec<(usize, Box<dyn Any + Send>)>>,
}

// SAFETY: `task` is the only member that is not `Sync`; its accesses are ordered as stated there. `Task::run` points to a `Sync`
// closure that lives until all workers are done with it.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

thread_local! {
    /// Whether this thread is running its part of a task.
    static IN_TASK: Cell<bool> = const { Cell::new(false) };

    /// The node of each worker of the pinned pool that this thread made last; empty if there is none.
    static NODES: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// The node of each worker of the pinned pool that the calling thread made last; empty if there is none.
pub(crate) fn nodes_of_pinned_workers() -> Vec<u32> {
    NODES.with_borrow(Clone::clone)
}

/// A pointer to a slice of which each worker uses its own part.
struct Parts<T>(*mut T);

// SAFETY: the workers get disjoint parts (see the uses), so this moves `&mut T`s to other
// threads, for which `T: Send` is enough.
unsafe impl<T: Send> Sync for Parts<T> {}

impl<T> Parts<T> {
    /// # Safety
    /// `range` lies in the slice that the pointer was made from, whose borrow lasts for `'a`, and no other reference to
    /// that part is made meanwhile.
    unsafe fn part<'a>(&self, range: Range<usize>) -> &'a mut [T] {
        // SAFETY: by the contract of this function.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(range.start), range.len()) }
    }
}

impl Workers {
    /// Starts `threads` - 1 threads; the calling thread is worker 0. `None` is one worker for each core that the process may use,
    /// or fewer if its control group limits processor time to less.
    ///
    /// Unless `pinning` is [`Pinning::None`], each worker gets a CPU of its own: consecutive workers are on the same node, SMT
    /// siblings are used last. Tables that the calling thread makes under
    /// [`NumaPolicy::Partition`](crate::NumaPolicy::Partition) are then placed on the nodes of the workers, until the pool is
    /// dropped. If there are more workers than CPUs, or the system refuses, no thread is pinned and [`Workers::fallbacks`] says
    /// why.
    ///
    /// Detect the topology before the calling thread is pinned: it lists only the CPUs that the detecting thread may use.
    ///
    /// # Errors
    /// [`MemError::Thread`] if the system starts no more threads.
    pub fn new(threads: Option<NonZeroUsize>, pinning: Pinning, topology: &Topology) -> Result<Self, MemError> {
        let count = threads.map_or_else(|| topology.default_workers(), NonZeroUsize::get);
        let mut pool = Self {
            shared: Arc::new(Shared {
                published: AtomicUsize::new(0),
                unfinished: AtomicUsize::new(0),
                task: UnsafeCell::new(None),
                panics: Mutex::new(Vec::new()),
            }),
            threads: Vec::with_capacity(count - 1),
            turn: Mutex::new(()),
            spin: match count {
                _ if count > topology.cpus.len() || cfg!(miri) => Duration::ZERO,
                _ if pinning == Pinning::All => SPIN,
                _ => SPIN_UNPINNED,
            },
            caller: None,
            cpus: Vec::new(),
            fallbacks: Vec::new(),
        };
        for worker in 1..count {
            let (shared, spin) = (Arc::clone(&pool.shared), pool.spin);
            let thread = thread::Builder::new()
                .name(format!("slide-{worker}"))
                .spawn(move || shared.serve(worker, spin))
                // Dropping the pool ends the threads that have been started.
                .map_err(|source| MemError::Thread { worker, count, source })?;
            pool.threads.push(thread);
        }
        // If this process is restricted to some CPUs, offline ones are of no interest.
        if threads.is_none() && !topology.offline_cpus.is_empty() && topology.forbidden_cpus.is_empty() {
            let unused = topology.unused_cpus().unwrap_or_default();
            pool.fallbacks.push(Fallback::new("a worker for each core", unused));
        }
        if pinning != Pinning::None {
            pool.pin(pinning, topology);
        }
        Ok(pool)
    }

    fn pin(&mut self, pinning: Pinning, topology: &Topology) {
        let wanted = "pinned workers";
        let Some(cpus) = topology.worker_cpus(self.count()) else {
            let (count, cpus) = (self.count(), topology.cpus.len());
            let unused = topology.unused_cpus().map(|unused| format!("; {unused}")).unwrap_or_default();
            self.fallbacks.push(Fallback::new(wanted, format!("{count} workers on {cpus} allowed CPUs{unused}")));
            return;
        };
        let before = match sys::allowed_cpus() {
            Ok(before) => before,
            Err(error) => return self.fallbacks.push(Fallback::new(wanted, error)),
        };
        let refused = Mutex::new(None);
        let pins_caller = pinning == Pinning::All;
        let pins = |worker| worker > 0 || pins_caller;
        self.broadcast(|worker| {
            if pins(worker)
                && let Err(error) = sys::set_allowed_cpus(&cpus[worker..=worker])
            {
                *refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        });
        match refused.into_inner().unwrap_or_else(PoisonError::into_inner) {
            None => {
                let node_of = |id: &u32| topology.cpus.iter().find(|cpu| cpu.id == *id).map_or(0, |cpu| cpu.node);
                let nodes = NODES.replace(cpus.iter().map(node_of).collect());
                let cpus_before = pins_caller.then_some(before);
                self.caller = Some(Caller { thread: thread::current().id(), cpus_before, nodes_before: nodes });
                self.cpus = cpus;
            }
            Some(error) => {
                // All or none: unpinned workers would take the CPUs of pinned ones. Where the system refuses to pin, it may
                // refuse this too, and there is nothing to undo.
                self.broadcast(|worker| {
                    if pins(worker) {
                        drop(sys::set_allowed_cpus(&before));
                    }
                });
                self.fallbacks.push(Fallback::new(wanted, error));
            }
        }
    }

    /// Number of workers, the caller included; at least 1.
    pub fn count(&self) -> usize {
        self.threads.len() + 1
    }

    /// The CPU of each worker; empty if no worker is pinned. Under [`Pinning::Started`] worker 0 is not bound to its CPU.
    pub fn cpus(&self) -> &[u32] {
        &self.cpus
    }

    /// What was asked for and not granted: why workers are not pinned, and which CPUs are offline if no number of threads was given.
    pub fn fallbacks(&self) -> &[Fallback] {
        &self.fallbacks
    }

    /// Of `items` items, those that belong to `worker`: the contiguous range of `i` with `i * count / items == worker`.
    ///
    /// # Panics
    /// If `worker` >= `count`.
    pub fn run_of(&self, worker: usize, items: usize) -> Range<usize> {
        assert!(worker < self.count(), "worker {worker} of {}", self.count());
        run_of(worker, self.count(), items)
    }

    /// Calls `f(worker)` once on each worker.
    ///
    /// # Panics
    /// If it is called from inside a task. If `f` panics: after all workers are done, with the panic of the lowest worker.
    pub fn broadcast(&self, f: impl Fn(usize) + Sync) {
        self.run(&f);
    }

    /// Calls `f(i, &mut items[i])` for each item, on the worker that it belongs to, in ascending
    /// order there.
    ///
    /// # Panics
    /// As [`Workers::broadcast`]. A worker that panics skips the rest of its items; the others complete theirs.
    pub fn each<T: Send>(&self, items: &mut [T], f: impl Fn(usize, &mut T) + Sync) {
        let (count, len) = (self.count(), items.len());
        let parts = Parts(items.as_mut_ptr());
        let parts = &parts;
        self.run(&|worker| {
            let run = run_of(worker, count, len);
            // SAFETY: the runs of different workers are disjoint parts of 0..len, `run` calls
            // each worker once, and returns before the borrow of `items` ends.
            let items = unsafe { parts.part(run.clone()) };
            for (index, item) in run.zip(items) {
                f(index, item);
            }
        });
    }

    /// As [`Workers::each`], with `&mut scratch[worker]` as another argument.
    ///
    /// # Panics
    /// As [`Workers::each`], and if `scratch` does not have `count` elements.
    pub fn each_with<T: Send, S: Send>(
        &self,
        scratch: &mut [S],
        items: &mut [T],
        f: impl Fn(usize, &mut T, &mut S) + Sync,
    ) {
        let (count, len) = (self.count(), items.len());
        assert_eq!(scratch.len(), count, "scratch needs one element for each worker");
        let (parts, scratch) = (&Parts(items.as_mut_ptr()), &Parts(scratch.as_mut_ptr()));
        self.run(&|worker| {
            let run = run_of(worker, count, len);
            // SAFETY: as in `each`; of `scratch`, which has `count` elements, each worker gets one.
            let (items, scratch) = unsafe { (parts.part(run.clone()), scratch.part(worker..worker + 1)) };
            for (index, item) in run.zip(items) {
                f(index, item, &mut scratch[0]);
            }
        });
    }

    /// Runs `task(worker)` exactly once for each worker; returns or unwinds when all are done.
    fn run(&self, task: &(dyn Fn(usize) + Sync)) {
        assert!(!IN_TASK.get(), "a pool of workers was called from inside a task: this would deadlock");
        // Poisoning is ignored: after a panic that was passed on, the pool is idle.
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.publish(task);
        let mine = run_part(task, 0);
        // No unwinding from here until the other workers are done: they use `task`.
        wait(self.spin, || self.shared.unfinished.load(Ordering::Acquire) == 0);
        let mut panics = std::mem::take(&mut *self.shared.lock_panics());
        drop(turn);
        panics.extend(mine.err().map(|payload| (0, payload)));
        panics.sort_by_key(|&(worker, _)| worker);
        let mut payloads = panics.into_iter().map(|(_, payload)| payload);
        if let Some(payload) = payloads.next() {
            for other in payloads {
                // Dropping a payload may panic, and dropping the payload of that panic too: that one is leaked, so that the
                // first panic is the one that the caller sees.
                if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(other))) {
                    std::mem::forget(again);
                }
            }
            resume_unwind(payload);
        }
    }

    /// Gives the task to all other workers. The caller holds `turn`.
    fn publish(&self, task: &(dyn Fn(usize) + Sync)) {
        if self.threads.is_empty() {
            return;
        }
        // SAFETY: only the lifetime changes. The pointer is dereferenced by workers before they
        // decrement `unfinished`, and `run`, which borrows the task, waits for that.
        let run: *const (dyn Fn(usize) + Sync) =
            unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(task) };
        self.shared.unfinished.store(self.threads.len(), Ordering::Relaxed);
        // SAFETY: `turn` is held, and `unfinished` was 0 (Acquire, in `run`): no worker reads `task`.
        unsafe { *self.shared.task.get() = Some(Task { run, caller: thread::current() }) };
        self.step();
    }

    /// Publishes the content of `task`.
    fn step(&self) {
        // Release: a worker that sees the new number sees `task` and `unfinished`.
        self.shared.published.fetch_add(1, Ordering::Release);
        for thread in &self.threads {
            thread.thread().unpark();
        }
    }
}

impl Shared {
    /// The main loop of a worker.
    fn serve(&self, worker: usize, spin: Duration) {
        let mut done = 0usize;
        loop {
            wait(spin, || self.published.load(Ordering::Acquire) != done);
            done = done.wrapping_add(1);
            // SAFETY: the new number was seen (Acquire), and this worker has not yet decremented `unfinished`: no thread writes
            // `task`.
            let Some(task) = (unsafe { (*self.task.get()).clone() }) else {
                return;
            };
            // SAFETY: the caller keeps the closure alive until `unfinished` is 0.
            let result = run_part(unsafe { &*task.run }, worker);
            if let Err(payload) = result {
                self.lock_panics().push((worker, payload));
            }
            // Release: a caller that sees 0 sees what the task wrote. The caller may return at once and even drop the pool; this
            // thread holds its own handles to both.
            if self.unfinished.fetch_sub(1, Ordering::AcqRel) == 1 {
                task.caller.unpark();
            }
        }
    }

    fn lock_panics(&self) -> std::sync::MutexGuard<'_, Vec<(usize, Box<dyn Any + Send>)>> {
        self.panics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run_part(task: &(dyn Fn(usize) + Sync), worker: usize) -> thread::Result<()> {
    IN_TASK.set(true);
    // Unwind safety is the caller's concern: the panic is raised again there.
    let result = catch_unwind(AssertUnwindSafe(|| task(worker)));
    IN_TASK.set(false);
    result
}

/// Returns when `ready` is true. The thread that makes it true must unpark this thread afterwards.
fn wait(spin: Duration, ready: impl Fn() -> bool) {
    if !spin.is_zero() {
        let start = Instant::now();
        while start.elapsed() < spin {
            if ready() {
                return;
            }
            std::hint::spin_loop();
        }
    }
    while !ready() {
        thread::park();
    }
}

fn run_of(worker: usize, count: usize, items: usize) -> Range<usize> {
    // The first item of a worker is the least i with i * count >= worker * items. Wide, because
    // items without size may be more than memory holds.
    let first = |worker: usize| (worker as u128 * items as u128).div_ceil(count as u128) as usize;
    first(worker)..first(worker + 1)
}

impl Drop for Workers {
    fn drop(&mut self) {
        // SAFETY: the pool is owned, so no call is running and no worker reads `task` (see `publish`).
        unsafe { *self.shared.task.get() = None };
        self.step();
        for thread in self.threads.drain(..) {
            // No error: a worker catches the panics of its tasks.
            let _ = thread.join();
        }
        if let Some(caller) = self.caller.take()
            && caller.thread == thread::current().id()
        {
            if let Some(cpus) = caller.cpus_before {
                // A drop cannot report an error.
                let _ = sys::set_allowed_cpus(&cpus);
            }
            NODES.set(caller.nodes_before);
        }
    }
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workers").field("count", &self.count()).field("cpus", &self.cpus).finish_non_exhaustive()
    }
}
