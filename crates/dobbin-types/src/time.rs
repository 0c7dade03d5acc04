//! Points in time as the interface counts them.

use core::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Ticks of 100 ns since 1601-01-01T00:00:00Z (`FILETIME`).
///
/// In REST bodies it is text in the form of RFC 3339, in UTC, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
pub struct FileTime(pub u64);

/// From the `FILETIME` epoch to the Unix epoch, in ticks.
const UNIX_EPOCH_TICKS: u64 = 11_644_473_600 * TICKS_PER_SECOND;

const TICKS_PER_SECOND: u64 = 10_000_000;

impl FileTime {
    /// The point this many milliseconds after the Unix epoch.
    pub fn from_unix_millis(millis: u64) -> FileTime {
        FileTime(UNIX_EPOCH_TICKS.saturating_add(millis.saturating_mul(10_000)))
    }

    /// Whole milliseconds since the Unix epoch, rounded down; 0 for points before it.
    pub fn unix_millis(self) -> u64 {
        self.0.saturating_sub(UNIX_EPOCH_TICKS) / 10_000
    }

    fn timestamp(self) -> Option<Timestamp> {
        let micros = i64::try_from(self.0 / 10).ok()? - (UNIX_EPOCH_TICKS / 10) as i64;
        Timestamp::from_microsecond(micros).ok()
    }

    fn from_timestamp(time: Timestamp) -> Option<FileTime> {
        let micros = time.as_microsecond() + (UNIX_EPOCH_TICKS / 10) as i64;
        u64::try_from(micros).ok()?.checked_mul(10).map(FileTime)
    }
}

impl fmt::Display for FileTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.timestamp() {
            Some(time) => time.fmt(f),
            None => write!(f, "FILETIME {}", self.0),
        }
    }
}

impl Serialize for FileTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FileTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FileTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time: Timestamp = text.parse().map_err(de::Error::custom)?;
        FileTime::from_timestamp(time)
            .ok_or_else(|| de::Error::custom("a time before 1601 has no FILETIME"))
    }
}

/// When things happened to a job (`BG_JOB_TIMES`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobTimes {
    /// When it was created.
    pub creation: FileTime,
    /// When bytes, files, properties or its state last changed.
    pub modification: FileTime,
    /// When it last became transferred; nothing before the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer_completion: Option<FileTime>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// conformance: struct BG_JOB_TIMES
    #[test]
    fn the_unix_epoch_is_where_filetime_says() {
        assert_eq!(FileTime::from_unix_millis(0).0, 116_444_736_000_000_000);
        assert_eq!(FileTime::from_unix_millis(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(FileTime::from_unix_millis(1_500).unix_millis(), 1_500);
        assert_eq!(FileTime(0).unix_millis(), 0);
    }

    #[test]
    fn text_leads_back_to_the_same_microsecond() {
        let time = FileTime(133_000_000_123_456_780);
        let text = serde_json::to_string(&time).unwrap();
        assert_eq!(serde_json::from_str::<FileTime>(&text).unwrap(), time);
    }

    #[test]
    fn an_impossible_number_still_has_a_text() {
        assert_eq!(FileTime(u64::MAX).to_string(), "FILETIME 18446744073709551615");
    }
}
