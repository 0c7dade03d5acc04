//! The bytes of files that are not finished, and which of them are there.
//!
//! Two files for each: the data, and beside it (or in the store, when the data lies elsewhere) a small
//! *have* file; a file of one piece has none, being there wholly or not at all. A piece is written in two plain writes, first the data and then its bit; that is
//! enough to survive the death of the process. To survive the death of the machine the data is flushed,
//! and only then is the set that [`Staging::flush`] returned written to the journal. After a restart of
//! the machine the have file is not believed, only the journal (decision "a byte's way", step 4).

pub(crate) mod beside;
mod file;
mod have;
mod phf;
mod place;
mod together;

pub(crate) use file::set_mode_and_time;
pub use file::{Staging, StagingError};
pub use have::Known;
pub use phf::KeptPhf;
pub use place::Place;
pub use together::flush_together;
