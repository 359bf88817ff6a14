//! Quantiles.

/// The value that this share of the values does not exceed; NaN if there is none.
#[must_use]
pub fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (share * values.len() as f64) as usize;
    values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Lower quartile, median, upper quartile.
#[must_use]
pub fn quartiles(values: &mut [f64]) -> [f64; 3] {
    [0.25, 0.5, 0.75].map(|share| quantile(values, share))
}

/// The middle one.
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
        assert_eq!(quantile(&mut (1..=200).map(f64::from).collect::<Vec<_>>(), 0.99), 199.0);
        assert!(median(&mut []).is_nan());
    }
}
