//! What a server's first bytes say of the HTTP it speaks, where TLS did not agree on one.
//!
//! A server that leaves ALPN out speaks, by the letter, HTTP/1.1. Some speak HTTP/2 all the same, and
//! an origin that was remembered for it may have been replaced by one that never heard of it. Either
//! shows at once, in the first [`TELLING_BYTES`] of what it says.

use std::sync::Arc;

use super::protocol::{Origins, Protocol};

/// As long as the head of an HTTP/2 frame (RFC 9113 §4.1); `HTTP/` is shorter.
const TELLING_BYTES: usize = 9;

/// Waits for a server's first bytes, and notes when they are not of the HTTP that was expected.
pub(super) struct FirstBytes {
    origins: Arc<Origins>,
    host: String,
    port: u16,
    expected: Protocol,
    seen: Vec<u8>,
    done: bool,
}

impl FirstBytes {
    pub(super) fn new(
        origins: Arc<Origins>,
        host: &str,
        port: u16,
        expected: Protocol,
    ) -> FirstBytes {
        let seen = Vec::with_capacity(TELLING_BYTES);
        FirstBytes { origins, host: host.to_owned(), port, expected, seen, done: false }
    }

    /// Looks at what was read next; nothing means that the server closed the connection.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        if self.done {
            return;
        }
        let wanted = TELLING_BYTES - self.seen.len();
        self.seen.extend(bytes.iter().take(wanted));
        self.done = bytes.is_empty() || self.seen.len() == TELLING_BYTES;
        if !self.done {
            return;
        }
        let spoken = match protocol(&self.seen) {
            // Where HTTP/2 is not understood, many just close.
            None if self.seen.is_empty() => Some(Protocol::Http1),
            found => found,
        };
        if let Some(spoken) = spoken
            && spoken != self.expected
        {
            self.origins.note(&self.host, self.port, spoken);
        }
    }
}

/// The HTTP that begins like this, if any does: a status line, or the SETTINGS that every HTTP/2 server
/// sends first (RFC 9113 §3.4), or the GOAWAY of one that was spoken to in HTTP/1.1.
fn protocol(first: &[u8]) -> Option<Protocol> {
    match first {
        [b'H', b'T', b'T', b'P', b'/', ..] => Some(Protocol::Http1),
        // Length, type, flags, and stream 0: the connection.
        [0, _, _, 4 | 7, _, 0, 0, 0, 0] => Some(Protocol::Http2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &[u8] = &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100];
    const GOAWAY: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const STATUS: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\r\n";

    /// Feeds these bytes, then the end, to one who expected the other one.
    #[track_caller]
    fn check(expected: Protocol, bytes: &[u8], at_a_time: usize, expect: Protocol) {
        let origins = Arc::new(Origins::default());
        origins.note("a.example", 443, expected);
        let mut first = FirstBytes::new(Arc::clone(&origins), "a.example", 443, expected);
        for piece in bytes.chunks(at_a_time) {
            first.read(piece);
        }
        first.read(&[]);
        let spoken = origins.spoken_by(&"https://a.example/".parse().unwrap());
        assert_eq!(spoken, expect, "{expected:?} {bytes:?} by {at_a_time}");
    }

    #[test]
    fn a_server_is_known_by_its_first_words_however_they_come() {
        use Protocol::{Http1, Http2};
        for at_a_time in [1, 4, 9, 100] {
            for bytes in [SETTINGS, GOAWAY] {
                check(Http1, bytes, at_a_time, Http2);
                check(Http2, bytes, at_a_time, Http2);
            }
            check(Http1, STATUS, at_a_time, Http1);
            check(Http2, STATUS, at_a_time, Http1);
            // DATA on a stream, and nothing that is known: no reason to change one's mind.
            for bytes in [&[0, 0, 6, 0, 0, 0, 0, 0, 1][..], b"SSH-2.0-OpenSSH", b"220 mail"] {
                check(Http1, bytes, at_a_time, Http1);
                check(Http2, bytes, at_a_time, Http2);
            }
            check(Http1, &SETTINGS[..8], at_a_time, Http1);
        }
        check(Http1, b"", 1, Http1);
        check(Http2, b"", 1, Http1);
    }
}
