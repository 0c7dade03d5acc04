//! The words that all of Dobbin speaks: ids, states, codes, figures, and the bodies of the REST
//! interface.
//!
//! Nothing here decides or acts. Domain types (everything but [`rest`]) follow the interface family
//! `IBackgroundCopyJob` and `IDODownload`; numbers are the interface's numbers. [`rest`] is what
//! travels between a client and the agent, versioned by its path.

pub mod download;
pub mod error;
pub mod file;
pub mod id;
pub mod job;
pub mod ledger;
pub mod phf;
pub mod property;
pub mod rest;
pub mod stats;
pub mod time;

pub use download::{CostPolicy, DownloadProperty, DownloadState, PropertyValue};
pub use error::ErrorCode;
pub use file::{ByteRange, FileProgress};
pub use id::{FileNumber, JobId, Uid};
pub use job::{Completion, ErrorContext, JobState, JobType, NotifyFlags, Priority};
pub use ledger::{Discard, Reason, RequestEnd, SourceKind};
pub use property::{
    Clsid, CostFlags, DoFilePropertyId, DoJobPropertyId, FileProperty, FilePropertyId, JobProperty,
    JobPropertyId,
};
pub use stats::{DownloadMode, JobProgress, SwarmStatus};
pub use time::{FileTime, JobTimes};
