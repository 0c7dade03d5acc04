//! What becomes of a job when something came of its work: the rows of "events".
//!
//! One function a row. An outcome of an attempt that no longer runs changes nothing: Suspend,
//! Resume or a retry overtook it. That guard stands once, in [`is_late`].

use alloc::vec::Vec;

use dobbin_types::{ErrorCode, FileNumber, JobState};

use super::effect::{Effect, Notice};
use super::facts::Facts;
use super::model::{Attempt, Job};
use super::step::Now;
use super::timer;
use super::trouble::{JobError, Trouble};

/// Nothing changes.
const NOTHING: Vec<Effect> = Vec::new();

/// Whether an outcome belongs to a run that is over.
fn is_late(job: &Job, attempt: Attempt) -> bool {
    attempt != job.attempt
}

/// The schedule has a slot: the job moves. Not made durable: after a restart a job that was moving
/// waits in the queue either way.
pub(super) fn slot_given(job: &mut Job, now: Now) -> Vec<Effect> {
    match job.state {
        JobState::Queued => {
            job.renew(JobState::Transferring);
            job.quiet.start(now.awake());
            alloc::vec![Effect::Tell(Notice::Modified)]
        }
        JobState::Connecting
        | JobState::Transferring
        | JobState::Suspended
        | JobState::Error
        | JobState::TransientError
        | JobState::Transferred
        | JobState::Acknowledged
        | JobState::Cancelled => NOTHING,
    }
}

/// The schedule needs the slot: the job waits again. Waiting for our own slot is nobody's failure,
/// so the no-progress timer rests.
pub(super) fn slot_taken(job: &mut Job, now: Now) -> Vec<Effect> {
    match job.state {
        JobState::Transferring => {
            let attempt = job.attempt;
            job.renew(JobState::Queued);
            job.quiet.pause(now.awake());
            alloc::vec![Effect::Stop(attempt), Effect::Tell(Notice::Modified)]
        }
        JobState::Queued
        | JobState::Connecting
        | JobState::Suspended
        | JobState::Error
        | JobState::TransientError
        | JobState::Transferred
        | JobState::Acknowledged
        | JobState::Cancelled => NOTHING,
    }
}

/// The origin said what the file is.
pub(super) fn file_known(
    job: &mut Job,
    attempt: Attempt,
    number: FileNumber,
    facts: Facts,
) -> Vec<Effect> {
    if is_late(job, attempt) || job.state != JobState::Transferring {
        return NOTHING;
    }
    match job.files.edit(number) {
        Some(mut file) if !file.finished && file.facts.as_ref() != Some(&facts) => {
            file.facts = Some(facts);
            alloc::vec![Effect::PersistFile(number), Effect::Tell(Notice::Modified)]
        }
        Some(_) | None => NOTHING,
    }
}

/// The remote file changed while it was fetched: it alone starts from zero. What the origin said of
/// the old one is forgotten with its bytes.
pub(super) fn file_restarted(job: &mut Job, attempt: Attempt, number: FileNumber) -> Vec<Effect> {
    if is_late(job, attempt) || job.state != JobState::Transferring {
        return NOTHING;
    }
    match job.files.edit(number) {
        Some(mut file) if !file.finished => {
            file.facts = None;
            // What earlier portions brought is gone too.
            file.earlier_ranges_count = 0;
            alloc::vec![Effect::PersistFile(number), Effect::Tell(Notice::Modified)]
        }
        Some(_) | None => NOTHING,
    }
}

/// Progress: the error object goes, failures are forgotten, the no-progress timer starts anew.
pub(super) fn bytes_arrived(job: &mut Job, attempt: Attempt, now: Now) -> Vec<Effect> {
    if is_late(job, attempt) || job.state != JobState::Transferring {
        return NOTHING;
    }
    let mut effects = Vec::with_capacity(2);
    if progress(job, now) {
        effects.push(Effect::Persist);
    }
    effects.push(Effect::Tell(Notice::Modified));
    effects
}

