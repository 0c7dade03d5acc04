//! Whether a reply's headers promise what was asked for.
//!
//! Pure. Redirects were followed before; here every other status is judged.

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, StatusCode};

use super::error::FetchErrorKind;
use super::range::{ContentRange, RangeFault};
use super::request::Request;
use super::response::Extent;
use super::validator;

/// A reply that may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Promise {
    pub(super) extent: Extent,
    /// Length of the whole file.
    pub(super) total: Option<u64>,
    /// Length of the body.
    pub(super) length: Option<u64>,
}

/// Judges a reply to `request` that came from this `path`, which after a redirect is another than the
/// request's. `length` is that of the body as the protocol frames it.
pub(super) fn judge(
    request: &Request,
    path: &str,
    status: StatusCode,
    headers: &HeaderMap,
    length: Option<u64>,
) -> Result<Promise, FetchErrorKind> {
    // Whoever stands between us may have counted the other one (RFC 9112 §6.3).
    if headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING) {
        return Err(FetchErrorKind::Malformed);
    }
    match status.as_u16() {
        200 => {
            refuse_encoded(request, path, headers)?;
            Ok(Promise { extent: Extent::Whole, total: length, length })
        }
        206 => part(request, path, headers, length),
        416 => {
            let total = match ContentRange::of(headers) {
                Ok(ContentRange::Unsatisfied { total }) => Some(total),
                Ok(ContentRange::Part { .. }) | Err(_) => None,
            };
            Err(FetchErrorKind::RangeNotSatisfiable { total })
        }
        other @ 201..=299 => Err(FetchErrorKind::UnexpectedSuccess(other)),
        other => Err(FetchErrorKind::Status(other)),
    }
}

fn part(
    request: &Request,
    path: &str,
    headers: &HeaderMap,
    length: Option<u64>,
) -> Result<Promise, FetchErrorKind> {
    let Some(asked) = &request.range else {
        return Err(FetchErrorKind::UnexpectedSuccess(206));
    };
    refuse_encoded(request, path, headers)?;
    if is_multipart(headers) {
        return Err(FetchErrorKind::Range(RangeFault::Multipart));
    }
    let (start, end, total) = match ContentRange::of(headers).map_err(FetchErrorKind::Range)? {
        ContentRange::Part { start, end, total } => (start, end, total),
        ContentRange::Unsatisfied { .. } => {
            return Err(FetchErrorKind::Range(RangeFault::Unreadable));
        }
    };
    if start != asked.start || end > asked.end {
        return Err(FetchErrorKind::Range(RangeFault::Other));
    }
    if request.if_range.as_ref().is_some_and(|version| validator::is_denied_by(version, headers)) {
        return Err(FetchErrorKind::Changed);
    }
    let total = Some(total.ok_or(FetchErrorKind::TotalUnknown)?);
    if length.is_some_and(|length| length != end - start) {
        return Err(FetchErrorKind::Length);
    }
    Ok(Promise { extent: Extent::Part { start, end }, total, length: Some(end - start) })
}

/// Refuses bytes that are not the file's own, although those were asked for.
///
/// One encoding is the file's own: many servers send `x.tar.gz` as the tar file, encoded with gzip
/// (Apache's `AddEncoding`). Their bytes and offsets are those of `x.tar.gz`.
fn refuse_encoded(
    request: &Request,
    path: &str,
    headers: &HeaderMap,
) -> Result<(), FetchErrorKind> {
    let is_own = |coding: &[u8]| match coding.to_ascii_lowercase().as_slice() {
        b"" | b"identity" => true,
        b"gzip" | b"x-gzip" => path.ends_with(".gz") || path.ends_with(".tgz"),
        _ => false,
    };
    let content = codings(headers, CONTENT_ENCODING).all(is_own);
    // hyper takes chunks apart, and nothing below them.
    let transfer = codings(headers, TRANSFER_ENCODING).all(|c| c.eq_ignore_ascii_case(b"chunked"));
    if content && transfer {
        Ok(())
    } else {
        Err(FetchErrorKind::Encoded { ranged: request.range.is_some() })
    }
}

