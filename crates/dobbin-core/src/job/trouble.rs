//! What went wrong with a job, before and after core has decided what follows.

use alloc::string::String;
use core::time::Duration;

use dobbin_types::{ErrorCode, ErrorContext, FileNumber};

/// Something that stopped an attempt, as the engine reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The interface's code.
    pub code: ErrorCode,
    /// Whether the same try may succeed later. Decided by whoever met the trouble.
    pub transient: bool,
    /// The code behind the code.
    pub extended: Option<ErrorCode>,
    /// The HTTP status that caused it.
    pub http_status: Option<u16>,
    /// What happened, with whom and why; names hosts, never URLs.
    pub message: String,
    /// What the origin asked for (RFC 9110 §10.2.3), already clamped.
    pub retry_after: Option<Duration>,
    /// Chance, drawn by the engine: how much to stretch the wait, in thousandths of it. Core draws
    /// none of its own, so that two runs with the same inputs agree.
    pub spread_thousandths: u16,
}

/// A job's error object (`IBackgroundCopyError`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobError {
    /// The interface's code.
    pub code: ErrorCode,
    /// The code behind the code.
    pub extended: Option<ErrorCode>,
    /// The HTTP status that caused it.
    pub http_status: Option<u16>,
    /// What happened, with whom and why.
    pub message: String,
    /// The file it happened to.
    pub file: Option<FileNumber>,
}

impl JobError {
    /// What it has to do with: the remote file exactly when the origin said 403, else nothing in
    /// particular (`IBackgroundCopyError::GetError`).
    pub fn context(&self) -> ErrorContext {
        if self.http_status == Some(403) { ErrorContext::RemoteFile } else { ErrorContext::None }
    }

    pub(super) fn of(trouble: Trouble, file: Option<FileNumber>) -> JobError {
        JobError {
            code: trouble.code,
            extended: trouble.extended,
            http_status: trouble.http_status,
            message: trouble.message,
            file,
        }
    }
}
