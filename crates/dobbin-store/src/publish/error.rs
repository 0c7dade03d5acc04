//! Why a file cannot be shown to the user.

use std::path::PathBuf;

use dobbin_types::ErrorCode;
use rustix::io::Errno;

use crate::error::FileError;
use crate::staging::StagingError;

/// A step of publishing that failed. The user's file is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The destination cannot be a file's name at all.
    #[error("{} is not usable as a destination: {why}", path.display())]
    Name {
        /// The destination as it was given.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The open file that the caller passed is not one that may be filled.
    #[error("the file passed for the result is not usable: {why}")]
    Target {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The operating system refused a step.
    #[error(transparent)]
    File(#[from] FileError),
    /// The staging file could not be read or flushed.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// Not all of the file is there: a mistake of ours, found in time.
    #[error("{missing_count} pieces of the file are missing")]
    Incomplete {
        /// How many pieces are missing; 0 when they are all there but the data is short.
        missing_count: u32,
    },
}

impl PublishError {
    /// The code a caller sees.
    pub fn code(&self) -> ErrorCode {
        match self {
            PublishError::Name { .. } => ErrorCode::E_INVALIDARG,
            PublishError::Target { .. } => ErrorCode::from_errno(Errno::ACCESS.raw_os_error()),
            PublishError::File(error) => error.code(),
            PublishError::Staging(error) => error.code(),
            PublishError::Incomplete { .. } => ErrorCode::DO_E_FATAL_CORE_ERROR,
        }
    }
}
