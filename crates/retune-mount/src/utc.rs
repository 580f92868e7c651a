//! The calendar: a time as year, month, day, hour, minute, second.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment in UTC, by the Gregorian calendar. Moments before 1970 are 1970.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utc {
    pub year: u64,
    pub month: u64,
    pub day: u64,
    pub hour: u64,
    pub minute: u64,
    pub second: u64,
    pub micros: u32,
}

// === impl Utc ===

impl Utc {
    /// `2026-11-21T02:15:10.042173Z`, to the microsecond, as RFC 3339 has it.
    pub fn rfc3339(self) -> String {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            micros,
        } = self;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

impl From<SystemTime> for Utc {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = since.as_secs();
        let (year, month, day) = date(seconds / 86_400);
        Self {
            year,
            month,
            day,
            hour: seconds / 3600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            micros: since.subsec_micros(),
        }
    }
}

/// The date of a day since 1970-01-01: Howard Hinnant's `civil_from_days`, for days that are not
/// negative.
fn date(days: u64) -> (u64, u64, u64) {
    // Counted from 0000-03-01, so that the leap day is the last day of a year.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates_are_right_around_leap_days_and_centuries() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399, "2000-02-28T23:59:59.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (951_868_800, "2000-03-01T00:00:00.000000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000000Z"),
            (31_539_661, "1971-01-01T01:01:01.000000Z"),
            (1_795_227_310, "2026-11-21T02:15:10.000000Z"),
            (4_107_503_221, "2100-02-28T13:07:01.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
            (13_569_424_230, "2399-12-31T12:30:30.000000Z"),
            (13_574_563_200, "2400-02-29T00:00:00.000000Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(Utc::from(time).rfc3339(), text);
        }
        let micros = UNIX_EPOCH + Duration::from_nanos(42_173_999);
        assert_eq!(Utc::from(micros).rfc3339(), "1970-01-01T00:00:00.042173Z");
    }
}