/// Starts the no-progress timer anew and forgets failures; whether there was an error object to
/// forget.
fn progress(job: &mut Job, now: Now) -> bool {
    job.quiet.reset();
    job.quiet.start(now.awake());
    job.failures_count = 0;
    job.error.take().is_some()
}

/// One file is wholly here, which is progress even when it has no byte; with the last one the job
/// is transferred.
pub(super) fn file_finished(
    job: &mut Job,
    attempt: Attempt,
    number: FileNumber,
    now: Now,
) -> Vec<Effect> {
    if is_late(job, attempt) || job.state != JobState::Transferring {
        return NOTHING;
    }
    match job.files.edit(number) {
        Some(mut file) if !file.finished => file.finished = true,
        Some(_) | None => return NOTHING,
    }
    let mut effects = alloc::vec![Effect::PersistFile(number)];
    if job.all_finished() {
        effects.extend(transferred(job));
        return effects;
    }
    if progress(job, now) {
        effects.push(Effect::Persist);
    }
    effects.push(Effect::Tell(Notice::FileTransferred));
    effects
}

/// Every file is finished: there is nothing left to do but to complete the job.
pub(super) fn transferred(job: &mut Job) -> Vec<Effect> {
    job.renew(JobState::Transferred);
    job.error = None;
    job.failures_count = 0;
    job.quiet.reset();
    let mut effects = alloc::vec![Effect::Persist, Effect::Tell(Notice::Transferred)];
    // As if the caller had called Complete at once; a failure leaves the job transferred, or in error
    // where nobody will call it.
    if job.is_to_be_completed() && !job.publishing {
        job.publishing = true;
        effects.push(Effect::Publish);
    }
    effects
}

/// The attempt cannot go on. An error that may pass is tried again later; every other one, and
/// every one of a job whose no-progress timeout is 0, stops the job.
pub(super) fn attempt_failed(
    job: &mut Job,
    attempt: Attempt,
    file: Option<FileNumber>,
    trouble: Trouble,
    now: Now,
) -> Vec<Effect> {
    if is_late(job, attempt) {
        return NOTHING;
    }
    match job.state {
        JobState::Queued | JobState::Transferring => {}
        JobState::Connecting
        | JobState::Suspended
        | JobState::Error
        | JobState::TransientError
        | JobState::Transferred
        | JobState::Acknowledged
        | JobState::Cancelled => return NOTHING,
    }
    let attempt = job.attempt;
    job.failures_count = job.failures_count.saturating_add(1);
    if trouble.transient && !job.no_progress_timeout().is_zero() {
        let wait =
            timer::retry_delay(job, trouble.code, trouble.retry_after, trouble.spread_thousandths);
        let not_before = trouble.retry_after.map(|asked| now.tick.after(asked));
        job.error = Some(JobError::of(trouble, file));
        job.renew(JobState::TransientError);
        job.retry_at = Some(now.tick.after(wait));
        job.retry_not_before = not_before;
        job.quiet.start(now.awake());
        return alloc::vec![Effect::Stop(attempt), Effect::Persist, Effect::Tell(Notice::Modified)];
    }
    stopped(job, trouble, file)
}

/// An error that only the caller can end.
fn stopped(job: &mut Job, trouble: Trouble, file: Option<FileNumber>) -> Vec<Effect> {
    let attempt = job.attempt;
    job.error = Some(JobError::of(trouble, file));
    job.renew(JobState::Error);
    job.quiet.reset();
    alloc::vec![Effect::Stop(attempt), Effect::Persist, Effect::Tell(Notice::Error)]
}

