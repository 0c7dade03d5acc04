//! Why a range could not be had, and what follows from that.

use std::time::Duration;
use std::{fmt, io};

use dobbin_core::source::Reach;
use dobbin_types::ErrorCode;
use http::HeaderName;

use super::range::RangeFault;
use super::redirect::RedirectFault;

/// Why a range could not be had, and from whom.
///
/// Its words name hosts, never URLs, header values or anything else that may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot fetch from {host}: {kind}")]
pub struct FetchError {
    /// Name or address of the host that was asked when it failed; after a redirect, the last one.
    pub host: String,
    /// What went wrong.
    pub kind: FetchErrorKind,
    /// How long the origin asked us to stay away; at most
    /// [`RETRY_AFTER_MAX`](super::RETRY_AFTER_MAX).
    pub retry_after: Option<Duration>,
    /// The status of the reply, if there was one.
    pub http_status: Option<u16>,
    /// Its status line and headers.
    pub reply_headers: Option<HeaderText>,
}

/// [`Response::header_text`](super::Response::header_text) of a reply that was of no use.
#[derive(Clone, PartialEq, Eq)]
pub struct HeaderText(pub String);

impl fmt::Debug for HeaderText {
    /// Without the text, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(headers)")
    }
}

/// Whether the same request may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It may; try again after a while.
    Transient,
    /// It will not, until somebody changes something.
    Fatal,
}

/// What went wrong. Lengths are in bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchErrorKind {
    /// The request's URL has another scheme than http and https, no host, or cannot be sent.
    #[error("the URL is not one of http or https")]
    Url,
    /// The request carries a header that the transfer itself decides.
    #[error("the header {0} is not the caller's to set")]
    ReservedHeader(HeaderName),

    /// The name has no address.
    #[error("no address was found for its name")]
    Resolve,
    /// A public address sent us here, by a redirect or a list, and this one is not public.
    #[error("a public address may not send us to one that is {0:?}")]
    AddressRefused(Reach),
    /// None of its addresses took the connection; this is what the last one said.
    #[error("cannot connect: {0}")]
    Connect(io::ErrorKind),
    /// No connection, TLS included, within
    /// [`HttpSettings::connect_timeout`](super::HttpSettings::connect_timeout).
    #[error("no connection in time")]
    ConnectTimeout,

    /// The proxy's name has no address.
    #[error("no address was found for the name of the proxy")]
    ProxyResolve,
    /// The proxy took no connection.
    #[error("cannot connect to the proxy: {0}")]
    ProxyConnect(io::ErrorKind),
    /// The proxy would not connect us: the HTTP status of its reply to CONNECT, or the number of its
    /// SOCKS reply; 0 if what it said is neither.
    #[error("the proxy made no connection (it said {0})")]
    ProxyRefused(u16),
    /// The proxy wants credentials, or others than it got.
    #[error("the proxy wants credentials")]
    ProxyAuthentication,
    /// The proxy of the configuration is neither http, https, socks5 nor socks5h.
    #[error("the configured proxy is of a kind that is not supported")]
    ProxyUnsupported,

    /// The certificate of the server is not to be trusted, for this reason.
    #[error("its certificate is not to be trusted: {0}")]
    Certificate(String),
    /// It speaks only versions of TLS that are no longer spoken (RFC 8996), so that its certificate
    /// cannot be judged.
    #[error("it speaks no TLS from 1.2 on")]
    TlsTooOld,
    /// TLS failed before a certificate was judged.
    #[error("no secure connection could be agreed on: {0}")]
    Handshake(String),

    /// It refused every version of HTTP that we speak.
    #[error("it speaks neither HTTP/1.1 nor HTTP/2")]
    Protocol,

    /// The connection was closed before a whole reply header came.
    #[error("it closed the connection without an answer")]
    EmptyReply,
    /// No whole reply header within [`StallRule::over`](super::StallRule::over).
    #[error("it did not answer in time")]
    Silent,
    /// The body came too slowly: see [`StallRule`](super::StallRule).
    #[error("it sent too slowly for too long")]
    Stalled,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(io::ErrorKind),
    /// It gave up this one reply, and kept the connection (HTTP/2, RFC 9113 §6.4).
    #[error("it broke off its reply")]
    Reset,
    /// What came is not HTTP, or contradicts itself.
    #[error("its reply is not proper HTTP")]
    Malformed,
    /// The body ended early: by its length, by its chunks, by its stream, or by TLS.
    #[error("it ended the body after {received_bytes} bytes, too early")]
    Truncated {
        /// How much of the body came.
        received_bytes: u64,
    },

    /// The body is, or says it is, longer or shorter than the part it belongs to.
    #[error("it sent another number of bytes than the part has")]
    Length,
    /// The body is compressed or otherwise encoded, although `identity` was asked for.
    #[error("it sent the file in an encoding that was not asked for")]
    Encoded {
        /// Whether a range was asked for; an encoded one would be a range of other bytes.
        ranged: bool,
    },
    /// A 206 reply is not the part that was asked for.
    #[error("{0}")]
    Range(RangeFault),
    /// A 206 reply does not say how long the whole is.
    #[error("it does not say how long the file is")]
    TotalUnknown,
    /// A 206 reply is of another version than `If-Range` named: the origin ignores that header, and
    /// the file has changed.
    #[error("it sent a part of another version of the file")]
    Changed,

    /// A success without the file, such as 204; or 206 although no range was asked for.
    #[error("it reported success without sending the file (HTTP {0})")]
    UnexpectedSuccess(u16),
    /// 416: nothing exists where the range begins.
    #[error("the file has no such range (HTTP 416)")]
    RangeNotSatisfiable {
        /// How long the file is, if said.
        total: Option<u64>,
    },
    /// Any other status.
    #[error("it answered with HTTP {0}")]
    Status(u16),

    /// A redirect that cannot or may not be followed.
    #[error("{0}")]
    Redirect(RedirectFault),
    /// More redirects than [`HttpSettings::redirects_max`](super::HttpSettings::redirects_max).
    #[error("it redirected too many times")]
    TooManyRedirects,
}

