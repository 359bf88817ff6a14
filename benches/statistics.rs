//! Quantiles.

/// The quantile, interpolated linearly; NaN without values.
#[must_use]
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let place = share * last as f64;
    let [below, above] = [place.floor(), place.ceil()].map(|place| values[(place as usize).min(last)]);
    below + place.fract() * (above - below)
}

/// Lower quartile, median, upper quartile.
#[must_use]
pub fn quartiles(values: &mut [f64]) -> [f64; 3] {
    [0.25, 0.5, 0.75].map(|share| quantile(values, share))
}

/// The middle value; the mean of the two middle ones if the number is even.
#[must_use]
pub fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_order() {
        assert_eq!(quartiles(&mut [3.0, 1.0, 4.0, 2.0, 5.0]), [2.0, 3.0, 4.0]);
        assert_eq!(quantile(&mut [1.0], 0.99), 1.0);
        assert_eq!(quantile(&mut (0..=200).map(f64::from).collect::<Vec<_>>(), 0.99), 198.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&mut []).is_nan());
    }
}
