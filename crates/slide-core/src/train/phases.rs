//! The time that training spends in each phase of its batches. It is measured and reported; no result depends on it.

use std::ops::AddAssign;
use std::time::{Duration, Instant};

/// What a worker does in a batch, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Choice of the active output rows, and the hash tables if the sampler has any.
    Sampling,
    /// Input dropout, the sparse input layer and the other hidden layers, forward.
    Hidden,
    /// Logits of the active output rows.
    Logits,
    /// Loss, and its gradient with respect to the logits.
    Loss,
    /// Gradient back through the output rows and the hidden layers.
    Backward,
    /// Gradient and step of the output rows; with a set per example their part of [`Phase::Backward`] too, which is one pass with it.
    UpdateOutput,
    /// Gradient and step of the hidden layers and of the first one's bias.
    UpdateHidden,
    /// Gradient and step of the rows of the input features.
    UpdateInput,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Phase; 8] = [
        Self::Sampling,
        Self::Hidden,
        Self::Logits,
        Self::Loss,
        Self::Backward,
        Self::UpdateOutput,
        Self::UpdateHidden,
        Self::UpdateInput,
    ];

    /// Its name, such as `update output`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sampling => "sampling",
            Self::Hidden => "hidden",
            Self::Logits => "logits",
            Self::Loss => "loss",
            Self::Backward => "backward",
            Self::UpdateOutput => "update output",
            Self::UpdateHidden => "update hidden",
            Self::UpdateInput => "update input",
        }
    }
}

/// Time by phase, summed over the workers: with `n` workers up to `n` seconds in a second. Waiting of workers for each other is
/// in none of the phases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases([Duration; Phase::ALL.len()]);

impl Phases {
    /// The time of a phase.
    #[must_use]
    pub fn get(&self, phase: Phase) -> Duration {
        self.0[phase as usize]
    }

    /// Each phase with its time, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Phase, Duration)> + use<> {
        Phase::ALL.into_iter().zip(self.0)
    }

    /// The time of all phases.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.0.iter().sum()
    }
}

impl AddAssign for Phases {
    fn add_assign(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, time)| *sum += time);
    }
}

/// Measures phases that follow each other on one worker.
#[derive(Debug)]
pub(super) struct Lap(Instant);

impl Lap {
    /// Begins now.
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Ends a phase, which lasted from the end of the one before, and begins the next.
    pub(super) fn end(&mut self, phase: Phase, phases: &mut Phases) {
        self.end_of(1, phase, phases);
    }

    /// Ends a phase in which `workers` workers were busy together.
    pub(super) fn end_of(&mut self, workers: usize, phase: Phase, phases: &mut Phases) {
        let now = Instant::now();
        phases.0[phase as usize] += (now - std::mem::replace(&mut self.0, now)) * workers as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_in_their_places() {
        for (place, phase) in Phase::ALL.into_iter().enumerate() {
            assert_eq!(phase as usize, place);
        }
    }

    #[test]
    fn laps_add_up() {
        let (mut phases, mut lap) = (Phases::default(), Lap::start());
        let start = lap.0;
        std::thread::sleep(Duration::from_millis(1));
        lap.end(Phase::Logits, &mut phases);
        lap.end(Phase::Loss, &mut phases);
        assert!(phases.get(Phase::Logits) >= Duration::from_millis(1));
        assert_eq!(phases.get(Phase::Hidden), Duration::ZERO);
        assert_eq!(phases.total(), lap.0 - start);
        let mut twice = phases;
        twice += phases;
        assert_eq!(twice.total(), 2 * phases.total());
    }
}
