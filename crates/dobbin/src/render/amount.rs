//! Amounts as people read them: bytes, rates, spans of time.

use std::fmt;
use std::time::Duration;

/// Bytes in binary units with three significant digits: `817 B`, `12.3 MiB`, `1.00 GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

/// How much of a whole is here, with the unit named once where it is the same: `20.3 of 28.6 MiB`,
/// `817 B of 1.00 GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) have: u64,
    pub(crate) total: u64,
}

/// Bytes a second, as [`Bytes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate(pub(crate) u64);

/// A span of time with the precision that its length deserves: `0.4 s`, `17 s`, `3 min 20 s`,
/// `2 h 5 min`, `4 d 3 h`. A precision of 0 (`{:.0}`) leaves tenths of seconds out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.0 < 1024 { format!("{} B", self.0) } else { in_units(self.0) };
        f.pad(&text)
    }
}

/// Three significant digits, cut and not rounded: what is not all here is never shown as all.
fn in_units(bytes: u64) -> String {
    let power = (bytes.ilog2() / 10) as usize;
    let unit = UNITS[power - 1];
    // Hundredths of the unit. u128, because 16 EiB in hundredths do not fit into 64 bits.
    let hundredths = (u128::from(bytes) * 100) >> (10 * power);
    match hundredths {
        0..1_000 => format!("{}.{:02} {unit}", hundredths / 100, hundredths % 100),
        1_000..10_000 => format!("{}.{} {unit}", hundredths / 100, hundredths / 10 % 10),
        _ => format!("{} {unit}", hundredths / 100),
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (have, total) = (Bytes(self.have).to_string(), Bytes(self.total).to_string());
        let (number, unit) = have.rsplit_once(' ').unwrap_or((&have, ""));
        let same = total.rsplit_once(' ').is_some_and(|(_, of_total)| of_total == unit);
        let have = if same { number } else { &have };
        write!(f, "{have} of {total}")
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/s", Bytes(self.0)))
    }
}

impl Rate {
    /// The rate at which `bytes` took `time`; nothing for no time at all.
    pub(crate) fn average(bytes: u64, time: Duration) -> Option<Rate> {
        let nanos = time.as_nanos();
        let rate = (u128::from(bytes) * 1_000_000_000).checked_div(nanos)?;
        Some(Rate(u64::try_from(rate).unwrap_or(u64::MAX)))
    }

    /// How long `bytes` take at this rate, rounded up; nothing when nothing moves.
    pub(crate) fn time_for(self, bytes: u64) -> Option<Span> {
        (self.0 > 0).then(|| Span(Duration::from_secs(bytes.div_ceil(self.0))))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
        // Not `pad`: a precision would cut the text.
        let text = match seconds {
            0..10 if f.precision() != Some(0) => {
                let tenths = self.0.as_millis() / 100;
                format!("{}.{} s", tenths / 10, tenths % 10)
            }
            0..60 => format!("{seconds} s"),
            60..3600 => format!("{minutes} min {} s", seconds % 60),
            3600..86_400 => format!("{hours} h {} min", minutes % 60),
            _ => format!("{days} d {} h", hours % 24),
        };
        f.write_str(&text)
    }
}

/// `part` of `whole` in whole percent, rounded down; 100 for a whole of nothing.
pub(crate) fn percent(part: u64, whole: u64) -> u64 {
    let percent = (u128::from(part) * 100).checked_div(u128::from(whole)).unwrap_or(100);
    u64::try_from(percent).unwrap_or(u64::MAX).min(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_three_digits_and_are_never_rounded_up() {
        #[track_caller]
        fn check(bytes: u64, expect: &str) {
            assert_eq!(Bytes(bytes).to_string(), expect);
        }
        check(0, "0 B");
        check(1023, "1023 B");
        check(1024, "1.00 KiB");
        check(1024 * 1024 - 1, "1023 KiB");
        check(12 * 1024 * 1024 + 400_000, "12.3 MiB");
        check(1 << 30, "1.00 GiB");
        check(u64::MAX, "15.9 EiB");
        assert_eq!(Rate(512_000).to_string(), "500 KiB/s");
        assert_eq!(format!("{:>10}|{:<8}|", Bytes(1), Bytes(2)), "       1 B|2 B     |");
    }

    #[test]
    fn a_part_names_the_unit_once_where_it_is_the_same() {
        let part = |have, total| Part { have, total }.to_string();
        assert_eq!(part(1 << 20, 10 << 20), "1.00 of 10.0 MiB");
        assert_eq!(part(1 << 10, 10 << 20), "1.00 KiB of 10.0 MiB");
        assert_eq!(part(0, 7), "0 of 7 B");
    }

    #[test]
    fn spans_are_as_exact_as_their_length_deserves() {
        #[track_caller]
        fn check(millis: u64, expect: &str) {
            assert_eq!(Span(Duration::from_millis(millis)).to_string(), expect);
        }
        check(0, "0.0 s");
        check(449, "0.4 s");
        check(9_999, "9.9 s");
        check(17_000, "17 s");
        check(200_000, "3 min 20 s");
        check(7_500_000, "2 h 5 min");
        check(356_400_000, "4 d 3 h");
        assert_eq!(format!("{:.0}", Span(Duration::from_millis(4_200))), "4 s");
    }

    #[test]
    fn rates_know_their_times() {
        assert_eq!(Rate::average(1000, Duration::from_millis(500)), Some(Rate(2000)));
        assert_eq!(Rate::average(1000, Duration::ZERO), None);
        assert_eq!(Rate::average(u64::MAX, Duration::from_nanos(1)), Some(Rate(u64::MAX)));
        assert_eq!(Rate(10).time_for(101), Some(Span(Duration::from_secs(11))));
        assert_eq!(Rate(0).time_for(1), None);
    }

    #[test]
    fn all_is_100_percent_and_almost_all_is_not() {
        assert_eq!(percent(0, 0), 100);
        assert_eq!(percent(999, 1000), 99);
        assert_eq!(percent(1000, 1000), 100);
        assert_eq!(percent(u64::MAX, 1), 100);
    }
}
