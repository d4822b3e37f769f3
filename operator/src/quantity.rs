//! Quantities of CPU, memory and disk in the canonical form that the API server stores. Another form of the same quantity
//! would be a difference for ever.

use std::cmp::Ordering;

/// `text` in canonical form; unchanged when it is not a quantity, which `validate` reports.
pub fn canonical(text: &str) -> String {
    parse(text).map_or_else(|| text.to_owned(), Amount::text)
}

/// Whether it is a quantity. Exponents, signs, leading zeros and fractions below a thousandth, which the API server would
/// accept, are not: no spec needs them.
pub fn is_valid(text: &str) -> bool {
    parse(text).is_some()
}

/// Which of two is more; none if one of them is not a quantity. Unlike a spec, an object of the API server may have an
/// exponent.
pub fn compare(one: &str, other: &str) -> Option<Ordering> {
    let amount = |text| parse(text).or_else(|| with_exponent(text));
    Some(amount(one)?.thousandths.cmp(&amount(other)?.thousandths))
}

fn with_exponent(text: &str) -> Option<Amount> {
    let (number, exponent) = text.split_once(['e', 'E'])?;
    let steps = exponent
        .strip_prefix('+')
        .unwrap_or(exponent)
        .parse()
        .ok()?;
    let Amount { thousandths, .. } = parse(number)?;
    Some(Amount {
        thousandths: scale(thousandths, 10, steps).filter(|amount| *amount <= MAX)?,
        binary: false,
    })
}

struct Amount {
    thousandths: u128,
    binary: bool,
}

const DECIMAL: [&str; 8] = ["m", "", "k", "M", "G", "T", "P", "E"];
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
/// The largest quantity of the API server, in thousandths.
const MAX: u128 = (i64::MAX as u128) * 1000;

fn parse(text: &str) -> Option<Amount> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let padded = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty()
        || padded
        || whole.len() > 18
        || fraction.len() > 3
        || fraction.contains('.')
    {
        return None;
    }
    let digits: u128 = format!("{whole}{fraction:0<3}").parse().ok()?;
    let decimal = DECIMAL.iter().position(|known| *known == suffix);
    let binary = BINARY.iter().skip(1).position(|known| *known == suffix);
    let (scaled, binary) = match (decimal, binary) {
        // The first suffix stands for a thousandth.
        (Some(0), _) if digits.is_multiple_of(1000) => (digits / 1000, false),
        (Some(0), _) => return None,
        (Some(step), _) => (scale(digits, 1000, step - 1)?, false),
        (_, Some(step)) => (scale(digits, 1024, step + 1)?, true),
        _ => return None,
    };
    (scaled <= MAX).then_some(Amount {
        thousandths: scaled,
        binary,
    })
}

fn scale(amount: u128, base: u128, steps: usize) -> Option<u128> {
    (0..steps).try_fold(amount, |amount, _| amount.checked_mul(base))
}

impl Amount {
    fn text(self) -> String {
        if self.thousandths == 0 {
            return "0".to_owned();
        }
        let whole = self.thousandths.is_multiple_of(1000);
        if self.binary && whole {
            return shorten(self.thousandths / 1000, 1024, &BINARY);
        }
        shorten(self.thousandths, 1000, &DECIMAL)
    }
}

/// The largest suffix that leaves a whole number.
fn shorten(mut amount: u128, base: u128, suffixes: &[&str]) -> String {
    let mut step = 0;
    while step + 1 < suffixes.len() && amount.is_multiple_of(base) {
        amount /= base;
        step += 1;
    }
    format!("{amount}{}", suffixes[step])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_takes_the_canonical_form() {
        // What `kubectl create --dry-run=server` answered for each.
        let rows = [
            ("0", "0"),
            ("0Gi", "0"),
            ("1", "1"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("0.5", "500m"),
            ("1.5", "1500m"),
            ("100", "100"),
            ("1000", "1k"),
            ("1500k", "1500k"),
            ("1000k", "1M"),
            ("2048Mi", "2Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("1Ki", "1Ki"),
            ("1024Ki", "1Mi"),
            ("1000Ki", "1000Ki"),
            ("1024", "1024"),
            ("128M", "128M"),
            ("1.500Gi", "1536Mi"),
            ("1000000000000", "1T"),
        ];
        for (given, expected) in rows {
            assert_eq!(canonical(given), expected, "{given}");
        }
    }

    #[test]
    fn quantities_are_compared_across_notations() {
        for (one, expected, other) in [
            ("1Gi", Ordering::Equal, "1024Mi"),
            ("1Gi", Ordering::Greater, "1G"),
            ("3e9", Ordering::Equal, "3G"),
            ("3E+9", Ordering::Less, "3Gi"),
            ("1.5e3", Ordering::Equal, "1500"),
        ] {
            assert_eq!(compare(one, other), Some(expected), "{one} {other}");
        }
        for text in ["", "many", "1e", "1e99", "1e-3"] {
            assert_eq!(compare(text, "1"), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_quantity_is_rejected() {
        for text in [
            "",
            "Gi",
            "abc",
            "007Gi",
            "8Ei",
            "1 Gi",
            "1gi",
            "-1",
            "1.2.3",
            "9E9E",
            "99999999999E",
            "1.5m",
            "1.2345",
        ] {
            assert!(!is_valid(text), "{text}");
            assert_eq!(canonical(text), text);
        }
    }

    #[test]
    fn the_largest_quantity_is_that_of_the_api_server() {
        for (largest, more) in [
            ("7Ei", "8Ei"),
            ("9E", "10E"),
            ("999999999999999999", "1000000000000000000"),
        ] {
            assert!(is_valid(largest) && !is_valid(more), "{largest}");
            assert_eq!(canonical(largest), largest);
        }
    }
}
