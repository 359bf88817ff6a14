//! What the times of two builds, taken in turns, say about them. Ratios are logarithms, so that a loss and a gain weigh the same.

/// Differences below this are never losses: moving a loop to another address makes as much.
const FLOOR: f64 = 0.02;

/// The middle one; the mean of both, if there are two.
pub(super) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Below which this part of the values lies; between two of them, in proportion.
fn quantile(values: &[f64], part: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let place = part * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    values[below] + (place - place.floor()) * (values[above] - values[below])
}

/// The largest log ratio that is no loss, from those of a build and itself: `Q3 + 3 IQR` of their amounts, Tukey's far outliers.
pub(super) fn threshold(same: &[f64]) -> f64 {
    let amounts: Vec<f64> = same.iter().map(|ratio| ratio.abs()).collect();
    let [first, third] = [0.25, 0.75].map(|part| quantile(&amounts, part));
    (third + 3.0 * (third - first)).max(FLOOR.ln_1p())
}

/// A log ratio as people read it: `+3.1 %` is slower.
pub(super) fn percent(log_ratio: f64) -> String {
    format!("{:+.1} %", 100.0 * log_ratio.exp_m1())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_values() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.75), 4.0);
        assert_eq!(quantile(&[7.0], 0.25), 7.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn thresholds_follow_the_noise_of_equal_builds() {
        // Amounts 0.01 to 0.05: quartiles 0.02 and 0.04.
        let noisy = [0.03, -0.01, 0.05, -0.02, 0.04];
        assert!((threshold(&noisy) - 0.10).abs() < 1e-12);
        assert_eq!(threshold(&[0.001, -0.002, 0.001]), FLOOR.ln_1p(), "a quiet machine");
        let outlier = [0.03, -0.01, 5.0, -0.02, 0.04];
        assert!(threshold(&outlier) < 0.11, "one outlier moves little");
    }

    #[test]
    fn ratios_are_read_as_parts_of_a_hundred() {
        assert_eq!(percent(1.1_f64.ln()), "+10.0 %");
        assert_eq!(percent(0.5_f64.ln()), "-50.0 %");
    }
}