/// A condition forbids the job to run. While it lasts the no-progress timer rests and no retry is
/// planned: the end of the condition brings the job back. A job that waited for its next try waits
/// for that instead: the try would fail, and the time until then would count against the job.
pub(super) fn blocked(job: &mut Job, code: ErrorCode, now: Now) -> Vec<Effect> {
    let error = |extended| JobError {
        code,
        extended,
        http_status: None,
        message: code.text().into_owned(),
        file: None,
    };
    match job.state {
        JobState::Queued | JobState::Transferring => {
            let attempt = job.attempt;
            job.error = Some(error(None));
            job.renew(JobState::TransientError);
            job.quiet.pause(now.awake());
            alloc::vec![Effect::Stop(attempt), Effect::Persist, Effect::Tell(Notice::Modified)]
        }
        JobState::TransientError if job.retry_at.is_some() => {
            // Unless that is the condition itself, found again after a restart.
            let last = job.error.take().filter(|last| last.code != code);
            job.error = Some(error(last.map(|last| last.code)));
            job.retry_at = None;
            job.quiet.pause(now.awake());
            alloc::vec![Effect::Persist, Effect::Tell(Notice::Modified)]
        }
        JobState::Connecting
        | JobState::Suspended
        | JobState::Error
        | JobState::TransientError
        | JobState::Transferred
        | JobState::Acknowledged
        | JobState::Cancelled => NOTHING,
    }
}

/// A condition is over. The network coming back ends every wait, whatever it was for; any other
/// condition ends only its own.
pub(super) fn unblocked(job: &mut Job, code: ErrorCode, now: Now) -> Vec<Effect> {
    let own = job.error.as_ref().is_some_and(|error| error.code == code);
    match job.state {
        JobState::TransientError if own || code == ErrorCode::DO_E_BLOCKED_BY_NO_NETWORK => {
            job.renew(JobState::Queued);
            job.quiet.pause(now.awake());
            alloc::vec![Effect::Persist, Effect::Tell(Notice::Modified)]
        }
        JobState::TransientError
        | JobState::Queued
        | JobState::Connecting
        | JobState::Transferring
        | JobState::Suspended
        | JobState::Error
        | JobState::Transferred
        | JobState::Acknowledged
        | JobState::Cancelled => NOTHING,
    }
}

/// A file stands under its name now (`BG_FILE_PROGRESS::Completed`).
pub(super) fn file_published(job: &mut Job, number: FileNumber) -> Vec<Effect> {
    match job.files.edit(number) {
        Some(mut file) if job.publishing && file.finished && !file.published => {
            file.published = true;
            alloc::vec![Effect::PersistFile(number), Effect::Tell(Notice::Modified)]
        }
        Some(_) | None => NOTHING,
    }
}

/// Completing is over. Everything that was finished is the user's: the job is acknowledged, and
/// what was unfinished is dropped. A file that could not be put in its place leaves the job where
/// it was, with the files published so far. A download in place is only shown by that: it stays, and is
/// in error when it could not be.
pub(super) fn publish_ended(job: &mut Job, failed: Option<(FileNumber, Trouble)>) -> Vec<Effect> {
    if !job.publishing {
        return NOTHING;
    }
    if failed.is_none() && job.has_unpublished() {
        // A file was finished while the others were being published: it is kept too.
        return alloc::vec![Effect::Publish];
    }
    job.publishing = false;
    match failed {
        // Nobody waits for it: the state says so.
        Some((file, trouble)) if job.is_in_place() => stopped(job, trouble, Some(file)),
        Some(_) => alloc::vec![Effect::Persist, Effect::Tell(Notice::Modified)],
        // Its file is shown; its caller ends it.
        None if job.is_in_place() => alloc::vec![Effect::Persist, Effect::Tell(Notice::Modified)],
        None => acknowledged(job),
    }
}

/// The end of `Complete`.
pub(super) fn acknowledged(job: &mut Job) -> Vec<Effect> {
    let attempt = job.attempt;
    job.renew(JobState::Acknowledged);
    job.quiet.reset();
    alloc::vec![Effect::Stop(attempt), Effect::Remove, Effect::Tell(Notice::Ended)]
}

/// The owner's program has been told. Nothing else of the job changes.
pub(super) fn call_acknowledged(job: &mut Job) -> Vec<Effect> {
    if core::mem::take(&mut job.call_owed) { alloc::vec![Effect::Persist] } else { NOTHING }
}
