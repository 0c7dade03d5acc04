//! HTTP statuses as codes and back.

use super::ErrorCode;
use super::code::HTTP_BASE;
use crate::job::ErrorContext;

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
        match self.above(HTTP_BASE) {
            Some(status @ 100..=999) => Some(status),
            _ => None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Class;

    /// conformance: http-status straight
    #[test]
    fn a_job_sees_the_status_itself() {
        let published = [
            (400, 0x8019_0190),
            (401, 0x8019_0191),
            (403, 0x8019_0193),
            (404, 0x8019_0194),
            (407, 0x8019_0197),
            (414, 0x8019_019E),
            (501, 0x8019_01F5),
            (503, 0x8019_01F7),
            (504, 0x8019_01F8),
            (505, 0x8019_01F9),
            // Without names, and still themselves.
            (304, 0x8019_0130),
            (416, 0x8019_01A0),
            (429, 0x8019_01AD),
            (999, 0x8019_03E7),
        ];
        for (status, number) in published {
            assert_eq!(ErrorCode::from_http_status(status), ErrorCode(number), "{status}");
        }
    }

    /// conformance: class odd-success, code DO_E_UNEXPECTED_HTTP_STATUS_2XX
    #[test]
    fn only_a_reply_with_the_file_or_a_part_of_it_is_a_success() {
        for map in [ErrorCode::from_http_status, ErrorCode::from_http_status_compat] {
            assert_eq!(map(200), ErrorCode::S_OK);
            assert_eq!(map(206), ErrorCode::S_OK);
            for status in [201, 202, 203, 204, 205, 207, 226, 299] {
                assert_eq!(map(status), ErrorCode::DO_E_UNEXPECTED_HTTP_STATUS_2XX, "{status}");
            }
            for status in (0..=u16::MAX).filter(|status| !(200..=299).contains(status)) {
                assert!(map(status).is_failure(), "{status}");
            }
        }
    }

    #[test]
    fn the_compatible_interface_folds_statuses_as_the_open_agent_does() {
        let rows: &[(&[u16], u32)] = &[
            (&[300, 500, 503], 0x8019_01F4),
            (&[301, 302, 303], 0x8019_0003),
            (&[305, 502, 504], 0x8019_01F6),
            (&[400, 405, 409, 411, 412, 414, 415], 0x8019_0190),
            (&[401], 0x8019_0191),
            (&[403], 0x8019_0193),
            (&[404, 410], 0x8019_0194),
            (&[406], 0x8019_0196),
            (&[407], 0x8019_0197),
            (&[408], 0x8019_0198),
            (&[413], 0x8019_019D),
            (&[501, 505], 0x8019_01F5),
            (&[304, 307, 308, 402, 416, 429, 451, 507, 100, 0, 65_535], 0x8019_0001),
        ];
        for (statuses, number) in rows {
            for status in *statuses {
                let code = ErrorCode::from_http_status_compat(*status);
                assert_eq!(code, ErrorCode(*number), "{status}");
            }
        }
    }

    #[test]
    fn both_maps_agree_where_the_interfaces_do() {
        for status in [401, 403, 404, 406, 407, 408, 413, 500, 501, 502] {
            let plain = ErrorCode::from_http_status(status);
            assert_eq!(plain, ErrorCode::from_http_status_compat(status), "{status}");
        }
    }

    #[test]
    fn a_failing_status_is_read_back_from_its_code() {
        for status in (100..=999).filter(|status| !(200..=299).contains(status)) {
            let code = ErrorCode::from_http_status(status);
            assert_eq!(code.http_status(), Some(status));
        }
        for code in [
            ErrorCode::S_OK,
            ErrorCode::HTTP_E_STATUS_UNEXPECTED,
            ErrorCode::HTTP_E_STATUS_UNEXPECTED_REDIRECTION,
            // The lower half looks like 404, the facility is another.
            ErrorCode(0x8007_0194),
            ErrorCode(0x0019_0194),
            ErrorCode(0xC019_0194),
            ErrorCode(0x8019_FFFF),
        ] {
            assert_eq!(code.http_status(), None, "{code}");
        }
        assert_eq!(ErrorCode::from_http_status(42), ErrorCode::HTTP_E_STATUS_UNEXPECTED);
        assert_eq!(ErrorCode::from_http_status(1_000), ErrorCode::HTTP_E_STATUS_UNEXPECTED);
    }

    /// conformance: http-status context
    #[test]
    fn the_remote_file_is_to_blame_for_403_alone() {
        for status in 100..=999 {
            let context = ErrorCode::from_http_status(status).context();
            assert_eq!(context == ErrorContext::RemoteFile, status == 403, "{status}");
        }
        assert_eq!(ErrorCode::WININET_E_TIMEOUT.context(), ErrorContext::None);
    }

    /// conformance: class client-error, class server-error
    #[test]
    fn a_status_stops_a_job_for_good_unless_it_may_pass() {
        for status in 300..=599 {
            let class = ErrorCode::from_http_status(status).class();
            let passes = matches!(status, 408 | 429) || !(400..=499).contains(&status);
            let expect = if passes { Class::Transient } else { Class::Fatal };
            assert_eq!(class, expect, "{status}");
        }
    }
}
