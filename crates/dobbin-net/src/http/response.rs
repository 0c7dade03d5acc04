//! What an origin answered.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;

use dobbin_types::FileTime;
use http::{HeaderMap, StatusCode, Version};
use url::Url;

use super::body::Body;
use super::link::Duplicate;
use super::validator::Validator;

/// An answer that carries what was asked for, checked as far as its headers go.
pub struct Response {
    /// Which bytes the body holds.
    pub extent: Extent,
    /// Length of the whole file. Always known for a part; unknown for a whole that says no length.
    pub total: Option<u64>,
    /// What proves that later parts are of the same version.
    pub validator: Option<Validator>,
    /// When the origin says the file was last changed; not proof of anything.
    pub last_modified: Option<FileTime>,
    /// The SHA-256 of the whole file, if the origin says it (RFC 9530, RFC 3230). It tells damage; that
    /// the origin is who it seems to be only TLS tells.
    pub sha256: Option<[u8; 32]>,
    /// Where else the origin says the same file is, best first (RFC 6249); at most
    /// [`DUPLICATES_MAX`](super::DUPLICATES_MAX). Only whoever knows a hash of the file should go there:
    /// nothing else tells if it is the same.
    pub duplicates: Vec<Duplicate>,
    /// Whether it, or a redirect on the way to it, came from a public address: what it names may then be
    /// asked only at public ones.
    pub from_public: bool,
    /// Whether the origin says, or has just shown, that it can send parts.
    pub accepts_ranges: bool,
    /// Status line and headers of the final reply, each line ended by CRLF, without the empty line at
    /// the end. Names are in lower case. Cut after the last line that fits into
    /// [`HEADER_TEXT_BYTES_MAX`]. May hold secrets, such as cookies.
    pub header_text: String,
    /// Where redirects led, without user name, password and fragment. May hold secrets in its query.
    pub final_url: Url,
    /// The address that answered; the proxy's, where only the proxy knows the origin's.
    pub remote: Option<SocketAddr>,
    /// The version of HTTP in which it was answered.
    pub version: Version,
    /// The bytes.
    pub body: Body,
}

/// Which bytes of a file a body holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of them: no range was asked for, the origin ignores ranges, or the file is not the
    /// version that `If-Range` named.
    Whole,
    /// Some of them. It begins where the asked range does, and ends with it or, at the origin's
    /// choice, before it.
    Part {
        /// The first byte, by offset in the file.
        start: u64,
        /// Behind the last byte.
        end: u64,
    },
}

/// The longest [`Response::header_text`].
pub const HEADER_TEXT_BYTES_MAX: usize = 16 * 1024;

impl fmt::Debug for Response {
    /// Without headers and URL, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("host", &self.final_url.host_str())
            .field("extent", &self.extent)
            .field("total", &self.total)
            .field("validator", &self.validator)
            .field("remote", &self.remote)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// The text of [`Response::header_text`].
pub(super) fn header_text(version: Version, status: StatusCode, headers: &HeaderMap) -> String {
    let mut text = String::new();
    let reason = status.canonical_reason().unwrap_or_default();
    let _ = write!(text, "{version:?} {} {reason}\r\n", status.as_u16());
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        if text.len() + name.as_str().len() + value.len() + ": \r\n".len() > HEADER_TEXT_BYTES_MAX {
            break;
        }
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::{CONTENT_LENGTH, SERVER, SET_COOKIE};

    use super::*;

    #[test]
    fn headers_are_kept_as_lines() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("5"));
        headers.append(SET_COOKIE, HeaderValue::from_static("a=1"));
        headers.append(SET_COOKIE, HeaderValue::from_static("b=2"));
        let text = header_text(Version::HTTP_11, StatusCode::PARTIAL_CONTENT, &headers);
        let expect = "HTTP/1.1 206 Partial Content\r\ncontent-length: 5\r\nset-cookie: a=1\r\n\
            set-cookie: b=2\r\n";
        assert_eq!(text, expect);
    }

    #[test]
    fn too_many_headers_are_cut_at_a_line() {
        let mut headers = HeaderMap::new();
        for _ in 0..100 {
            headers.append(SERVER, HeaderValue::from_str(&"x".repeat(1_000)).unwrap());
        }
        let text = header_text(Version::HTTP_11, StatusCode::OK, &headers);
        assert!(text.len() <= HEADER_TEXT_BYTES_MAX && text.len() > HEADER_TEXT_BYTES_MAX - 1_100);
        assert!(text.ends_with("x\r\n"));
    }
}
