//! How good predictions of classes are.

use serde::Serialize;
use slide_core::metrics::{Accumulator, Metrics, Propensity};
use slide_core::{Dataset, Predictions, Predictor};

use crate::error::TableError;
use crate::model::TableModel;

/// Rows that are predicted at once, and labels of each.
const PIECE: usize = 4096;
const BEST: usize = 5;
/// Labels that a table of confusions is shown of.
const MOST_CONFUSED: usize = 12;

/// Of rows with one label each: shares from 0 to 1. Of rows with several: `accuracy` is the precision of the best label.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Quality {
    /// Rows that were predicted.
    pub rows: usize,
    /// Share of the rows whose best label is one of theirs.
    pub accuracy: f64,
    /// Mean of the F1 of the labels that occur.
    pub macro_f1: f64,
    /// F1 of all pairs of row and label.
    pub micro_f1: f64,
    /// How far probabilities of the best label are from the share of right answers.
    pub calibration_error: f64,
    /// Rows by label and by predicted label; none of many labels.
    pub confusion: Option<Vec<Vec<u64>>>,
    /// The names of the labels.
    #[serde(skip)]
    pub labels: Vec<String>,
}

/// Labels whose probability reaches this are predicted, of rows with several.
const LIKELY: f32 = 0.5;

#[derive(Clone, Debug)]
struct Counter {
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
    fn new(labels: &[String], single: bool) -> Self {
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
    fn add(&mut self, truth: &[u32], best: &[(u32, f32)]) {
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

    fn finish(self) -> Quality {
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

/// How good a model is on rows, and its metrics at cutoffs: of a test set that may be added in pieces.
#[derive(Debug)]
pub struct Judge<'a> {
    model: &'a TableModel,
    predictor: &'a Predictor,
    counter: Counter,
    metrics: Accumulator<'a>,
}

impl<'a> Judge<'a> {
    /// Without rows. `cutoffs` are those of the metrics.
    #[must_use]
    pub fn new(
        model: &'a TableModel,
        predictor: &'a Predictor,
        cutoffs: &[usize],
        propensity: Option<&'a Propensity>,
    ) -> Self {
        let counter = Counter::new(model.labels(), model.is_single());
        Self { model, predictor, counter, metrics: Accumulator::with_cutoffs(cutoffs, propensity) }
    }

    /// Predicts rows and compares with their labels.
    ///
    /// # Errors
    /// The prediction fails.
    pub fn add(&mut self, data: &Dataset) -> Result<(), TableError> {
        let asked = self.model.asked(self.metrics.depth().max(BEST));
        let numbering = self.predictor.model().label_numbering();
        let (mut predictions, mut best, mut ranking, mut truth) =
            (Predictions::default(), Vec::new(), Vec::new(), Vec::new());
        let rows: Vec<usize> = (0..data.examples()).collect();
        for piece in rows.chunks(PIECE) {
            let examples: Vec<_> = piece.iter().map(|&row| data.features(row)).collect();
            self.predictor.predict_batch_into(&examples, asked, &mut predictions)?;
            for (&row, predictions) in piece.iter().zip(predictions.iter()) {
                self.model.probabilities(predictions, usize::MAX, &mut best);
                self.counter.add(data.labels(row), &best);
                ranking.clear();
                ranking.extend(best.iter().map(|&(label, _)| numbering.rank(label)));
                truth.clear();
                truth.extend(data.labels(row).iter().map(|&label| numbering.rank(label)));
                truth.sort_unstable();
                self.metrics.add(&ranking, &truth);
            }
        }
        Ok(())
    }

    /// Of all rows that were added.
    #[must_use]
    pub fn finish(self) -> (Quality, Metrics) {
        (self.counter.finish(), self.metrics.finish().metrics)
    }
}

/// How good a model is on rows.
///
/// # Errors
/// The prediction fails.
pub fn quality(model: &TableModel, predictor: &Predictor, data: &Dataset) -> Result<Quality, TableError> {
    let mut judge = Judge::new(model, predictor, &[], None);
    judge.add(data)?;
    Ok(judge.finish().0)
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
