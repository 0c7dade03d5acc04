//! What a ledger says, and in which words.

use std::ops::Range;
use std::sync::Arc;

use dobbin_core::job::Trouble;
use dobbin_types::{Discard, ErrorCode, FileTime, Reason, RequestEnd, SourceKind};
use url::Url;

/// A source as people may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceName {
    pub(crate) kind: SourceKind,
    /// Scheme, host, port and path. A query may be a secret, and so may a user's name.
    pub(crate) address: Arc<str>,
}

impl SourceName {
    /// The source that answers at `url`.
    pub(crate) fn new(kind: SourceKind, url: &Url) -> SourceName {
        let mut shown = url.clone();
        shown.set_query(None);
        shown.set_fragment(None);
        // Refused only where there is no host to have a user at.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        SourceName { kind, address: String::from(shown).into() }
    }
}

/// What a failed request met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failing {
    pub(crate) code: ErrorCode,
    pub(crate) http_status: Option<u16>,
    /// Names hosts, never URLs.
    pub(crate) message: String,
}

impl From<&Trouble> for Failing {
    fn from(trouble: &Trouble) -> Failing {
        Failing {
            code: trouble.code,
            http_status: trouble.http_status,
            message: trouble.message.clone(),
        }
    }
}

/// How a file's pieces are checked while they come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Checking {
    /// Each against its hash. Where the hashes are from, for people.
    Pieces { from: Arc<str> },
    /// Not piece by piece. Why, for people: lower case, without a full stop.
    Not { why: Arc<str> },
}

/// What one source gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Given {
    /// Bytes of bodies, whatever became of them.
    pub(crate) bytes: u64,
    pub(crate) requests_count: u64,
    pub(crate) failures_count: u64,
}

/// A request that is over.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    /// Counts the file's requests from 0.
    pub(crate) number: u64,
    pub(crate) source: SourceName,
    pub(crate) reason: Reason,
    /// The part of the local file it was to bring.
    pub(crate) span: Range<u64>,
    pub(crate) bytes: u64,
    pub(crate) began: FileTime,
    pub(crate) ended: FileTime,
    pub(crate) how: RequestEnd,
    /// What it met, if it failed. Shared with whoever looks at the page.
    pub(crate) failing: Option<Arc<Failing>>,
}

/// A request under way.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    /// Counts the file's requests from 0.
    pub(crate) number: u64,
    pub(crate) source: SourceName,
    pub(crate) reason: Reason,
    /// The part of the local file it is to bring.
    pub(crate) span: Range<u64>,
    pub(crate) bytes: u64,
    pub(crate) began: FileTime,
    /// Over the last seconds.
    pub(crate) bytes_per_second: u64,
}

/// A file's ledger at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    /// Oldest first.
    pub(crate) running: Vec<Running>,
    /// Oldest first; at most [`super::ENDED_MAX`] and [`super::FAILED_MAX`] together.
    pub(crate) ended: Vec<Ended>,
    pub(crate) sums: Sums,
    /// `None` before anything is known of it.
    pub(crate) checking: Option<Checking>,
}

/// How many bytes came and went.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sums {
    /// In the order in which they were first asked. Requests under way are counted in.
    pub(crate) sources: Vec<(SourceName, Given)>,
    /// Sources beyond [`super::SOURCES_MAX`] together.
    pub(crate) others: Given,
    /// Bytes that were here when this process first looked.
    pub(crate) had_bytes: u64,
    /// Of those, bytes that were read back and compared with their hashes.
    pub(crate) checked_bytes: u64,
    /// In the order of [`Discard::ALL`]; without those of 0 bytes.
    pub(crate) discarded: Vec<(Discard, u64)>,
}
