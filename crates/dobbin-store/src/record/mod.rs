//! Jobs and files as the journal keeps them.
//!
//! Records are JSON, one struct per version. A version that was released is never edited: a change
//! is a new struct with a new number and a `From`, and a golden file of the old one stays in the
//! tests. The number stands in the record itself, so that every row says how it is to be read.

mod v1;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dobbin_core::job::{File, Job, NewJob, Now, Saved};

use crate::publish::Intent;

/// What the journal keeps of a file beside what core knows of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileExtras {
    /// Where its bytes are kept, when that is beside the destination and not in the store.
    pub beside: Option<PathBuf>,
    /// The visible step of publishing it, noted before it is taken.
    pub intent: Option<Intent>,
    /// Which very file a client had filled, in its own words, to know it again after a crash.
    pub identity: Option<String>,
    /// What fetching it took so far.
    pub figures: Figures,
}

/// What fetching a file took so far. Written with whatever else of the file is written, so that a
/// crash costs the last seconds of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Bytes of bodies that came from its origin, its mirrors and cache hosts.
    pub http_bytes: u64,
    /// Those of them that came from cache hosts.
    pub cache_bytes: u64,
    /// How long it was being fetched.
    pub fetching: Duration,
    /// Status line and headers of the last reply for it; `None` before the first.
    pub reply_headers: Option<Arc<str>>,
}

/// A record that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is not what any version wrote.
    #[error("the record is not readable")]
    Syntax(#[from] serde_json::Error),
    /// It was written by a newer version of the program.
    #[error("the record has version {0}, which this program does not know")]
    Version(u32),
    /// A number in it stands for nothing.
    #[error("the record's {0} has no meaning")]
    Meaning(&'static str),
}

/// The record of a job, as of `now`.
pub fn write_job(job: &Job, now: Now) -> String {
    v1::write_job(job.about(), &job.saved(now))
}

/// The record of a job that is not live: as it was read, changed by whoever knows better.
pub(crate) fn write_saved(about: &NewJob, saved: &Saved) -> String {
    v1::write_job(about, saved)
}

/// The record of a file.
pub fn write_file(file: &File, extras: &FileExtras) -> String {
    v1::write_file(file, extras)
}

/// Reads a job's record.
pub fn read_job(text: &str) -> Result<(NewJob, Saved), RecordError> {
    read(text, v1::read_job)
}

/// Reads a file's record.
pub fn read_file(text: &str) -> Result<(File, FileExtras), RecordError> {
    read(text, v1::read_file)
}

/// Reads a record as one of today. Only one that is none is asked for its version: a start reads
/// every record there is, and so reads it once.
fn read<T>(
    text: &str,
    today: impl FnOnce(&str) -> Result<T, RecordError>,
) -> Result<T, RecordError> {
    today(text).or_else(|error| match version(text)? {
        v1::VERSION => Err(error),
        other => Err(RecordError::Version(other)),
    })
}

fn version(text: &str) -> Result<u32, RecordError> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u32,
    }
    Ok(serde_json::from_str::<Versioned>(text)?.version)
}
