//! `Range` and `Content-Range` (RFC 9110 §14).

use std::fmt::Write as _;
use std::ops::Range;

use http::HeaderMap;
use http::header::CONTENT_RANGE;

/// What a `Content-Range` says. Ends are exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentRange {
    /// `bytes first-last/total`
    Part {
        /// First byte of the part.
        start: u64,
        /// Behind the last byte of the part.
        end: u64,
        /// Length of the whole, if said.
        total: Option<u64>,
    },
    /// `bytes */total`: the range asked for does not exist.
    Unsatisfied {
        /// Length of the whole.
        total: u64,
    },
}

/// Why a reply's part cannot be trusted to be the part that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RangeFault {
    /// No `Content-Range`.
    #[error("the part does not say where it belongs")]
    Missing,
    /// More than one, one that does not parse, or `*/total` where a part was promised.
    #[error("the part says in no readable way where it belongs")]
    Unreadable,
    /// Several parts in one body, although one was asked for.
    #[error("several parts came instead of one")]
    Multipart,
    /// Another part than the one asked for.
    #[error("another part came than was asked for")]
    Other,
}

impl ContentRange {
    /// Reads the value of the header, strictly; `None` if it is not of this form, overflows, or
    /// contradicts itself.
    pub fn parse(text: &str) -> Option<ContentRange> {
        let (unit, rest) = text.trim_matches([' ', '\t']).split_once(' ')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (span, total) = rest.split_once('/')?;
        let total = if total == "*" { None } else { Some(digits(total)?) };
        if span == "*" {
            return Some(ContentRange::Unsatisfied { total: total? });
        }
        let (first, last) = span.split_once('-')?;
        let (start, end) = (digits(first)?, digits(last)?.checked_add(1)?);
        let fits = start < end && total.is_none_or(|total| end <= total);
        fits.then_some(ContentRange::Part { start, end, total })
    }

    /// The one `Content-Range` of a reply.
    pub(super) fn of(headers: &HeaderMap) -> Result<ContentRange, RangeFault> {
        let mut values = headers.get_all(CONTENT_RANGE).iter();
        let value = values.next().ok_or(RangeFault::Missing)?;
        if values.next().is_some() {
            return Err(RangeFault::Unreadable);
        }
        let text = value.to_str().map_err(|_| RangeFault::Unreadable)?;
        ContentRange::parse(text).ok_or(RangeFault::Unreadable)
    }
}

/// The value of a `Range` header for these bytes; open-ended when the end is [`u64::MAX`].
///
/// # Panics
///
/// If the range is empty: there is no such request, and asking for one is our own mistake.
pub(super) fn range_header(range: &Range<u64>) -> String {
    assert!(range.start < range.end, "an empty range cannot be asked for");
    let mut text = format!("bytes={}-", range.start);
    if range.end != u64::MAX {
        let _ = write!(text, "{}", range.end - 1);
    }
    text
}

/// Digits and nothing else: `parse` alone would also take a plus sign.
fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<ContentRange>) {
        assert_eq!(ContentRange::parse(text), expect, "{text:?}");
    }

    #[test]
    fn well_formed_values_are_read() {
        let part = |start, end, total| Some(ContentRange::Part { start, end, total });
        check("bytes 0-0/1", part(0, 1, Some(1)));
        check("bytes 0-99/200", part(0, 100, Some(200)));
        check("bytes 100-199/200", part(100, 200, Some(200)));
        check("bytes 5-9/*", part(5, 10, None));
        check("BYTES 5-9/10", part(5, 10, Some(10)));
        check(" bytes 5-9/10\t", part(5, 10, Some(10)));
        check("bytes 007-009/010", part(7, 10, Some(10)));
        check("bytes */0", Some(ContentRange::Unsatisfied { total: 0 }));
        check("bytes */1234", Some(ContentRange::Unsatisfied { total: 1234 }));
        check(
            "bytes 0-18446744073709551614/18446744073709551615",
            part(0, u64::MAX, Some(u64::MAX)),
        );
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "bytes",
            "bytes ",
            "bytes 0-1",
            "bytes 0-1/",
            "bytes 0-/2",
            "bytes -1/2",
            "bytes /2",
            "bytes 1-0/2",
            "bytes 0-2/2",
            "bytes 2-2/2",
            "bytes */*",
            "bytes 0-1/1x",
            "bytes 0x0-1/2",
            "bytes +0-1/2",
            "bytes 0-+1/2",
            "bytes 0 -1/2",
            "bytes 0-1 /2",
            "bytes  0-1/2",
            "bytes=0-1/2",
            "items 0-1/2",
            "0-1/2",
            "bytes 0-1/2, bytes 3-4/5",
            "bytes 0-18446744073709551615/*",
            "bytes 0-1/18446744073709551616",
            "bytes 99999999999999999999-99999999999999999999/*",
            "bytes 0-1/-2",
            "bytes **/2",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_range_is_asked_for_with_its_last_byte() {
        assert_eq!(range_header(&(0..1)), "bytes=0-0");
        assert_eq!(range_header(&(5..10)), "bytes=5-9");
        assert_eq!(range_header(&(5..u64::MAX)), "bytes=5-");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(start: u64, length in 1_u64.., more: u64) {
            if let Some(end) = start.checked_add(length)
                && let Some(total) = end.checked_add(more)
            {
                let text = format!("bytes {start}-{}/{total}", end - 1);
                let expect = ContentRange::Part { start, end, total: Some(total) };
                prop_assert_eq!(ContentRange::parse(&text), Some(expect));
            }
        }

        #[test]
        fn no_text_makes_an_impossible_range(text in "bytes [0-9*]{0,21}-?[0-9]{0,21}/[0-9*]{0,21}") {
            if let Some(ContentRange::Part { start, end, total }) = ContentRange::parse(&text) {
                prop_assert!(start < end);
                prop_assert!(total.is_none_or(|total| end <= total));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = ContentRange::parse(&text);
        }
    }
}
