//! An engine of our own, asked as programs written for `IDODownload` ask.

use std::path::PathBuf;
use std::time::Duration;

use dobbin_engine::{Actor, Handle, Operation, Recover};
use dobbin_types::rest::{CreateDownload, DownloadStatus};
use dobbin_types::{ByteRange, DownloadProperty, DownloadState, ErrorCode, JobId, PropertyValue};
use tokio::runtime::Runtime;

use crate::engine;
pub(crate) use crate::engine::me;

/// Longest wait for anything: only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Site(engine::Site);

impl Site {
    pub(crate) fn new() -> Site {
        Site(engine::Site::new())
    }

    /// Stops the service and starts it again.
    pub(crate) fn restart(&mut self) {
        self.0.stop();
        self.0.start(Recover::RunAll);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path(name)
    }

    pub(crate) fn handle(&self) -> Handle {
        self.0.handle()
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.0.runtime
    }

    /// A download with every property at its default.
    pub(crate) fn create(&self) -> JobId {
        let body = CreateDownload::default();
        self.runtime().block_on(self.handle().create_download(me(), body)).unwrap()
    }

    /// One of a URL into a file.
    pub(crate) fn create_to(&self, uri: String, name: &str) -> JobId {
        let local_path = Some(self.path(name).display().to_string());
        let body = CreateDownload { uri: Some(uri), local_path };
        self.runtime().block_on(self.handle().create_download(me(), body)).unwrap()
    }

    /// One whose file the service writes in its own name, whoever it is for.
    pub(crate) fn create_in_place(&self, owner: Actor, uri: Option<String>, name: &str) -> JobId {
        let local_path = Some(self.path(name).display().to_string());
        let create = self.handle();
        let create = create.create_download_in_place(owner, uri, local_path);
        self.runtime().block_on(create).unwrap()
    }

    /// One of a URL, whose caller takes the bytes itself.
    pub(crate) fn create_stream(&self, uri: String) -> JobId {
        let body = CreateDownload { uri: Some(uri), local_path: None };
        let job = self.runtime().block_on(self.handle().create_download(me(), body)).unwrap();
        self.set(job, DownloadProperty::StreamInterface, true).unwrap();
        job
    }

    pub(crate) fn operate(
        &self,
        job: JobId,
        operation: Operation,
    ) -> Result<DownloadState, ErrorCode> {
        let outcome = self.runtime().block_on(self.handle().operate(me(), job, operation));
        outcome.map(|done| done.state).map_err(|failure| failure.code)
    }

    /// `Start`, for the whole file or as before.
    pub(crate) fn run(&self, job: JobId) -> Result<DownloadState, ErrorCode> {
        self.operate(job, Operation::Start(None))
    }

    /// `Start` with ranges.
    pub(crate) fn run_ranges(
        &self,
        job: JobId,
        ranges: &[ByteRange],
    ) -> Result<DownloadState, ErrorCode> {
        self.operate(job, Operation::Start(Some(ranges.to_vec())))
    }

    pub(crate) fn set(
        &self,
        job: JobId,
        property: DownloadProperty,
        value: impl Into<PropertyValue>,
    ) -> Result<(), ErrorCode> {
        let value = value.into();
        let set = self.handle();
        let set = set.set_download_property(me(), job, property, value);
        self.runtime().block_on(set).map_err(|failure| failure.code)
    }

    pub(crate) fn get(
        &self,
        job: JobId,
        property: DownloadProperty,
    ) -> Result<PropertyValue, ErrorCode> {
        let got = self.handle();
        let got = got.download_property(me(), job, property);
        self.runtime().block_on(got).map_err(|failure| failure.code)
    }

    pub(crate) fn status(&self, job: JobId) -> Result<DownloadStatus, ErrorCode> {
        let status = self.handle();
        let status = status.download_status(me(), job);
        self.runtime().block_on(status).map_err(|failure| failure.code)
    }

    /// The bytes of a transferred download.
    pub(crate) fn content(&self, job: JobId, offset: u64) -> Result<Vec<u8>, ErrorCode> {
        let content = self.handle();
        let content = content.download_content(me(), job, offset);
        let mut content = self.runtime().block_on(content).map_err(|failure| failure.code)?;
        let mut bytes = Vec::new();
        while content.left() > 0 {
            bytes.extend(content.next_bytes().unwrap());
        }
        Ok(bytes)
    }

    /// Waits for the event after which the download's status is as wanted.
    #[track_caller]
    pub(crate) fn wait(
        &self,
        job: JobId,
        is_wanted: impl Fn(&DownloadStatus) -> bool,
    ) -> DownloadStatus {
        self.runtime().block_on(async {
            let mut events = self.handle().subscribe(me(), Some(job)).await.unwrap();
            let until = async {
                while let Some(event) = events.recv().await {
                    let status = event.job.download.unwrap().status;
                    if is_wanted(&status) {
                        return status;
                    }
                }
                panic!("the events ended");
            };
            tokio::time::timeout(PATIENCE, until).await.unwrap_or_else(|_| {
                panic!("{job} did not come into the wanted state");
            })
        })
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, job: JobId, state: DownloadState) -> DownloadStatus {
        self.wait(job, |status| status.state == state)
    }
}

pub(crate) const fn range(offset: u64, length: u64) -> ByteRange {
    ByteRange { offset, length: Some(length) }
}
