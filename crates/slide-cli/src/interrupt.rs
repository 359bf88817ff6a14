//! Signals that end the program: SIGINT (Ctrl-C), SIGTERM and SIGHUP; and the one of a file that grows too large.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};

/// The conventional exit code of an interrupted program.
pub(crate) const EXIT_CODE: u8 = 130;

/// Makes a write beyond the limit of file sizes (`ulimit -f`) an error like that of a full disk, where it would end the process.
pub(crate) fn survive_file_size_limit() {
    #[cfg(unix)]
    {
        // If the signal cannot be watched, it does what it did before.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    }
}

/// While it exists, a signal is only recorded ([`requested`](Self::requested)), so that the training can end with a checkpoint.
/// A second one, or one at any later time, ends the program immediately.
pub(crate) struct Deferred {
    requested: Arc<AtomicBool>,
}

impl Deferred {
    pub(crate) fn new() -> Result<Self> {
        let requested = system::defer().context("cannot watch for Ctrl-C")?;
        requested.store(false, Ordering::Relaxed);
        Ok(Self { requested })
    }

    /// Whether there has been a signal.
    pub(crate) fn requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        self.requested.store(true, Ordering::Relaxed);
    }
}

/// Lets signals remove files that are not complete, for a verb that writes files.
pub(crate) fn remove_unfinished_files() -> Result<()> {
    system::watch().context("cannot watch for signals")
}

/// A thread waits for signals: what is to be done is more than a handler may do.
#[cfg(unix)]
mod system {
    use std::io;
    use std::sync::{Arc, Mutex, PoisonError};

    use signal_hook::consts::SIGHUP;
    use signal_hook::iterator::{Handle, Signals};
    use signal_hook::low_level;

    use super::*;

    /// What the thread knows.
    struct Watch {
        handle: Handle,
        /// In a program that trains: set by a signal, and the next one ends the program.
        requested: Option<Arc<AtomicBool>>,
    }

    static WATCH: Mutex<Option<Watch>> = Mutex::new(None);

    pub(super) fn watch() -> io::Result<()> {
        with_watch(|_| Ok(()))
    }

    pub(super) fn defer() -> io::Result<Arc<AtomicBool>> {
        with_watch(|watch| {
            // A training listens to these even where a shell that started it in the background had them ignored.
            [SIGINT, SIGTERM].into_iter().try_for_each(|signal| watch.handle.add_signal(signal))?;
            Ok(watch.requested.get_or_insert_default().clone())
        })
    }

    fn with_watch<T>(f: impl FnOnce(&mut Watch) -> io::Result<T>) -> io::Result<T> {
        let mut slot = WATCH.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            let ignored = ignored();
            let signals = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !ignored(*signal));
            let mut signals = Signals::new(signals)?;
            let handle = signals.handle();
            std::thread::Builder::new().name("signals".into()).spawn(move || signals.forever().for_each(on))?;
            *slot = Some(Watch { handle, requested: None });
        }
        match slot.as_mut() {
            Some(watch) => f(watch),
            None => unreachable!("set above"),
        }
    }

    fn on(signal: i32) {
        let requested =
            WATCH.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|watch| watch.requested.clone());
        let requested = requested.flatten();
        if requested.as_ref().is_some_and(|requested| !requested.swap(true, Ordering::Relaxed)) {
            return;
        }
        slide_core::abandon_unfinished_files();
        if requested.is_none() {
            // Does not return: these signals end a program.
            let _ = low_level::emulate_default_handler(signal);
        }
        low_level::exit(EXIT_CODE.into());
    }

    /// The signals that were ignored when the program started, as SIGHUP is by `nohup`. Where the system does not tell, SIGHUP is
    /// left as it is.
    fn ignored() -> impl Fn(i32) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
        move |signal| match mask {
            Some(mask) => mask >> (signal - 1) & 1 == 1,
            None => signal == SIGHUP,
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;
    use std::sync::OnceLock;

    use signal_hook::flag;

    use super::*;

    pub(super) fn watch() -> io::Result<()> {
        Ok(())
    }

    pub(super) fn defer() -> io::Result<Arc<AtomicBool>> {
        static REQUESTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        let known = REQUESTED.get().is_some();
        let requested = REQUESTED.get_or_init(Arc::default).clone();
        for signal in [SIGINT, SIGTERM].into_iter().filter(|_| !known) {
            // In this order: the signal that sets the flag does not yet end the program.
            flag::register_conditional_shutdown(signal, EXIT_CODE.into(), requested.clone())?;
            flag::register(signal, requested.clone())?;
        }
        Ok(requested)
    }
}
