//! Calling programs back (`IBackgroundCopyCallback`).

use serde::{Deserialize, Serialize};

use super::failure::JobFailure;
use super::job::JobInfo;
use crate::error::ErrorCode;
use crate::id::JobId;

/// A program's open connection on which it is called. It is registered for jobs by this number,
/// which is never used twice, and gone with the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListenerId(pub u64);

/// Names one JobTransferred or JobError to one listener. All repeats of it have the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallNumber(pub u64);

/// `IBackgroundCopyJob::SetNotifyInterface`. The last one who sets it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetCallback {
    /// Who is called about the job from now on: the number that the caller's own connection began
    /// with ([`CallbackEvent::Listening`]).
    pub listener: ListenerId,
}

/// `IBackgroundCopyJob::GetNotifyInterface`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallbackInfo {
    /// Who is called about the job; nothing when nobody is (`NULL`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listener: Option<ListenerId>,
}

/// What a program's callback returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnswerCall {
    /// `S_OK` takes the call; after everything else it is made again.
    pub result: ErrorCode,
}

/// One event of a listener's connection, sent as the `data:` of a server-sent event whose `event:`
/// is its `call`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "call")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
// One at a time on its way to a socket: a box would save nothing.
#[allow(clippy::large_enum_variant)]
pub enum CallbackEvent {
    /// The first one, once: who this connection is.
    Listening {
        /// Its number, for [`SetCallback`].
        listener: ListenerId,
    },
    /// Every file has been transferred (`JobTransferred`). Made again until it is answered with
    /// `S_OK` or is no longer true.
    JobTransferred {
        /// For the answer.
        number: CallNumber,
        /// The job as it is now.
        job: JobInfo,
    },
    /// A fatal error stopped the job (`JobError`). Made again until it is answered with `S_OK` or is
    /// no longer true.
    JobError {
        /// For the answer.
        number: CallNumber,
        /// The job as it is now.
        job: JobInfo,
        /// Why it stopped.
        error: JobFailure,
    },
    /// Bytes, files, properties or the state changed (`JobModification`); at most once a second for
    /// a job, not when it becomes transferred or fails, and left out when the reader is slow.
    JobModification {
        /// The job as it is now.
        job: JobInfo,
    },
    /// This connection is not called about the job any more.
    Released {
        /// Which job.
        job: JobId,
        /// Why.
        why: Released,
    },
}

impl CallbackEvent {
    /// The event's name on the wire (`event:` of a server-sent event).
    pub fn word(&self) -> &'static str {
        match self {
            CallbackEvent::Listening { .. } => "listening",
            CallbackEvent::JobTransferred { .. } => "job_transferred",
            CallbackEvent::JobError { .. } => "job_error",
            CallbackEvent::JobModification { .. } => "job_modification",
            CallbackEvent::Released { .. } => "released",
        }
    }
}

/// Why a listener is not called about a job any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Released {
    /// Another listener was set.
    Replaced,
    /// Somebody set none (`NULL`).
    Cleared,
    /// The job is over: acknowledged or cancelled.
    Ended,
}
