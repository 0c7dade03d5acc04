//! Why a job stands where it stands, on the wire: what it waits for, where its bytes came from, what
//! was tried and failed, what limits it.

use serde::{Deserialize, Serialize};

use super::failure::JobFailure;
use super::job::JobInfo;
use crate::error::ErrorCode;
use crate::id::{FileNumber, Uid};
use crate::ledger::{Discard, Reason, RequestEnd, SourceKind};
use crate::time::FileTime;

/// Files that [`JobWhy`] tells of, at most: those that move first, then those with a failure, then
/// those that are missing. Each file can be asked for by itself.
pub const WHY_FILES_MAX: usize = 32;

/// Everything there is to say of why a job stands where it stands.
///
/// What is said of single requests and failures was seen by the agent that answers since it started;
/// of what was before, only the sums and the last error are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobWhy {
    /// The job itself.
    pub job: JobInfo,
    /// When this was so, on the agent's wall clock: what the other times are compared with.
    pub at: FileTime,
    /// What it waits for; nothing while it moves or is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdup: Option<Holdup>,
    /// When it gives up if no byte comes until then (`SetNoProgressTimeout`); nothing while no time is
    /// counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives_up_at: Option<FileTime>,
    /// When it is cancelled if nobody completes it: 30 days after its creation. Nothing once it is
    /// over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<FileTime>,
    /// Limits of its rate that are in force.
    pub limits: Vec<RateLimit>,
    /// Where the bytes of all its files came from, by server.
    pub bytes: ByteSources,
    /// What stopped it since the agent started, oldest first; the last 16 of them. A job that
    /// stopped before has its last error here, without a time.
    pub failures: Vec<PastFailure>,
    /// At most [`WHY_FILES_MAX`] of its files.
    pub files: Vec<FileWhy>,
}

/// What a job that does not move waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "for")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Holdup {
    /// Other jobs hold all slots.
    Slot {
        /// Jobs that get a slot before it.
        jobs_before: u32,
        /// Jobs that hold slots now.
        jobs_moving: u32,
    },
    /// The agent lives inside another command and runs only what is resumed.
    Agent,
    /// The next try after a failure that may pass: the last of `failures`.
    Retry {
        /// When it comes.
        at: FileTime,
        /// Before this the server does not want to be asked again (`Retry-After`).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_before: Option<FileTime>,
    },
    /// A condition forbids it to run; when that is over, it goes on by itself.
    Condition {
        /// The condition, as `DO_E_BLOCKED_BY_…`.
        code: ErrorCode,
        /// The same for people.
        text: String,
    },
    /// Somebody has to resume it.
    Resume {
        /// Who suspended it and when, if that was since the agent started. A job that was never
        /// resumed was suspended by nobody: it begins so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        suspended_by: Option<Uid>,
        /// When.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        suspended_at: Option<FileTime>,
    },
    /// It failed in a way that does not pass: somebody has to resume, complete or cancel it.
    Owner,
    /// Everything is here: somebody has to complete it.
    Complete,
    /// It is being completed now.
    Publishing,
}

/// A limit of the rate at which a job may fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RateLimit {
    /// Whom it is for.
    pub of: LimitScope,
    /// The limit.
    pub bytes_per_second: u64,
    /// Whether the job has been waiting for it lately: without it, it would be faster.
    pub binds: bool,
}

/// Whom a limit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum LimitScope {
    /// This job alone.
    Job,
    /// All jobs of the agent together.
    Service,
}

/// Somebody from whom bytes came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SourceInfo {
    /// What it is to the file.
    #[serde(flatten)]
    pub kind: SourceKind,
    /// Scheme, host, port and path; of the sources of a whole job without the path. Never a query,
    /// which may be a secret.
    pub address: String,
}

