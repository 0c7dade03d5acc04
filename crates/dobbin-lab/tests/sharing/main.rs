//! Files that are fetched over several connections and from several sources, on the real engine.

// Clippy knows the tests by their attribute, and not what they call.
#![allow(clippy::unwrap_used)]

mod connections;
mod pieces;
#[path = "../site/mod.rs"]
mod site;
mod sources;

use std::time::Duration;

use dobbin_engine::{Handle, Wish};
use dobbin_lab::origin::{Content, Origin};
use dobbin_types::rest::{AddFile, CreateJob, FileWhy};
use dobbin_types::{ErrorCode, FileNumber, JobId, JobState, Priority};
use site::{Site, me};

const MIB: u64 = 1024 * 1024;

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

impl Site {
    /// A job for one file, at work.
    fn begin(&self, file: AddFile, priority: Priority) -> JobId {
        let files = vec![file];
        let body = CreateJob { priority: Some(priority), files, ..CreateJob::default() };
        let job = self.runtime.block_on(self.handle().create(me(), body)).unwrap();
        self.wish(job, Wish::Resume).unwrap();
        job
    }

    /// Waits for the end of a job that nobody helps, and says what was done for its file.
    #[track_caller]
    fn finish(&self, job: JobId) -> FileWhy {
        let info = self.wait(job, &[JobState::Transferred, JobState::Error]);
        assert_eq!(info.state, JobState::Transferred, "{:?}", info.error);
        let told = self.why_file(job);
        assert_balanced(&told);
        told
    }

    fn why_file(&self, job: JobId) -> FileWhy {
        let ask = async |handle: Handle| handle.file_why(me(), job, FileNumber(0)).await.unwrap();
        self.runtime.block_on(ask(self.handle()))
    }

    /// Completes the job and compares what it left.
    #[track_caller]
    fn complete_as(&self, job: JobId, name: &str, content: Content) {
        assert_eq!(self.wish(job, Wish::Complete), Ok(ErrorCode::S_OK));
        let bytes = std::fs::read(self.path(name)).unwrap();
        assert_eq!(bytes.len() as u64, content.size());
        assert_eq!(content.first_difference(0, &bytes), None);
    }
}

/// What is here is what was had and what came, less what does not count.
#[track_caller]
fn assert_balanced(told: &FileWhy) {
    let bytes = &told.bytes;
    let came: u64 = bytes.sources.iter().map(|given| given.bytes).sum();
    let gone: u64 = bytes.discarded.iter().map(|discarded| discarded.bytes).sum();
    assert_eq!(bytes.here + gone, bytes.had + came + bytes.other_sources, "{bytes:?}");
}

/// Bytes of bodies that the origin has sent.
fn sent_bytes(origin: &Origin) -> u64 {
    origin.requests().iter().map(|exchange| exchange.body_sent_bytes).sum()
}

/// Connections over which it was asked anything.
fn connections(origin: &Origin) -> usize {
    let numbers = origin.requests().into_iter().map(|exchange| exchange.connection);
    numbers.collect::<std::collections::BTreeSet<u32>>().len()
}
