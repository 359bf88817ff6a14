//! Statistics of a data set.

use std::fmt;

use serde::Serialize;

use super::Dataset;
use super::numbering::distinct;

/// Counts of a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stats {
    /// Number of examples.
    pub examples: usize,
    /// Width of the feature matrix.
    #[serde(rename = "features")]
    pub feature_count: usize,
    /// Width of the label matrix.
    #[serde(rename = "labels")]
    pub label_count: usize,
    /// Entries of the feature matrix.
    pub nonzeros: usize,
    /// Entries of the label matrix.
    pub assignments: usize,
    /// `nonzeros / (examples * feature_count)`.
    pub density: f64,
    /// Features of an example.
    pub features_per_example: Distribution,
    /// Labels of an example.
    pub labels_per_example: Distribution,
    /// Examples of a label, over the labels that have any.
    pub label_frequency: Distribution,
    /// Examples without features.
    pub examples_without_features: usize,
    /// Examples without labels.
    pub examples_without_labels: usize,
    /// Features of no example.
    pub unused_features: usize,
    /// Labels of no example.
    pub unused_labels: usize,
    /// Least and largest value; none without entries.
    pub value_range: Option<(f32, f32)>,
}

/// The distribution of counts: quantiles are those of the sorted counts at rank `floor(q (n - 1))`. All 0 for no counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Distribution {
    /// The mean.
    pub mean: f64,
    /// The least.
    pub min: u64,
    /// One in ten is at most this.
    pub tenth: u64,
    /// Half are at most this.
    pub median: u64,
    /// Nine in ten are at most this.
    pub ninetieth: u64,
    /// 99 in a hundred are at most this.
    pub ninety_ninth: u64,
    /// The largest.
    pub max: u64,
}

impl Distribution {
    fn of(mut counts: Vec<u64>) -> Self {
        if counts.is_empty() {
            return Self::default();
        }
        counts.sort_unstable();
        let at = |hundredths: usize| counts[(counts.len() - 1) * hundredths / 100];
        Self {
            mean: counts.iter().sum::<u64>() as f64 / counts.len() as f64,
            min: at(0),
            tenth: at(10),
            median: at(50),
            ninetieth: at(90),
            ninety_ninth: at(99),
            max: at(100),
        }
    }
}

impl Stats {
    /// Counts everything once.
    pub fn of(data: &Dataset) -> Self {
        let parts = data.arrays();
        let per_example = |indptr: &[u64]| -> Vec<u64> { indptr.windows(2).map(|pair| pair[1] - pair[0]).collect() };
        let empty = |counts: &[u64]| counts.iter().filter(|&&count| count == 0).count();
        let features = per_example(&parts.feature_indptr);
        let labels = per_example(&parts.label_indptr);
        // A width may be far larger than what occurs.
        let used_labels = distinct(&parts.label_indices, parts.label_count);
        let used_features = distinct(&parts.feature_indices, parts.feature_count).len();
        let mut frequencies = vec![0_u64; used_labels.len()];
        for label in &parts.label_indices[..] {
            let place = used_labels.binary_search(label).expect("every label is among them");
            frequencies[place] += 1;
        }
        let cells = data.examples() as f64 * parts.feature_count as f64;
        let range = |(least, largest): (f32, f32), &value: &f32| (least.min(value), largest.max(value));
        Self {
            examples: data.examples(),
            feature_count: parts.feature_count,
            label_count: parts.label_count,
            nonzeros: parts.feature_indices.len(),
            assignments: parts.label_indices.len(),
            density: if cells > 0.0 { parts.feature_indices.len() as f64 / cells } else { 0.0 },
            examples_without_features: empty(&features),
            examples_without_labels: empty(&labels),
            unused_features: parts.feature_count - used_features,
            unused_labels: parts.label_count - used_labels.len(),
            value_range: parts
                .feature_values
                .first()
                .map(|&first| parts.feature_values.iter().fold((first, first), range)),
            features_per_example: Distribution::of(features),
            labels_per_example: Distribution::of(labels),
            label_frequency: Distribution::of(frequencies),
        }
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "examples            {:>12}", self.examples)?;
        writeln!(f, "  without features  {:>12}", self.examples_without_features)?;
        writeln!(f, "  without labels    {:>12}", self.examples_without_labels)?;
        writeln!(f, "features            {:>12}  {} unused", self.feature_count, self.unused_features)?;
        writeln!(f, "labels              {:>12}  {} unused", self.label_count, self.unused_labels)?;
        writeln!(f, "non-zeros           {:>12}  density {:.3e}", self.nonzeros, self.density)?;
        if let Some((least, largest)) = self.value_range {
            writeln!(f, "values              {least:>12} to {largest}")?;
        }
        writeln!(f, "label assignments   {:>12}", self.assignments)?;
        writeln!(f, "{:20}{:>10}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}", "", "mean", "min", "10%", "50%", "90%", "99%", "max")?;
        let rows = [
            ("features per example", &self.features_per_example),
            ("labels per example", &self.labels_per_example),
            ("examples per label", &self.label_frequency),
        ];
        for (name, spread) in rows {
            let Distribution { mean, min, tenth, median, ninetieth, ninety_ninth, max } = spread;
            writeln!(f, "{name:20}{mean:>10.2}{min:>8}{tenth:>8}{median:>8}{ninetieth:>8}{ninety_ninth:>8}{max:>8}")?;
        }
        Ok(())
    }
}
