//! One file of a job.

use dobbin_types::rest::{FileInfo, FileStats, FileWhy, Outcome};
use dobbin_types::{
    ByteRange, DoFilePropertyId, FileNumber, FileProgress, FileProperty, FilePropertyId,
    PropertyValue,
};

use crate::error::Error;
use crate::job::Job;

/// A file of a job (`IBackgroundCopyFile`, `IBackgroundCopyFile2`, `IBackgroundCopyFile5`,
/// `IDeliveryOptimizationFile`, `IDeliveryOptimizationFile2`).
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

    /// Changes where it comes from (`SetRemoteName`). What runs uses the new URL from its next request
    /// on, and goes on where it is if the new origin's file has the same size and time stamp; a file
    /// that is wholly here is left alone. Lost when the agent restarts, unless the job is resumed
    /// after it.
    ///
    /// # Errors
    ///
    /// `E_INVALIDARG` for what is no URL, or too long.
    pub async fn set_remote_name(&self, url: &str) -> Result<Outcome, Error> {
        self.job.set_remote_name(self.number, url).await
    }

    /// A property (`GetProperty`).
    ///
    /// # Errors
    ///
    /// `DO_E_UNKNOWN_PROPERTY_ID`, `DO_E_WRITE_ONLY_PROPERTY`, `E_NOT_SET` for one without a value.
    pub async fn property(
        &self,
        property: impl Into<FileProperty>,
    ) -> Result<PropertyValue, Error> {
        self.job.file_property(self.number, property.into()).await
    }

    /// Sets a property (`SetProperty`), while the job is suspended or in error.
    ///
    /// # Errors
    ///
    /// `DO_E_UNKNOWN_PROPERTY_ID`, `DO_E_READ_ONLY_PROPERTY`, `E_INVALIDARG`, `DO_E_INVALID_STATE`.
    pub async fn set_property(
        &self,
        property: impl Into<FileProperty>,
        value: impl Into<PropertyValue>,
    ) -> Result<Outcome, Error> {
        self.job.set_file_property(self.number, property.into(), value.into()).await
    }

    /// Status line and headers of the last HTTP reply for it, lines ended by CRLF
    /// (`HTTP_RESPONSE_HEADERS`).
    ///
    /// # Errors
    ///
    /// `E_NOT_SET` before the first reply.
    pub async fn response_headers(&self) -> Result<String, Error> {
        match self.property(FilePropertyId::HttpResponseHeaders).await? {
            PropertyValue::Text(text) => Ok(text),
            other => Err(Error::strange("asking for a property", &other)),
        }
    }

    /// Says where it goes (`DownloadSinkFilePath`): an absolute path.
    pub async fn set_local_name(&self, path: &str) -> Result<Outcome, Error> {
        self.set_property(DoFilePropertyId::DownloadSinkFilePath, path).await
    }

    /// Where its bytes came from (`GetStats`).
    pub async fn stats(&self) -> Result<FileStats, Error> {
        self.job.file_stats(self.number).await
    }

    /// Why it stands where it stands, with every request that is remembered.
    pub async fn why(&self) -> Result<FileWhy, Error> {
        self.job.file_why(self.number).await
    }
}
