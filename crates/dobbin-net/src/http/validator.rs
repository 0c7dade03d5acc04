//! What proves that two replies carry the same bytes (RFC 9110 §8.8, §13.1.5).

use std::time::{Duration, SystemTime};

use http::header::{DATE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderName};

pub use dobbin_core::job::Validator;

/// The longest value that is kept: it is stored with the job, and sent with every request.
const VALUE_BYTES_MAX: usize = 1024;

/// How much older than the reply a `Last-Modified` must be.
///
/// RFC 9110 §8.8.2.2 asks for one second where both come from one clock, and for more where they may
/// not; we cannot know, so it is the minute that its forerunner (RFC 7232 §2.2.2) named.
const AGE_MIN: Duration = Duration::from_secs(60);

/// The strong validator of a reply.
///
/// A strong entity tag, if there is one. A `Last-Modified` only where there is no entity tag at
/// all (RFC 9110 §13.1.5) and where it is at least sixty seconds older than the reply's `Date`:
/// a file changed twice in a second would else pass for the same.
pub(super) fn of(headers: &HeaderMap) -> Option<Validator> {
    if headers.contains_key(ETAG) {
        let tag = only(headers, ETAG)?;
        return is_strong_tag(tag).then(|| Validator::StrongEtag(tag.to_owned()));
    }
    let text = only(headers, LAST_MODIFIED)?;
    let modified = httpdate::parse_http_date(text).ok()?;
    let age = date(headers)?.duration_since(modified).ok()?;
    (age >= AGE_MIN).then(|| Validator::LastModified(text.to_owned()))
}

/// Whether a reply's own validators deny that it is of this version. A reply that says nothing
/// denies nothing.
pub(super) fn is_denied_by(version: &Validator, headers: &HeaderMap) -> bool {
    let name = match version {
        Validator::StrongEtag(_) => ETAG,
        Validator::LastModified(_) => LAST_MODIFIED,
    };
    headers.get_all(name).iter().any(|value| value.as_bytes() != version.as_str().as_bytes())
}

/// The reply's `Date`.
pub(super) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(only(headers, DATE)?).ok()
}

/// The reply's `Last-Modified`, strong or not.
pub(super) fn last_modified(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(only(headers, LAST_MODIFIED)?).ok()
}

/// The value of a header that is there once, in ASCII, and not absurdly long.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.trim();
    (values.next().is_none() && value.len() <= VALUE_BYTES_MAX).then_some(value)
}

/// RFC 9110 §8.8.3: a quoted string of visible characters, none of them a quote.
fn is_strong_tag(tag: &str) -> bool {
    let inner = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| inner.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x7e)))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
            })
            .collect()
    }

    #[track_caller]
    fn check(pairs: &[(&'static str, &str)], expect: Option<Validator>) {
        assert_eq!(of(&headers(pairs)), expect, "{pairs:?}");
    }

    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const A_MINUTE_LATER: &str = "Sun, 06 Nov 1994 08:50:37 GMT";
    const A_MOMENT_LESS: &str = "Sun, 06 Nov 1994 08:50:36 GMT";

    #[test]
    fn a_strong_tag_is_a_validator_and_nothing_like_it_is() {
        let strong = |text: &str| Some(Validator::StrongEtag(text.into()));
        check(&[("etag", "\"abc\"")], strong("\"abc\""));
        check(&[("etag", "\"\"")], strong("\"\""));
        check(&[("etag", "\"W/\"")], strong("\"W/\""));
        for text in [
            "W/\"abc\"",
            "w/\"abc\"",
            "abc",
            "\"abc",
            "abc\"",
            "\"",
            "",
            "\"a\"b\"",
            "\"a b\"",
            "\"a\", \"b\"",
        ] {
            check(&[("etag", text)], None);
        }
        check(&[("etag", &format!("\"{}\"", "x".repeat(2_000)))], None);
    }

    #[test]
    fn two_tags_are_none() {
        let mut two = headers(&[("etag", "\"a\"")]);
        two.append(ETAG, HeaderValue::from_static("\"b\""));
        assert_eq!(of(&two), None);
    }

    #[test]
    fn a_date_is_a_validator_when_it_is_a_minute_old() {
        let dated = |date| [("last-modified", MODIFIED), ("date", date)];
        check(&dated(A_MINUTE_LATER), Some(Validator::LastModified(MODIFIED.into())));
        check(&dated(A_MOMENT_LESS), None);
        check(&dated(MODIFIED), None);
        check(&dated("Sun, 06 Nov 1994 08:49:36 GMT"), None);
        check(&dated("yesterday"), None);
        check(&[("last-modified", MODIFIED)], None);
        check(&[("last-modified", "soon"), ("date", A_MINUTE_LATER)], None);
    }

    #[test]
    fn a_weak_tag_spoils_the_date_too() {
        let all = [("etag", "W/\"a\""), ("last-modified", MODIFIED), ("date", A_MINUTE_LATER)];
        check(&all, None);
    }

    #[test]
    fn a_reply_denies_a_version_only_by_saying_another() {
        let tag = Validator::StrongEtag("\"a\"".into());
        let date = Validator::LastModified(MODIFIED.into());
        for (validator, pairs, denied) in [
            (&tag, &[("etag", "\"a\"")][..], false),
            (&tag, &[("etag", "\"b\"")], true),
            (&tag, &[("etag", "W/\"a\"")], true),
            (&tag, &[], false),
            (&tag, &[("last-modified", MODIFIED)], false),
            (&date, &[("last-modified", MODIFIED)], false),
            (&date, &[("last-modified", A_MINUTE_LATER)], true),
            (&date, &[("etag", "\"b\"")], false),
        ] {
            assert_eq!(is_denied_by(validator, &headers(pairs)), denied, "{validator:?} {pairs:?}");
        }
    }
}
