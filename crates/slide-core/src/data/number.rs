//! Decimal integers and floats from bytes: the inner loop of every text format.

/// Why bytes are not a number of the expected form.
#[derive(Debug, PartialEq)]
pub(crate) enum NumberError {
    /// Not a number at all.
    Syntax,
    /// A number that a finite `f32` cannot hold.
    Range,
}

/// The byte at `position`, or a newline behind the end: a file may end where a line may.
#[inline(always)]
pub(crate) fn byte(text: &[u8], position: usize) -> u8 {
    text.get(position).copied().unwrap_or(b'\n')
}

/// The unsigned integer at `*position`, which moves behind it; `None` (and no move) without a digit.
/// Saturates: any number of digits is read, what does not fit is `u64::MAX`.
#[inline(always)]
pub(crate) fn integer(text: &[u8], position: &mut usize) -> Option<u64> {
    let start = *position;
    let mut value = 0_u64;
    let mut at = start;
    loop {
        let digit = byte(text, at).wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    *position = at;
    match at - start {
        0 => None,
        1..=19 => Some(value),
        _ => Some(long_integer(&text[start..at])),
    }
}

#[cold]
fn long_integer(digits: &[u8]) -> u64 {
    digits.iter().fold(0_u64, |value, digit| value.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// The finite float at `*position`, correctly rounded; `*position` moves behind it, or does not move on an error.
///
/// Clinger's fast path (How to Read Floating Point Numbers Accurately, PLDI 1990) in `f64`: a mantissa of at most 2^53
/// and a power of ten of at most 22 are exact, so one operation rounds once. Narrowing to `f32` rounds again, which
/// can differ from rounding once only where the `f64` lies exactly between two neighbouring `f32`; those, subnormals and
/// everything longer are left to the standard library.
#[inline(always)]
pub(crate) fn float(text: &[u8], position: &mut usize) -> Result<f32, NumberError> {
    let start = *position;
    let mut at = start;
    let negative = byte(text, at) == b'-';
    if negative || byte(text, at) == b'+' {
        at += 1;
    }
    let mut mantissa = 0_u64;
    let mut run = |at: &mut usize| {
        let first = *at;
        loop {
            let digit = byte(text, *at).wrapping_sub(b'0');
            if digit > 9 {
                return *at - first;
            }
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            *at += 1;
        }
    };
    let mut digits = run(&mut at);
    let mut exponent = 0_i64;
    if byte(text, at) == b'.' {
        at += 1;
        let decimals = run(&mut at);
        digits += decimals;
        exponent = -(decimals as i64);
    }
    if digits == 0 {
        return Err(NumberError::Syntax);
    }
    if byte(text, at) | 0x20 == b'e' {
        exponent = exponent.saturating_add(scientific(text, &mut at)?);
    }
    if digits <= 19 && mantissa <= 1 << 53 && exponent.unsigned_abs() <= 22 {
        let power = POWERS_OF_TEN[exponent.unsigned_abs() as usize];
        let wide = if exponent < 0 { mantissa as f64 / power } else { mantissa as f64 * power };
        let between = wide.to_bits() & 0x1fff_ffff == 0x1000_0000;
        let normal = wide >= f64::from(f32::MIN_POSITIVE) && wide <= f64::from(f32::MAX);
        if mantissa == 0 || (normal && !between) {
            *position = at;
            let value = wide as f32;
            return Ok(if negative { -value } else { value });
        }
    }
    let value = slow(&text[start..at])?;
    *position = at;
    Ok(value)
}

/// The exponent behind the `e` at `*at`, saturated.
#[cold]
fn scientific(text: &[u8], at: &mut usize) -> Result<i64, NumberError> {
    *at += 1;
    let negative = byte(text, *at) == b'-';
    if negative || byte(text, *at) == b'+' {
        *at += 1;
    }
    let size = integer(text, at).ok_or(NumberError::Syntax)?.min(1 << 32) as i64;
    Ok(if negative { -size } else { size })
}

#[cold]
fn slow(token: &[u8]) -> Result<f32, NumberError> {
    let text = std::str::from_utf8(token).map_err(|_| NumberError::Syntax)?;
    let value: f32 = text.parse().map_err(|_| NumberError::Syntax)?;
    if value.is_finite() { Ok(value) } else { Err(NumberError::Range) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<f32, NumberError> {
        let mut position = 0;
        let value = float(text.as_bytes(), &mut position)?;
        assert_eq!(position, text.len(), "{text}");
        Ok(value)
    }

    #[test]
    fn integers() {
        let read = |text: &str| {
            let mut position = 0;
            (integer(text.as_bytes(), &mut position), position)
        };
        assert_eq!(read("0,"), (Some(0), 1));
        assert_eq!(read("4294967296"), (Some(1 << 32), 10));
        assert_eq!(read("x"), (None, 0));
        assert_eq!(read(""), (None, 0));
        assert_eq!(read("18446744073709551616 "), (Some(u64::MAX), 20));
        assert_eq!(read("00000000000000000000000000007"), (Some(7), 29));
    }

    #[test]
    fn floats_where_two_roundings_would_differ() {
        // Each is within half a unit of an f64 of the middle between two f32.
        for text in [
            "1.00000005960464477539",
            "16777217",
            "16777217.0",
            "0.000000000000000000000000000000000000011754942106924411",
            "1.4e-45",
            "7e-46",
            "3.4028235677973366e38",
            "9007199254740993",
            "8388609.5",
            "8388609.499999999",
            "-0",
            "-.5",
            "5.",
            "1e22",
            "1e-22",
            "1E+3",
            "340282346638528859811704183484516925440",
            "0.3333333432674407958984375",
        ] {
            let expected: f32 = text.parse().unwrap();
            if expected.is_finite() {
                assert_eq!(parse(text).unwrap().to_bits(), expected.to_bits(), "{text}");
            } else {
                assert_eq!(parse(text), Err(NumberError::Range), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_finite_float() {
        for text in ["", "-", ".", "+.", "e5", "1e", "1e+", "nan", "inf", "-inf", "--1", "x1"] {
            assert_eq!(parse(text), Err(NumberError::Syntax), "{text}");
        }
        for text in ["1e39", "-3.5e38", "1e99999999999999999999"] {
            assert_eq!(parse(text), Err(NumberError::Range), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn floats_round_as_the_standard_library(text in "[+-]?[0-9]{1,12}(\\.[0-9]{0,12})?([eE][+-]?[0-9]{1,2})?") {
            let expected: f32 = text.parse().unwrap();
            let read = parse(&text);
            if expected.is_finite() {
                prop_assert_eq!(read.unwrap().to_bits(), expected.to_bits());
            } else {
                prop_assert_eq!(read, Err(NumberError::Range));
            }
        }

        #[test]
        fn every_float_comes_back(bits: u32) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            for text in [format!("{value}"), format!("{value:e}"), format!("{:.17}", value)] {
                let expected: f32 = text.parse().unwrap();
                prop_assert_eq!(parse(&text).unwrap().to_bits(), expected.to_bits());
            }
        }
    }
}
