//! Figures as people read them.

/// Three digits, or as many as are before the point.
pub(crate) fn number(value: f64) -> String {
    let decimals = if value > 0.0 { (2 - value.log10().floor() as i32).clamp(0, 4) as usize } else { 0 };
    format!("{value:.decimals$}")
}

/// With the unit in which it has few digits.
pub(crate) fn time(nanoseconds: f64) -> String {
    let units = [(1e9, "s"), (1e6, "ms"), (1e3, "us")];
    let (unit, name) = units.into_iter().find(|(unit, _)| nanoseconds >= *unit).unwrap_or((1.0, "ns"));
    format!("{} {name}", number(nanoseconds / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let texts = ["0", "0.0432", "0.500", "3.25", "48.0", "1235"];
        assert_eq!([0.0, 0.04321, 0.5, 3.25, 48.0, 1234.6].map(number), texts);
    }

    #[test]
    fn times_have_units() {
        assert_eq!([12.34, 1234.0, 5e6, 2.5e9].map(time), ["12.3 ns", "1.23 us", "5.00 ms", "2.50 s"]);
    }
}
