//! Requests in every spelling that is taken, and some that are not.

use proptest::prelude::*;

use super::*;

/// What the C++ SDK sends.
const OF_THE_SDK: &str = "POST download/create?Uri=http://a/b?c%3D1&DownloadFilePath=/tmp/x HTTP/1.1\r\n\
                          Host: 127.0.0.1\r\nUser-Agent: DO-SDK-CPP\r\n\r\n";

#[track_caller]
fn check(text: &str, method: &str, target: &str) -> Request {
    let Read::Request(request, bytes_count) = read(text.as_bytes()) else {
        panic!("{text:?} is {:?}", read(text.as_bytes()))
    };
    assert_eq!((&*request.method, &*request.target), (method, target), "{text:?}");
    assert_eq!(bytes_count, text.len(), "{text:?}");
    request
}

#[track_caller]
fn check_malformed(text: &[u8]) {
    assert_eq!(read(text), Read::Malformed, "{:?}", String::from_utf8_lossy(text));
}

/// conformance: rest slashless
#[test]
fn a_request_of_the_sdk_is_read_as_it_was_sent() {
    let target = "download/create?Uri=http://a/b?c%3D1&DownloadFilePath=/tmp/x";
    let request = check(OF_THE_SDK, "POST", target);
    assert!(!request.is_last && !request.is_from_afar);
}

#[test]
fn a_request_that_arrives_in_two_parts_is_the_same_one_wherever_they_meet() {
    for at in 0..OF_THE_SDK.len() {
        let beginning = read(&OF_THE_SDK.as_bytes()[..at]);
        assert_eq!(beginning, Read::Beginning, "{at}");
    }
}

/// conformance: rest pipelining
#[test]
fn of_several_requests_in_a_row_each_is_read_alone() {
    let text = format!("{OF_THE_SDK}GET /download/getstatus HTTP/1.1\r\n\r\nGET x");
    let Read::Request(_, first) = read(text.as_bytes()) else { panic!() };
    assert_eq!(first, OF_THE_SDK.len());
    let rest = &text.as_bytes()[first..];
    let Read::Request(second, count) = read(rest) else { panic!() };
    assert_eq!(second.target, "/download/getstatus");
    assert_eq!(read(&rest[count..]), Read::Beginning);
}

/// conformance: rest superset
#[test]
fn what_microsofts_agent_refuses_without_need_is_taken() {
    check("get a HTTP/1.1\r\n\r\n", "get", "a");
    check("GET //a;b[c]#d HTTP/1.1\r\n\r\n", "GET", "//a;b[c]#d");
    check("GET a http/1.1\n\n", "GET", "a");
    check("GET a p\r\n\r\n", "GET", "a");
    check("\r\n\r\nGET a HTTP/1.1\r\n\r\n", "GET", "a");
    assert!(check("GET a HTTP/1.0\r\n\r\n", "GET", "a").is_last);
    assert!(check("GET a HTTP/1.1\r\nConnection: x, Close\r\n\r\n", "GET", "a").is_last);
    assert!(!check("GET a HTTP/1.1\r\nConnection: keep-alive\r\n\r\n", "GET", "a").is_last);
}

/// conformance: rest body
#[test]
fn a_body_is_passed_over() {
    check("POST a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "POST", "a");
    check("POST a HTTP/1.1\r\ncontent-length: 5\r\nContent-Length: 5\r\n\r\nhello", "POST", "a");
    check("POST a HTTP/1.1\r\n\r\n", "POST", "a");
    assert_eq!(read(b"POST a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell"), Read::Beginning);
}

/// conformance: rest malformed
#[test]
fn what_can_be_no_request_is_known_as_soon_as_it_is_seen() {
    for text in [
        "\x16\x03\x01\x02",
        "G\u{e9}T",
        "G3T a",
        "GET a\"b",
        "GET a\\b",
        "GET a\tHTTP/1.1",
        "GET a HTTP/2",
        "GET a HTTP/1.1 x",
        "GET  a HTTP/1.1\r\n",
        "GET a\r\n",
        " GET a HTTP/1.1\r\n",
        "\r\n GET",
        "GET a HTTP/1.1\r\nno colon\r\n\r\n",
        "GET a HTTP/1.1\r\n: x\r\n\r\n",
        "GET a HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "GET a HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
        "GET a HTTP/1.1\r\nContent-Length:\r\n\r\n",
        "GET a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET a HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "GET a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        check_malformed(text.as_bytes());
    }
    let fields = "a: b\r\n".repeat(HEADER_FIELDS_MAX + 1);
    check_malformed(format!("GET a HTTP/1.1\r\n{fields}\r\n").as_bytes());
}

/// conformance: rest request-size
#[test]
fn a_request_has_at_most_so_many_bytes_with_all_that_belongs_to_it() {
    let frame = "GET  HTTP/1.1\r\n\r\n".len();
    let line = |length: usize| format!("GET {} HTTP/1.1\r\n\r\n", "a".repeat(length - frame));
    assert!(matches!(read(line(REQUEST_BYTES_MAX).as_bytes()), Read::Request(..)));
    check_malformed(line(REQUEST_BYTES_MAX + 1).as_bytes());
    check_malformed(&[b'a'; REQUEST_BYTES_MAX]);
    assert_eq!(read(&[b'a'; REQUEST_BYTES_MAX - 1]), Read::Beginning);
    let body = format!("POST a HTTP/1.1\r\nContent-Length: {REQUEST_BYTES_MAX}\r\n\r\n");
    check_malformed(body.as_bytes());
}

/// conformance: rest browsers
#[test]
fn a_page_in_a_browser_and_a_foreign_name_are_seen() {
    #[track_caller]
    fn check_afar(fields: &str, expect: bool) {
        let text = format!("POST a HTTP/1.1\r\n{fields}\r\n");
        assert_eq!(check(&text, "POST", "a").is_from_afar, expect, "{fields:?}");
    }
    for near in ["", "127.0.0.1", "127.0.0.1:50000", "127.9.9.9", "LocalHost", "[::1]:1", "[::1]"] {
        check_afar(&format!("Host: {near}\r\n"), false);
    }
    for far in ["evil.example", "evil.example:50000", "10.0.0.1", "localhost.evil", "127.0.0.1.x"] {
        check_afar(&format!("Host: {far}\r\n"), true);
    }
    check_afar("", false);
    check_afar("Host: 127.0.0.1\r\nOrigin: null\r\n", true);
    check_afar("origin: http://127.0.0.1\r\n", true);
    check_afar("Host: \u{ff}\r\n", true);
}

proptest! {
    /// Whatever arrives, reading it ends, takes no more than there is, and never says that a part of a
    /// request is none when the whole is one.
    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        check_any(&bytes);
    }

    #[test]
    fn anything_like_a_request_is_read_without_harm(
        text in "(GET|POST|\r\n){0,2} {0,2}[a-zA-Z/?&=%;.0-9]{0,20} HTTP/1.[0-2](\r\n|\n)\
                 ((Content-Length|Host|Connection|x): ?[0-9a-z:.]{0,6}\r\n){0,3}(\r\n)?[a-z]{0,9}"
    ) {
        check_any(text.as_bytes());
    }
}

fn check_any(bytes: &[u8]) {
    if let Read::Request(request, bytes_count) = read(bytes) {
        assert!(bytes_count <= bytes.len() && !request.method.is_empty());
        for at in 0..bytes_count {
            assert_eq!(read(&bytes[..at]), Read::Beginning, "the first {at} bytes");
        }
    }
}
