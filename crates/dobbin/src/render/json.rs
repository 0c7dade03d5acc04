//! One JSON object per line, for a program that reads.

use std::time::Duration;

use dobbin_types::JobId;
use dobbin_types::rest::{Event, JobInfo};
use serde::Serialize;

use super::output;
use super::screen::{Saved, Screen, Title};

/// Passes the interface's events on as they are, and adds one object at the end.
pub(crate) struct Lines;

/// The object for a job that ended well.
#[derive(Serialize)]
struct Finished<'a> {
    kind: &'static str,
    exit: u8,
    job: JobId,
    files: &'a [String],
    bytes: u64,
    bytes_fetched: u64,
    elapsed_ms: u128,
}

/// The object for an interrupted command.
#[derive(Serialize)]
struct Interrupted {
    kind: &'static str,
    exit: u8,
    job: JobId,
}

impl Screen for Lines {
    fn period(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn begin(&mut self, _: &Title, _: &JobInfo, _: bool) {}

    fn event(&mut self, event: &Event) {
        output::json(event);
    }

    fn picture(&mut self, _: &JobInfo) {}

    fn note(&mut self, _: &str) {}

    fn saved(&mut self, saved: &Saved) {
        output::json(&Finished {
            kind: "saved",
            exit: crate::trouble::Exit::Done.number(),
            job: saved.job,
            files: &saved.local_names,
            bytes: saved.bytes,
            bytes_fetched: saved.bytes_fetched,
            elapsed_ms: saved.elapsed.as_millis(),
        });
    }

    fn end(&mut self) {}
}

/// Writes the object for an interrupted command.
pub(crate) fn interrupted(job: JobId) {
    let exit = crate::trouble::Exit::Interrupted.number();
    output::json(&Interrupted { kind: "interrupted", exit, job });
}
