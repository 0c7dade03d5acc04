//! Jobs on the wire.

use serde::{Deserialize, Serialize};

use super::download::DownloadMark;
use super::failure::JobFailure;
use super::file::AddFile;
use super::page::Bookmark;
use crate::error::ErrorCode;
use crate::id::{JobId, Uid};
use crate::job::{Completion, JobState, JobType, NotifyFlags, Priority};
use crate::property::CostFlags;
use crate::stats::JobProgress;
use crate::time::{FileTime, JobTimes};

/// A request header that the caller wants sent to the origin.
///
/// Treated as a secret: never shown again, never logged, and not sent on when a redirect leads to
/// another scheme, host or port.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Header {
    /// A token of RFC 9110 §5.1. `Host`, `Range`, `If-Range`, `Content-Length`, `Transfer-Encoding`,
    /// `Accept-Encoding` and `Connection` are the service's own and are refused.
    pub name: String,
    /// Its value, without control characters.
    pub value: String,
}

impl core::fmt::Debug for Header {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: (secret)", self.name)
    }
}

/// A new job (`IBackgroundCopyManager::CreateJob`). It begins suspended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateJob {
    /// For people: at most 256 characters, need not be unique, may be empty.
    pub display_name: String,
    /// What it does; left out, a download.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "type")]
    pub job_type: Option<JobType>,
    /// How urgent it is; left out, `normal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// See [`SetNoProgressTimeout`]; left out, it follows the priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_progress_timeout_seconds: Option<u32>,
    /// Who completes it; left out, the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion: Option<Completion>,
    /// Headers for the origin, for all files of the job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// The most it may fetch, in bytes a second, at least 1; left out, no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second_max: Option<u64>,
    /// Files to add at once; if any is refused, no job is created.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<AddFile>,
}

/// The job that was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedJob {
    /// Its id.
    pub id: JobId,
}

/// `IBackgroundCopyJob::SetPriority`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetPriority {
    /// The new priority.
    pub priority: Priority,
}

/// `IBackgroundCopyJob::SetNoProgressTimeout`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetNoProgressTimeout {
    /// Seconds without a byte after which the job goes into error; 0 makes every error fatal.
    pub seconds: u32,
}

/// `IBackgroundCopyJob::SetNotifyFlags`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetNotifyFlags {
    /// The bits of `SetNotifyFlags`; others than the accepted ones are `E_NOTIMPL`.
    pub flags: NotifyFlags,
}

/// The most that a job may fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetRateLimit {
    /// Bytes a second, at least 1; nothing lifts the limit.
    pub bytes_per_second_max: Option<u64>,
}

/// What a call that succeeded says: usually `S_OK`, sometimes a success with a remark, such as
/// `BG_S_PARTIAL_COMPLETE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Outcome {
    /// A success code.
    pub code: ErrorCode,
    /// Its name.
    pub symbol: String,
    /// The job's state after the call.
    pub state: JobState,
}

/// What a job that is not moving waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "for")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Waiting {
    /// Other jobs hold all slots.
    Slot,
    /// The agent lives inside another command and runs only what is resumed: see
    /// [`super::AgentMode::Embedded`].
    Resume,
    /// The next try after a transient error.
    Retry {
        /// When it comes.
        at: FileTime,
    },
}

/// One job (`IBackgroundCopyJob`'s getters in one picture).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobInfo {
    /// Its id.
    pub id: JobId,
    /// As given when it was created.
    pub display_name: String,
    /// What it does.
    #[serde(rename = "type")]
    pub job_type: JobType,
    /// Who owns it.
    pub owner: Uid,
    /// Where it stands.
    pub state: JobState,
    /// How urgent it is.
    pub priority: Priority,
    /// How far it is.
    pub progress: JobProgress,
    /// When things happened to it.
    pub times: JobTimes,
    /// In force now: what was set, or what follows from the priority.
    pub no_progress_timeout_seconds: u32,
    /// Which events its owner wants to be told of.
    pub notify_flags: NotifyFlags,
    /// Which networks it may use, by cost (`COST_FLAGS`): what was set, or what follows from the
    /// priority.
    pub cost_flags: CostFlags,
    /// Who completes it.
    pub completion: Completion,
    /// The most it may fetch, in bytes a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second_max: Option<u64>,
    /// What it fetches now, in bytes a second, over the last seconds; 0 when nothing moves.
    pub bytes_per_second: u64,
    /// Failures in a row since the last byte.
    pub failures_count: u32,
    /// Why it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<JobFailure>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// Present when it is a download: both interfaces act on the same object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<DownloadMark>,
}

/// The jobs a caller may see, oldest first. Never another user's, except for root.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobList {
    /// Jobs that are not over: of one page.
    pub jobs: Vec<JobInfo>,
    /// Where to go on, given back as `after`; left out on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub next: Option<Bookmark>,
}
