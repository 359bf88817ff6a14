//! Ctrl-C and SIGTERM while a model is trained.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// What a shell expects of a program that was interrupted.
pub(crate) const EXIT_CODE: u8 = 130;

/// While it lives, a signal is only noted ([`requested`](Self::requested)), so that the training can end in good order.
/// A second one, or one at any other time, ends the program at once.
pub(crate) struct Deferred {
    /// Whether the next signal ends the program. A signal sets it.
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

    /// Whether a signal has come.
    pub(crate) fn requested(&self) -> bool {
        self.deadly.load(Ordering::Relaxed)
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        self.deadly.store(true, Ordering::Relaxed);
    }
}
