//! Which HTTP an origin speaks, as far as we had to find out.
//!
//! HTTP/1.1 is asked for first: HTTP/2 costs 15 to 50 % more work per byte, because servers cut it into
//! frames of a few KiB, and it joins all parts of a file in one congestion window. Only an origin that
//! will not speak HTTP/1.1 is asked for HTTP/2, and remembered. Only inside TLS: plain http is HTTP/1.1.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use http::Uri;

/// The most origins that are remembered to want HTTP/2. One that was forgotten costs a refused
/// handshake when it is next connected to, no more.
const H2_ORIGINS_MAX: usize = 256;

/// A version of HTTP that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1 (RFC 9112): a connection for each request at a time.
    Http1,
    /// HTTP/2 (RFC 9113): one connection for all.
    Http2,
}

impl Protocol {
    /// Its name in TLS (RFC 7301 §6). One is offered at a time, so the other side cannot choose
    /// what we like less.
    pub(super) fn alpn(self) -> &'static [u8] {
        match self {
            Protocol::Http1 => b"http/1.1",
            Protocol::Http2 => b"h2",
        }
    }

    /// What is left to try where this one is refused.
    pub(super) fn other(self) -> Protocol {
        match self {
            Protocol::Http1 => Protocol::Http2,
            Protocol::Http2 => Protocol::Http1,
        }
    }
}

/// The origins that are known to want HTTP/2, newest last. Shared by the clients of all threads.
///
/// A lock of `std`, held for one look through a short list. Never more than [`H2_ORIGINS_MAX`].
#[derive(Debug, Default)]
pub(super) struct Origins(Mutex<VecDeque<(String, u16)>>);

impl Origins {
    /// What to speak with the origin of this URL. Anything but https is HTTP/1.1.
    pub(super) fn spoken_by(&self, uri: &Uri) -> Protocol {
        match (uri.scheme_str(), place(uri)) {
            (Some("https"), Some((host, port))) if self.find(host, port) => Protocol::Http2,
            _ => Protocol::Http1,
        }
    }

    /// Remembers what the https origin at this host and port turned out to speak.
    pub(super) fn note(&self, host: &str, port: u16, protocol: Protocol) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(name, number)| (name.as_str(), *number) != (host, port));
        if protocol == Protocol::Http2 {
            if known.len() == H2_ORIGINS_MAX {
                known.pop_front();
            }
            known.push_back((host.to_owned(), port));
        }
    }

    fn find(&self, host: &str, port: u16) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().any(|(name, number)| (name.as_str(), *number) == (host, port))
    }
}

/// Host and port, the latter the scheme's own where it is not named.
pub(super) fn place(uri: &Uri) -> Option<(&str, u16)> {
    let standard = match uri.scheme_str() {
        Some("https") => 443,
        Some("socks5" | "socks5h") => 1080,
        _ => 80,
    };
    Some((uri.host()?, uri.port_u16().unwrap_or(standard)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(origins: &Origins, url: &str, expect: Protocol) {
        assert_eq!(origins.spoken_by(&url.parse().unwrap()), expect, "{url}");
    }

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        let origins = Origins::default();
        check(&origins, "https://a.example/", Protocol::Http1);
        origins.note("a.example", 443, Protocol::Http2);
        check(&origins, "https://a.example/x?y", Protocol::Http2);
        check(&origins, "https://a.example:443/", Protocol::Http2);
        check(&origins, "https://a.example:8443/", Protocol::Http1);
        check(&origins, "https://b.example/", Protocol::Http1);
        check(&origins, "http://a.example:443/", Protocol::Http1);
    }

    #[test]
    fn an_origin_that_changed_is_believed() {
        let origins = Origins::default();
        for protocol in [Protocol::Http2, Protocol::Http2, Protocol::Http1, Protocol::Http1] {
            origins.note("a.example", 443, protocol);
            check(&origins, "https://a.example/", protocol);
        }
    }

    #[test]
    fn the_memory_is_bounded_and_the_oldest_goes_first() {
        let origins = Origins::default();
        for number in 0..H2_ORIGINS_MAX {
            origins.note(&format!("{number}.example"), 443, Protocol::Http2);
        }
        // Seen again, so no longer the oldest.
        origins.note("0.example", 443, Protocol::Http2);
        origins.note("one-more.example", 443, Protocol::Http2);
        check(&origins, "https://0.example/", Protocol::Http2);
        check(&origins, "https://1.example/", Protocol::Http1);
        check(&origins, "https://2.example/", Protocol::Http2);
        assert_eq!(origins.0.lock().unwrap().len(), H2_ORIGINS_MAX);
    }
}
