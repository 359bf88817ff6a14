//! Dates as ISO 8601 writes them.

/// A day, and the hour if there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Date {
    pub(crate) year: i32,
    pub(crate) month: u32,
    pub(crate) day: u32,
    pub(crate) hour: Option<u32>,
}

/// `2024-05-31`, `2024/05/31`, with `T12:30` or ` 12:30` and more behind it.
pub(crate) fn parse(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    if bytes.len() < 10 || !matches!((bytes[4], bytes[7]), (b'-', b'-') | (b'/', b'/')) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| -> Option<u32> {
        let digits = bytes.get(range)?;
        digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
    };
    let (year, month, day) = (number(0..4)? as i32, number(5..7)?, number(8..10)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let hour = match bytes.get(10) {
        None => None,
        Some(b'T' | b' ' | b't') if bytes.get(13) == Some(&b':') => Some(number(11..13).filter(|&hour| hour < 24)?),
        Some(_) => return None,
    };
    Some(Date { year, month, day, hour })
}

impl Date {
    /// Days since 1970-01-01.
    pub(crate) fn days(self) -> i64 {
        // Howard Hinnant, "chrono-compatible low-level date algorithms".
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * i64::from((self.month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// The day of the week, 0 for Monday.
    pub(crate) fn weekday(self) -> u32 {
        (self.days() + 3).rem_euclid(7) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_their_days() {
        let date = |text| parse(text).unwrap();
        assert_eq!(date("1970-01-01").days(), 0);
        assert_eq!(date("2000-03-01").days(), 11_017);
        assert_eq!((date("2024-05-31").weekday(), date("2024/05/31T23:59:00Z").hour), (4, Some(23)));
        for wrong in ["2024-13-01", "2024-5-1", "20240531", "2024-05-31x", "2024-05-31 25:00", "text of words"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
