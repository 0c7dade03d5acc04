//! The paths of version 1. The agent's router, the client and the OpenAPI document use these and no
//! others.

use super::callback::CallNumber;
use crate::download::DownloadProperty;
use crate::id::{FileNumber, JobId};
use crate::property::{FileProperty, JobProperty};

/// `GET`: what answers here ([`super::AgentInfo`]).
pub const AGENT: &str = "/v1/agent";
/// `GET`: the caller's jobs, page by page ([`super::JobList`]); query: [`QUERY_LOCAL_NAME`],
/// [`QUERY_STATE`], [`QUERY_AFTER`], [`QUERY_LIMIT`].
/// `POST` [`super::CreateJob`]: a new job ([`super::CreatedJob`]).
pub const JOBS: &str = "/v1/jobs";
/// `GET`: one job ([`super::JobInfo`]).
pub const JOB: &str = "/v1/jobs/{job}";
/// `GET`: the job's files ([`super::FileList`]). `POST` [`super::AddFiles`]: more files, all or none
/// ([`super::AddedFiles`]).
pub const FILES: &str = "/v1/jobs/{job}/files";
/// `GET`: one file ([`super::FileInfo`]).
pub const FILE: &str = "/v1/jobs/{job}/files/{file}";
/// `GET`: where one file's bytes came from ([`super::FileStats`]).
pub const FILE_STATS: &str = "/v1/jobs/{job}/files/{file}/stats";
/// `PUT` [`super::SetRemoteName`]: `SetRemoteName` ([`super::Outcome`]).
pub const REMOTE_NAME: &str = "/v1/jobs/{job}/files/{file}/remote-name";
/// `GET`, `PUT` [`super::PropertyBody`]: a property of a file by its
/// [word](crate::property::FileProperty); `PUT` answers with [`super::Outcome`].
pub const FILE_PROPERTY: &str = "/v1/jobs/{job}/files/{file}/properties/{property}";
/// `GET`: where the bytes of all files came from ([`super::JobStats`]).
pub const STATS: &str = "/v1/jobs/{job}/stats";
/// `GET`: why the job stands where it stands ([`super::JobWhy`]).
pub const WHY: &str = "/v1/jobs/{job}/why";
/// `GET`: the same of one file ([`super::FileWhy`]).
pub const FILE_WHY: &str = "/v1/jobs/{job}/files/{file}/why";
/// `GET`, `PUT` [`super::PropertyBody`]: a property of a job by its
/// [word](crate::property::JobProperty); `PUT` answers with [`super::Outcome`].
pub const JOB_PROPERTY: &str = "/v1/jobs/{job}/properties/{property}";
/// `POST`: `Resume` ([`super::Outcome`]).
pub const RESUME: &str = "/v1/jobs/{job}/resume";
/// `POST`: `Suspend` ([`super::Outcome`]).
pub const SUSPEND: &str = "/v1/jobs/{job}/suspend";
/// `POST`: `Complete` ([`super::Outcome`]).
pub const COMPLETE: &str = "/v1/jobs/{job}/complete";
/// `POST`: leave to take the job's finished files as open files, which is how callers complete a job
/// whom the agent cannot write for ([`super::Handover`]).
pub const HANDOVER: &str = "/v1/jobs/{job}/handover";
/// `POST`: `Cancel` ([`super::Outcome`]).
pub const CANCEL: &str = "/v1/jobs/{job}/cancel";
/// `PUT` [`super::SetPriority`]: `SetPriority` ([`super::Outcome`]).
pub const PRIORITY: &str = "/v1/jobs/{job}/priority";
/// `PUT` [`super::SetNoProgressTimeout`]: `SetNoProgressTimeout` ([`super::Outcome`]).
pub const NO_PROGRESS_TIMEOUT: &str = "/v1/jobs/{job}/no-progress-timeout";
/// `PUT` [`super::SetNotifyFlags`]: `SetNotifyFlags` ([`super::Outcome`]).
pub const NOTIFY_FLAGS: &str = "/v1/jobs/{job}/notify-flags";
/// `PUT` [`super::SetRateLimit`]: the most that the job may fetch a second, at once
/// ([`super::Outcome`]).
pub const RATE_LIMIT: &str = "/v1/jobs/{job}/rate-limit";
/// `GET`: who is called about the job ([`super::CallbackInfo`]). `PUT` [`super::SetCallback`]:
/// `SetNotifyInterface` ([`super::Outcome`]). `DELETE`: the same with `NULL` ([`super::Outcome`]).
pub const CALLBACK: &str = "/v1/jobs/{job}/callback";
/// `POST` [`super::AnswerCall`]: what the callback returned ([`super::Outcome`]; `S_FALSE` when
/// nobody waits for it any more).
pub const CALL: &str = "/v1/jobs/{job}/callback/{call}";
/// `GET`: the job's error object ([`super::JobFailure`]); `DO_E_ERROR_INFORMATION_UNAVAILABLE`
/// when it has none.
pub const ERROR: &str = "/v1/jobs/{job}/error";
/// `GET`: server-sent events ([`super::Event`]) of the caller's jobs; query: [`QUERY_JOB`].
pub const EVENTS: &str = "/v1/events";
/// `GET`: the caller's own downloads, page by page ([`super::DownloadList`]); query:
/// [`QUERY_PROPERTY`] and [`QUERY_VALUE`], [`QUERY_AFTER`], [`QUERY_LIMIT`]. `POST` [`super::CreateDownload`]: a new download ([`super::CreatedDownload`]).
pub const DOWNLOADS: &str = "/v1/downloads";
/// `GET`: one download ([`super::DownloadInfo`]).
pub const DOWNLOAD: &str = "/v1/downloads/{download}";
/// `POST` [`super::StartDownload`]: `Start` ([`super::DownloadOutcome`]).
pub const DOWNLOAD_START: &str = "/v1/downloads/{download}/start";
/// `POST`: `Pause` ([`super::DownloadOutcome`]).
pub const DOWNLOAD_PAUSE: &str = "/v1/downloads/{download}/pause";
/// `POST`: `Abort` ([`super::DownloadOutcome`]).
pub const DOWNLOAD_ABORT: &str = "/v1/downloads/{download}/abort";
/// `POST`: `Finalize` ([`super::DownloadOutcome`]).
pub const DOWNLOAD_FINALIZE: &str = "/v1/downloads/{download}/finalize";
/// `GET`: `GetStatus` ([`super::DownloadStatus`]).
pub const DOWNLOAD_STATUS: &str = "/v1/downloads/{download}/status";
/// `GET`: `GetProperty`; `PUT`: `SetProperty` ([`super::PropertyBody`] both ways). The property is
/// named by its word or its number.
pub const DOWNLOAD_PROPERTY: &str = "/v1/downloads/{download}/properties/{property}";
/// `GET`: the bytes of a download whose caller takes them itself, from [`QUERY_OFFSET`] on, as soon as
/// it is transferred.
pub const DOWNLOAD_CONTENT: &str = "/v1/downloads/{download}/content";
/// `POST`: server-sent events ([`super::CallbackEvent`]): the caller listens for as long as the
/// connection lasts.
pub const CALLBACKS: &str = "/v1/callbacks";
/// `GET`: this interface as an OpenAPI document.
pub const OPENAPI: &str = "/v1/openapi.json";

