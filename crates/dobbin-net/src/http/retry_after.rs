//! `Retry-After` (RFC 9110 §10.2.3).

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

use super::validator::date;

/// The longest wait that an origin is granted. Longer ones would let it put jobs to sleep for good.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);

/// How long the origin asks us to stay away, at most [`RETRY_AFTER_MAX`]; `None` if it does not ask,
/// or asks in no readable way.
///
/// A date is taken relative to the reply's own `Date`, because our clock may be wrong; `now` stands in
/// where there is none. One in the past is no wait.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many digits for a number are a very long wait, not an unreadable one.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let since = date(headers).unwrap_or(now);
    Some(until.duration_since(since).unwrap_or_default().min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::DATE;

    use super::*;

    /// 1994-11-06T08:49:37Z, the date of RFC 9110's examples.
    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
    }

    #[track_caller]
    fn check(text: &str, expect_seconds: Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(text).unwrap());
        let expect = expect_seconds.map(Duration::from_secs);
        assert_eq!(retry_after(&headers, now()), expect, "{text:?}");
    }

    #[test]
    fn seconds_are_taken_up_to_an_hour() {
        check("0", Some(0));
        check("120", Some(120));
        check(" 120 ", Some(120));
        check("3600", Some(3_600));
        check("3601", Some(3_600));
        check("99999999999999999999999999", Some(3_600));
    }

    #[test]
    fn the_three_forms_of_a_date_are_taken() {
        check("Sun, 06 Nov 1994 08:50:37 GMT", Some(60));
        check("Sunday, 06-Nov-94 08:50:37 GMT", Some(60));
        check("Sun Nov  6 08:50:37 1994", Some(60));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(0));
        check("Sat, 05 Nov 1994 08:49:37 GMT", Some(0));
        check("Mon, 07 Nov 1994 08:49:37 GMT", Some(3_600));
    }

    #[test]
    fn anything_else_asks_for_nothing() {
        for text in ["", "soon", "-1", "+1", "1.5", "1e3", "0x10", "Sun, 06 Nov 1994"] {
            check(text, None);
        }
        assert_eq!(retry_after(&HeaderMap::new(), now()), None);
    }

    #[test]
    fn the_origins_own_clock_counts() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Sun, 06 Nov 1994 08:50:37 GMT"));
        headers.insert(DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:50:07 GMT"));
        assert_eq!(retry_after(&headers, now()), Some(Duration::from_secs(30)));
    }
}
