//! The way over a cache host: the same URL with another host, and what a failure there means.
//!
//! A cache host is a server like any other, asked by [`http::Client`](crate::http::Client). Which one is
//! asked, and when none is, is decided in `dobbin_core::cache`.

use dobbin_core::cache::{CacheHost, Failure};
use url::Url;

use crate::http::{FetchError, FetchErrorKind};

/// The query parameter by which a cache host learns whose file it is asked for. The interface's name.
const PARAMETER: &str = "cacheHostOrigin";

/// Where this file is to be asked for at a cache host; `None` where the URL leads there by itself, or has
/// no host to replace.
///
/// Only the host is replaced, and the port where the cache host has one of its own. Scheme, path, query
/// and credentials stay, and the name of the origin, without its port, is appended as the last parameter
/// of the query, all as the open agent does.
pub fn via(url: &Url, host: &CacheHost) -> Option<Url> {
    let origin = url.host_str()?;
    let mut there = url.clone();
    there.set_host(Some(host.name())).ok()?;
    if let Some(port) = host.port() {
        there.set_port(Some(port)).ok()?;
    }
    if there.origin() == url.origin() {
        return None;
    }
    let query = match url.query().filter(|query| !query.is_empty()) {
        Some(query) => format!("{query}&{PARAMETER}={origin}"),
        None => format!("{PARAMETER}={origin}"),
    };
    there.set_query(Some(&query));
    Some(there)
}

/// What a failed request means where a cache host was asked at this URL. Whoever it redirected to is
/// another host, whose failures are no reason to leave it alone. Its proxy's failures are not its own. A
/// certificate that is not its own, and TLS that does not come about, say no more than that it is of no
/// use for origins that are reached by `https`.
pub fn failure(error: &FetchError, asked: &Url) -> Failure {
    use FetchErrorKind as K;
    if asked.host_str() != Some(&error.host) {
        return Failure::Other;
    }
    match &error.kind {
        K::Resolve | K::Connect(_) | K::ConnectTimeout | K::Silent | K::Stalled => {
            Failure::Unreachable
        }
        K::Status(400..=499) | K::RangeNotSatisfiable { .. } => Failure::Refused,
        K::Certificate(_) | K::TlsTooOld | K::Handshake(_) | K::Protocol => Failure::Refused,
        K::Changed => Failure::Wrong,
        K::Url | K::ReservedHeader(_) | K::AddressRefused(_) => Failure::Other,
        K::ProxyResolve
        | K::ProxyConnect(_)
        | K::ProxyRefused(_)
        | K::ProxyAuthentication
        | K::ProxyUnsupported => Failure::Other,
        K::EmptyReply | K::Broken(_) | K::Reset | K::Malformed | K::Truncated { .. } => {
            Failure::Other
        }
        K::Length | K::Encoded { .. } | K::Range(_) | K::TotalUnknown => Failure::Other,
        K::UnexpectedSuccess(_) | K::Status(_) | K::Redirect(_) | K::TooManyRedirects => {
            Failure::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[track_caller]
    fn check(url: &str, host: &str, expect: Option<&str>) {
        let url = Url::parse(url).unwrap();
        let got = via(&url, &host.parse().unwrap());
        assert_eq!(got.as_ref().map(Url::as_str), expect, "{url} over {host}");
    }

    /// conformance: cache-host rewrite
    #[test]
    fn only_the_host_is_replaced_and_its_name_comes_last_in_the_query() {
        for (url, host, expect) in [
            ("http://H.example/p?x=1", "cache", "http://cache/p?x=1&cacheHostOrigin=h.example"),
            ("http://h.example/p", "cache", "http://cache/p?cacheHostOrigin=h.example"),
            ("http://h.example/p?", "cache", "http://cache/p?cacheHostOrigin=h.example"),
            ("http://h.example", "cache", "http://cache/?cacheHostOrigin=h.example"),
            (
                "http://h/a%20b/%2F?q=%26&r=a+b",
                "c",
                "http://c/a%20b/%2F?q=%26&r=a+b&cacheHostOrigin=h",
            ),
            ("http://u:p%40@h/p", "cache", "http://u:p%40@cache/p?cacheHostOrigin=h"),
            ("https://h/p", "cache", "https://cache/p?cacheHostOrigin=h"),
            ("http://h/p#part", "cache", "http://cache/p?cacheHostOrigin=h#part"),
            (
                "http://192.0.2.1/p",
                "[2001:db8::7]",
                "http://[2001:db8::7]/p?cacheHostOrigin=192.0.2.1",
            ),
            ("http://[2001:DB8::1]/p", "cache", "http://cache/p?cacheHostOrigin=[2001:db8::1]"),
        ] {
            check(url, host, Some(expect));
        }
    }

    /// conformance: cache-host rewrite
    #[test]
    fn a_port_of_the_cache_host_replaces_the_urls_and_else_that_stays() {
        for (url, host, expect) in [
            ("http://h:8080/p", "cache", "http://cache:8080/p?cacheHostOrigin=h"),
            ("http://h:8080/p", "cache:81", "http://cache:81/p?cacheHostOrigin=h"),
            ("http://h/p", "cache:81", "http://cache:81/p?cacheHostOrigin=h"),
            ("http://h:8080/p", "cache:80", "http://cache/p?cacheHostOrigin=h"),
            ("https://h/p", "[::1]:444", "https://[::1]:444/p?cacheHostOrigin=h"),
        ] {
            check(url, host, Some(expect));
        }
    }

    #[test]
    fn whoever_is_the_cache_host_is_asked_as_it_is() {
        check("http://cache/p", "cache", None);
        check("http://CACHE:80/p", "cache:80", None);
        check("http://cache:8080/p", "cache", None);
        check("http://cache:8080/p", "cache:81", Some("http://cache:81/p?cacheHostOrigin=cache"));
    }

    /// conformance: cache-host bans
    #[test]
    fn what_cannot_be_reached_is_told_from_what_refuses() {
        use FetchErrorKind as K;
        let refused = io::ErrorKind::ConnectionRefused;
        for (kind, expect) in [
            (K::Resolve, Failure::Unreachable),
            (K::Connect(refused), Failure::Unreachable),
            (K::ConnectTimeout, Failure::Unreachable),
            (K::Silent, Failure::Unreachable),
            (K::Stalled, Failure::Unreachable),
            (K::Status(400), Failure::Refused),
            (K::Status(404), Failure::Refused),
            (K::Status(499), Failure::Refused),
            (K::RangeNotSatisfiable { total: None }, Failure::Refused),
            (K::Certificate("another name".into()), Failure::Refused),
            (K::Status(500), Failure::Other),
            (K::Status(304), Failure::Other),
            (K::EmptyReply, Failure::Other),
            (K::ProxyConnect(refused), Failure::Other),
            (K::Changed, Failure::Wrong),
        ] {
            let error = |host: &str| FetchError::new(host, kind.clone());
            let asked = Url::parse("http://cache.example:81/p").unwrap();
            assert_eq!(failure(&error("cache.example"), &asked), expect, "{kind:?}");
            assert_eq!(failure(&error("elsewhere.example"), &asked), Failure::Other, "{kind:?}");
        }
    }
}