/// Query of [`JOBS`]: only jobs with a file of exactly this local name.
pub const QUERY_LOCAL_NAME: &str = "local_name";
/// Query of [`JOBS`]: only jobs in this state.
pub const QUERY_STATE: &str = "state";
/// Query of [`JOBS`] and [`DOWNLOADS`]: only what comes behind this ([`super::Bookmark`]): `next` of the page before.
pub const QUERY_AFTER: &str = "after";
/// Query of [`JOBS`] and [`DOWNLOADS`]: jobs of this page at most, from 1 to
/// [`super::JOBS_PER_PAGE_MAX`]; left out, the latter.
pub const QUERY_LIMIT: &str = "limit";
/// Query of [`EVENTS`]: only events of this job.
pub const QUERY_JOB: &str = "job";
/// Query of [`DOWNLOADS`]: only downloads whose property of this name is [`QUERY_VALUE`]
/// (`DO_DOWNLOAD_ENUM_CATEGORY`).
pub const QUERY_PROPERTY: &str = "property";
/// Query of [`DOWNLOADS`]: see [`QUERY_PROPERTY`].
pub const QUERY_VALUE: &str = "value";
/// Query of [`DOWNLOAD_CONTENT`]: the first byte that is wanted; left out, 0.
pub const QUERY_OFFSET: &str = "offset";

/// `route` with its `{job}` filled in.
pub fn of_job(route: &str, job: JobId) -> String {
    route.replace("{job}", &job.to_string())
}

/// [`CALL`] with its `{job}` and `{call}` filled in.
pub fn of_call(job: JobId, call: CallNumber) -> String {
    of_job(CALL, job).replace("{call}", &call.0.to_string())
}

/// `route` with its `{job}` and `{file}` filled in.
pub fn of_file(route: &str, job: JobId, file: FileNumber) -> String {
    of_job(route, job).replace("{file}", &file.to_string())
}

/// `route` with its `{download}` filled in.
pub fn of_download(route: &str, download: JobId) -> String {
    route.replace("{download}", &download.to_string())
}

/// [`DOWNLOAD_PROPERTY`] filled in.
pub fn of_property(download: JobId, property: DownloadProperty) -> String {
    of_download(DOWNLOAD_PROPERTY, download).replace("{property}", property.word())
}

/// [`JOB_PROPERTY`] of this job and property.
pub fn of_job_property(job: JobId, property: JobProperty) -> String {
    of_job(JOB_PROPERTY, job).replace("{property}", property.word())
}

/// [`FILE_PROPERTY`] of this file and property.
pub fn of_file_property(job: JobId, file: FileNumber, property: FileProperty) -> String {
    of_file(FILE_PROPERTY, job, file).replace("{property}", property.word())
}
