//! The same client for programs without an async runtime: every call waits on its thread.
//!
//! ```no_run
//! use dobbin_sdk::{Address, JobFilter, blocking};
//!
//! # fn example() -> Result<(), dobbin_sdk::Error> {
//! let manager = blocking::Manager::connect(Address::Default)?;
//! for job in manager.jobs(&JobFilter::default())? {
//!     println!("{} {}", job.id, job.state);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Objects may be sent to other threads and used by several at once. They must not be used on a
//! thread that runs async code: that thread would wait for itself, so tokio panics.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dobbin_types::rest::{
    AddFile, AgentInfo, CreateDownload, CreateJob, DownloadInfo, DownloadOutcome, DownloadStatus,
    Event, FileInfo, FileStats, FileWhy, JobFailure, JobInfo, JobWhy, ListenerId, Outcome,
};
use dobbin_types::{
    ByteRange, Clsid, CostFlags, DownloadProperty, ErrorCode, ErrorContext, FileNumber,
    FileProgress, FileProperty, JobId, JobProgress, JobProperty, JobState, JobTimes, JobType,
    NotifyFlags, Priority, PropertyValue, Uid,
};
use tokio::runtime::Runtime;

use crate::callback::{NotifyInterface, Saying};
use crate::connect::Address;
use crate::error::{Error, Tried, Unreachable};
use crate::manager::JobFilter;

