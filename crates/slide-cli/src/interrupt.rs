//! Ctrl-C and SIGTERM while a model is trained.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The conventional exit code of an interrupted program.
pub(crate) const EXIT_CODE: u8 = 130;

/// While it exists, a signal is only recorded ([`requested`](Self::requested)), so that the training can end with a checkpoint.
/// A second one, or one at any other time, ends the program immediately.
pub(crate) struct Deferred {
    /// Set by a signal: the next one ends the program.
    deadly: Arc<AtomicBool>,
}

impl Deferred {
    pub(crate) fn new() -> Result<Self> {
        static DEADLY: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        let known = DEADLY.get().is_some();
        let deadly = DEADLY.get_or_init(Arc::default).clone();
        deadly.store(false, Ordering::Relaxed);
        for signal in [SIGINT, SIGTERM].into_iter().filter(|_| !known) {
            // In this order: the signal that sets the flag does not yet end the program.
            flag::register_conditional_shutdown(signal, EXIT_CODE.into(), deadly.clone())
                .and_then(|_| flag::register(signal, deadly.clone()))
                .context("cannot watch for Ctrl-C")?;
        }
        Ok(Self { deadly })
    }

    /// Whether there has been a signal.
    pub(crate) fn requested(&self) -> bool {
        self.deadly.load(Ordering::Relaxed)
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        self.deadly.store(true, Ordering::Relaxed);
    }
}
