//! One job.

use dobbin_types::rest::{
    AddFile, AddFiles, AddedFiles, FileInfo, FileList, FileStats, FileWhy, JobFailure, JobInfo,
    JobStats, JobWhy, Outcome, PropertyBody, SetNoProgressTimeout, SetNotifyFlags, SetPriority,
    SetRateLimit, SetRemoteName, route,
};
use dobbin_types::{
    Clsid, CostFlags, ErrorCode, FileNumber, FileProperty, JobId, JobProgress, JobProperty,
    JobPropertyId, JobState, JobTimes, JobType, NotifyFlags, Priority, PropertyValue,
};
use http::Method;

use crate::enumerator::FileEnumerator;
use crate::error::Error;
use crate::error_object::ErrorObject;
use crate::event::Events;
use crate::file::File;
use crate::handover;
use crate::manager::Manager;

/// A job of the agent (`IBackgroundCopyJob`). Cheap to clone; dropping it does nothing to the job.
///
/// Every getter asks the agent. Who needs several answers asks once, with [`Job::info`].
///
/// # Errors
///
/// Every method: `E_ACCESSDENIED` for somebody else's job, `DO_E_JOB_NOT_FOUND` for one that is
/// gone. Every method that changes the job: `DO_E_INVALID_STATE` when it is over.
#[derive(Debug, Clone)]
pub struct Job {
    manager: Manager,
    id: JobId,
}

impl Job {
    pub(crate) fn new(manager: Manager, id: JobId) -> Job {
        Job { manager, id }
    }

    /// Its id (`GetId`). Asks nobody.
    pub fn id(&self) -> JobId {
        self.id
    }

    /// All that can be said of it, at one moment.
    pub async fn info(&self) -> Result<JobInfo, Error> {
        self.manager.get("looking at the job", self.path(route::JOB)).await
    }

    /// Where it stands (`GetState`).
    pub async fn state(&self) -> Result<JobState, Error> {
        Ok(self.info().await?.state)
    }

    /// How far it is (`GetProgress`).
    pub async fn progress(&self) -> Result<JobProgress, Error> {
        Ok(self.info().await?.progress)
    }

    /// When things happened to it (`GetTimes`).
    pub async fn times(&self) -> Result<JobTimes, Error> {
        Ok(self.info().await?.times)
    }

    /// Its name for people (`GetDisplayName`).
    pub async fn display_name(&self) -> Result<String, Error> {
        Ok(self.info().await?.display_name)
    }

    /// What it does (`GetType`).
    pub async fn job_type(&self) -> Result<JobType, Error> {
        Ok(self.info().await?.job_type)
    }

    /// How urgent it is (`GetPriority`).
    pub async fn priority(&self) -> Result<Priority, Error> {
        Ok(self.info().await?.priority)
    }

    /// Seconds without a byte after which it goes into error (`GetNoProgressTimeout`).
    pub async fn no_progress_timeout_seconds(&self) -> Result<u32, Error> {
        Ok(self.info().await?.no_progress_timeout_seconds)
    }

    /// Which events its owner wants to be told of (`GetNotifyFlags`).
    pub async fn notify_flags(&self) -> Result<NotifyFlags, Error> {
        Ok(self.info().await?.notify_flags)
    }

    /// Why it stopped (`GetError`).
    ///
    /// # Errors
    ///
    /// `DO_E_ERROR_INFORMATION_UNAVAILABLE` unless its state is `Error` or `TransientError`.
    pub async fn error(&self) -> Result<JobFailure, Error> {
        self.manager.get("asking why the job stopped", self.path(route::ERROR)).await
    }

    /// Why it stopped, as an object that leads to the file (`GetError`). A copy: it says what was so
    /// when it was asked for.
    ///
    /// # Errors
    ///
    /// `DO_E_ERROR_INFORMATION_UNAVAILABLE` unless its state is `Error` or `TransientError`.
    pub async fn error_object(&self) -> Result<ErrorObject, Error> {
        Ok(ErrorObject::new(self.clone(), self.error().await?))
    }

    /// An enumerator of the files it has now (`EnumFiles`). Files added later are not in it; its file
    /// objects show how things stand whenever they are asked.
    pub async fn enum_files(&self) -> Result<FileEnumerator, Error> {
        let count = self.info().await?.progress.files_total;
        Ok(FileEnumerator::new(self.clone(), count))
    }

    /// Its files as they are now, in the order in which they were added (`EnumFiles`).
    pub async fn files(&self) -> Result<Vec<FileInfo>, Error> {
        let list: FileList =
            self.manager.get("listing the job's files", self.path(route::FILES)).await?;
        Ok(list.files)
    }

    /// The file with this number. Asks nobody: whether there is one shows when the file is used.
    pub fn file(&self, number: FileNumber) -> File {
        File::new(self.clone(), number)
    }