/// Writes methods that wait for the async ones of the same name.
macro_rules! waits_for {
    ($(
        $(#[$about:meta])*
        fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $output:ty;
    )+) => { $(
        $(#[$about])*
        pub fn $name(&self $(, $argument: $type)*) -> Result<$output, Error> {
            self.runtime.block_on(self.inner.$name($($argument),*))
        }
    )+ };
}

/// A connection to an agent: see [`crate::Manager`].
#[derive(Debug, Clone)]
pub struct Manager {
    runtime: Arc<Runtime>,
    inner: crate::Manager,
}

impl Manager {
    /// See [`crate::Manager::connect`].
    pub fn connect(address: Address) -> Result<Manager, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = Arc::new(runtime.map_err(|error| no_runtime(&address, error))?);
        let inner = runtime.block_on(crate::Manager::connect(address))?;
        Ok(Manager { runtime, inner })
    }

    /// See [`crate::Manager::socket`].
    pub fn socket(&self) -> &Path {
        self.inner.socket()
    }

    /// See [`crate::Manager::agent_uid`].
    pub fn agent_uid(&self) -> Uid {
        self.inner.agent_uid()
    }

    /// See [`crate::Manager::create_job`].
    pub fn create_job(&self, job: &CreateJob) -> Result<Job, Error> {
        Ok(self.wrap(self.runtime.block_on(self.inner.create_job(job))?))
    }

    /// See [`crate::Manager::job`].
    pub fn job(&self, id: JobId) -> Result<Job, Error> {
        Ok(self.wrap(self.runtime.block_on(self.inner.job(id))?))
    }

    /// See [`crate::Manager::events`].
    pub fn events(&self, job: Option<JobId>) -> Result<Events, Error> {
        let inner = self.runtime.block_on(self.inner.events(job))?;
        Ok(Events { runtime: Arc::clone(&self.runtime), inner })
    }

    /// See [`crate::Manager::listen`].
    pub fn listen(&self) -> Result<Listener, Error> {
        let inner = self.runtime.block_on(self.inner.listen())?;
        Ok(Listener { runtime: Arc::clone(&self.runtime), inner })
    }

    waits_for! {
        /// See [`crate::Manager::agent`].
        fn agent(&self) -> AgentInfo;
        /// See [`crate::Manager::jobs`].
        fn jobs(&self, filter: &JobFilter) -> Vec<JobInfo>;
    }

    fn wrap(&self, inner: crate::Job) -> Job {
        Job { runtime: Arc::clone(&self.runtime), inner }
    }
}

/// A process that cannot have a runtime has run out of file descriptors or memory.
fn no_runtime(address: &Address, error: io::Error) -> Error {
    let socket = address.sockets().into_iter().next().unwrap_or_default();
    Error::NoService { tried: vec![Tried { socket, why: Unreachable::System(error) }] }
}

/// A job of the agent: see [`crate::Job`].
#[derive(Debug, Clone)]
pub struct Job {
    runtime: Arc<Runtime>,
    inner: crate::Job,
}

impl Job {
    /// See [`crate::Job::id`].
    pub fn id(&self) -> JobId {
        self.inner.id()
    }

    /// See [`crate::Job::file`].
    pub fn file(&self, number: FileNumber) -> File {
        File { runtime: Arc::clone(&self.runtime), inner: self.inner.file(number) }
    }

    /// See [`crate::Job::error_object`].
    pub fn error_object(&self) -> Result<ErrorObject, Error> {
        let inner = self.runtime.block_on(self.inner.error_object())?;
        Ok(ErrorObject { runtime: Arc::clone(&self.runtime), inner })
    }

    /// See [`crate::Job::enum_files`].
    pub fn enum_files(&self) -> Result<FileEnumerator, Error> {
        let inner = self.runtime.block_on(self.inner.enum_files())?;
        Ok(FileEnumerator { runtime: Arc::clone(&self.runtime), inner })
    }

    /// See [`crate::Job::events`].
    pub fn events(&self) -> Result<Events, Error> {
        let inner = self.runtime.block_on(self.inner.events())?;
        Ok(Events { runtime: Arc::clone(&self.runtime), inner })
    }

    waits_for! {
        /// See [`crate::Job::info`].
        fn info(&self) -> JobInfo;
        /// See [`crate::Job::state`].
        fn state(&self) -> JobState;
        /// See [`crate::Job::progress`].
        fn progress(&self) -> JobProgress;
        /// See [`crate::Job::times`].
        fn times(&self) -> JobTimes;
        /// See [`crate::Job::display_name`].
        fn display_name(&self) -> String;
        /// See [`crate::Job::job_type`].
        fn job_type(&self) -> JobType;
        /// See [`crate::Job::priority`].
        fn priority(&self) -> Priority;
        /// See [`crate::Job::no_progress_timeout_seconds`].
        fn no_progress_timeout_seconds(&self) -> u32;
        /// See [`crate::Job::notify_flags`].
        fn notify_flags(&self) -> NotifyFlags;
        /// See [`crate::Job::error`].
        fn error(&self) -> JobFailure;
        /// See [`crate::Job::files`].
        fn files(&self) -> Vec<FileInfo>;
        /// See [`crate::Job::add_files`].
        fn add_files(&self, files: Vec<AddFile>) -> Vec<FileNumber>;
        /// See [`crate::Job::property`].
        fn property(&self, property: impl Into<JobProperty>) -> PropertyValue;
        /// See [`crate::Job::set_property`].
        fn set_property(
            &self,
            property: impl Into<JobProperty>,
            value: impl Into<PropertyValue>
        ) -> Outcome;
        /// See [`crate::Job::cost_flags`].
        fn cost_flags(&self) -> CostFlags;
        /// See [`crate::Job::set_cost_flags`].
        fn set_cost_flags(&self, flags: CostFlags) -> Outcome;
        /// See [`crate::Job::notify_clsid`].
        fn notify_clsid(&self) -> Clsid;
        /// See [`crate::Job::set_notify_clsid`].
        fn set_notify_clsid(&self, clsid: Clsid) -> Outcome;
        /// See [`crate::Job::stats`].
        fn stats(&self) -> Vec<FileStats>;
        /// See [`crate::Job::why`].
        fn why(&self) -> JobWhy;
        /// See [`crate::Job::resume`].
        fn resume(&self) -> Outcome;
        /// See [`crate::Job::suspend`].
        fn suspend(&self) -> Outcome;
        /// See [`crate::Job::complete`].
        fn complete(&self) -> Outcome;
        /// See [`crate::Job::cancel`].
        fn cancel(&self) -> Outcome;
        /// See [`crate::Job::set_priority`].
        fn set_priority(&self, priority: Priority) -> Outcome;
        /// See [`crate::Job::set_no_progress_timeout`].
        fn set_no_progress_timeout(&self, seconds: u32) -> Outcome;
        /// See [`crate::Job::set_notify_interface`].
        fn set_notify_interface(&self, interface: Option<&NotifyInterface>) -> Outcome;
        /// See [`crate::Job::notify_interface`].
        fn notify_interface(&self) -> Option<ListenerId>;
        /// See [`crate::Job::set_rate_limit`].
        fn set_rate_limit(&self, bytes_per_second_max: Option<u64>) -> Outcome;
        /// See [`crate::Job::set_notify_flags`].
        fn set_notify_flags(&self, flags: NotifyFlags) -> Outcome;
    }
}

/// What a program does when it is called: see [`crate::Callback`].
pub trait Callback {
    /// See [`crate::Callback::job_transferred`].
    fn job_transferred(&self, job: &Job) -> Result<(), ErrorCode>;

    /// See [`crate::Callback::job_error`].
    fn job_error(&self, job: &Job, error: &JobFailure) -> Result<(), ErrorCode>;

    /// See [`crate::Callback::job_modification`].
    fn job_modification(&self, _job: &Job) -> Result<(), ErrorCode> {
        Ok(())
    }
}

/// A connection on which the agent calls this program: see [`crate::Listener`]. Usually served by a
/// thread of its own.
#[derive(Debug)]
pub struct Listener {
    runtime: Arc<Runtime>,
    inner: crate::Listener,
}

impl Listener {
    /// See [`crate::Listener::interface`].
    pub fn interface(&self) -> NotifyInterface {
        self.inner.interface()
    }

    /// See [`crate::Listener::reopen`].
    pub fn reopen(&mut self) -> Result<(), Error> {
        self.runtime.block_on(self.inner.reopen())
    }

    /// See [`crate::Listener::serve`].
    pub fn serve(&mut self, callback: &dyn Callback) -> Error {
        loop {
            if let Err(error) = self.serve_one(callback) {
                return error;
            }
        }
    }

    /// See [`crate::Listener::serve_always`].
    pub fn serve_always(&mut self, callback: &dyn Callback) -> Error {
        loop {
            let error = self.serve(callback);
            if !error.is_disconnected() {
                return error;
            }
            if let Err(error) = self.runtime.block_on(self.inner.come_back()) {
                return error;
            }
        }
    }

    /// The callback runs between two waits, not within one: it may itself wait for the agent.
    fn serve_one(&mut self, callback: &dyn Callback) -> Result<(), Error> {
        let call = self.runtime.block_on(self.inner.next())?;
        let job = Job { runtime: Arc::clone(&self.runtime), inner: call.job.clone() };
        let result = match &call.saying {
            Saying::Transferred(_) => callback.job_transferred(&job),
            Saying::Error(_, error) => callback.job_error(&job, error),
            Saying::Modification => callback.job_modification(&job),
        };
        self.runtime.block_on(self.inner.answer(&call, result))
    }
}

/// A connection to an agent, for downloads: see [`crate::DownloadManager`].
#[derive(Debug, Clone)]
pub struct DownloadManager {
    runtime: Arc<Runtime>,
    inner: crate::DownloadManager,
}

impl From<Manager> for DownloadManager {
    /// The same connection, for downloads.
    fn from(manager: Manager) -> DownloadManager {
        DownloadManager { runtime: manager.runtime, inner: manager.inner.into() }
    }
}

impl DownloadManager {
    /// See [`crate::DownloadManager::connect`].
    pub fn connect(address: Address) -> Result<DownloadManager, Error> {
        Ok(Manager::connect(address)?.into())
    }

    /// See [`crate::DownloadManager::create_download`].
    pub fn create_download(&self, download: &CreateDownload) -> Result<Download, Error> {
        Ok(self.wrap(self.runtime.block_on(self.inner.create_download(download))?))
    }

    /// See [`crate::DownloadManager::download`].
    pub fn download(&self, id: JobId) -> Result<Download, Error> {
        Ok(self.wrap(self.runtime.block_on(self.inner.download(id))?))
    }

    waits_for! {
        /// See [`crate::DownloadManager::enum_downloads`].
        fn enum_downloads(&self, category: Option<(DownloadProperty, &str)>) -> Vec<DownloadInfo>;
    }

    fn wrap(&self, inner: crate::Download) -> Download {
        Download { runtime: Arc::clone(&self.runtime), inner }
    }
}

/// A download of the agent: see [`crate::Download`].
#[derive(Debug, Clone)]
pub struct Download {
    runtime: Arc<Runtime>,
    inner: crate::Download,
}

impl Download {
    /// See [`crate::Download::id`].
    pub fn id(&self) -> JobId {
        self.inner.id()
    }

    waits_for! {
        /// See [`crate::Download::info`].
        fn info(&self) -> DownloadInfo;
        /// See [`crate::Download::status`].
        fn status(&self) -> DownloadStatus;
        /// See [`crate::Download::start`].
        fn start(&self, ranges: Option<Vec<ByteRange>>) -> DownloadOutcome;
        /// See [`crate::Download::pause`].
        fn pause(&self) -> DownloadOutcome;
        /// See [`crate::Download::abort`].
        fn abort(&self) -> DownloadOutcome;
        /// See [`crate::Download::finalize`].
        fn finalize(&self) -> DownloadOutcome;
        /// See [`crate::Download::property`].
        fn property(&self, property: DownloadProperty) -> PropertyValue;
        /// See [`crate::Download::set_property`].
        fn set_property(&self, property: DownloadProperty, value: impl Into<PropertyValue>) -> ();
        /// See [`crate::Download::deliver`].
        fn deliver(&self, sink: &mut impl Write, offset: u64) -> u64;
        /// See [`crate::Download::follow`].
        fn follow(&self, callback: &mut impl crate::StatusCallback) -> DownloadStatus;
        /// See [`crate::Download::wait`].
        fn wait(&self) -> DownloadStatus;
    }
}

/// A file of a job: see [`crate::File`].
#[derive(Debug, Clone)]
pub struct File {
    runtime: Arc<Runtime>,
    inner: crate::File,
}

impl File {
    /// See [`crate::File::number`].
    pub fn number(&self) -> FileNumber {
        self.inner.number()
    }

    waits_for! {
        /// See [`crate::File::info`].
        fn info(&self) -> FileInfo;
        /// See [`crate::File::remote_name`].
        fn remote_name(&self) -> String;
        /// See [`crate::File::local_name`].
        fn local_name(&self) -> String;
        /// See [`crate::File::progress`].
        fn progress(&self) -> FileProgress;
        /// See [`crate::File::ranges`].
        fn ranges(&self) -> Vec<ByteRange>;
        /// See [`crate::File::set_remote_name`].
        fn set_remote_name(&self, url: &str) -> Outcome;
        /// See [`crate::File::property`].
        fn property(&self, property: impl Into<FileProperty>) -> PropertyValue;
        /// See [`crate::File::set_property`].
        fn set_property(
            &self,
            property: impl Into<FileProperty>,
            value: impl Into<PropertyValue>
        ) -> Outcome;
        /// See [`crate::File::response_headers`].
        fn response_headers(&self) -> String;
        /// See [`crate::File::set_local_name`].
        fn set_local_name(&self, path: &str) -> Outcome;
        /// See [`crate::File::stats`].
        fn stats(&self) -> FileStats;
        /// See [`crate::File::why`].
        fn why(&self) -> FileWhy;
    }
}

/// A job's error: see [`crate::ErrorObject`].
#[derive(Debug, Clone)]
pub struct ErrorObject {
    runtime: Arc<Runtime>,
    inner: crate::ErrorObject,
}

impl ErrorObject {
    /// See [`crate::ErrorObject::error`].
    pub fn error(&self) -> (ErrorContext, ErrorCode) {
        self.inner.error()
    }

    /// See [`crate::ErrorObject::file`].
    pub fn file(&self) -> Result<File, Error> {
        Ok(File { runtime: Arc::clone(&self.runtime), inner: self.inner.file()? })
    }

    /// See [`crate::ErrorObject::failure`].
    pub fn failure(&self) -> &JobFailure {
        self.inner.failure()
    }
}

/// The files that a job had: see [`crate::FileEnumerator`].
#[derive(Debug, Clone)]
pub struct FileEnumerator {
    runtime: Arc<Runtime>,
    inner: crate::FileEnumerator,
}

impl FileEnumerator {
    /// See [`crate::FileEnumerator::count`].
    pub fn count(&self) -> u32 {
        self.inner.count()
    }

    /// See [`crate::FileEnumerator::next`].
    pub fn next(&mut self, wanted: u32) -> (ErrorCode, Vec<File>) {
        let (code, files) = self.inner.next(wanted);
        let wrap = |inner| File { runtime: Arc::clone(&self.runtime), inner };
        (code, files.into_iter().map(wrap).collect())
    }

    /// See [`crate::FileEnumerator::skip`].
    pub fn skip(&mut self, wanted: u32) -> ErrorCode {
        self.inner.skip(wanted)
    }

    /// See [`crate::FileEnumerator::reset`].
    pub fn reset(&mut self) {
        self.inner.reset();
    }
}

/// A subscription: see [`crate::Events`].
#[derive(Debug)]
pub struct Events {
    runtime: Arc<Runtime>,
    inner: crate::Events,
}

impl Events {
    /// See [`crate::Events::next`].
    ///
    /// Named as the async one; there is no last event, so this is no iterator.
    #[expect(clippy::should_implement_trait, reason = "an iterator would end or repeat its error")]
    pub fn next(&mut self) -> Result<Event, Error> {
        self.runtime.block_on(self.inner.next())
    }

    /// The same, but waits no longer than `patience`; nothing when none came.
    pub fn next_within(&mut self, patience: Duration) -> Result<Option<Event>, Error> {
        self.runtime.block_on(async {
            tokio::time::timeout(patience, self.inner.next()).await.ok().transpose()
        })
    }
}
