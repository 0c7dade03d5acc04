//! Jobs: what they are, and the one function that changes them.
//!
//! [`step`] is the state machine of the interface family, row by row: what callers wish
//! (`wish.rs`, `property.rs`), what came of the work (`outcome.rs`), and the timers (`timer.rs`). It never acts:
//! it answers with [`Effect`]s, which the engine carries out.

mod effect;
mod event;
mod facts;
mod file;
mod files;
mod model;
mod outcome;
mod portion;
mod property;
mod quota;
mod ranges;
mod step;
mod timer;
mod trouble;
mod wish;

pub use effect::{Effect, Notice};
pub use event::{JobEvent, Wish, WishKind};
pub use facts::{Facts, Judgement, Known, Validator, judge};
pub use file::{Check, File, NewFile, Refusal, check_local_name, check_remote_name, door, join};
pub use files::Totals;
pub use model::{Attempt, Job, NewJob, Saved};
pub use property::FileChange;
pub use quota::{JobLimits, Population};
pub use ranges::RangeMap;
pub(crate) use ranges::check as check_ranges;
pub use step::{Now, step};
pub use timer::{AGE_MAX, NO_PROGRESS_BACKGROUND, NO_PROGRESS_FOREGROUND};
pub use trouble::{JobError, Trouble};
