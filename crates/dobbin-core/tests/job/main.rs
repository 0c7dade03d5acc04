//! The job's state machine, proven against the interface family's own tables.
//!
//! `wishes` walks the rows of "explicit operations" (`IBackgroundCopyJob`), `publishing` those of
//! Complete, `properties` those of what may be set of jobs and files, `events` the rows of "events";
//! `timers`, `errors` and `restart` show what a single row cannot: times, what an error object says and
//! how long, and what survives the process.
//! `histories` lets chance look for what no table thought of.

mod calls;
mod errors;
mod events;
mod histories;
mod make;
mod properties;
mod publishing;
mod restart;
mod sleep;
mod timers;
mod wishes;
