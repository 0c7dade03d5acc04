//! Why the journal could not do what it was asked.

use std::sync::Arc;

use dobbin_types::ErrorCode;
use rusqlite::ffi;
use rustix::io::Errno;

use crate::error::FileError;

/// A step of the journal that failed. Cheap to copy: everybody whose write was part of one failed
/// commit gets the same one.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {doing} the journal: {kind}")]
pub struct JournalError {
    /// The step, as a verb.
    pub doing: &'static str,
    /// What went wrong, as far as callers may care.
    pub kind: JournalErrorKind,
    /// What was said about it further down.
    #[source]
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What went wrong with the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JournalErrorKind {
    /// The file system that holds it is full. Nothing was written; later writes may succeed.
    #[error("the disk is full")]
    Full,
    /// The disk or the operating system failed. Nothing was written; later writes may succeed.
    #[error("the disk does not read or write")]
    Io,
    /// What stands in it is not what was written.
    #[error("its content is damaged")]
    Corrupt,
    /// We may not read or write it, or it lies on a read-only file system.
    #[error("access is denied")]
    Denied,
    /// A later version of the program wrote it; this one would destroy what it cannot read.
    #[error("a newer version of the program wrote it")]
    TooNew,
    /// More is waiting to be written than may wait, and did not get less in time.
    #[error("too much is waiting to be written")]
    Busy,
    /// It is closed, or about to be.
    #[error("it is closed")]
    Closed,
    /// A mistake of ours.
    #[error("internal error")]
    Internal,
}

impl JournalError {
    /// An error that comes from no deeper layer.
    pub(super) fn new(doing: &'static str, kind: JournalErrorKind) -> JournalError {
        JournalError { doing, kind, source: None }
    }

    /// What SQLite said while `doing`.
    pub(super) fn from_sqlite(doing: &'static str, error: rusqlite::Error) -> JournalError {
        JournalError { doing, kind: kind_of(&error), source: Some(Arc::new(error)) }
    }

    /// What the operating system said while `doing`.
    pub(super) fn from_file(doing: &'static str, error: FileError) -> JournalError {
        let kind = match error.source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSPC | Errno::DQUOT) => JournalErrorKind::Full,
            Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => JournalErrorKind::Denied,
            Some(_) | None => JournalErrorKind::Io,
        };
        JournalError { doing, kind, source: Some(Arc::new(error)) }
    }

    /// The code a caller sees.
    pub fn code(&self) -> ErrorCode {
        match self.kind {
            JournalErrorKind::Full => ErrorCode::from_errno(Errno::NOSPC.raw_os_error()),
            JournalErrorKind::Io => ErrorCode::from_errno(Errno::IO.raw_os_error()),
            JournalErrorKind::Denied => ErrorCode::from_errno(Errno::ACCESS.raw_os_error()),
            JournalErrorKind::Busy | JournalErrorKind::Closed => ErrorCode::DO_E_NO_SERVICE,
            JournalErrorKind::Corrupt | JournalErrorKind::TooNew | JournalErrorKind::Internal => {
                ErrorCode::DO_E_FATAL_CORE_ERROR
            }
        }
    }
}

/// SQLite's codes, put into the few classes that make a difference here.
fn kind_of(error: &rusqlite::Error) -> JournalErrorKind {
    use ffi::ErrorCode as S;
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return match error {
            // A column of another type than we wrote, or text that is not text: not our rows.
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..) => JournalErrorKind::Corrupt,
            _ => JournalErrorKind::Internal,
        };
    };
    match (failure.code, failure.extended_code) {
        (S::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => JournalErrorKind::Full,
        (S::DatabaseCorrupt | S::NotADatabase, _) => JournalErrorKind::Corrupt,
        (S::SystemIoFailure, _) => JournalErrorKind::Io,
        (S::PermissionDenied | S::ReadOnly | S::CannotOpen, _) => JournalErrorKind::Denied,
        (S::DatabaseBusy | S::DatabaseLocked, _) => JournalErrorKind::Busy,
        _ => JournalErrorKind::Internal,
    }
}
