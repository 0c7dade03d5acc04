//! How a download looks to programs written for Microsoft's agent.

use dobbin_types::rest::DownloadStatus;
use dobbin_types::{DownloadState, ErrorCode};

use super::reply::Reply;

/// A download as this interface shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// Never `Finalized` or `Aborted`: those are not seen at all.
    pub(super) state: DownloadState,
    total_bytes: u64,
    transferred_bytes: u64,
    error: ErrorCode,
    extended_error: ErrorCode,
}

/// How a download looks from here; nothing for one that is over, which leaves the table.
///
/// An error that passes by itself is no pause here: the download goes on being `Transferring`, with
/// the error beside it, until the next try (those programs poll the state alone). Only what blocks it
/// from outside, a network that is gone or a policy, is a pause with an extended error.
pub(super) fn seen(status: &DownloadStatus) -> Option<Seen> {
    let DownloadStatus { bytes_total, bytes_transferred, state, error, extended_error } = *status;
    if state.is_final() {
        return None;
    }
    let (state, error, extended_error) =
        if status.is_transient_error() && !extended_error.is_transient() {
            (DownloadState::Transferring, extended_error, ErrorCode::S_OK)
        } else {
            (state, error, extended_error)
        };
    Some(Seen {
        state,
        total_bytes: bytes_total.unwrap_or(0),
        transferred_bytes: bytes_transferred,
        error: folded(error),
        extended_error: folded(extended_error),
    })
}

/// That agent knows fewer codes of HTTP than there are statuses.
fn folded(code: ErrorCode) -> ErrorCode {
    code.http_status().map_or(code, ErrorCode::from_http_status_compat)
}

impl Seen {
    /// The reply to `getstatus`: codes as signed decimals.
    pub(super) fn reply(&self) -> Reply {
        Reply::of(&[
            ("Status", word(self.state)),
            ("BytesTotal", &self.total_bytes.to_string()),
            ("BytesTransferred", &self.transferred_bytes.to_string()),
            ("ErrorCode", &self.error.hresult().to_string()),
            ("ExtendedErrorCode", &self.extended_error.hresult().to_string()),
        ])
    }
}

fn word(state: DownloadState) -> &'static str {
    match state {
        DownloadState::Created => "Created",
        DownloadState::Transferring => "Transferring",
        DownloadState::Transferred => "Transferred",
        DownloadState::Finalized => "Finalized",
        DownloadState::Aborted => "Aborted",
        DownloadState::Paused => "Paused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DownloadState::{Aborted, Created, Finalized, Paused, Transferred, Transferring};

    const OK: ErrorCode = ErrorCode::S_OK;

    #[track_caller]
    fn check(
        (state, error, extended_error): (DownloadState, ErrorCode, ErrorCode),
        expect: Option<(DownloadState, ErrorCode, ErrorCode)>,
    ) {
        let bytes_transferred = 7;
        let status =
            DownloadStatus { bytes_total: None, bytes_transferred, state, error, extended_error };
        let seen = seen(&status).map(|seen| (seen.state, seen.error, seen.extended_error));
        assert_eq!(seen, expect, "{status:?}");
    }

    /// conformance: rest status
    #[test]
    fn a_download_is_seen_in_six_states_and_in_two_not_at_all() {
        for state in [Created, Transferring, Transferred, Paused] {
            check((state, OK, OK), Some((state, OK, OK)));
        }
        check((Finalized, OK, OK), None);
        check((Aborted, ErrorCode::DO_E_JOB_TOO_OLD, OK), None);
    }

    /// conformance: rest transient
    #[test]
    fn what_passes_by_itself_is_no_pause_unless_something_outside_blocks_it() {
        let retried = ErrorCode::WIN32_CANNOT_CONNECT;
        check((Paused, OK, retried), Some((Transferring, retried, OK)));
        let unavailable = ErrorCode::from_http_status(503);
        let folded = ErrorCode::HTTP_E_STATUS_SERVER_ERROR;
        check((Paused, OK, unavailable), Some((Transferring, folded, OK)));
        let blocked = ErrorCode::DO_E_BLOCKED_BY_NO_NETWORK;
        check((Paused, OK, blocked), Some((Paused, OK, blocked)));
        let odd = ErrorCode::DO_E_UNEXPECTED_HTTP_STATUS_2XX;
        check((Paused, OK, odd), Some((Paused, OK, odd)));
    }

    /// conformance: rest codes, http-status folded *
    #[test]
    fn a_fatal_error_is_a_pause_and_statuses_are_folded() {
        let no_progress = ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS;
        let gone = ErrorCode::from_http_status(410);
        let not_found = ErrorCode::HTTP_E_STATUS_NOT_FOUND;
        check((Paused, gone, OK), Some((Paused, not_found, OK)));
        check((Paused, no_progress, gone), Some((Paused, no_progress, not_found)));
        check((Paused, ErrorCode::ENOSPC, OK), Some((Paused, ErrorCode::ENOSPC, OK)));
        let teapot = ErrorCode::from_http_status(418);
        check((Paused, teapot, OK), Some((Paused, ErrorCode::HTTP_E_STATUS_UNEXPECTED, OK)));
    }

    /// conformance: rest getstatus
    #[test]
    fn a_status_is_five_texts() {
        let status = DownloadStatus {
            bytes_total: Some(u64::MAX),
            bytes_transferred: 512,
            state: Paused,
            error: ErrorCode::from_http_status(404),
            extended_error: OK,
        };
        let reply = String::from_utf8(seen(&status).unwrap().reply().into_bytes()).unwrap();
        let body = "{\"Status\":\"Paused\",\"BytesTotal\":\"18446744073709551615\",\
                    \"BytesTransferred\":\"512\",\"ErrorCode\":\"-2145844844\",\
                    \"ExtendedErrorCode\":\"0\"}\n";
        assert!(reply.ends_with(body), "{reply}");
        let unknown = seen(&DownloadStatus { bytes_total: None, ..status }).unwrap();
        assert_eq!(unknown.total_bytes, 0);
    }
}
