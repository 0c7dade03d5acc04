//! Which HTTP status our own REST interface answers with.

use super::ErrorCode;

impl ErrorCode {
    /// The HTTP status of a REST reply that reports this code. The one table of it.
    ///
    /// Success 200 · the request is wrong in itself 400 · not yours 403 · nothing there 404 · not in
    /// this state 409 · a local file is in the way 422 · a limit is reached 429 · not offered 501 ·
    /// not now 503 · everything else 500. Not for the compatible interface, which has its own rule.
    pub const fn api_status(self) -> u16 {
        if !self.is_failure() {
            return 200;
        }
        match self {
            ErrorCode::E_INVALIDARG
            | ErrorCode::E_NOINTERFACE
            | ErrorCode::E_POINTER
            | ErrorCode::INET_E_INVALID_URL
            | ErrorCode::CRYPT_E_FILE_ERROR
            | ErrorCode::DO_E_INVALID_RANGE
            | ErrorCode::DO_E_OVERLAPPING_RANGES
            | ErrorCode::DO_E_DOWNLOAD_RANGES_UNEXPECTED
            | ErrorCode::DO_E_DOWNLOAD_RANGES_EXPECTED
            | ErrorCode::DO_E_INVALID_CONTENT_ID
            | ErrorCode::DO_E_UNKNOWN_PROPERTY_ID
            | ErrorCode::DO_E_READ_ONLY_PROPERTY
            | ErrorCode::DO_E_WRITE_ONLY_PROPERTY => 400,

            ErrorCode::E_ACCESSDENIED
            | ErrorCode::DO_E_NO_DOWNLOAD_PARTICIPATION
            | ErrorCode::DO_E_NO_DOWNLOAD_EXTSETTINGS => 403,

            ErrorCode::E_NOT_SET
            | ErrorCode::E_UNSUPPORTED
            | ErrorCode::DO_E_JOB_NOT_FOUND
            | ErrorCode::DO_E_NO_DOWNLOADS
            | ErrorCode::DO_E_FILE_NOT_AVAILABLE
            | ErrorCode::DO_E_ERROR_INFORMATION_UNAVAILABLE => 404,

            ErrorCode::WIN32_ALREADY_EXISTS
            | ErrorCode::E_NOT_VALID_STATE
            | ErrorCode::EEXIST
            | ErrorCode::DO_E_INVALID_STATE
            | ErrorCode::DO_E_JOB_EMPTY
            | ErrorCode::DO_E_LOCALPATH_NOT_SET
            | ErrorCode::DO_E_DOWNLOAD_NO_URI
            | ErrorCode::DO_E_DOWNLOAD_NO_CONTENT_ID
            | ErrorCode::DO_E_FILE_DOWNLOADSINK_UNSPECIFIED
            | ErrorCode::DO_E_FILE_DOWNLOADSINK_ALREADY_SET
            | ErrorCode::DO_E_INTEGRITYCHECKINFO_UNSPECIFIED
            | ErrorCode::DO_E_PIN_FAIL_NO_PEERING
            | ErrorCode::DO_E_DELETE_PINNED_SWARM => 409,

            ErrorCode::EPERM
            | ErrorCode::ENOENT
            | ErrorCode::EACCES
            | ErrorCode::EBUSY
            | ErrorCode::EXDEV
            | ErrorCode::ENOTDIR
            | ErrorCode::EISDIR
            | ErrorCode::EINVAL
            | ErrorCode::ETXTBSY
            | ErrorCode::EFBIG
            | ErrorCode::ENOSPC
            | ErrorCode::EROFS
            | ErrorCode::EMLINK
            | ErrorCode::ENAMETOOLONG
            | ErrorCode::ENOTEMPTY
            | ErrorCode::ELOOP
            | ErrorCode::EOPNOTSUPP
            | ErrorCode::ESTALE
            | ErrorCode::EDQUOT
            | ErrorCode::WIN32_BAD_LENGTH => 422,

            ErrorCode::BG_E_TOO_MANY_JOBS_PER_MACHINE
            | ErrorCode::BG_E_TOO_MANY_JOBS_PER_USER
            | ErrorCode::BG_E_TOO_MANY_FILES_IN_JOB
            | ErrorCode::BG_E_TOO_MANY_RANGES_IN_FILE => 429,

            ErrorCode::E_NOTIMPL | ErrorCode::DO_E_MEMORYSTREAM_DOWNLOAD_NOT_SUPPORTED => 501,

            ErrorCode::E_OUTOFMEMORY | ErrorCode::DO_E_NO_SERVICE => 503,

            // Whatever a caller can neither have caused nor avoided.
            _ => 500,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Class, TABLE};

    /// conformance: code E_FAIL, code DO_E_FATAL_CORE_ERROR, code E_OUTOFMEMORY
    #[test]
    fn the_common_answers_have_the_expected_status() {
        let rows = [
            (ErrorCode::S_OK, 200),
            (ErrorCode::S_FALSE, 200),
            (ErrorCode::BG_S_PARTIAL_COMPLETE, 200),
            (ErrorCode::E_INVALIDARG, 400),
            (ErrorCode::DO_E_INVALID_RANGE, 400),
            (ErrorCode::DO_E_OVERLAPPING_RANGES, 400),
            (ErrorCode::INET_E_INVALID_URL, 400),
            (ErrorCode::E_ACCESSDENIED, 403),
            (ErrorCode::DO_E_NOT_FOUND, 404),
            (ErrorCode::E_NOT_SET, 404),
            (ErrorCode::E_UNSUPPORTED, 404),
            (ErrorCode::DO_E_FILE_NOT_AVAILABLE, 404),
            (ErrorCode::DO_E_ERROR_INFORMATION_UNAVAILABLE, 404),
            (ErrorCode::DO_E_INVALID_STATE, 409),
            (ErrorCode::DO_E_EMPTY, 409),
            (ErrorCode::DO_E_LOCALPATH_NOT_SET, 409),
            (ErrorCode::DO_E_DOWNLOAD_NO_URI, 409),
            (ErrorCode::EEXIST, 409),
            (ErrorCode::WIN32_ALREADY_EXISTS, 409),
            (ErrorCode::ENOENT, 422),
            (ErrorCode::EACCES, 422),
            (ErrorCode::EISDIR, 422),
            (ErrorCode::ENOSPC, 422),
            (ErrorCode::BG_E_TOO_MANY_JOBS_PER_USER, 429),
            (ErrorCode::BG_E_TOO_MANY_RANGES_IN_FILE, 429),
            (ErrorCode::E_NOTIMPL, 501),
            (ErrorCode::E_OUTOFMEMORY, 503),
            (ErrorCode::DO_E_NO_SERVICE, 503),
            (ErrorCode::E_FAIL, 500),
            (ErrorCode::EIO, 500),
            (ErrorCode::DO_E_FATAL_CORE_ERROR, 500),
            (ErrorCode::HTTP_E_STATUS_NOT_FOUND, 500),
            (ErrorCode(0x8000_1234), 500),
        ];
        for (code, status) in rows {
            assert_eq!(code.api_status(), status, "{code}");
        }
    }

    #[test]
    fn what_answers_calls_blames_the_service_only_where_the_service_is_to_blame() {
        let to_blame = [
            ErrorCode::E_ABORT,
            ErrorCode::WIN32_UNHANDLED_EXCEPTION,
            ErrorCode::WEB_E_JSON_VALUE_NOT_FOUND,
        ];
        for row in TABLE.iter().filter(|row| row.class == Class::Call) {
            let blamed = row.code.api_status() == 500;
            assert_eq!(blamed, to_blame.contains(&row.code), "{}", row.symbol);
        }
    }

    #[test]
    fn a_success_and_only_a_success_is_answered_with_200() {
        for row in TABLE {
            let succeeded = row.code.api_status() == 200;
            assert_eq!(succeeded, row.class == Class::Success, "{}", row.symbol);
        }
    }
}
