//! From an answer to bytes, exactly as Microsoft's agent sends them: programs written for it read
//! replies with a parser that takes little else.

use dobbin_types::ErrorCode;

/// What that agent says it is. Programs may look.
const SERVER: &str = "Delivery-Optimization-Agent/1.1.0";

/// Bytes of a reply: what those programs read at most.
pub(super) const REPLY_BYTES_MAX: usize = 2_048;

/// A whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    status: u16,
    body: String,
}

impl Reply {
    /// A success with these fields, all of them texts, in this order.
    pub(super) fn of(fields: &[(&str, &str)]) -> Reply {
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("\"{}\":\"{}\"", escaped(name), escaped(value)))
            .collect();
        Reply { status: 200, body: format!("{{{}}}\n", fields.join(",")) }
    }

    /// A success that says nothing more.
    pub(super) fn empty() -> Reply {
        Reply::of(&[])
    }

    /// A refusal.
    pub(super) fn refused(code: ErrorCode) -> Reply {
        let body = format!("{{ \"ErrorCode\": {} }}", code.hresult());
        Reply { status: status_of(code), body }
    }

    /// The answer to what is no request. The connection ends with it.
    pub(super) fn unreadable() -> Reply {
        Reply { status: 400, body: String::new() }
    }

    /// Its bytes, [`REPLY_BYTES_MAX`] at most: what does not fit (a URL of some 1,900 characters that
    /// somebody asks back) is answered with `WIN32_BAD_LENGTH` instead, because programs would not
    /// read it to its end.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let bytes = self.written();
        if bytes.len() <= REPLY_BYTES_MAX {
            return bytes;
        }
        Reply::refused(ErrorCode::WIN32_BAD_LENGTH).written()
    }

    /// The header fields, their order and their spelling are part of the interface; that there are
    /// no others too. No length is sent with an empty body.
    fn written(&self) -> Vec<u8> {
        let Reply { status, body } = self;
        let length = match body.len() {
            0 => String::new(),
            count => format!("Content-Length: {count}\r\n"),
        };
        let reason = reason(*status);
        format!("HTTP/1.1 {status} {reason}\r\n{length}Server: {SERVER}\r\n\r\n{body}").into_bytes()
    }
}

/// The status that a code is answered with.
fn status_of(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::S_OK | ErrorCode::S_FALSE => 200,
        ErrorCode::E_NOT_SET => 404,
        ErrorCode::E_OUTOFMEMORY => 503,
        ErrorCode::WIN32_UNHANDLED_EXCEPTION => 500,
        _everything_else => 400,
    }
}

/// Letters, digits and spaces: all that is read there.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "BadRequest",
        404 => "NotFound",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        _ => "StatusDescription",
    }
}

