//! Dobbin's disk: the journal of jobs, the pieces of unfinished files, and the step that shows a
//! finished file to the user.
//!
//! ```text
//! <root>/lock                      held while a process uses the store; holds its process id
//! <root>/journal.db                jobs, files and flushed bitmaps (SQLite in WAL mode)
//! <root>/reserve                   space kept back so that a full disk can still be recorded
//! <root>/staging/<job>/<n>         the bytes of file n
//! <root>/staging/<job>/<n>.have    which of its pieces are there, if it has more than one
//! <root>/staging/<job>/<n>.beside  where it has bytes outside the store
//! <root>/staging/<job>/<hex>.phf   the piece-hash file with that digest
//! ```
//!
//! The order of durable steps is the point of this crate, and [`durable`] is the only place that
//! flushes and renames. Nothing here knows of networks, of callers or of a job's state: records are
//! opaque text.

mod cache;
pub mod durable;
mod error;
mod fnv;
pub mod journal;
pub mod open;
pub mod publish;
pub mod record;
mod reserve;
pub mod space;
pub mod staging;
pub mod sweep;

pub use cache::Caching;
pub use error::FileError;
pub use journal::{Change, Journal, JournalError, JournalErrorKind, Loaded, StoredFile, StoredJob};
pub use open::{OpenError, Store};
pub use publish::{Intent, PublishError, Recovered, Wanted};
pub use staging::{KeptPhf, Known, Place, Staging, StagingError, flush_together};