impl FetchError {
    pub(crate) fn new(host: &str, kind: FetchErrorKind) -> FetchError {
        let host = host.to_owned();
        FetchError { host, kind, retry_after: None, http_status: None, reply_headers: None }
    }

    /// The code that a caller of the interface sees.
    pub fn code(&self) -> ErrorCode {
        self.kind.code()
    }

    /// Whether the same request may succeed later.
    pub fn class(&self) -> Class {
        self.kind.class()
    }
}

impl FetchErrorKind {
    /// The code that a caller of the interface sees: the open agent's number where it has the
    /// condition, straight mapping for statuses.
    pub fn code(&self) -> ErrorCode {
        use FetchErrorKind as K;
        match self {
            K::Url => ErrorCode::INET_E_INVALID_URL,
            K::ReservedHeader(_) => ErrorCode::E_INVALIDARG,
            K::Resolve => ErrorCode::WIN32_NAME_NOT_RESOLVED,
            K::AddressRefused(_) => ErrorCode::E_ACCESSDENIED,
            // The interface's own code for an unknown proxy shares its number with a failing disk,
            // which is fatal; this is not.
            K::ProxyResolve => ErrorCode::WIN32_NAME_NOT_RESOLVED,
            K::Connect(_) | K::ProxyConnect(_) | K::ProxyRefused(_) => {
                ErrorCode::WIN32_CANNOT_CONNECT
            }
            K::ProxyAuthentication => ErrorCode::HTTP_E_STATUS_PROXY_AUTH_REQ,
            K::ProxyUnsupported => ErrorCode::E_UNSUPPORTED,
            K::Certificate(_) | K::TlsTooOld => ErrorCode::DO_E_HTTP_CERT_VALIDATION,
            K::Handshake(_) | K::Protocol => ErrorCode::CURL_TLS_HANDSHAKE,
            K::EmptyReply => ErrorCode::CURL_EMPTY_REPLY,
            K::ConnectTimeout | K::Silent | K::Stalled => ErrorCode::WININET_E_TIMEOUT,
            K::Broken(_) | K::Reset | K::Malformed => ErrorCode::CURL_RECV_ERROR,
            K::Truncated { .. } => ErrorCode::CURL_PARTIAL_FILE,
            K::Length => ErrorCode::DO_E_HTTP_BLOCKSIZE_MISMATCH,
            K::Encoded { ranged: true } => ErrorCode::DO_E_INSUFFICIENT_RANGE_SUPPORT,
            // "Not acceptable", which is what a server should have answered.
            K::Encoded { ranged: false } => ErrorCode::HTTP_E_STATUS_NONE_ACCEPTABLE,
            K::Range(_) | K::Changed => ErrorCode::DO_E_INSUFFICIENT_RANGE_SUPPORT,
            K::TotalUnknown => ErrorCode::DO_E_FILE_SIZE_UNKNOWN_HTTP_206,
            K::UnexpectedSuccess(_) => ErrorCode::DO_E_UNEXPECTED_HTTP_STATUS_2XX,
            K::RangeNotSatisfiable { .. } => ErrorCode::from_http_status(416),
            K::Status(status) => ErrorCode::from_http_status(*status),
            K::Redirect(fault) if fault.is_refusal() => ErrorCode::E_ACCESSDENIED,
            K::Redirect(_) => ErrorCode::HTTP_E_STATUS_UNEXPECTED_REDIRECTION,
            K::TooManyRedirects => ErrorCode::CURL_TOO_MANY_REDIRECTS,
        }
    }