/// What one source gave since the agent started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SourceBytes {
    /// The source.
    #[serde(flatten)]
    pub source: SourceInfo,
    /// Bytes of bodies that came from it, whatever became of them.
    pub bytes: u64,
    /// Requests that it was sent.
    pub requests_count: u64,
    /// Of those, requests that failed.
    pub failures_count: u64,
}

/// Bytes that came, or were here, and do not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiscardedBytes {
    /// Why.
    pub why: Discard,
    /// How many.
    pub bytes: u64,
}

/// Where bytes came from. What is here is `had` and what the sources gave, less what was discarded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ByteSources {
    /// Bytes that are here now.
    pub here: u64,
    /// Bytes that were here when the agent first looked, from its own runs before.
    pub had: u64,
    /// Of these, bytes that were read back and compared with their hashes, because the machine had
    /// stopped uncleanly.
    pub checked: u64,
    /// By source, in the order in which they were first asked.
    pub sources: Vec<SourceBytes>,
    /// From more sources than are listed.
    pub other_sources: u64,
    /// By reason.
    pub discarded: Vec<DiscardedBytes>,
    /// All bytes that were ever fetched for it, by this agent and those before it.
    pub fetched_ever: u64,
}

/// Something that stopped a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PastFailure {
    /// When; nothing for what was before the agent started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<FileTime>,
    /// What.
    pub failure: JobFailure,
}

/// Why one file of a job stands where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileWhy {
    /// Which file.
    pub number: FileNumber,
    /// Where it goes; empty while that is open.
    pub local_name: String,
    /// Its size; nothing while nobody has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<u64>,
    /// It is wholly here, checked and flushed.
    pub transferred: bool,
    /// It stands under its name.
    pub completed: bool,
    /// Where its bytes came from.
    pub bytes: ByteSources,
    /// Requests that run now.
    pub connections: Vec<ConnectionInfo>,
    /// Requests that ended, oldest first: the last 32 that went well and the last 16 that failed.
    pub requests: Vec<RequestInfo>,
    /// Whether and how it is checked.
    pub checking: CheckingInfo,
}

/// A request that runs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectionInfo {
    /// Counts the file's requests from 0.
    pub number: u64,
    /// Whom it asks.
    #[serde(flatten)]
    pub source: SourceInfo,
    /// Why it is made.
    pub reason: Reason,
    /// First byte of the local file that it is to bring.
    pub start: u64,
    /// The byte behind the last; nothing while the file's size is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// Bytes it brought so far.
    pub bytes: u64,
    /// Over the last seconds.
    pub bytes_per_second: u64,
    /// When it began.
    pub began: FileTime,
}

/// A request that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestInfo {
    /// Counts the file's requests from 0.
    pub number: u64,
    /// Whom it asked.
    #[serde(flatten)]
    pub source: SourceInfo,
    /// Why it was made.
    pub reason: Reason,
    /// First byte of the local file that it was to bring.
    pub start: u64,
    /// The byte behind the last; nothing if the file's size never became known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// Bytes it brought.
    pub bytes: u64,
    /// When it began.
    pub began: FileTime,
    /// When it was over.
    pub ended: FileTime,
    /// How it ended.
    pub how: RequestEnd,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<RequestFailure>,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestFailure {
    /// The interface's code.
    pub code: ErrorCode,
    /// Its name.
    pub symbol: String,
    /// What happened; names hosts, never URLs.
    pub message: String,
    /// The status of the reply, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
}

/// Whether and how a file is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckingInfo {
    /// Each piece against its hash, while it comes; nothing while that is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pieces: Option<bool>,
    /// The whole file against the SHA-256 that was given.
    pub whole_file: bool,
    /// Where the hashes of the pieces are from, or why there are none, for people.
    pub text: String,
}

impl RequestFailure {
    /// With the code's own name.
    pub fn new(code: ErrorCode, message: String, http_status: Option<u16>) -> RequestFailure {
        let symbol = code.symbol().unwrap_or_default().to_owned();
        RequestFailure { code, symbol, message, http_status }
    }
}
