//! The journal: which jobs and files there are, and which of their pieces survive a power cut.
//!
//! Records are opaque text; what they say is decided elsewhere. SQLite keeps them (decision
//! "journal": WAL mode, every commit flushed, one writer, many writes to a commit).

mod change;
mod checkpoint;
mod error;
mod load;
mod queue;
mod salvage;
mod schema;
mod writer;

pub use change::Change;
pub use error::{JournalError, JournalErrorKind};
pub use load::{Loaded, StoredFile, StoredJob};
pub use queue::QUEUED_CHANGES_MAX;
pub use writer::Journal;
