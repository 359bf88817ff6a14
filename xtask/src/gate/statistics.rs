//! What the times of two builds, taken in turns, say about them. Ratios are logarithms, so that a loss and a gain weigh the same.

/// Differences below this are never losses: moving a loop to another address makes as much.
const FLOOR: f64 = 0.02;

/// The largest log ratio that is no loss: `Q3 + 3 IQR` (Tukey's far outliers) of how far equal builds seem to be apart.
///
/// `same` are the pairs of a build and itself; a measurement is the median of an odd number of them, `pairs`.
pub(super) fn threshold(same: &[f64], pairs: usize) -> f64 {
    let amounts = amounts_of_medians(same, pairs);
    let [first, third] = [0.25, 0.75].map(|part| quantile(&amounts, part));
    (third + 3.0 * (third - first)).max(FLOOR.ln_1p())
}

/// Amounts of the medians of so many values that are drawn from these, each any number of times; ascending, with their
/// probabilities. This is the whole of what a bootstrap would draw samples of.
fn amounts_of_medians(values: &[f64], drawn: usize) -> Vec<(f64, f64)> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    // The median is at most the i-th least value if the greater part of those drawn is.
    let at_most = |i: usize| more_than_half(drawn, i as f64 / values.len() as f64);
    let mut amounts: Vec<(f64, f64)> =
        values.iter().enumerate().map(|(i, value)| (value.abs(), at_most(i + 1) - at_most(i))).collect();
    amounts.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    amounts
}

/// The probability that of so many events, of this probability each, more than half happen.
fn more_than_half(events: usize, probability: f64) -> f64 {
    let (mut ways, mut sum) = (1.0, 0.0);
    for happen in 0..=events {
        if 2 * happen > events {
            sum += ways * probability.powi(happen as i32) * (1.0 - probability).powi((events - happen) as i32);
        }
        ways *= (events - happen) as f64 / (happen + 1) as f64;
    }
    sum
}

/// The least value that is reached with this probability, but for rounding.
fn quantile(ascending: &[(f64, f64)], probability: f64) -> f64 {
    let mut reached = 0.0;
    let enough = |(_, weight): &&(f64, f64)| {
        reached += weight;
        reached >= probability - 1e-9
    };
    ascending.iter().find(enough).or(ascending.last()).map_or(f64::NAN, |(value, _)| *value)
}

/// A log ratio as people read it: `+3.1 %` is slower.
pub(super) fn percent(log_ratio: f64) -> String {
    format!("{:+.1} %", 100.0 * log_ratio.exp_m1())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_draws_are_counted() {
        // Of the 27 draws of three out of three, 7 have the least value in the middle, 13 the second, 7 the greatest.
        let amounts = amounts_of_medians(&[3.0, -1.0, 2.0], 3);
        let expected = [(1.0, 7.0), (2.0, 13.0), (3.0, 7.0)];
        for ((value, probability), (expected, draws)) in amounts.iter().zip(expected) {
            assert!(*value == expected && (probability - draws / 27.0).abs() < 1e-12, "{amounts:?}");
        }
        assert_eq!(quantile(&amounts, 0.25), 1.0);
        assert_eq!(quantile(&amounts, 0.75), 3.0);
    }

    #[test]
    fn a_draw_of_one_is_the_value() {
        let same = [0.03, -0.01, 0.05, -0.02, 0.04, 0.0, -0.06, 0.07];
        // Quartiles of the amounts: 0.01 and 0.05.
        assert!((threshold(&same, 1) - 0.17).abs() < 1e-12);
    }

    #[test]
    fn thresholds_follow_the_noise_of_equal_builds() {
        let noisy = [0.03, -0.01, 0.05, -0.02, 0.04, -0.03, 0.01, -0.05];
        let quiet = noisy.map(|ratio| ratio / 100.0);
        assert_eq!(threshold(&quiet, 5), FLOOR.ln_1p());
        let of_five = threshold(&noisy, 5);
        assert!((0.03..threshold(&noisy, 1)).contains(&of_five), "medians of five lie closer together: {of_five}");
        let mut outlier = noisy;
        outlier[2] = 5.0;
        assert!(threshold(&outlier, 5) < 0.15, "one outlier moves little");
    }

    #[test]
    fn ratios_are_read_as_parts_of_a_hundred() {
        assert_eq!(percent(1.1_f64.ln()), "+10.0 %");
        assert_eq!(percent(0.5_f64.ln()), "-50.0 %");
    }
}
