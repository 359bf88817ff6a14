//! Ctrl-C and SIGTERM while a model is trained.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result};

/// What a shell expects of a program that was interrupted.
pub(crate) const EXIT_CODE: u8 = 130;

/// While it lives, the first signal is only noted ([`requested`](Self::requested)), so that the training can end in
/// good order; otherwise, and from the second on, a signal ends the program at once.
pub(crate) struct Deferred {
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    deferred: AtomicBool,
    requested: AtomicBool,
}

impl Deferred {
    pub(crate) fn new() -> Result<Self> {
        static STATE: OnceLock<Arc<State>> = OnceLock::new();
        let mut installed = Ok(());
        let state = STATE.get_or_init(|| {
            let state = Arc::<State>::default();
            let handler = state.clone();
            installed = ctrlc::set_handler(move || {
                let first = !handler.requested.swap(true, Ordering::Relaxed);
                if !first || !handler.deferred.load(Ordering::Relaxed) {
                    std::process::exit(EXIT_CODE.into());
                }
            });
            state
        });
        installed.context("cannot watch for Ctrl-C")?;
        state.deferred.store(true, Ordering::Relaxed);
        Ok(Self { state: state.clone() })
    }

    /// Whether a signal has come.
    pub(crate) fn requested(&self) -> bool {
        self.state.requested.load(Ordering::Relaxed)
    }
}

impl Drop for Deferred {
    fn drop(&mut self) {
        self.state.deferred.store(false, Ordering::Relaxed);
    }
}
