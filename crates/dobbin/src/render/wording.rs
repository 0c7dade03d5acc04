//! Sentences about jobs, worded once for the bar, the plain lines and the tables.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dobbin_types::rest::{JobFailure, JobInfo, Waiting};
use dobbin_types::{FileTime, JobId, JobState};

use super::amount::{Bytes, Part, Rate, percent};
use super::text;

/// The beginning of an id, long enough for people.
pub(crate) fn short(id: JobId) -> String {
    id.to_string().chars().take(8).collect()
}

/// What happened to a job, with its code: `example.com answered 404 [HTTP_E_… (0x80190194)]`.
pub(crate) fn failure(failure: &JobFailure) -> String {
    format!("{} [{}]", text::clean(reason(failure)), failure.code)
}

/// The agent's sentence about a failure, or at least the code's own. Without the words with which
/// the agent begins it, `cannot fetch from HOST: `: what was being fetched stands beside it.
pub(crate) fn reason(failure: &JobFailure) -> &str {
    without_host(if failure.message.is_empty() { &failure.text } else { &failure.message })
}

/// A sentence of the agent's without the host that it begins with.
pub(crate) fn without_host(message: &str) -> &str {
    let rest = message.strip_prefix("cannot fetch from ").and_then(|rest| rest.split_once(": "));
    rest.map_or(message, |(_host, rest)| rest)
}

/// `12.3 of 100 MiB (12 %)`, or only what is known of it.
pub(crate) fn progress(job: &JobInfo) -> String {
    part(job.progress.bytes_transferred, job.progress.bytes_total)
}

/// The same, of any amount.
pub(crate) fn part(have: u64, total: Option<u64>) -> String {
    match total {
        Some(total) => {
            format!("{} ({} %)", Part { have, total }, percent(have, total))
        }
        None => Bytes(have).to_string(),
    }
}

/// A job's name, and whether it is a download.
pub(crate) fn name(job: &JobInfo) -> String {
    match (&job.download, job.display_name.as_str()) {
        (None, name) => name.to_owned(),
        (Some(_), "") => "(download)".to_owned(),
        (Some(_), name) => format!("{name} (download)"),
    }
}

/// The rate and the time left, as far as something moves: `5.20 MiB/s, 17 s left`.
pub(crate) fn pace(job: &JobInfo) -> Option<String> {
    let rate = Rate(job.bytes_per_second);
    if job.state != JobState::Transferring || rate.0 == 0 {
        return None;
    }
    let missing =
        job.progress.bytes_total.map(|all| all.saturating_sub(job.progress.bytes_transferred));
    Some(match missing.and_then(|bytes| rate.time_for(bytes)) {
        Some(left) => format!("{rate}, {left:.0} left"),
        None => rate.to_string(),
    })
}

/// Why a job that should move does not; nothing while it moves or is over.
pub(crate) fn holdup(job: &JobInfo, now: FileTime) -> Option<String> {
    match job.state {
        JobState::TransientError => Some(retry(job, now)),
        JobState::Queued => match &job.waiting {
            Some(Waiting::Resume) => Some("waits until it is resumed".to_owned()),
            Some(Waiting::Slot) => Some("waits for other jobs".to_owned()),
            Some(Waiting::Retry { .. }) => Some(retry(job, now)),
            None => None,
        },
        JobState::Suspended => Some("suspended".to_owned()),
        JobState::Error => Some(job.error.as_ref().map_or("stopped".to_owned(), failure)),
        JobState::Connecting
        | JobState::Transferring
        | JobState::Transferred
        | JobState::Acknowledged
        | JobState::Cancelled => None,
    }
}

/// `retry 3 in 4 s: no route to example.com [0x…]`.
fn retry(job: &JobInfo, now: FileTime) -> String {
    let number = job.failures_count.max(1);
    let why = job.error.as_ref().map_or("an error that may pass".to_owned(), failure);
    match &job.waiting {
        Some(Waiting::Retry { at }) => {
            let millis = at.unix_millis().saturating_sub(now.unix_millis());
            let seconds = Duration::from_millis(millis).as_millis().div_ceil(1000);
            format!("retry {number} in {seconds} s: {why}")
        }
        _ => format!("retry {number} when it can: {why}"),
    }
}

