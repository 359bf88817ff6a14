//! The metrics of all systems, by one evaluator that is none of theirs: P@k, nDCG@k and PSP@k of predicted labels.

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

/// The k of the metrics.
pub(crate) const CUTOFFS: [usize; 3] = [1, 3, 5];
/// Labels of a prediction.
pub(crate) const BEST: usize = 5;

/// Means over all examples, from 0 to 1, at each of [`CUTOFFS`]. An example without labels counts as 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Metrics {
    pub(crate) precision: [f64; 3],
    pub(crate) ndcg: [f64; 3],
    /// Hits weighted by inverse propensities, divided by the same of the best ranking; both are summed over the examples first.
    pub(crate) psp: [f64; 3],
}

/// Inverse propensities of labels, from their frequencies among so many training examples, with A = 0.55 and B = 1.5 (Jain,
/// Prabhu, Varma: Extreme Multi-label Loss Functions, KDD 2016, section 4).
pub(crate) fn inverse_propensities(frequencies: &[u32], examples: usize) -> Vec<f64> {
    const A: f64 = 0.55;
    const B: f64 = 1.5;
    let c = ((examples.max(1) as f64).ln() - 1.0).max(0.0) * (B + 1.0).powf(A);
    frequencies.iter().map(|&frequency| 1.0 + c * (f64::from(frequency) + B).powf(-A)).collect()
}

/// The labels of lines `label:score label:score ...`, best first.
pub(crate) fn parse(text: &str, labels: usize) -> Result<Vec<Vec<u32>>> {
    let line = |(number, line): (usize, &str)| line_labels(line, labels).with_context(|| format!("line {number}"));
    (1..).zip(text.lines()).map(line).collect()
}

fn line_labels(line: &str, labels: usize) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for pair in line.split_ascii_whitespace() {
        let (label, score) = pair.split_once(':').with_context(|| format!("`{pair}` is not LABEL:SCORE"))?;
        let label: u32 = label.parse().with_context(|| format!("`{label}` is no label"))?;
        let score: f64 = score.parse().with_context(|| format!("`{score}` is no score"))?;
        ensure!(!score.is_nan(), "the score of label {label} is not a number");
        ensure!((label as usize) < labels, "label {label} of {labels}");
        ensure!(!found.contains(&label), "label {label} comes twice");
        found.push(label);
    }
    ensure!(found.len() <= BEST, "{} labels instead of {BEST}", found.len());
    Ok(found)
}

/// Compares predictions with the labels that the examples have.
pub(crate) fn evaluate(predictions: &[Vec<u32>], truth: &[Vec<u32>], inverse: &[f64]) -> Result<Metrics> {
    ensure!(predictions.len() == truth.len(), "{} predictions for {} examples", predictions.len(), truth.len());
    ensure!(!truth.is_empty(), "no examples");
    let mut sums = Metrics::default();
    let mut best_psp = [0.0; 3];
    for (predicted, labels) in predictions.iter().zip(truth) {
        let mut weights: Vec<f64> = labels.iter().map(|&label| inverse[label as usize]).collect();
        weights.sort_unstable_by(|a, b| b.total_cmp(a));
        for (i, k) in CUTOFFS.into_iter().enumerate() {
            let hits = (1..).zip(predicted).take(k).filter(|(_, label)| labels.contains(label));
            let (mut gain, mut weight, mut count) = (0.0, 0.0, 0.0);
            for (rank, &label) in hits {
                count += 1.0;
                gain += discount(rank);
                weight += inverse[label as usize];
            }
            sums.precision[i] += count / k as f64;
            let ideal: f64 = (1..=k.min(labels.len())).map(discount).sum();
            sums.ndcg[i] += if ideal > 0.0 { gain / ideal } else { 0.0 };
            sums.psp[i] += weight;
            best_psp[i] += weights.iter().take(k).sum::<f64>();
        }
    }
    let examples = truth.len() as f64;
    let mean = |sum: f64| sum / examples;
    let mut psp = sums.psp;
    for (sum, best) in psp.iter_mut().zip(best_psp) {
        *sum = if best > 0.0 { *sum / best } else { 0.0 };
    }
    Ok(Metrics { precision: sums.precision.map(mean), ndcg: sums.ndcg.map(mean), psp })
}

/// What a hit at this rank, from 1, counts in DCG.
fn discount(rank: usize) -> f64 {
    1.0 / (rank as f64 + 1.0).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
    }

    #[test]
    fn predictions_are_read_best_first() {
        let read = parse("3:0.5\t1:-2e-3 \n\n0:1\n", 4).unwrap();
        assert_eq!(read, [vec![3, 1], vec![], vec![0]]);
        for (text, error) in [
            ("0:1\n4:1", "line 2: label 4 of 4"),
            ("1", "line 1: `1` is not LABEL:SCORE"),
            ("x:1", "line 1: `x` is no label"),
            ("1:nan", "line 1: the score of label 1 is not a number"),
            ("1:1 1:1", "line 1: label 1 comes twice"),
        ] {
            let found = format!("{:#}", parse(text, 4).unwrap_err());
            assert!(found.starts_with(error), "{found}");
        }
        assert!(parse("0:1 1:1 2:1 3:1 4:1 5:1", 9).is_err());
    }

    #[test]
    fn metrics_of_two_examples() {
        let inverse = [1.0, 2.0, 4.0, 8.0, 3.0, 5.0];
        // The first has hits at ranks 1 and 3 of 2 labels, the second one at rank 2 of 4 labels.
        let predictions = [vec![1, 0, 2], vec![5, 3, 0, 1, 2]];
        let truth = [vec![1, 2], vec![0, 1, 3, 4]];
        let found = evaluate(&predictions, &truth, &inverse).unwrap();
        close(found.precision[0], 0.5);
        close(found.precision[1], (2.0 / 3.0 + 2.0 / 3.0) / 2.0);
        close(found.precision[2], (2.0 / 5.0 + 3.0 / 5.0) / 2.0);
        let log = |rank: f64| 1.0 / (rank + 1.0).log2();
        let first = (log(1.0) + log(3.0)) / (log(1.0) + log(2.0));
        let second = (log(2.0) + log(3.0)) / (log(1.0) + log(2.0) + log(3.0));
        close(found.ndcg[1], (first + second) / 2.0);
        // Hits 2 + 4 and 8 + 1; best 4 + 2 and 8 + 3 + 2.
        close(found.psp[1], (6.0 + 9.0) / (6.0 + 13.0));
        close(found.psp[0], 2.0 / (4.0 + 8.0));
    }

    #[test]
    fn examples_without_labels_count_as_nothing() {
        let found = evaluate(&[vec![0], vec![0]], &[vec![0], vec![]], &[1.0]).unwrap();
        close(found.precision[0], 0.5);
        close(found.ndcg[0], 0.5);
        close(found.psp[0], 1.0);
        assert!(evaluate(&[], &[vec![0]], &[1.0]).unwrap_err().to_string().contains("0 predictions for 1 examples"));
    }

    #[test]
    fn rare_labels_weigh_more() {
        let inverse = inverse_propensities(&[0, 10, 1000], 1000);
        let c = (1000f64.ln() - 1.0) * 2.5f64.powf(0.55);
        close(inverse[1], 1.0 + c / 11.5f64.powf(0.55));
        assert!(inverse[0] > inverse[1] && inverse[1] > inverse[2] && inverse[2] > 1.0);
        // Fewer than e examples: never less than 1.
        assert_eq!(inverse_propensities(&[1], 1), [1.0]);
    }
}