    /// Adds files: all of them or none (`IDeliveryOptimizationJob::AddFileWithRanges`). A
    /// transferred job becomes suspended.
    ///
    /// * Returns: their numbers, in the order of `files`.
    ///
    /// # Errors
    ///
    /// `E_INVALIDARG`, `E_ACCESSDENIED`, `DO_E_INVALID_RANGE` or `DO_E_OVERLAPPING_RANGES`, naming
    /// the file and the field.
    pub async fn add_files(&self, files: Vec<AddFile>) -> Result<Vec<FileNumber>, Error> {
        self.manager.check_destinations(&files).await?;
        let body = AddFiles { files };
        let path = self.path(route::FILES);
        let added: AddedFiles =
            self.manager.send("adding files to the job", Method::POST, path, &body).await?;
        Ok(added.numbers)
    }

    /// Puts it into the queue (`Resume`).
    ///
    /// # Errors
    ///
    /// `DO_E_JOB_EMPTY` when it has no file.
    pub async fn resume(&self) -> Result<Outcome, Error> {
        self.manager.post("resuming the job", self.path(route::RESUME)).await
    }

    /// Stops it where it is (`Suspend`).
    pub async fn suspend(&self) -> Result<Outcome, Error> {
        self.manager.post("suspending the job", self.path(route::SUSPEND)).await
    }

    /// Shows its files under their names and ends it (`Complete`). Of a job that is not transferred,
    /// the files that are wholly here are kept and the outcome is `BG_S_PARTIAL_COMPLETE`.
    ///
    /// Where the agent or the job's owner is another user than this process, this process creates the
    /// files with its own rights and the agent fills them: they belong to whoever calls.
    ///
    /// # Errors
    ///
    /// The system's, when a file cannot be shown; the job stays as it was, the files that were shown
    /// are completed, and this can be repeated.
    pub async fn complete(&self) -> Result<Outcome, Error> {
        if self.manager.is_own_agent() {
            let answer = self.manager.post("completing the job", self.path(route::COMPLETE)).await;
            let writes_itself = !matches!(&answer, Err(error)
                if error.code() == ErrorCode::DO_E_FILE_DOWNLOADSINK_UNSPECIFIED);
            if writes_itself {
                return answer;
            }
        }
        handover::complete(&self.manager, self.id).await
    }

    /// Drops it with everything it fetched (`Cancel`).
    pub async fn cancel(&self) -> Result<Outcome, Error> {
        self.manager.post("cancelling the job", self.path(route::CANCEL)).await
    }

    /// Changes how urgent it is (`SetPriority`), at once.
    pub async fn set_priority(&self, priority: Priority) -> Result<Outcome, Error> {
        let body = SetPriority { priority };
        let path = self.path(route::PRIORITY);
        self.manager.send("setting the job's priority", Method::PUT, path, &body).await
    }

    /// Changes after how many seconds without a byte it goes into error (`SetNoProgressTimeout`); 0
    /// makes every error fatal.
    pub async fn set_no_progress_timeout(&self, seconds: u32) -> Result<Outcome, Error> {
        let body = SetNoProgressTimeout { seconds };
        let path = self.path(route::NO_PROGRESS_TIMEOUT);
        self.manager.send("setting the job's no-progress timeout", Method::PUT, path, &body).await
    }

    /// Changes the most that it may fetch, in bytes a second, at once; `None` lifts the limit.
    ///
    /// # Errors
    ///
    /// `E_INVALIDARG` for 0.
    pub async fn set_rate_limit(
        &self,
        bytes_per_second_max: Option<u64>,
    ) -> Result<Outcome, Error> {
        let body = SetRateLimit { bytes_per_second_max };
        let path = self.path(route::RATE_LIMIT);
        self.manager.send("setting the job's rate limit", Method::PUT, path, &body).await
    }

    /// Changes which events its owner wants to be told of (`SetNotifyFlags`).
    ///
    /// # Errors
    ///
    /// `E_NOTIMPL` for bits other than [`NotifyFlags::ACCEPTED`].
    pub async fn set_notify_flags(&self, flags: NotifyFlags) -> Result<Outcome, Error> {
        let body = SetNotifyFlags { flags };
        let path = self.path(route::NOTIFY_FLAGS);
        self.manager.send("setting the job's notify flags", Method::PUT, path, &body).await
    }

    /// A property (`IBackgroundCopyJob5::GetProperty`, `IDeliveryOptimizationJob2::GetProperty`).
    ///
    /// # Errors
    ///
    /// `DO_E_UNKNOWN_PROPERTY_ID`.
    pub async fn property(&self, property: impl Into<JobProperty>) -> Result<PropertyValue, Error> {
        let path = route::of_job_property(self.id, property.into());
        let body: PropertyBody = self.manager.get("asking for a property", path).await?;
        Ok(body.value)
    }

