//! Text in HTML and SVG, and how times are written.

use std::fmt::{self, Display, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Shows anything as text, also in an attribute's quotes: nothing in it is markup.
pub(crate) struct Text<T>(pub(crate) T);

struct Escape<'a, 'f>(&'a mut fmt::Formatter<'f>);

/// A duration in milliseconds, with as many digits as say something.
pub(crate) fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    match ms {
        ..9.995 => format!("{ms:.2}"),
        ..99.95 => format!("{ms:.1}"),
        _ => format!("{ms:.0}"),
    }
}

/// The time of the day.
pub(crate) fn utc(time: SystemTime) -> String {
    let unix = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let of_day = unix.as_secs() % 86_400;
    let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02} UTC")
}

// === impl Text ===

impl<T: Display> Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escape(f), "{}", self.0)
    }
}

// === impl Escape ===

impl Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|char| match char {
            '&' => self.0.write_str("&amp;"),
            '<' => self.0.write_str("&lt;"),
            '>' => self.0.write_str("&gt;"),
            '"' => self.0.write_str("&quot;"),
            '\'' => self.0.write_str("&#39;"),
            // XML has no place for them.
            char if char.is_control() && char != '\n' => self.0.write_char('\u{fffd}'),
            char => self.0.write_char(char),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let text = "</style><script>alert(\"1\" & '2')\u{1b}\n";
        assert_eq!(
            Text(text).to_string(),
            "&lt;/style&gt;&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)\u{fffd}\n"
        );
    }

    #[test]
    fn short_times_have_more_digits_than_long_ones() {
        let of = |micros| ms(Duration::from_micros(micros));
        let written = [0, 83, 9_994, 9_996, 99_949, 99_951, 84_600_000].map(of);
        let expected = ["0.00", "0.08", "9.99", "10.0", "99.9", "100", "84600"];
        assert_eq!(written, expected);
    }

    #[test]
    fn a_time_is_that_of_its_day() {
        let time = UNIX_EPOCH + Duration::from_secs(20_778 * 86_400 + 3600 * 7 + 60 * 21 + 28);
        assert_eq!(utc(time), "07:21:28 UTC");
    }
}
