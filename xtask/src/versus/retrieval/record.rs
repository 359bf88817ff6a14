//! What a comparison of searches has found, as `--json` keeps it.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use slide_benches::statistics::median;

use super::super::environment::Versions;
use super::super::record::{LeftOut, Origin};
use super::contestant::{Built, Round};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(flatten)]
    pub(super) origin: Origin,
    pub(super) libraries: Vec<Library>,
    /// Those that cannot be installed.
    pub(super) left_out: Vec<LeftOut>,
    pub(super) sets: Vec<SetRecord>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Library {
    pub(super) name: String,
    pub(super) versions: Versions,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SetRecord {
    pub(super) name: String,
    pub(super) labels: usize,
    pub(super) queries: usize,
    /// Those of slide first, its exact scan before all others.
    pub(super) methods: Vec<Method>,
    pub(super) failed: Vec<LeftOut>,
}

/// A way to search, and what was measured of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Method {
    pub(super) library: String,
    #[serde(flatten)]
    pub(super) built: Built,
    pub(super) quality: Quality,
    pub(super) rounds: Vec<Round>,
}

impl Method {
    /// The median of the rounds.
    pub(super) fn microseconds(&self) -> f64 {
        median(&mut self.rounds.iter().map(|round| round.microseconds).collect::<Vec<_>>())
    }

    pub(super) fn microseconds_99th(&self) -> f64 {
        median(&mut self.rounds.iter().map(|round| round.microseconds_99th).collect::<Vec<_>>())
    }
}

/// How good the answers of a method are, from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Quality {
    /// Share of queries whose exact best label is in the answer.
    pub(super) recall_1: f64,
    /// Share of the exact five best labels that are in the answers.
    pub(super) recall_5: f64,
    /// Share of queries whose first label is one of the example's own.
    pub(super) precision_1: f64,
}

impl Quality {
    pub(super) fn of(answers: &[Vec<u32>], exact: &[Vec<u32>], truth: &[&[u32]]) -> Result<Self> {
        ensure!(
            answers.len() == exact.len() && exact.len() == truth.len(),
            "{} answers to {} queries",
            answers.len(),
            truth.len()
        );
        let (mut first, mut found, mut all, mut right) = (0, 0, 0, 0);
        for ((answer, exact), truth) in answers.iter().zip(exact).zip(truth) {
            let is_found = |label: &&u32| answer.contains(label);
            first += exact.iter().take(1).filter(is_found).count();
            found += exact.iter().filter(is_found).count();
            all += exact.len();
            right += answer.iter().take(1).filter(|label| truth.contains(label)).count();
        }
        let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
        let queries = exact.len();
        Ok(Self { recall_1: share(first, queries), recall_5: share(found, all), precision_1: share(right, queries) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_compared_with_the_exact_ones_and_with_the_truth() {
        let exact = [vec![1, 2], vec![3, 4]];
        let found = Quality::of(&[vec![2, 1], vec![4, 9]], &exact, &[&[2], &[3]]).unwrap();
        assert_eq!(found, Quality { recall_1: 0.5, recall_5: 0.75, precision_1: 0.5 });
        assert!(Quality::of(&[vec![2]], &exact, &[&[2], &[3]]).is_err());
    }
}
