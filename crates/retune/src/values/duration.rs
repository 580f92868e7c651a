//! Durations.

use std::time::Duration;

use crate::decode::{Decoder, Value};
use crate::grammar::Grammar;
use crate::node::Node;
use crate::schema::Shape;

const UNITS: &str = "units are ns, us, ms, s, m, h, d (24 h) and w (7 d)";

/// From long to short, in nanoseconds.
const NANOS: [(&str, u128); 8] = [
    ("w", 604_800 * SECOND),
    ("d", 86_400 * SECOND),
    ("h", 3_600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];
const SECOND: u128 = 1_000_000_000;

// === impl Duration ===

/// Numbers with units, the longest first: `30s`, `1h30m`, `250ms`, `1.5s`, `1d 12h`.
///
/// Units are `ns`, `us` (`µs`), `ms`, `s`, `m`, `h`, `d` (24 hours) and `w` (7 days). A bare number is
/// refused, since nobody can know its unit, but for `0`.
impl Value for Duration {
    const SHAPE: Shape = Shape::Text(Grammar::Time);

    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        decoder.written(node, &Grammar::Time, parse)
    }
}

fn parse(text: &str) -> Result<Duration, &'static str> {
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.starts_with('-') {
        return Err("a duration is not negative");
    }
    if rest.is_empty() {
        return Err(UNITS);
    }
    let mut nanos = 0_u128;
    // Units from here on are allowed still.
    let mut allowed = &NANOS[..];
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, after) = split(after.trim_start(), |c| c.is_alphabetic());
        let unit = if matches!(unit, "µs" | "μs") {
            "us"
        } else {
            unit
        };
        if unit.is_empty() && !number.is_empty() {
            return Err("a number needs its unit: ns, us, ms, s, m, h, d (24 h) or w (7 d)");
        }
        let Some(nanos_of_unit) = NANOS.iter().find(|(name, _)| *name == unit) else {
            return Err(UNITS);
        };
        let Some(index) = allowed.iter().position(|(name, _)| *name == unit) else {
            return Err("each unit stands once, the longest first");
        };
        allowed = &allowed[index + 1..];
        let part = scaled(number, nanos_of_unit.1)?;
        nanos = nanos.checked_add(part).ok_or("too long")?;
        rest = after.trim_start();
    }
    let seconds = u64::try_from(nanos / SECOND).map_err(|_| "too long")?;
    let below = u32::try_from(nanos % SECOND).map_err(|_| "too long")?;
    Ok(Duration::new(seconds, below))
}

/// `number` (digits, at most one point) times `unit`, rounded down.
pub(super) fn scaled(number: &str, unit: u128) -> Result<u128, &'static str> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let has_digits = !whole.is_empty() && (!fraction.is_empty() || !number.contains('.'));
    if !has_digits || fraction.contains('.') {
        return Err("not a number before the unit");
    }
    let whole = whole
        .parse::<u128>()
        .ok()
        .and_then(|whole| whole.checked_mul(unit));
    // More digits than these tell nothing: they are below a nanosecond, or a byte.
    let fraction = &fraction[..fraction.len().min(18)];
    let fraction = if fraction.is_empty() {
        Some(0)
    } else {
        let power = u32::try_from(fraction.len())
            .ok()
            .map(|digits| 10_u128.pow(digits));
        let digits = fraction
            .parse::<u128>()
            .ok()
            .and_then(|digits| digits.checked_mul(unit));
        digits.zip(power).map(|(digits, power)| digits / power)
    };
    whole
        .zip(fraction)
        .and_then(|(a, b)| a.checked_add(b))
        .ok_or("too large")
}

/// The longest prefix of such characters, and the rest.
pub(super) fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{decode, env, file, refusal};
    use super::*;

    fn parsed(text: &str) -> Duration {
        decode(env(text)).unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
    }

    #[test]
    fn d8_durations_with_units() {
        for (text, nanos) in [
            ("30s", 30 * SECOND),
            ("1h30m", 5400 * SECOND),
            ("1h 30m", 5400 * SECOND),
            ("30 s", 30 * SECOND),
            ("250ms", SECOND / 4),
            ("1.5s", SECOND * 3 / 2),
            ("0.1s", SECOND / 10),
            ("1d", 86_400 * SECOND),
            ("2w", 2 * 604_800 * SECOND),
            ("1w2d3h4m5s6ms7us8ns", 788_645_006_007_008),
            ("3µs", 3000),
            ("3μs", 3000),
            ("0", 0),
            ("0s", 0),
            (" 5s ", 5 * SECOND),
            ("1.9999999999s", 1_999_999_999),
        ] {
            assert_eq!(parsed(text).as_nanos(), nanos, "{text}");
        }
        assert_eq!(
            decode::<Duration>(file("30s\n")).unwrap(),
            Duration::from_secs(30)
        );
    }

    #[test]
    fn d8_a_bare_number_is_refused_and_told_the_units() {
        for text in ["30", "1h30", "1.5", "00"] {
            let refusal = refusal::<Duration>(env(text));
            assert!(
                refusal.contains("a number needs its unit: ns, us, ms, s, m, h, d"),
                "{refusal}"
            );
        }
    }

    #[test]
    fn d8_what_is_no_duration_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "units are ns"),
            ("s", "not a number before the unit"),
            (".s", "not a number before the unit"),
            ("1.s", "not a number before the unit"),
            ("1.2.3s", "not a number before the unit"),
            ("30sec", "units are ns"),
            ("30S", "units are ns"),
            ("1M", "units are ns"),
            ("-5s", "not negative"),
            ("30m1h", "the longest first"),
            ("1m1m", "each unit stands once"),
            ("99999999999999999999w", "too long"),
            ("999999999999999999999999999999999999999999w", "too large"),
            ("1s, 2s", "units are ns"),
        ] {
            let refusal = refusal::<Duration>(env(text));
            assert!(refusal.contains(reason), "{text}: {refusal}");
            assert!(
                refusal.contains("expected a duration such as `30s`"),
                "{refusal}"
            );
        }
    }

    /// A duration as people write it, in whole units.
    fn written(mut nanos: u128) -> String {
        let mut text = String::new();
        for (unit, size) in NANOS {
            if nanos / size > 0 {
                text += &format!("{}{unit}", nanos / size);
                nanos %= size;
            }
        }
        if text.is_empty() {
            "0".to_owned()
        } else {
            text
        }
    }

    proptest! {
        #[test]
        fn d8_each_duration_survives_being_written(seconds: u64, nanos in 0..1_000_000_000_u32) {
            let duration = Duration::new(seconds, nanos);
            prop_assert_eq!(parsed(&written(duration.as_nanos())), duration);
            prop_assert_eq!(parsed(&format!("{seconds}.{nanos:09}s")), duration);
        }

        #[test]
        fn d8_no_text_panics(text in "[-0-9.smhµ ]{0,30}|\\PC{0,10}") {
            drop(decode::<Duration>(env(&text)));
        }
    }
}