/// The time now, as jobs count it.
pub(crate) fn now() -> FileTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    FileTime::from_unix_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// How long ago something was: `3 min`; `now` within a second.
pub(crate) fn age(then: FileTime, now: FileTime) -> String {
    let seconds = now.unix_millis().saturating_sub(then.unix_millis()) / 1000;
    match seconds {
        0 => "now".to_owned(),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
pub(crate) mod samples {
    use dobbin_types::rest::{DownloadMark, DownloadStatus, JobFailure, JobInfo};
    use dobbin_types::{
        Completion, CostFlags, DownloadState, ErrorCode, ErrorContext, FileNumber, FileTime,
        JobProgress, JobState, JobTimes, JobType, NotifyFlags, Priority, Uid,
    };

    /// A job of one file, at one tenth of 10 MiB.
    pub(crate) fn job(state: JobState) -> JobInfo {
        let time = FileTime::from_unix_millis(1_000_000);
        JobInfo {
            id: "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d".parse().unwrap(),
            display_name: "disk.iso".to_owned(),
            job_type: JobType::Download,
            owner: Uid(1000),
            state,
            priority: Priority::Foreground,
            progress: JobProgress {
                bytes_total: Some(10 << 20),
                bytes_transferred: 1 << 20,
                files_total: 1,
                files_transferred: 0,
            },
            times: JobTimes { creation: time, modification: time, transfer_completion: None },
            no_progress_timeout_seconds: 3600,
            notify_flags: NotifyFlags::default(),
            cost_flags: CostFlags::STANDARD,
            completion: Completion::Caller,
            bytes_per_second_max: None,
            bytes_per_second: 0,
            failures_count: 0,
            error: None,
            waiting: None,
            download: None,
        }
    }

    /// What marks a download that was never started.
    pub(crate) fn created() -> DownloadMark {
        DownloadMark {
            status: DownloadStatus {
                bytes_total: None,
                bytes_transferred: 0,
                state: DownloadState::Created,
                error: ErrorCode::S_OK,
                extended_error: ErrorCode::S_OK,
            },
            callback_freq_percent: 0,
            callback_freq_seconds: 1,
        }
    }

    /// What a server's answer does to a job.
    pub(crate) fn answered(status: u16) -> JobFailure {
        let code = ErrorCode::from_http_status(status);
        JobFailure {
            code,
            symbol: code.symbol().unwrap_or_default().to_owned(),
            text: code.text().into_owned(),
            context: ErrorContext::None,
            message: format!("example.com answered {status}"),
            extended: None,
            http_status: Some(status),
            file: Some(FileNumber(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{answered, job};
    use super::*;

    fn at(millis: u64) -> FileTime {
        FileTime::from_unix_millis(millis)
    }

    #[test]
    fn progress_says_what_is_known() {
        let mut job = job(JobState::Transferring);
        assert_eq!(progress(&job), "1.00 of 10.0 MiB (10 %)");
        job.progress.bytes_total = None;
        assert_eq!(progress(&job), "1.00 MiB");
    }

    #[test]
    fn a_pace_is_told_only_of_what_moves() {
        let mut job = job(JobState::Transferring);
        assert_eq!(pace(&job), None);
        job.bytes_per_second = 1 << 20;
        assert_eq!(pace(&job).as_deref(), Some("1.00 MiB/s, 9 s left"));
        job.progress.bytes_total = None;
        assert_eq!(pace(&job).as_deref(), Some("1.00 MiB/s"));
        job.state = JobState::Suspended;
        assert_eq!(pace(&job), None);
    }

    #[test]
    fn a_retry_counts_down_and_names_its_reason() {
        let mut job = job(JobState::TransientError);
        job.failures_count = 3;
        job.error = Some(answered(503));
        job.waiting = Some(Waiting::Retry { at: at(10_000) });
        let reason = "example.com answered 503 [HTTP_E_STATUS_SERVICE_UNAVAIL (0x801901F7)]";
        let said = |now| holdup(&job, at(now)).unwrap();
        assert_eq!(said(6_000), format!("retry 3 in 4 s: {reason}"));
        assert_eq!(said(9_001), format!("retry 3 in 1 s: {reason}"));
        assert_eq!(said(99_000), format!("retry 3 in 0 s: {reason}"));
    }

    #[test]
    fn a_reason_does_not_say_again_what_was_fetched() {
        let said = |message: &str| {
            let failure = JobFailure { message: message.to_owned(), ..answered(503) };
            reason(&failure).to_owned()
        };
        assert_eq!(said("cannot fetch from h: cannot connect: refused"), "cannot connect: refused");
        assert_eq!(said("the disk is full"), "the disk is full");
        assert_eq!(said(""), answered(503).text);
    }

    #[test]
    fn only_what_stands_still_has_a_holdup() {
        #[track_caller]
        fn check(state: JobState, waiting: Option<Waiting>, expect: Option<&str>) {
            let job = JobInfo { waiting, ..job(state) };
            assert_eq!(holdup(&job, at(0)).as_deref(), expect, "{state}");
        }
        check(JobState::Transferring, None, None);
        check(JobState::Transferred, None, None);
        check(JobState::Queued, None, None);
        check(JobState::Queued, Some(Waiting::Slot), Some("waits for other jobs"));
        check(JobState::Queued, Some(Waiting::Resume), Some("waits until it is resumed"));
        check(JobState::Suspended, None, Some("suspended"));
        check(JobState::Error, None, Some("stopped"));
    }

    #[test]
    fn ages_have_one_unit() {
        assert_eq!(age(at(1_000), at(1_500)), "now");
        assert_eq!(age(at(1_000), at(60_999)), "59 s");
        assert_eq!(age(at(0), at(7_200_000)), "2 h");
        assert_eq!(age(at(9_000), at(0)), "now");
    }
}
