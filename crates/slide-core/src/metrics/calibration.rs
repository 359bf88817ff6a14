//! Whether predicted probabilities mean what they say.

use super::ExactSum;

/// Bins of equal width.
const BINS: usize = 15;

/// Predictions in bins by their probability.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Calibration {
    bins: [Bin; BINS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    predictions: u64,
    hits: u64,
    probabilities: ExactSum,
}

impl Calibration {
    /// Adds a prediction with this probability, which was right or not.
    pub(super) fn add(&mut self, probability: f32, is_right: bool) {
        let probability = f64::from(probability).clamp(0.0, 1.0);
        let bin = &mut self.bins[((probability * BINS as f64) as usize).min(BINS - 1)];
        bin.predictions += 1;
        bin.hits += u64::from(is_right);
        bin.probabilities.add(probability);
    }

    /// Adds the predictions of `other`.
    pub(super) fn merge(&mut self, other: &Self) {
        for (bin, other) in self.bins.iter_mut().zip(&other.bins) {
            bin.predictions += other.predictions;
            bin.hits += other.hits;
            bin.probabilities.0 += other.probabilities.0;
        }
    }

    /// The expected calibration error: the distance of the mean probability of a bin from its share of right predictions, weighted
    /// by its predictions (Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI
    /// 2015). 0 without predictions.
    pub(super) fn error(&self) -> f64 {
        let predictions: u64 = self.bins.iter().map(|bin| bin.predictions).sum();
        let distance = |bin: &Bin| (bin.probabilities.get() - bin.hits as f64).abs();
        self.bins.iter().map(distance).sum::<f64>() / predictions.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_the_weighted_distance() {
        let mut calibration = Calibration::default();
        assert_eq!(calibration.error(), 0.0);
        for (probability, is_right) in [(0.9, true), (0.9, false), (0.1, false), (1.0, true)] {
            calibration.add(probability, is_right);
        }
        // Bins: 0.9 twice, one right: |1.8 - 1|; 0.1: 0.1; 1.0: 0.
        assert!((calibration.error() - 0.9 / 4.0).abs() < 1e-7, "{}", calibration.error());
        let mut merged = Calibration::default();
        merged.merge(&calibration);
        merged.merge(&calibration);
        assert!((merged.error() - calibration.error()).abs() < 1e-12);
        calibration.add(f32::NAN, false);
    }
}
