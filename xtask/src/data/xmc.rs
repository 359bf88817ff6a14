//! Writes the bag-of-words format of the extreme-classification repository: a line `examples features labels`, then for
//! each example a line `label,label feature:value feature:value`, all numbers from zero and ascending.

use std::fmt::Write as _;

/// One labelled sparse vector.
#[derive(Debug)]
pub(crate) struct Example {
    /// Ascending.
    pub(crate) labels: Vec<usize>,
    /// (feature, value), features ascending.
    pub(crate) features: Vec<(usize, f64)>,
}

/// The file's content, values rounded to four significant digits.
pub(crate) fn to_text(examples: &[Example], feature_count: usize, label_count: usize) -> String {
    let mut text = format!("{} {feature_count} {label_count}\n", examples.len());
    for example in examples {
        for (i, label) in example.labels.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(text, "{comma}{label}").expect("writing to a string");
        }
        for (feature, value) in &example.features {
            write!(text, " {feature}:{}", four_digits(*value)).expect("writing to a string");
        }
        text.push('\n');
    }
    text
}

/// Rounded to four significant digits, from the exact decimal value (half to even).
fn four_digits(value: f64) -> f64 {
    format!("{value:.3e}").parse().expect("a printed number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_significant_digits() {
        let printed = [0.094_049_9, 0.27, 1.0, 0.999_96, 0.012_345_6].map(|value| four_digits(value).to_string());
        assert_eq!(printed, ["0.09405", "0.27", "1", "1", "0.01235"]);
    }

    #[test]
    fn an_example_is_a_line() {
        let examples = [
            Example { labels: vec![0, 7], features: vec![(1, 0.5), (3, 0.25)] },
            Example { labels: vec![], features: vec![(2, 1.0)] },
        ];
        assert_eq!(to_text(&examples, 4, 8), "2 4 8\n0,7 1:0.5 3:0.25\n 2:1\n");
    }
}
