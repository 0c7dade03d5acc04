//! A tunnel through an HTTP proxy (RFC 9110 §9.3.6).

use http::HeaderValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::error::FetchErrorKind;
use super::wire::Wire;

/// The longest reply to CONNECT that is read.
const REPLY_BYTES_MAX: usize = 8 * 1024;

/// Asks the proxy at the other end for a tunnel to `host` (in brackets if it is an IPv6 address).
///
/// Returns when the proxy agreed; the wire then leads to the destination. Time is the caller's to
/// bound.
pub(super) async fn open(
    wire: &mut Wire,
    host: &str,
    port: u16,
    credentials: Option<&HeaderValue>,
) -> Result<(), FetchErrorKind> {
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(text) = credentials.and_then(|value| value.to_str().ok()) {
        request.push_str("Proxy-Authorization: ");
        request.push_str(text);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    let broken = |error: std::io::Error| FetchErrorKind::ProxyConnect(error.kind());
    wire.write_all(request.as_bytes()).await.map_err(broken)?;
    wire.flush().await.map_err(broken)?;

    // Byte by byte, because the first byte behind the reply belongs to TLS. It is a few hundred
    // bytes, once a connection.
    let mut reply = Vec::new();
    while !reply.ends_with(b"\r\n\r\n") {
        if reply.len() == REPLY_BYTES_MAX {
            return Err(FetchErrorKind::ProxyRefused(0));
        }
        reply.push(wire.read_u8().await.map_err(broken)?);
    }
    match status(&reply) {
        Some(200..=299) => Ok(()),
        Some(407) => Err(FetchErrorKind::ProxyAuthentication),
        Some(other) => Err(FetchErrorKind::ProxyRefused(other)),
        None => Err(FetchErrorKind::ProxyRefused(0)),
    }
}

/// The status in a status line, `HTTP/1.x NNN …`.
fn status(reply: &[u8]) -> Option<u16> {
    let rest = reply.strip_prefix(b"HTTP/1.")?;
    let [b'0' | b'1', b' ', code @ ..] = rest else { return None };
    let (digits, after) = code.split_at_checked(3)?;
    let complete = matches!(after.first(), Some(b' ' | b'\r'));
    let number = str::from_utf8(digits).ok()?;
    let all_digits = number.bytes().all(|byte| byte.is_ascii_digit());
    if complete && all_digits { number.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_is_read_strictly() {
        for (line, expect) in [
            ("HTTP/1.1 200 Connection established\r\n\r\n", Some(200)),
            ("HTTP/1.0 407 Auth\r\n\r\n", Some(407)),
            ("HTTP/1.1 502\r\n\r\n", Some(502)),
            ("HTTP/1.1 2000 OK\r\n\r\n", None),
            ("HTTP/1.1 20\r\n\r\n", None),
            ("HTTP/1.1  200 OK\r\n\r\n", None),
            ("HTTP/2 200 OK\r\n\r\n", None),
            ("HTTP/1.1 +20 OK\r\n\r\n", None),
            ("220 mail.example ESMTP\r\n\r\n", None),
        ] {
            assert_eq!(status(line.as_bytes()), expect, "{line:?}");
        }
    }
}
