//! Where a download stands, told from its job (`GetStatus`).

use dobbin_types::{DownloadState, ErrorCode, JobState};

use super::View;

/// The two codes of a status. Programs written for the interface tell the kinds of a pause by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codes {
    /// Why it stopped for good.
    pub error: ErrorCode,
    /// Why it stopped for now; beside an error, the code behind it.
    pub extended: ErrorCode,
}

impl Codes {
    const NONE: Codes = Codes { error: ErrorCode::S_OK, extended: ErrorCode::S_OK };
}

impl View<'_> {
    /// Where it stands.
    pub fn state(&self) -> DownloadState {
        match self.job.state() {
            JobState::Queued | JobState::Connecting | JobState::Transferring => {
                DownloadState::Transferring
            }
            JobState::Suspended if !self.download.started => DownloadState::Created,
            JobState::Suspended | JobState::TransientError | JobState::Error => {
                DownloadState::Paused
            }
            // Whole, and not under its name yet.
            JobState::Transferred if self.download.in_place && !self.file.published => {
                DownloadState::Transferring
            }
            JobState::Transferred => DownloadState::Transferred,
            JobState::Acknowledged => DownloadState::Finalized,
            JobState::Cancelled => DownloadState::Aborted,
        }
    }

    /// Why it stands there: a fatal error is the error, one that may pass the extended error alone,
    /// and a pause that was asked for has neither. A download that grew too old says so when it is
    /// aborted.
    pub fn codes(&self) -> Codes {
        let Some(last) = self.job.last_error() else {
            return Codes::NONE;
        };
        match self.job.state() {
            JobState::Error => {
                Codes { error: last.code, extended: last.extended.unwrap_or(ErrorCode::S_OK) }
            }
            JobState::TransientError => Codes { extended: last.code, ..Codes::NONE },
            JobState::Cancelled if last.code == ErrorCode::DO_E_JOB_TOO_OLD => {
                Codes { error: last.code, ..Codes::NONE }
            }
            JobState::Queued
            | JobState::Connecting
            | JobState::Transferring
            | JobState::Suspended
            | JobState::Transferred
            | JobState::Acknowledged
            | JobState::Cancelled => Codes::NONE,
        }
    }
}