    /// Whether the same request may succeed later. What the other side is, decides or cannot do is
    /// fatal; what befell this request is transient.
    pub fn class(&self) -> Class {
        use FetchErrorKind as K;
        match self {
            K::Url | K::ReservedHeader(_) | K::AddressRefused(_) => Class::Fatal,
            K::Resolve | K::Connect(_) | K::ConnectTimeout => Class::Transient,
            K::ProxyResolve | K::ProxyConnect(_) | K::ProxyRefused(_) => Class::Transient,
            K::ProxyAuthentication | K::ProxyUnsupported => Class::Fatal,
            K::Certificate(_) | K::TlsTooOld => Class::Fatal,
            K::Handshake(_) | K::Protocol => Class::Transient,
            K::EmptyReply | K::Silent | K::Stalled => Class::Transient,
            K::Broken(_) | K::Reset | K::Malformed | K::Truncated { .. } => Class::Transient,
            K::Length | K::Encoded { .. } | K::Range(_) => Class::Fatal,
            K::TotalUnknown | K::Changed => Class::Fatal,
            K::UnexpectedSuccess(_) => Class::Transient,
            K::RangeNotSatisfiable { .. } => Class::Fatal,
            // A redirect left over, a wish for patience, or the server's own fault.
            K::Status(300..=399 | 408 | 429 | 500..=599) => Class::Transient,
            K::Status(_) => Class::Fatal,
            K::Redirect(fault) if fault.is_refusal() => Class::Fatal,
            K::Redirect(_) | K::TooManyRedirects => Class::Transient,
        }
    }
}

#[cfg(test)]
mod tests {
    use dobbin_types::error::Class as CodeClass;

    use super::*;

    fn every_kind() -> Vec<FetchErrorKind> {
        use FetchErrorKind as K;
        let mut all = vec![
            K::Url,
            K::ReservedHeader(http::header::HOST),
            K::Resolve,
            K::AddressRefused(Reach::Loopback),
            K::Connect(io::ErrorKind::ConnectionRefused),
            K::ConnectTimeout,
            K::ProxyResolve,
            K::ProxyConnect(io::ErrorKind::ConnectionRefused),
            K::ProxyRefused(502),
            K::ProxyAuthentication,
            K::ProxyUnsupported,
            K::Certificate("expired".into()),
            K::TlsTooOld,
            K::Handshake("alert".into()),
            K::Protocol,
            K::Reset,
            K::EmptyReply,
            K::Silent,
            K::Stalled,
            K::Broken(io::ErrorKind::ConnectionReset),
            K::Malformed,
            K::Truncated { received_bytes: 5 },
            K::Length,
            K::Encoded { ranged: true },
            K::Encoded { ranged: false },
            K::Range(RangeFault::Missing),
            K::TotalUnknown,
            K::Changed,
            K::UnexpectedSuccess(204),
            K::RangeNotSatisfiable { total: Some(1) },
            K::TooManyRedirects,
        ];
        all.extend(RedirectFault::ALL.map(K::Redirect));
        all.extend((300..600).filter(|s| *s != 416).map(K::Status));
        all
    }

    #[test]
    fn a_kind_and_its_code_agree_on_trying_again() {
        for kind in every_kind() {
            let code = kind.code();
            assert!(code.is_failure(), "{kind:?}");
            let expect = match kind.class() {
                Class::Transient => &[CodeClass::Transient][..],
                Class::Fatal => &[CodeClass::Fatal, CodeClass::Call],
            };
            assert!(expect.contains(&code.class()), "{kind:?} is {code:?}: {:?}", code.class());
        }
    }

    #[test]
    fn statuses_keep_their_numbers() {
        assert_eq!(FetchErrorKind::Status(404).code().0, 0x8019_0194);
        assert_eq!(FetchErrorKind::Status(503).code().0, 0x8019_01F7);
        assert_eq!(FetchErrorKind::RangeNotSatisfiable { total: None }.code().0, 0x8019_01A0);
    }

    #[test]
    fn an_error_is_small_enough_to_return() {
        assert!(size_of::<FetchError>() <= 112);
    }

    #[test]
    fn the_words_read_as_one_line() {
        let error = FetchError::new("origin.example", FetchErrorKind::Status(404));
        assert_eq!(
            error.to_string(),
            "cannot fetch from origin.example: it answered with HTTP 404"
        );
        for kind in every_kind() {
            let words = kind.to_string();
            assert!(!words.is_empty() && !words.contains('\n') && !words.ends_with('.'), "{words}");
        }
    }
}