/// The comma-separated words of all values of a header.
fn codings(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    let values = headers.get_all(name).into_iter();
    values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

fn is_multipart(headers: &HeaderMap) -> bool {
    const MULTIPART: &[u8] = b"multipart/byteranges";
    headers.get(CONTENT_TYPE).is_some_and(|value| {
        let kind = value.as_bytes().trim_ascii_start();
        kind.get(..MULTIPART.len()).is_some_and(|head| head.eq_ignore_ascii_case(MULTIPART))
    })
}

#[cfg(test)]
mod tests {
    use super::super::validator::Validator;
    use super::*;

    fn asked() -> Request {
        Request::part("http://a.example/".parse().unwrap(), 100..200)
    }

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name: http::HeaderName = name.parse().unwrap();
                (name, value.parse().unwrap())
            })
            .collect()
    }

    #[track_caller]
    fn check(
        status: u16,
        pairs: &[(&str, &str)],
        length: Option<u64>,
        expect: Result<Promise, FetchErrorKind>,
    ) {
        let status = StatusCode::from_u16(status).unwrap();
        let got = judge(&asked(), "/f", status, &headers(pairs), length);
        assert_eq!(got, expect, "{status} {pairs:?} {length:?}");
    }

    fn promise(start: u64, end: u64, total: u64) -> Result<Promise, FetchErrorKind> {
        let extent = Extent::Part { start, end };
        Ok(Promise { extent, total: Some(total), length: Some(end - start) })
    }

    #[test]
    fn the_part_that_was_asked_for_is_taken() {
        let range = |text| [("content-range", text)];
        check(206, &range("bytes 100-199/1000"), Some(100), promise(100, 200, 1000));
        // The file ends inside the range, or the origin gives less: both are its right.
        check(206, &range("bytes 100-149/150"), Some(50), promise(100, 150, 150));
        check(206, &range("bytes 100-149/1000"), Some(50), promise(100, 150, 1000));
        // A chunked part: its length is known all the same.
        check(206, &range("bytes 100-199/1000"), None, promise(100, 200, 1000));
    }

    #[test]
    fn any_other_part_is_refused() {
        let fault = |fault| Err(FetchErrorKind::Range(fault));
        check(206, &[], Some(100), fault(RangeFault::Missing));
        for (text, expect) in [
            ("bytes 0-99/1000", RangeFault::Other),
            ("bytes 99-198/1000", RangeFault::Other),
            ("bytes 101-199/1000", RangeFault::Other),
            ("bytes 100-200/1000", RangeFault::Other),
            ("bytes */1000", RangeFault::Unreadable),
            ("bytes 199-100/1000", RangeFault::Unreadable),
            ("bytes 100-199/150", RangeFault::Unreadable),
            ("nonsense", RangeFault::Unreadable),
        ] {
            check(206, &[("content-range", text)], Some(100), fault(expect));
        }
        let twice =
            [("content-range", "bytes 100-199/1000"), ("content-range", "bytes 100-199/1000")];
        check(206, &twice, Some(100), fault(RangeFault::Unreadable));
        let multipart = [("content-type", "Multipart/ByteRanges; boundary=x")];
        check(206, &multipart, Some(300), fault(RangeFault::Multipart));
    }

    #[test]
    fn a_part_must_say_how_long_the_whole_is_and_be_as_long_as_it_says() {
        check(
            206,
            &[("content-range", "bytes 100-199/*")],
            Some(100),
            Err(FetchErrorKind::TotalUnknown),
        );
        for length in [0, 99, 101] {
            let range = [("content-range", "bytes 100-199/1000")];
            check(206, &range, Some(length), Err(FetchErrorKind::Length));
        }
    }

    #[test]
    fn a_whole_is_taken_with_or_without_a_length() {
        let whole = |length| Ok(Promise { extent: Extent::Whole, total: length, length });
        check(200, &[], Some(1000), whole(Some(1000)));
        check(200, &[], None, whole(None));
        check(200, &[("content-range", "bytes 0-1/2")], Some(1000), whole(Some(1000)));
    }

    #[test]
    fn encoded_bytes_are_refused() {
        for text in ["gzip", "br", "identity, gzip", "x-unknown", "none"] {
            let pairs = [("content-encoding", text), ("content-range", "bytes 100-199/1000")];
            check(206, &pairs, Some(100), Err(FetchErrorKind::Encoded { ranged: true }));
            check(200, &pairs, Some(100), Err(FetchErrorKind::Encoded { ranged: true }));
        }
        let plain = [("content-encoding", "Identity"), ("content-range", "bytes 100-199/1000")];
        check(206, &plain, Some(100), promise(100, 200, 1000));
        let whole = Request::whole("http://a.example/".parse().unwrap());
        let got =
            judge(&whole, "/f", StatusCode::OK, &headers(&[("content-encoding", "gzip")]), None);
        assert_eq!(got, Err(FetchErrorKind::Encoded { ranged: false }));
    }

    #[test]
    fn a_file_that_is_compressed_itself_may_be_called_encoded() {
        let request = Request::whole("http://a.example/".parse().unwrap());
        for (path, coding, taken) in [
            ("/x.tar.gz", "gzip", true),
            ("/x.tgz", "X-GZip", true),
            ("/x.tar.gz", "br", false),
            ("/x.tar.gz", "gzip, br", false),
            ("/x.tar", "gzip", false),
            ("/gz", "gzip", false),
            ("/x", "", true),
        ] {
            let headers = headers(&[("content-encoding", coding)]);
            let got = judge(&request, path, StatusCode::OK, &headers, Some(5));
            assert_eq!(got.is_ok(), taken, "{path} {coding}");
        }
    }

    #[test]
    fn nothing_but_chunks_may_wrap_a_body() {
        for (coding, taken) in
            [("chunked", true), ("Chunked", true), ("gzip, chunked", false), ("gzip", false)]
        {
            let request = Request::whole("http://a.example/".parse().unwrap());
            let headers = headers(&[("transfer-encoding", coding)]);
            let got = judge(&request, "/f", StatusCode::OK, &headers, None);
            assert_eq!(got.is_ok(), taken, "{coding}");
        }
    }

    #[test]
    fn a_part_of_another_version_is_noticed_although_the_origin_sends_it() {
        let validator = Validator::StrongEtag("\"v1\"".into());
        let request = Request { if_range: Some(validator), ..asked() };
        for (tag, expect) in [
            ("\"v1\"", promise(100, 200, 1000)),
            ("\"v2\"", Err(FetchErrorKind::Changed)),
            ("W/\"v1\"", Err(FetchErrorKind::Changed)),
        ] {
            let headers = headers(&[("etag", tag), ("content-range", "bytes 100-199/1000")]);
            let got = judge(&request, "/f", StatusCode::PARTIAL_CONTENT, &headers, Some(100));
            assert_eq!(got, expect, "{tag}");
        }
    }

    #[test]
    fn a_part_nobody_asked_for_is_refused() {
        let whole = Request::whole("http://a.example/".parse().unwrap());
        let headers = headers(&[("content-range", "bytes 0-99/1000")]);
        let got = judge(&whole, "/f", StatusCode::PARTIAL_CONTENT, &headers, Some(100));
        assert_eq!(got, Err(FetchErrorKind::UnexpectedSuccess(206)));
    }

    #[test]
    fn other_statuses_are_what_they_are() {
        for status in [201, 202, 203, 204, 205, 207, 226] {
            check(status, &[], Some(5), Err(FetchErrorKind::UnexpectedSuccess(status)));
        }
        for status in [101, 300, 301, 304, 400, 403, 404, 407, 408, 410, 429, 500, 503, 599] {
            check(status, &[], Some(5), Err(FetchErrorKind::Status(status)));
        }
        let beyond = |total| Err(FetchErrorKind::RangeNotSatisfiable { total });
        check(416, &[("content-range", "bytes */90")], Some(0), beyond(Some(90)));
        check(416, &[("content-range", "bytes 0-1/90")], Some(0), beyond(None));
        check(416, &[], Some(0), beyond(None));
    }

    #[test]
    fn two_ways_of_framing_at_once_are_refused() {
        let both = [("content-length", "5"), ("transfer-encoding", "chunked")];
        check(200, &both, Some(5), Err(FetchErrorKind::Malformed));
    }
}
