//! How jobs look from outside: the one place that turns them into wire bodies.

use dobbin_core::job::{Job, JobError};
use dobbin_core::time::Tick;
use dobbin_platform::Clock;
use dobbin_types::phf::digest_to_hex;
use dobbin_types::rest::{FileInfo, JobFailure, JobInfo, Waiting};
use dobbin_types::{FileNumber, FileProgress, FileTime, JobProgress, JobState};

use crate::download;
use crate::entry::Entry;
use crate::piece_hashes;

/// A job as its owner sees it.
pub(crate) fn job(entry: &Entry, clock: &Clock) -> JobInfo {
    let job = &entry.job;
    let about = job.about();
    let moves = job.state() == JobState::Transferring;
    JobInfo {
        id: job.id(),
        display_name: about.display_name.clone(),
        job_type: about.job_type,
        owner: job.owner(),
        state: job.state(),
        priority: job.priority(),
        progress: progress(entry),
        times: job.times(),
        no_progress_timeout_seconds: u32::try_from(job.no_progress_timeout().as_secs())
            .unwrap_or(u32::MAX),
        notify_flags: job.notify_flags(),
        cost_flags: job.cost_flags(),
        completion: about.completion,
        bytes_per_second_max: about.bytes_per_second_max.map(Into::into),
        bytes_per_second: if moves { entry.rate.bytes_per_second() } else { 0 },
        failures_count: job.failures_count(),
        error: job.last_error().map(failure),
        waiting: waiting(entry, clock),
        download: download::mark(entry),
    }
}

fn progress(entry: &Entry) -> JobProgress {
    let count = |files: usize| u32::try_from(files).unwrap_or(u32::MAX);
    JobProgress {
        bytes_total: entry.bytes_total(),
        bytes_transferred: entry.bytes_here(),
        files_total: count(entry.job.files().len()),
        files_transferred: count(entry.job.totals().finished_count),
    }
}

fn waiting(entry: &Entry, clock: &Clock) -> Option<Waiting> {
    match entry.job.state() {
        JobState::Queued if entry.held => Some(Waiting::Resume),
        JobState::Queued => Some(Waiting::Slot),
        JobState::TransientError => {
            entry.job.retry_at().map(|at| Waiting::Retry { at: on_the_wall(at, clock) })
        }
        JobState::Connecting
        | JobState::Transferring
        | JobState::Suspended
        | JobState::Error
        | JobState::Transferred
        | JobState::Acknowledged
        | JobState::Cancelled => None,
    }
}

/// When a deadline comes, for people.
pub(crate) fn on_the_wall(at: Tick, clock: &Clock) -> FileTime {
    let ahead = at.since(clock.now());
    FileTime::from_unix_millis(
        clock
            .wall()
            .unix_millis()
            .saturating_add(u64::try_from(ahead.as_millis()).unwrap_or(u64::MAX)),
    )
}

/// A job's error object.
pub(crate) fn failure(error: &JobError) -> JobFailure {
    JobFailure {
        code: error.code,
        symbol: error.code.symbol().unwrap_or_default().to_owned(),
        text: error.code.text().into_owned(),
        context: error.context(),
        message: error.message.clone(),
        extended: error.extended,
        http_status: error.http_status,
        file: error.file,
    }
}

/// A job's error object as `GetError` gives it: in the two states of error only.
pub(crate) fn error_object(job: &Job) -> Option<JobFailure> {
    job.error_object().map(failure)
}

/// Files shown at once: nobody else waits longer than for these.
pub(crate) const FILES_MAX: usize = 256;

/// Which files of a job somebody wants to see who goes through all of them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PartAsked {
    /// The number of the first.
    pub(crate) first: usize,
    /// How many files the job had when the first part was asked for: what was added since is not wanted.
    /// `None`: this is the first part.
    pub(crate) count: Option<usize>,
}

/// Some of a job's files, in a row.
pub(crate) struct Portion {
    pub(crate) files: Vec<FileInfo>,
    /// How many files are wanted in all.
    pub(crate) count: usize,
}

impl Portion {
    /// Whether more of the files that are wanted come after these.
    pub(crate) fn leaves_more(&self) -> bool {
        self.files.last().is_some_and(|file| file.number.index() + 1 < self.count)
    }
}

/// That part of a job's files: [`FILES_MAX`] of them, or as many as there are.
pub(crate) fn files(entry: &Entry, part: PartAsked) -> Portion {
    let present = entry.job.files().len();
    let count = part.count.map_or(present, |count| count.min(present));
    let numbers = (0_u32..).map(FileNumber).take(count).skip(part.first).take(FILES_MAX);
    Portion { files: numbers.filter_map(|number| file(entry, number)).collect(), count }
}

/// One file of a job.
pub(crate) fn file(entry: &Entry, number: FileNumber) -> Option<FileInfo> {
    let file = entry.job.file(number)?;
    Some(FileInfo {
        number,
        file_id: file.file_id.clone(),
        remote_name: file.remote_name.clone(),
        mirrors: file.mirrors.clone(),
        public_only: file.public_only,
        from_public: entry.files.get(number.index()).and_then(|live| live.gauge.led_to_public()),
        local_name: file.local_name.clone(),
        ranges: file.ranges.clone(),
        progress: FileProgress {
            bytes_total: file.local_size(),
            bytes_transferred: entry.transferred_bytes(number),
            completed: file.published,
        },
        transferred: file.finished,
        sha256: file.sha256.as_ref().map(digest_to_hex),
        replace: file.replace,
        last_modified: file.facts.as_ref().and_then(|facts| facts.last_modified),
        piece_hashes: piece_hashes::shown(&file.check),
    })
}
