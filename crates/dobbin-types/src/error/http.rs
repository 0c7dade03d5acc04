//! HTTP statuses as codes and back.

use super::ErrorCode;
use super::code::facility;
use crate::job::ErrorContext;

/// Status zero of the HTTP facility, to which a status is added.
const HTTP_BASE: u32 = 0x8019_0000;

impl ErrorCode {
    /// What an origin's final status means for a job: success for 200 and 206, else
    /// `0x80190000` and the status (BITS, "HTTP errors"; decision "straight mapping").
    ///
    /// Other successes carry no file, so they are [`ErrorCode::DO_E_UNEXPECTED_HTTP_STATUS_2XX`]. A
    /// number that is no HTTP status is [`ErrorCode::HTTP_E_STATUS_UNEXPECTED`].
    pub const fn from_http_status(status: u16) -> ErrorCode {
        match status {
            200 | 206 => ErrorCode::S_OK,
            201..=299 => ErrorCode::DO_E_UNEXPECTED_HTTP_STATUS_2XX,
            100..=999 => ErrorCode(HTTP_BASE | status as u32),
            _ => ErrorCode::HTTP_E_STATUS_UNEXPECTED,
        }
    }

    /// What an origin's final status means on the REST interface of the open agent, which knows
    /// fewer codes than there are statuses.
    ///
    /// It differs from that agent in one point (decision "odd successes pause"): 201 to 205 and the
    /// like are [`ErrorCode::DO_E_UNEXPECTED_HTTP_STATUS_2XX`] and not an empty file.
    pub const fn from_http_status_compat(status: u16) -> ErrorCode {
        match status {
            200 | 206 => ErrorCode::S_OK,
            201..=299 => ErrorCode::DO_E_UNEXPECTED_HTTP_STATUS_2XX,
            300 | 500 | 503 => ErrorCode::HTTP_E_STATUS_SERVER_ERROR,
            301..=303 => ErrorCode::HTTP_E_STATUS_UNEXPECTED_REDIRECTION,
            305 | 502 | 504 => ErrorCode::HTTP_E_STATUS_BAD_GATEWAY,
            400 | 405 | 409 | 411 | 412 | 414 | 415 => ErrorCode::HTTP_E_STATUS_BAD_REQUEST,
            401 => ErrorCode::HTTP_E_STATUS_DENIED,
            403 => ErrorCode::HTTP_E_STATUS_FORBIDDEN,
            404 | 410 => ErrorCode::HTTP_E_STATUS_NOT_FOUND,
            406 => ErrorCode::HTTP_E_STATUS_NONE_ACCEPTABLE,
            407 => ErrorCode::HTTP_E_STATUS_PROXY_AUTH_REQ,
            408 => ErrorCode::HTTP_E_STATUS_REQUEST_TIMEOUT,
            413 => ErrorCode::HTTP_E_STATUS_REQUEST_TOO_LARGE,
            501 | 505 => ErrorCode::HTTP_E_STATUS_NOT_SUPPORTED,
            _ => ErrorCode::HTTP_E_STATUS_UNEXPECTED,
        }
    }

    /// The HTTP status behind the code, if it is a failing one of
    /// [`ErrorCode::from_http_status`].
    pub const fn http_status(self) -> Option<u16> {
        let status = self.within_facility();
        if self.is_failure() && self.facility() == facility::HTTP && status >= 100 && status <= 999
        {
            Some(status)
        } else {
            None
        }
    }

    /// What the error has to do with (`IBackgroundCopyError::GetError`): the remote file exactly for
    /// HTTP 403, nothing in particular for everything else.
    pub const fn context(self) -> ErrorContext {
        if self.0 == ErrorCode::HTTP_E_STATUS_FORBIDDEN.0 {
            ErrorContext::RemoteFile
        } else {
            ErrorContext::None
        }
    }

    /// Whether it is a status without a row that may be another one next time: leftover redirects,
    /// 429 ("too many requests", RFC 6585 section 4) and whatever the server blames on itself.
    pub(super) const fn is_retried_status(self) -> bool {
        matches!(self.http_status(), Some(300..=399 | 408 | 429 | 500..=599))
    }
}
