//! Progress on standard error: bars on a terminal, lines otherwise, nothing with `--quiet`.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use slide_core::{LinearProgress, Progress};

use crate::output::{causes, count, say, seconds};

/// Minimum time between lines, without a terminal.
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

    /// A line about completed work.
    pub(crate) fn note(self, text: &str) {
        if self != Self::Quiet {
            say(text);
        }
    }

    /// Shows that work is in progress, until it is done.
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

    /// Shows how many of `total` examples are done, as `work` reports.
    pub(crate) fn examples<T>(self, what: &str, total: usize, work: impl FnOnce(&mut dyn FnMut(usize)) -> T) -> T {
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
    /// For a run that continues after `examples_done` examples of an earlier one.
    pub(crate) fn new(style: Style, examples_done: u64) -> Self {
        let bar = if style == Style::Bars { ProgressBar::no_length() } else { ProgressBar::hidden() };
        let template = "{prefix}  [{bar:28}] {percent:>3} %  {msg}  {rate:>9} examples/s  {eta} left";
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{}", count(state.per_sec() as u64));
        };
        let plain = ProgressStyle::with_template(template).expect("a constant template");
        bar.set_style(plain.with_key("rate", rate).progress_chars("=> "));
        bar.set_position(examples_done);
        bar.reset_eta();
        let now = Instant::now();
        Self { style, bar, epoch_start: (now, examples_done), last_line: now }
    }

    pub(crate) fn update(&mut self, progress: &Progress) {
        let &Progress { epoch, epochs, examples_done, examples_total, .. } = progress;
        if self.style == Style::Quiet {
            return;
        }
        let name = format!("epoch {epoch:>width$}/{epochs}", width = epochs.to_string().len());
        if self.style == Style::Bars {
            self.bar.set_length(examples_total);
            self.bar.set_position(examples_done);
            self.bar.set_prefix(name.clone());
            self.bar.set_message(format!("loss {:.4}", progress.epoch_loss));
        }
        let (start, examples_before) = self.epoch_start;
        let spent = start.elapsed().as_secs_f64();
        let rate = examples_done.saturating_sub(examples_before) as f64 / spent.max(1e-9);
        if progress.epoch_finished {
            let loss = progress.epoch_loss;
            self.say(&format!("{name}  loss {loss:.4}  {:>9} examples/s  {}", count(rate as u64), seconds(spent)));
            self.epoch_start = (Instant::now(), examples_done);
            if examples_done == examples_total {
                self.bar.set_message("linear part");
            }
        } else if self.style == Style::Lines && self.last_line.elapsed() >= LINE_EVERY {
            let percent = 100 * examples_done / examples_total.max(1);
            let left = examples_total.saturating_sub(examples_done) as f64 / rate;
            let loss = progress.epoch_loss;
            let line = format!("{name}  {percent:>3} %  loss {loss:.4}  {:>9} examples/s", count(rate as u64));
            self.say(&format!("{line}  {} left", seconds(left)));
        }
    }

    /// A line for a round of the linear part.
    pub(crate) fn update_linear(&mut self, progress: &LinearProgress) {
        self.bar.finish_and_clear();
        let &LinearProgress { round, rounds, pairs, weights, .. } = progress;
        let start = self.epoch_start.0;
        let name = format!("linear part, round {round:>width$}/{rounds}", width = rounds.to_string().len());
        let (pairs, weights) = (count(pairs as u64), count(weights as u64));
        self.say(&format!("{name}  {pairs} pairs, {weights} weights  {}", seconds(start.elapsed().as_secs_f64())));
        self.epoch_start.0 = Instant::now();
    }

    /// A line above the progress bar.
    pub(crate) fn say(&mut self, text: &str) {
        self.last_line = Instant::now();
        match self.style {
            Style::Quiet => {}
            Style::Lines => say(text),
            Style::Bars => self.bar.println(text),
        }
    }

    /// A warning, shown with `--quiet` too.
    pub(crate) fn warn(&self, error: &anyhow::Error) {
        self.bar.suspend(|| say(&causes("warning:", error)));
    }

    /// Excludes time that was not spent on training.
    pub(crate) fn skip(&mut self, time: Duration) {
        self.epoch_start.0 += time;
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
