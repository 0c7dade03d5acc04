//! What can happen to disk and process, done to a real agent: the rows of the fault matrix
//! (`docs/faults.md`) that need more than a library.
//!
//! Each test has a folder, an agent and an origin of its own. What needs root, mounts or tracing says
//! loudly when it does not run.

// Clippy knows tests by their attribute, and not what they call.
#![allow(clippy::unwrap_used)]

mod destination;
mod disk;
mod journal;
mod mounts;
mod process;
mod space;
mod stage;
