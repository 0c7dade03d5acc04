//! Walking through a job's files as programs of the interface do.

use dobbin_types::{ErrorCode, FileNumber};

use crate::file::File;
use crate::job::Job;

/// The files that a job had when this was made (`IEnumBackgroundCopyFiles`), in the order in which
/// they were added.
///
/// Asks nobody: files are never removed from a job, so their numbers are all there is to know.
#[derive(Debug, Clone)]
pub struct FileEnumerator {
    job: Job,
    count: u32,
    next: u32,
}

impl FileEnumerator {
    pub(crate) fn new(job: Job, count: u32) -> FileEnumerator {
        FileEnumerator { job, count, next: 0 }
    }

    /// How many files there are, whatever was walked past (`GetCount`).
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The next files, at most `wanted` of them (`Next`): `S_OK` with as many as were wanted,
    /// `S_FALSE` with fewer.
    pub fn next(&mut self, wanted: u32) -> (ErrorCode, Vec<File>) {
        let from = self.next;
        let code = self.skip(wanted);
        (code, (from..self.next).map(|number| self.job.file(FileNumber(number))).collect())
    }

    /// Walks past `wanted` files (`Skip`): `S_OK`, or `S_FALSE` at the end when there are fewer.
    pub fn skip(&mut self, wanted: u32) -> ErrorCode {
        let left = self.count - self.next;
        self.next += wanted.min(left);
        if wanted <= left { ErrorCode::S_OK } else { ErrorCode::S_FALSE }
    }

    /// Begins anew with the first file (`Reset`).
    pub fn reset(&mut self) {
        self.next = 0;
    }
}
