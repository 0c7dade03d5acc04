//! Why a job stopped, as an object.

use dobbin_types::rest::{Failure, JobFailure};
use dobbin_types::{ErrorCode, ErrorContext};

use crate::error::Error;
use crate::file::File;
use crate::job::Job;

/// A job's error (`IBackgroundCopyError`).
#[derive(Debug, Clone)]
pub struct ErrorObject {
    job: Job,
    failure: JobFailure,
}

impl ErrorObject {
    pub(crate) fn new(job: Job, failure: JobFailure) -> ErrorObject {
        ErrorObject { job, failure }
    }

    /// What it has to do with and its code (`GetError`): the remote file exactly when the origin
    /// answered HTTP 403.
    pub fn error(&self) -> (ErrorContext, ErrorCode) {
        (self.failure.context, self.failure.code)
    }

    /// The file it happened to (`GetFile`).
    ///
    /// # Errors
    ///
    /// `DO_E_FILE_NOT_AVAILABLE` when it concerns no one file.
    pub fn file(&self) -> Result<File, Error> {
        let number = self.failure.file;
        number
            .map(|number| self.job.file(number))
            .ok_or_else(|| Error::Refused(Failure::of(ErrorCode::DO_E_FILE_NOT_AVAILABLE)))
    }

    /// All that is known of it.
    pub fn failure(&self) -> &JobFailure {
        &self.failure
    }
}
