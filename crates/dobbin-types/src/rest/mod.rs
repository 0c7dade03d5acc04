//! What travels between a client and the agent: HTTP/1.1 with JSON bodies over a unix socket,
//! version 1.
//!
//! Bodies of a released version are never edited: a field may be added where old readers ignore it,
//! anything else is a new version under a new path. Requests refuse unknown fields, so that a
//! misspelt one is an error and not a silence; replies may gain fields.

mod agent;
mod callback;
mod download;
mod event;
mod failure;
mod file;
mod handover;
mod job;
mod page;
pub mod route;
mod stats;
mod why;

pub use agent::{AgentInfo, AgentMode};
pub use callback::{
    AnswerCall, CallNumber, CallbackEvent, CallbackInfo, ListenerId, Released, SetCallback,
};
pub use download::{
    CreateDownload, CreatedDownload, DownloadInfo, DownloadList, DownloadMark, DownloadOutcome,
    DownloadStatus, PropertyBody, StartDownload,
};
pub use event::{Event, EventKind};
pub use failure::{Failure, JobFailure};
pub use file::{
    AddFile, AddFiles, AddedFiles, FileInfo, FileList, PHF_TEXT_BYTES_MAX, PieceHashes,
    SetRemoteName,
};
pub use handover::{
    AgentWord, ClientWord, FailedFile, FilledFile, GivenFile, HANDOVER_FILES_MAX,
    HANDOVER_IDENTITY_BYTES_MAX, HANDOVER_WORD_BYTES_MAX, Handover, OpenedFile,
};
pub use job::{
    CreateJob, CreatedJob, Header, JobInfo, JobList, Outcome, SetNoProgressTimeout, SetNotifyFlags,
    SetPriority, SetRateLimit, Waiting,
};
pub use page::{Bookmark, JOBS_PER_PAGE_MAX, NoBookmark};
pub use stats::{FileStats, JobStats};
pub use why::{
    ByteSources, CheckingInfo, ConnectionInfo, DiscardedBytes, FileWhy, Holdup, JobWhy, LimitScope,
    PastFailure, RateLimit, RequestFailure, RequestInfo, SourceBytes, SourceInfo, WHY_FILES_MAX,
};

/// Largest request body the agent reads, in bytes. Enough for a job of some 10,000 files in one
/// request; larger jobs add their files in several.
pub const REQUEST_BYTES_MAX: usize = 8 * 1024 * 1024;
