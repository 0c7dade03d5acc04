//! One file of a job.

use dobbin_types::rest::FileInfo;
use dobbin_types::{ByteRange, FileNumber, FileProgress};

use crate::error::Error;
use crate::job::Job;

/// A file of a job (`IBackgroundCopyFile`, `IBackgroundCopyFile2`).
///
/// Every getter asks the agent; see [`Job::files`] for all files at one moment.
#[derive(Debug, Clone)]
pub struct File {
    job: Job,
    number: FileNumber,
}

impl File {
    pub(crate) fn new(job: Job, number: FileNumber) -> File {
        File { job, number }
    }

    /// Its place in the job. Asks nobody.
    pub fn number(&self) -> FileNumber {
        self.number
    }

    /// The job it belongs to. Asks nobody.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// All that can be said of it, at one moment.
    pub async fn info(&self) -> Result<FileInfo, Error> {
        self.job.file_info(self.number).await
    }

    /// Where it comes from (`GetRemoteName`).
    pub async fn remote_name(&self) -> Result<String, Error> {
        Ok(self.info().await?.remote_name)
    }

    /// Where it goes (`GetLocalName`).
    pub async fn local_name(&self) -> Result<String, Error> {
        Ok(self.info().await?.local_name)
    }

    /// How far it is (`GetProgress`).
    pub async fn progress(&self) -> Result<FileProgress, Error> {
        Ok(self.info().await?.progress)
    }

    /// The parts of the remote file it is made of, in order; empty for the whole file
    /// (`GetFileRanges`).
    pub async fn ranges(&self) -> Result<Vec<ByteRange>, Error> {
        Ok(self.info().await?.ranges)
    }
}
