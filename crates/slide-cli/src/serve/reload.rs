//! New model files, taken over while requests are answered.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};

use super::model::Source;
use super::service::Service;
use crate::output::{causes, say};
use crate::progress::Style;

/// How often a file that is watched is looked at. It is read when it has not changed from one time to the next, so that one that is
/// being written is not read.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Starts the thread that reads a model whenever something is sent, and with `watch` whenever its file has changed.
/// `served` is what the files were before the first model was read.
pub(crate) fn start(
    source: Source,
    served: State,
    watch: bool,
    service: Arc<Service>,
    show: Style,
) -> Result<Sender<()>> {
    let (sender, requests) = mpsc::channel();
    let reloader = Reloader { served, source, service, show };
    let thread = thread::Builder::new().name("reload".into());
    thread.spawn(move || reloader.run(&requests, watch)).context("cannot start the thread that reads models")?;
    Ok(sender)
}

struct Reloader {
    source: Source,
    service: Arc<Service>,
    show: Style,
    /// Of the files that were read last, whether their model was taken or refused.
    served: State,
}

impl Reloader {
    fn run(mut self, requests: &Receiver<()>, watch: bool) {
        let mut seen = self.served.clone();
        loop {
            match requests.recv_timeout(LOOK_EVERY) {
                Ok(()) => {
                    // Several signals that came meanwhile are one.
                    while requests.try_recv().is_ok() {}
                    self.reload();
                }
                Err(RecvTimeoutError::Timeout) if watch => {
                    let now = State::of(&self.source);
                    if now.is_complete() && now == seen && now != self.served {
                        self.reload();
                    }
                    seen = now;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn reload(&mut self) {
        // Before it is read: a file that changes meanwhile is read again.
        self.served = State::of(&self.source);
        let generation = self.service.served().generation + 1;
        let model = self.source.load(generation);
        self.service.metrics.load(model.is_ok());
        match model {
            Ok(model) => {
                let file = model.path().display().to_string();
                self.service.take_over(model);
                self.show.note(&format!("{file}: taken over as model {generation}"));
            }
            Err(error) => {
                let before = generation - 1;
                say(&format!("{}\n  model {before} is still served", causes("the new model is refused:", &error)));
            }
        }
    }
}

/// What tells a file from the one that was there before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State(Vec<Option<FileState>>);

#[derive(Clone, Debug, PartialEq)]
struct FileState {
    bytes: u64,
    modified: Option<SystemTime>,
    number: u64,
}

impl State {
    pub(crate) fn of(source: &Source) -> Self {
        let files = [Some(source.model.as_path()), source.label_names.as_deref(), source.feature_names.as_deref()];
        Self(files.into_iter().flatten().map(FileState::of).collect())
    }

    fn is_complete(&self) -> bool {
        self.0.iter().all(Option::is_some)
    }
}

impl FileState {
    fn of(path: &Path) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let number = 0;
        Some(Self { bytes: metadata.len(), modified: metadata.modified().ok(), number })
    }
}
