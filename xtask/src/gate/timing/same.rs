//! What equal builds seem to lose against each other on this machine, and so how much a loss must be.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::super::statistics::threshold;
use super::{Binary, Builder, Measurement, Timed};
use crate::workspace;

/// Pairs that a threshold is first learned from, and again where a loss is suspected: the noise of the moment.
const LEARNED: usize = 12;
/// Pairs that every later run adds, so that thresholds follow the machine.
const RENEWED: usize = 3;
/// Pairs that are remembered; older ones are forgotten.
const KEPT: usize = 24;

/// Ratios of programs and themselves, by measurement: learned on this machine, whatever was built, and kept.
pub(in crate::gate) struct Same {
    path: PathBuf,
    ratios: BTreeMap<String, Vec<f64>>,
}

impl Same {
    pub(in crate::gate) fn open(builder: &Builder) -> Result<Self> {
        Self::open_at(builder.folder.join(format!("thresholds-{}.json", machine())))
    }

    pub(super) fn open_at(path: PathBuf) -> Result<Self> {
        Ok(Self { ratios: workspace::read_json_or_default(&path)?, path })
    }

    /// The threshold after so many more pairs.
    fn learn(&mut self, measurement: &Measurement, program: &Binary, pairs: usize) -> Result<f64> {
        let ratios = self.ratios.entry(measurement.name().to_owned()).or_default();
        ratios.extend(measurement.log_ratios([program; 2], pairs)?);
        ratios.drain(..ratios.len().saturating_sub(KEPT));
        let threshold = threshold(ratios, measurement.pairs());
        workspace::write_json(&self.path, &self.ratios)?;
        Ok(threshold)
    }

    /// Times two builds. What seems to be a loss is measured again, after the noise of the moment has been learned too.
    pub(in crate::gate) fn compare(&mut self, measurement: &Measurement, [old, new]: [&Binary; 2]) -> Result<Timed> {
        let known = self.ratios.get(measurement.name()).map_or(0, Vec::len);
        let pairs = LEARNED.saturating_sub(known).max(RENEWED);
        let mut threshold = self.learn(measurement, old, pairs)?;
        let (mut ratio, mut again) = (measurement.log_ratio([old, new])?, false);
        if ratio > threshold {
            threshold = self.learn(measurement, old, LEARNED)?;
            (ratio, again) = (measurement.log_ratio([old, new])?, true);
        }
        Ok(Timed { name: measurement.name().to_owned(), ratio, threshold, again })
    }
}

/// Stands for the processors of this machine.
fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let constant = |line: &&str| ["model", "stepping", "cache size", "CPU"].iter().any(|name| line.starts_with(name));
    let text: String = processors.lines().filter(constant).collect();
    workspace::sha256(text.as_bytes())[..8].to_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::Path;

    use super::super::any;
    use super::*;

    /// A program that says of each call that it took so many nanoseconds.
    fn fake(folder: &Path, nanoseconds: u32) -> Binary {
        answering(folder, &format!("calls * {nanoseconds}"))
    }

    /// A program that answers what this comes to for so many `calls`.
    fn answering(folder: &Path, nanoseconds: &str) -> Binary {
        let path = folder.join(nanoseconds.replace(['/', ' '], "_"));
        let script = format!("#!/bin/sh\nwhile read calls; do echo $(({nanoseconds})); done\n");
        fs::write(&path, script).unwrap();
        workspace::make_executable(&path).unwrap();
        Binary::open(path).unwrap()
    }

    #[test]
    fn slower_programs_are_losses_in_whatever_order_they_run() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new] = [1000, 1200].map(|nanoseconds| fake(folder.path(), nanoseconds));
        let path = folder.path().join("same.json");
        let mut same = Same::open_at(path.clone()).unwrap();
        let measurement = any("fake", &[]);
        let loss = same.compare(&measurement, [&old, &new]).unwrap();
        assert!((loss.ratio.exp() - 1.2).abs() < 1e-9, "{loss:?}");
        assert!(loss.is_loss() && loss.again, "{loss:?}");
        assert_eq!(same.ratios[measurement.name()].len(), 2 * LEARNED, "those of the moment as well");

        let mut same = Same::open_at(path).unwrap();
        assert_eq!(same.ratios[measurement.name()].len(), 2 * LEARNED, "they are kept");
        let gain = same.compare(&measurement, [&new, &old]).unwrap();
        assert!(!gain.is_loss() && gain.is_gain() && !gain.again, "{gain:?}");
        assert_eq!(same.ratios[measurement.name()].len(), KEPT, "but not more than so many");
        let equal = same.compare(&measurement, [&old, &old]).unwrap();
        assert_eq!((equal.ratio, equal.again), (0.0, false));
    }

    #[test]
    fn a_new_measurement_is_learned_and_a_known_one_renewed() {
        let folder = tempfile::tempdir().unwrap();
        let program = fake(folder.path(), 1000);
        let mut same = Same::open_at(folder.path().join("same.json")).unwrap();
        for pairs in [LEARNED, LEARNED + RENEWED] {
            same.compare(&any("fake", &[]), [&program; 2]).unwrap();
            assert_eq!(same.ratios["fake"].len(), pairs);
        }
        same.compare(&any("fake", &["1024".to_owned()]), [&program; 2]).unwrap();
        assert_eq!(same.ratios["fake 1024"].len(), LEARNED, "other arguments are another measurement");
    }

    #[test]
    fn a_slow_moment_is_learned_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let program = fake(folder.path(), 1000);
        let mut same = Same::open_at(folder.path().join("same.json")).unwrap();
        same.ratios.insert("fake".to_owned(), (0..24).map(|i| 0.1 * f64::from(i % 5)).collect());
        let noisy = same.compare(&any("fake", &[]), [&program; 2]).unwrap();
        assert!(noisy.threshold > 0.1, "{noisy:?}");
        let later = (0..8).map(|_| same.compare(&any("fake", &[]), [&program; 2]).unwrap()).last().unwrap();
        assert!(later.threshold < 0.02, "{later:?}");
    }

    #[test]
    fn a_clock_may_stand_still_during_few_calls() {
        let folder = tempfile::tempdir().unwrap();
        let coarse = answering(folder.path(), "calls / 64 * 64000");
        assert_eq!(any("coarse", &[]).log_ratio([&coarse; 2]).unwrap(), 0.0);
        let still = answering(folder.path(), "calls - calls");
        let error = any("still", &[]).log_ratio([&still; 2]).unwrap_err();
        assert!(format!("{error:#}").contains("does nothing in"), "{error:#}");
    }

    #[test]
    fn programs_that_take_no_turns_are_named() {
        let silent = Binary::open("/bin/true".into()).unwrap();
        let error = any("true", &["--turns".to_owned()]).log_ratio([&silent; 2]).unwrap_err();
        assert!(format!("{error:#}").contains("/bin/true takes no turns"), "{error:#}");
    }
}
