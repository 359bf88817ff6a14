//! How good predictions of classes are.

use serde::Serialize;
use slide_core::metrics::Accumulator;

use crate::table::Table;

/// Labels that a table of confusions is shown of.
const MOST_CONFUSED: usize = 12;

/// Of rows with one label each: shares from 0 to 1. Of rows with several: `accuracy` is the precision of the best label.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Quality {
    pub(crate) rows: usize,
    pub(crate) accuracy: f64,
    pub(crate) macro_f1: f64,
    pub(crate) micro_f1: f64,
    /// How far probabilities of the best label are from the share of right answers.
    pub(crate) calibration_error: f64,
    /// Rows by label and by predicted label; none of many labels.
    pub(crate) confusion: Option<Vec<Vec<u64>>>,
    #[serde(skip)]
    labels: Vec<String>,
}

/// Labels whose probability reaches this are predicted, of rows with several.
const LIKELY: f32 = 0.5;

#[derive(Clone, Debug)]
pub(crate) struct Counter {
    single: bool,
    labels: Vec<String>,
    rows: usize,
    right: usize,
    /// Of each label: predicted and right, predicted, occurring.
    counts: Vec<[u64; 3]>,
    calibration: Accumulator<'static>,
    confusion: Option<Vec<Vec<u64>>>,
}

impl Counter {
    pub(crate) fn new(labels: &[String], single: bool) -> Self {
        let count = labels.len();
        Self {
            single,
            labels: labels.to_vec(),
            rows: 0,
            right: 0,
            counts: vec![[0; 3]; count],
            calibration: Accumulator::with_cutoffs(&[], None),
            confusion: (single && count <= MOST_CONFUSED).then(|| vec![vec![0; count]; count]),
        }
    }

    /// Counts a row with these labels, and the probabilities of the best labels.
    pub(crate) fn add(&mut self, truth: &[u32], best: &[(u32, f32)]) {
        self.rows += 1;
        for &label in truth {
            self.counts[label as usize][2] += 1;
        }
        let predicted = best
            .iter()
            .enumerate()
            .take_while(|(rank, (_, probability))| if self.single { *rank == 0 } else { *probability >= LIKELY });
        for (_, &(label, _)) in predicted {
            self.counts[label as usize][1] += 1;
            self.counts[label as usize][0] += u64::from(truth.contains(&label));
        }
        let Some(&(first, probability)) = best.first() else { return };
        let is_right = truth.contains(&first);
        self.right += usize::from(is_right);
        self.calibration.add_probability(probability, is_right);
        if let (Some(confusion), Some(&label)) = (&mut self.confusion, truth.first()) {
            confusion[label as usize][first as usize] += 1;
        }
    }

    pub(crate) fn finish(self) -> Quality {
        let f1 = |right: u64, predicted: u64, occurring: u64| {
            if right == 0 { 0.0 } else { 2.0 * right as f64 / (predicted + occurring) as f64 }
        };
        let occurring = self.counts.iter().filter(|counts| counts[2] > 0);
        let (count, sum) = occurring.fold((0, 0.0), |(count, sum), &[right, predicted, occurring]| {
            (count + 1, sum + f1(right, predicted, occurring))
        });
        let total = |at: usize| self.counts.iter().map(|counts| counts[at]).sum::<u64>();
        let rows = self.rows.max(1) as f64;
        Quality {
            rows: self.rows,
            accuracy: self.right as f64 / rows,
            macro_f1: sum / f64::from(count.max(1)),
            micro_f1: f1(total(0), total(1), total(2)),
            calibration_error: self.calibration.finish().calibration_error,
            confusion: self.confusion,
            labels: self.labels,
        }
    }
}

impl Quality {
    pub(crate) fn rows_of_text(&self) -> Vec<(&'static str, String)> {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        vec![
            ("accuracy", percent(self.accuracy)),
            ("macro F1", percent(self.macro_f1)),
            ("micro F1", percent(self.micro_f1)),
            ("calibration", format!("{} (expected calibration error)", percent(self.calibration_error))),
        ]
    }

    /// Rows are labels, columns what was predicted.
    pub(crate) fn confusion_table(&self) -> Option<Table> {
        let confusion = self.confusion.as_ref()?;
        let mut table = Table::new(std::iter::once("is \\ predicted").chain(self.labels.iter().map(String::as_str)));
        for (label, counts) in self.labels.iter().zip(confusion) {
            table.row(std::iter::once(label.clone()).chain(counts.iter().map(u64::to_string)));
        }
        Some(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted() {
        let mut counter = Counter::new(&["a".into(), "b".into()], true);
        for (truth, best) in [(0, 0), (0, 1), (1, 1), (1, 1)] {
            counter.add(&[truth], &[(best, 0.75), (1 - best, 0.25)]);
        }
        let quality = counter.finish();
        assert_eq!((quality.accuracy, quality.micro_f1), (0.75, 0.75));
        assert!((quality.macro_f1 - (2.0 / 3.0 + 0.8) / 2.0).abs() < 1e-9);
        assert!(quality.calibration_error < 1e-9);
        assert_eq!(quality.confusion, Some(vec![vec![1, 1], vec![0, 2]]));
    }
}
