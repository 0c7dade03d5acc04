//! What went wrong: with a call, or with a job.

use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::id::FileNumber;
use crate::job::ErrorContext;

/// The body of every reply whose HTTP status is 400 or more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failure {
    /// The interface's code.
    pub code: ErrorCode,
    /// The code's name, such as `DO_E_INVALID_STATE`; empty for a code without one.
    pub symbol: String,
    /// What was wrong, in a sentence for the caller that names the value.
    pub message: String,
    /// Which part of the request it was, such as `files[2].local_name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What to do about it, where we know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Failure {
    /// A failure with the code's own words and nothing more.
    pub fn of(code: ErrorCode) -> Failure {
        Failure::new(code, code.text().into_owned())
    }

    /// A failure that says `message`.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Failure {
        Failure {
            code,
            symbol: code.symbol().unwrap_or_default().to_owned(),
            message: message.into(),
            field: None,
            remedy: None,
        }
    }

    /// The same, naming the part of the request.
    pub fn at(mut self, field: impl Into<String>) -> Failure {
        self.field = Some(field.into());
        self
    }

    /// The same, saying what to do.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Failure {
        self.remedy = Some(remedy.into());
        self
    }
}

/// A job's error object (`IBackgroundCopyError`): why it stopped, for as long as no data moved since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobFailure {
    /// The interface's code.
    pub code: ErrorCode,
    /// The code's name; empty for a code without one.
    pub symbol: String,
    /// What the code means.
    pub text: String,
    /// What it has to do with: `remote_file` exactly when the origin said 403.
    pub context: ErrorContext,
    /// What happened, with whom and why, in a sentence. Names hosts, never URLs.
    pub message: String,
    /// The code behind the code, such as the last transport error of a job that ran out of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended: Option<ErrorCode>,
    /// The HTTP status that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The file it happened to (`IBackgroundCopyError::GetFile`); nothing when it was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileNumber>,
}
