//! What happens because time passed: retries, the no-progress timeout, the job's age.

use alloc::vec::Vec;
use core::time::Duration;

use dobbin_types::{ErrorCode, JobState};

use super::effect::{Effect, Notice};
use super::model::Job;
use super::step::Now;
use super::trouble::JobError;
use crate::download::NO_PROGRESS_SECONDS_DEFAULT;
use crate::retry;
use crate::time::{Stopwatch, Tick};

/// Default no-progress timeout of foreground jobs (`SetNoProgressTimeout`).
pub const NO_PROGRESS_FOREGROUND: Duration = Duration::from_secs(3_600);

/// Default no-progress timeout of background jobs (`SetNoProgressTimeout`).
pub const NO_PROGRESS_BACKGROUND: Duration = Duration::from_secs(86_400);

/// A job neither completed nor cancelled within this time of its creation is cancelled.
pub const AGE_MAX: Duration = Duration::from_secs(30 * 86_400);

impl Job {
    /// The no-progress timeout in force: as set, or by the priority.
    pub fn no_progress_timeout(&self) -> Duration {
        match self.new.no_progress_timeout {
            Some(seconds) => Duration::from_secs(u64::from(seconds)),
            None if self.is_in_place() => {
                Duration::from_secs(u64::from(NO_PROGRESS_SECONDS_DEFAULT))
            }
            None if self.new.priority.is_foreground() => NO_PROGRESS_FOREGROUND,
            None => NO_PROGRESS_BACKGROUND,
        }
    }

    /// When [`super::JobEvent::TimePassed`] next has something to do, if nothing else happens.
    ///
    /// `None` while the job is being completed: time does nothing to it until that is over.
    pub fn next_wake(&self) -> Option<Tick> {
        if self.state.is_final() || self.publishing {
            return None;
        }
        [self.retry_at, self.gives_up_at(), self.expires_at()].into_iter().flatten().min()
    }

    /// When it goes into error if no byte comes until then; `None` while no such time is counted.
    /// Should the machine sleep until then, that is too early, which does no harm.
    pub fn gives_up_at(&self) -> Option<Tick> {
        let awake = due(&self.quiet, self.quiet_max()?)?;
        Some(awake.after(self.slept))
    }

    /// When it is cancelled if nobody completes it until then; `None` once it is over.
    pub fn expires_at(&self) -> Option<Tick> {
        if self.state.is_final() { None } else { due(&self.age, AGE_MAX) }
    }

    /// How long the job may go without a byte in the state it is in; `None` where that ends nothing.
    ///
    /// A timeout of 0 makes every error fatal (`SetNoProgressTimeout`): a job that waits for its
    /// next try has no more tries, but one that is fetching is not late because it has begun.
    fn quiet_max(&self) -> Option<Duration> {
        let timeout = self.no_progress_timeout();
        match self.state {
            JobState::TransientError => Some(timeout),
            JobState::Transferring => (!timeout.is_zero()).then_some(timeout),
            JobState::Queued
            | JobState::Connecting
            | JobState::Suspended
            | JobState::Error
            | JobState::Transferred
            | JobState::Acknowledged
            | JobState::Cancelled => None,
        }
    }

    /// Whether the time without a byte has used up the timeout.
    fn is_without_progress(&self, awake: Tick) -> bool {
        self.quiet.is_running()
            && self.quiet_max().is_some_and(|limit| self.quiet.elapsed(awake) >= limit)
    }
}

/// When a watch that runs will have run for `limit`.
fn due(watch: &Stopwatch, limit: Duration) -> Option<Tick> {
    let since = watch.running_since?;
    Some(since.after(limit.saturating_sub(watch.spent)))
}

/// The wait before the next try, after `job.failures_count` failures in a row, the last of which had
/// this `code`.
pub(super) fn retry_delay(
    job: &Job,
    code: ErrorCode,
    retry_after: Option<Duration>,
    spread_thousandths: u16,
) -> Duration {
    if code.is_local_shortage() {
        let wait = Some(retry::WAIT_SHORTAGE);
        return retry::delay(0, retry::WAIT_SHORTAGE, wait, spread_thousandths);
    }
    let cap = if job.new.priority.is_foreground() {
        retry::CAP_FOREGROUND
    } else {
        retry::CAP_BACKGROUND
    };
    retry::delay(job.failures_count, cap, retry_after, spread_thousandths)
}

/// [`super::JobEvent::TimePassed`]: whatever is due now happens. Asking too early changes nothing.
pub(super) fn time_passed(job: &mut Job, now: Now) -> Vec<Effect> {
    if job.state.is_final() || job.publishing {
        return Vec::new();
    }
    if job.age.elapsed(now.tick) >= AGE_MAX {
        return expire(job);
    }
    match job.state {
        JobState::Transferring | JobState::TransientError
            if job.is_without_progress(now.awake()) =>
        {
            give_up(job)
        }
        JobState::TransientError if job.retry_at.is_some_and(|at| at <= now.tick) => {
            job.renew(JobState::Queued);
            // As whenever it waits for a slot: that is nobody's failure.
            job.quiet.pause(now.awake());
            alloc::vec![Effect::Persist, Effect::Tell(Notice::Modified)]
        }
        JobState::Transferring
        | JobState::TransientError
        | JobState::Queued
        | JobState::Connecting
        | JobState::Suspended
        | JobState::Error
        | JobState::Transferred
        | JobState::Acknowledged
        | JobState::Cancelled => Vec::new(),
    }
}

/// The no-progress timeout expired (`DO_E_DOWNLOAD_NO_PROGRESS`); the last error moves behind it.
fn give_up(job: &mut Job) -> Vec<Effect> {
    // A job may be resumed and stall again without a byte between: the stall before explains
    // nothing, and its words would grow with every turn.
    let last = job.error.take().filter(|error| error.code != ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS);
    let attempt = job.attempt;
    job.error = Some(JobError {
        code: ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS,
        extended: last.as_ref().map(|error| error.code),
        http_status: None,
        message: match &last {
            Some(error) => alloc::format!(
                "no byte arrived within {} s; the last failure was: {}",
                job.no_progress_timeout().as_secs(),
                error.message
            ),
            None => {
                alloc::format!("no byte arrived within {} s", job.no_progress_timeout().as_secs())
            }
        },
        file: last.and_then(|error| error.file),
    });
    job.renew(JobState::Error);
    job.quiet.reset();
    alloc::vec![Effect::Stop(attempt), Effect::Persist, Effect::Tell(Notice::Error)]
}

/// The job is older than [`AGE_MAX`] (`DO_E_JOB_TOO_OLD`): cancelled and removed.
fn expire(job: &mut Job) -> Vec<Effect> {
    let attempt = job.attempt;
    job.error = Some(JobError {
        code: ErrorCode::DO_E_JOB_TOO_OLD,
        extended: None,
        http_status: None,
        message: "the job was neither completed nor cancelled within 30 days".into(),
        file: None,
    });
    job.renew(JobState::Cancelled);
    job.quiet.reset();
    alloc::vec![Effect::Stop(attempt), Effect::Remove, Effect::Tell(Notice::Ended)]
}