    /// Sets a property (`SetProperty`), at once.
    ///
    /// # Errors
    ///
    /// `DO_E_UNKNOWN_PROPERTY_ID`, `DO_E_READ_ONLY_PROPERTY`, `E_INVALIDARG`.
    pub async fn set_property(
        &self,
        property: impl Into<JobProperty>,
        value: impl Into<PropertyValue>,
    ) -> Result<Outcome, Error> {
        let body = PropertyBody { value: value.into() };
        let path = route::of_job_property(self.id, property.into());
        self.manager.send("setting a property", Method::PUT, path, &body).await
    }

    /// Which networks it may use, by cost (`COST_FLAGS`).
    pub async fn cost_flags(&self) -> Result<CostFlags, Error> {
        Ok(self.info().await?.cost_flags)
    }

    /// Changes which networks it may use (`COST_FLAGS`), at once.
    pub async fn set_cost_flags(&self, flags: CostFlags) -> Result<Outcome, Error> {
        self.set_property(JobPropertyId::CostFlags, u64::from(flags.0)).await
    }

    /// The class named for notifications (`NOTIFICATION_CLSID`); [`Clsid::NULL`] for none.
    pub async fn notify_clsid(&self) -> Result<Clsid, Error> {
        match self.property(JobPropertyId::NotificationClsid).await? {
            PropertyValue::Text(text) => text.parse().map_err(|_no_guid| {
                Error::strange("asking for a property", &PropertyValue::Text(text))
            }),
            other => Err(Error::strange("asking for a property", &other)),
        }
    }

    /// Names a class for notifications (`NOTIFICATION_CLSID`); [`Clsid::NULL`] clears it. The agent
    /// keeps it and starts nothing.
    pub async fn set_notify_clsid(&self, clsid: Clsid) -> Result<Outcome, Error> {
        self.set_property(JobPropertyId::NotificationClsid, clsid.to_string()).await
    }

    /// Where the bytes of its files came from (`GetStats` of each).
    pub async fn stats(&self) -> Result<Vec<FileStats>, Error> {
        let path = self.path(route::STATS);
        let stats: JobStats = self.manager.get("asking for the job's figures", path).await?;
        Ok(stats.files)
    }

    /// Why it stands where it stands: what it waits for, where its bytes came from, what was tried
    /// and failed, what limits it. For a while also after it is over.
    pub async fn why(&self) -> Result<JobWhy, Error> {
        self.manager.get("asking why the job stands there", self.path(route::WHY)).await
    }

    /// Subscribes to what happens to it, to watch. To be called back, see
    /// [`Job::set_notify_interface`].
    pub async fn events(&self) -> Result<Events, Error> {
        self.manager.events(Some(self.id)).await
    }

    pub(crate) fn manager(&self) -> &Manager {
        &self.manager
    }

    pub(crate) async fn file_stats(&self, number: FileNumber) -> Result<FileStats, Error> {
        let path = route::of_file(route::FILE_STATS, self.id, number);
        self.manager.get("asking for a file's figures", path).await
    }

    pub(crate) async fn file_why(&self, number: FileNumber) -> Result<FileWhy, Error> {
        let path = route::of_file(route::FILE_WHY, self.id, number);
        self.manager.get("asking why the file stands there", path).await
    }

    pub(crate) async fn set_remote_name(
        &self,
        number: FileNumber,
        url: &str,
    ) -> Result<Outcome, Error> {
        let body = SetRemoteName { remote_name: url.to_owned() };
        let path = route::of_file(route::REMOTE_NAME, self.id, number);
        self.manager.send("setting a file's remote name", Method::PUT, path, &body).await
    }

    pub(crate) async fn file_property(
        &self,
        number: FileNumber,
        property: FileProperty,
    ) -> Result<PropertyValue, Error> {
        let path = route::of_file_property(self.id, number, property);
        let body: PropertyBody = self.manager.get("asking for a property", path).await?;
        Ok(body.value)
    }

    pub(crate) async fn set_file_property(
        &self,
        number: FileNumber,
        property: FileProperty,
        value: PropertyValue,
    ) -> Result<Outcome, Error> {
        let body = PropertyBody { value };
        let path = route::of_file_property(self.id, number, property);
        self.manager.send("setting a property", Method::PUT, path, &body).await
    }

    pub(crate) async fn file_info(&self, number: FileNumber) -> Result<FileInfo, Error> {
        let path = route::of_file(route::FILE, self.id, number);
        self.manager.get("looking at a file of the job", path).await
    }

    fn path(&self, route: &str) -> String {
        route::of_job(route, self.id)
    }
}
