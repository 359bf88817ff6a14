//! Progress on standard error: bars on a terminal, plain lines elsewhere, nothing if the user wants quiet.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use slide_core::train::Progress;

use crate::output::{causes, count, seconds};

/// Without a terminal, a line at most so often.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Whether and how progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Quiet,
    Lines,
    Bars,
}

impl Style {
    pub(crate) fn new(quiet: bool) -> Self {
        match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Bars,
            (false, false) => Self::Lines,
        }
    }

    /// A line about something that is done.
    pub(crate) fn note(self, text: &str) {
        if self != Self::Quiet {
            eprintln!("{text}");
        }
    }

    /// Shows that something is being done, until the answer is there.
    pub(crate) fn during<T>(self, what: &str, work: impl FnOnce() -> T) -> T {
        if self != Self::Bars {
            return work();
        }
        let bar = ProgressBar::new_spinner().with_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        let answer = work();
        bar.finish_and_clear();
        answer
    }

    /// Shows how many of `total` points are done, which `work` is to tell.
    pub(crate) fn points<T>(self, what: &str, total: usize, work: impl FnOnce(&mut dyn FnMut(usize)) -> T) -> T {
        if self != Self::Bars {
            return work(&mut |_| {});
        }
        let style = ProgressStyle::with_template("{msg}  [{bar:28}] {percent:>3} %  {eta} left");
        let bar = ProgressBar::new(total as u64).with_style(style.expect("a constant template").progress_chars("=> "));
        bar.set_message(what.to_owned());
        let answer = work(&mut |done| bar.set_position(done as u64));
        bar.finish_and_clear();
        answer
    }
}

/// The progress of a training.
pub(crate) struct Training {
    style: Style,
    bar: ProgressBar,
    epoch_start: (Instant, u64),
    last_line: Instant,
}

impl Training {
    /// Of a run that begins behind `points_done` points of an earlier one.
    pub(crate) fn new(style: Style, points_done: u64) -> Self {
        let bar = if style == Style::Bars { ProgressBar::no_length() } else { ProgressBar::hidden() };
        let template = "{prefix}  [{bar:28}] {percent:>3} %  {msg}  {rate:>9} samples/s  {eta} left";
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{}", count(state.per_sec() as u64));
        };
        let plain = ProgressStyle::with_template(template).expect("a constant template");
        bar.set_style(plain.with_key("rate", rate).progress_chars("=> "));
        bar.set_position(points_done);
        bar.reset_eta();
        let now = Instant::now();
        Self { style, bar, epoch_start: (now, points_done), last_line: now }
    }

    pub(crate) fn update(&mut self, progress: &Progress) {
        let &Progress { epoch, epochs, points_done, points_total, .. } = progress;
        if self.style == Style::Quiet {
            return;
        }
        let name = format!("epoch {epoch:>width$}/{epochs}", width = epochs.to_string().len());
        if self.style == Style::Bars {
            self.bar.set_length(points_total);
            self.bar.set_position(points_done);
            self.bar.set_prefix(name.clone());
            self.bar.set_message(format!("loss {:.4}", progress.epoch_loss));
        }
        let (start, points_before) = self.epoch_start;
        let spent = start.elapsed().as_secs_f64();
        let rate = points_done.saturating_sub(points_before) as f64 / spent.max(1e-9);
        if progress.epoch_finished {
            let loss = progress.epoch_loss;
            self.say(&format!("{name}  loss {loss:.4}  {:>9} samples/s  {}", count(rate as u64), seconds(spent)));
            self.epoch_start = (Instant::now(), points_done);
        } else if self.style == Style::Lines && self.last_line.elapsed() >= LINE_EVERY {
            let percent = 100 * points_done / points_total.max(1);
            let left = points_total.saturating_sub(points_done) as f64 / rate;
            let loss = progress.epoch_loss;
            let line = format!("{name}  {percent:>3} %  loss {loss:.4}  {:>9} samples/s", count(rate as u64));
            self.say(&format!("{line}  {} left", seconds(left)));
        }
    }

    /// A line that stays.
    pub(crate) fn say(&mut self, text: &str) {
        self.last_line = Instant::now();
        match self.style {
            Style::Quiet => {}
            Style::Lines => eprintln!("{text}"),
            Style::Bars => self.bar.println(text),
        }
    }

    /// What the user is to see in any case.
    pub(crate) fn warn(&self, error: &anyhow::Error) {
        self.bar.suspend(|| eprintln!("{}", causes("warning:", error)));
    }

    /// Time that was spent on something else does not count.
    pub(crate) fn skip(&mut self, time: Duration) {
        self.epoch_start.0 += time;
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