/// A text within quotes. Slashes are escaped too, which JSON allows (RFC 8259 §7) and that agent
/// does; characters beyond ASCII stay as they are.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '/' => escaped.push_str("\\/"),
            '\u{8}' => escaped.push_str("\\b"),
            '\u{c}' => escaped.push_str("\\f"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            control if control < ' ' => {
                escaped.push_str(&format!("\\u{:04X}", u32::from(control)));
            }
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reply: Reply, expect: &str) {
        assert_eq!(String::from_utf8(reply.into_bytes()).unwrap(), expect);
    }

    /// conformance: rest reply-bytes
    #[test]
    fn replies_are_these_bytes() {
        check(
            Reply::of(&[("Id", "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d")]),
            "HTTP/1.1 200 OK\r\nContent-Length: 46\r\nServer: Delivery-Optimization-Agent/1.1.0\r\n\
             \r\n{\"Id\":\"0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d\"}\n",
        );
        check(
            Reply::of(&[("Status", "Created"), ("BytesTotal", "0")]),
            "HTTP/1.1 200 OK\r\nContent-Length: 38\r\nServer: Delivery-Optimization-Agent/1.1.0\r\n\
             \r\n{\"Status\":\"Created\",\"BytesTotal\":\"0\"}\n",
        );
        check(
            Reply::empty(),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nServer: Delivery-Optimization-Agent/1.1.0\r\n\
             \r\n{}\n",
        );
        check(
            Reply::refused(ErrorCode::E_NOT_SET),
            "HTTP/1.1 404 NotFound\r\nContent-Length: 28\r\n\
             Server: Delivery-Optimization-Agent/1.1.0\r\n\r\n{ \"ErrorCode\": -2147023728 }",
        );
        check(
            Reply::unreadable(),
            "HTTP/1.1 400 BadRequest\r\nServer: Delivery-Optimization-Agent/1.1.0\r\n\r\n",
        );
    }

    /// conformance: rest reply-statuses
    #[test]
    fn codes_have_these_statuses_and_stand_there_as_signed_decimals() {
        #[track_caller]
        fn check_code(code: ErrorCode, line: &str, number: &str) {
            let text = String::from_utf8(Reply::refused(code).into_bytes()).unwrap();
            assert!(text.starts_with(&format!("HTTP/1.1 {line}\r\n")), "{text}");
            assert!(text.ends_with(&format!("{{ \"ErrorCode\": {number} }}")), "{text}");
        }
        check_code(ErrorCode::E_NOT_SET, "404 NotFound", "-2147023728");
        check_code(ErrorCode::E_OUTOFMEMORY, "503 ServiceUnavailable", "-2147024882");
        check_code(ErrorCode::WIN32_UNHANDLED_EXCEPTION, "500 InternalError", "-2147024322");
        check_code(ErrorCode::E_INVALIDARG, "400 BadRequest", "-2147024809");
        check_code(ErrorCode::E_NOTIMPL, "400 BadRequest", "-2147467263");
        check_code(ErrorCode::E_UNSUPPORTED, "400 BadRequest", "-2147024846");
        check_code(ErrorCode::DO_E_NO_SERVICE, "400 BadRequest", "-2133848063");
        check_code(ErrorCode::EEXIST, "400 BadRequest", "-1060110319");
        check_code(ErrorCode::S_FALSE, "200 OK", "1");
        assert_eq!(reason(418), "StatusDescription");
    }

    #[test]
    fn texts_are_escaped_as_that_agent_escapes_them() {
        let text = "a/b\\c\"d\n\r\t\u{8}\u{c}\u{1}\u{1f}\u{7f}\u{e4}";
        let expect = "a\\/b\\\\c\\\"d\\n\\r\\t\\b\\f\\u0001\\u001F\u{7f}\u{e4}";
        assert_eq!(escaped(text), expect);
        let read: serde_json::Value = serde_json::from_str(&format!("\"{expect}\"")).unwrap();
        assert_eq!(read, text, "and it is JSON");
        assert_eq!(Reply::of(&[("a/b", "c")]).body, "{\"a\\/b\":\"c\"}\n");
    }

    /// conformance: rest reply-size
    #[test]
    fn no_reply_is_longer_than_programs_read() {
        let frame = Reply::of(&[("Uri", "")]).written().len();
        // The length is written with three more digits than without a value.
        let longest = REPLY_BYTES_MAX - frame - 2;
        let fits = Reply::of(&[("Uri", &"a".repeat(longest))]).into_bytes();
        assert_eq!(fits.len(), REPLY_BYTES_MAX);
        for count in [longest + 1, 2_200, 100_000] {
            let reply = Reply::of(&[("Uri", &"a".repeat(count))]).into_bytes();
            assert_eq!(reply, Reply::refused(ErrorCode::WIN32_BAD_LENGTH).into_bytes(), "{count}");
        }
        let slashes = Reply::of(&[("Uri", &"/".repeat(1_000))]).into_bytes();
        assert_eq!(slashes, Reply::refused(ErrorCode::WIN32_BAD_LENGTH).into_bytes());
    }
}
