//! What a comparison has found, as `--json` keeps it.

use serde::{Deserialize, Serialize};
use slide_benches::statistics::median;

use super::environment::Versions;
use super::evaluate::Metrics;
use super::sets::Size;
use super::system::System;
pub(crate) use crate::bench::record::Origin;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    #[serde(flatten)]
    pub(crate) origin: Origin,
    /// Slide first.
    pub(crate) systems: Vec<Contestant>,
    /// Those that cannot be installed.
    pub(crate) left_out: Vec<LeftOut>,
    pub(crate) sets: Vec<SetRecord>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contestant {
    pub(crate) system: System,
    pub(crate) settings: String,
    pub(crate) versions: Versions,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LeftOut {
    pub(crate) name: String,
    pub(crate) reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SetRecord {
    pub(crate) name: String,
    pub(crate) size: Size,
    /// In the order in which they were made.
    pub(crate) runs: Vec<Run>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) system: System,
    /// From 1.
    pub(crate) round: u32,
    /// The commands, with paths from the workspace's root.
    pub(crate) commands: Vec<String>,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Measured(Measured),
    Failed(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) metrics: Metrics,
    /// Processor time from reading the training file to the saved model.
    pub(crate) cpu_seconds: f64,
    /// What Python and its packages took before that; not part of `cpu_seconds`.
    pub(crate) start_seconds: f64,
    /// Of the whole training process.
    pub(crate) wall_seconds: f64,
    /// Resident memory of the training process at its peak.
    pub(crate) peak_bytes: u64,
    /// The same of the predicting process.
    pub(crate) prediction_peak_bytes: u64,
    /// Files of the model.
    pub(crate) model_bytes: u64,
    /// Processor time an example with the test set together; none where the system takes one example at a time.
    pub(crate) batch_microseconds: Option<f64>,
    /// One by one: the median.
    pub(crate) single_microseconds: f64,
}

impl SetRecord {
    /// The medians of the rounds of a system. None if no round has come to an end.
    pub(crate) fn medians(&self, system: System) -> Option<Measured> {
        let all: Vec<Measured> = self.of(system).filter_map(Run::measured).collect();
        let of = |get: &dyn Fn(&Measured) -> f64| median(&mut all.iter().map(get).collect::<Vec<_>>());
        let at = |get: &dyn Fn(&Metrics) -> [f64; 3]| [0, 1, 2].map(|i| of(&|one| get(&one.metrics)[i]));
        let batches: Vec<f64> = all.iter().filter_map(|one| one.batch_microseconds).collect();
        (!all.is_empty()).then(|| Measured {
            metrics: Metrics {
                precision: at(&|metrics| metrics.precision),
                ndcg: at(&|metrics| metrics.ndcg),
                psp: at(&|metrics| metrics.psp),
            },
            cpu_seconds: of(&|one| one.cpu_seconds),
            start_seconds: of(&|one| one.start_seconds),
            wall_seconds: of(&|one| one.wall_seconds),
            peak_bytes: of(&|one| one.peak_bytes as f64) as u64,
            prediction_peak_bytes: of(&|one| one.prediction_peak_bytes as f64) as u64,
            model_bytes: of(&|one| one.model_bytes as f64) as u64,
            batch_microseconds: (!batches.is_empty()).then(|| median(&mut batches.clone())),
            single_microseconds: of(&|one| one.single_microseconds),
        })
    }

    /// Why a system has failed, if a round of it has.
    pub(crate) fn failure(&self, system: System) -> Option<&str> {
        self.of(system).find_map(|run| match &run.outcome {
            Outcome::Failed(reason) => Some(&**reason),
            Outcome::Measured(_) => None,
        })
    }

    fn of(&self, system: System) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| run.system == system)
    }
}

impl Run {
    fn measured(&self) -> Option<Measured> {
        match self.outcome {
            Outcome::Measured(measured) => Some(measured),
            Outcome::Failed(_) => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn measured(precision: f64, cpu_seconds: f64) -> Measured {
        Measured {
            metrics: Metrics { precision: [precision; 3], ndcg: [precision; 3], psp: [precision / 2.0; 3] },
            cpu_seconds,
            start_seconds: 0.5,
            wall_seconds: cpu_seconds,
            peak_bytes: 100 << 20,
            prediction_peak_bytes: 50 << 20,
            model_bytes: 1_234_567,
            batch_microseconds: (precision > 0.5).then_some(12.3),
            single_microseconds: 45.6,
        }
    }

    pub(in super::super) fn run(system: System, round: u32, outcome: Outcome) -> Run {
        Run { system, round, commands: vec!["train".to_owned()], outcome }
    }

    /// Two systems that have come to an end, one that fails, one that is left out.
    pub(in super::super) fn record() -> Record {
        let contestant = |system: System, package: &str| Contestant {
            system,
            settings: system.settings().to_owned(),
            versions: [(package.to_owned(), "1.2".to_owned())].into(),
        };
        let runs = vec![
            run(System::Slide, 1, Outcome::Measured(measured(0.6, 10.0))),
            run(System::Parabel, 1, Outcome::Measured(measured(0.5, 30.0))),
            run(System::Pecos, 1, Outcome::Failed("ended by signal 9".to_owned())),
            run(System::Slide, 2, Outcome::Measured(measured(0.7, 12.0))),
        ];
        let size = Size { train_examples: 46_820, test_examples: 11_225, features: 48_638, labels: 49_531 };
        Record {
            origin: Origin::example("cargo xtask versus --suite accuracy"),
            systems: vec![
                contestant(System::Slide, "slide"),
                contestant(System::Parabel, "omikuji"),
                contestant(System::Pecos, "libpecos"),
            ],
            left_out: vec![LeftOut { name: "fastText".to_owned(), reason: "no wheel".to_owned() }],
            sets: vec![SetRecord { name: "debian".to_owned(), size, runs }],
        }
    }

    #[test]
    fn rounds_become_medians() {
        let set = &record().sets[0];
        let slide = set.medians(System::Slide).unwrap();
        assert!((slide.metrics.precision[0] - 0.65).abs() < 1e-12);
        assert_eq!((slide.cpu_seconds, slide.batch_microseconds), (11.0, Some(12.3)));
        assert_eq!(set.medians(System::Parabel).unwrap().batch_microseconds, None);
        assert_eq!(set.medians(System::Pecos), None);
        assert_eq!(set.failure(System::Pecos), Some("ended by signal 9"));
        assert_eq!(set.failure(System::Slide), None);
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        let record = record();
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
        assert!(text.contains(r#""failed":"ended by signal 9""#) && text.contains(r#""system":"slide""#), "{text}");
    }
}
