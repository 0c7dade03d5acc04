//! What callers may ask of a job, state by state: the rows of "explicit operations".
//!
//! One function a row. Each names every state, so that a new state is a compile error here and not
//! a silent "nothing happens".

use alloc::vec::Vec;
use core::num::NonZeroU64;

use dobbin_types::{ErrorCode, JobState, NotifyFlags, Priority};

use super::effect::{Effect, Notice};
use super::event::Wish;
use super::file::File;
use super::model::Job;
use super::step::Now;
use super::{outcome, portion, property};
use crate::retry;

pub(super) type Answer = Result<Vec<Effect>, ErrorCode>;

/// Success that changes nothing.
pub(super) fn stay() -> Answer {
    Ok(Vec::new())
}

/// Success that changed a property.
fn changed() -> Answer {
    Ok(alloc::vec![Effect::Persist, Effect::Tell(Notice::Modified)])
}

/// `DO_E_INVALID_STATE`: the job is over.
pub(super) fn over() -> Answer {
    Err(ErrorCode::DO_E_INVALID_STATE)
}

/// Applies a wish. While a job is being published only its outcomes move it: the engine keeps
/// callers waiting until that is over, so that Complete is one step for everybody who watches.
pub(super) fn apply(job: &mut Job, wish: Wish, now: Now) -> Answer {
    if job.publishing {
        return over();
    }
    match wish {
        Wish::Resume => resume(job),
        Wish::Suspend => suspend(job),
        Wish::Complete => complete(job),
        Wish::HandOver => hand_over(job),
        Wish::Cancel => cancel(job),
        Wish::AddFiles(files) => add_files(job, files),
        Wish::SetPriority(priority) => set_priority(job, priority, now),
        Wish::SetNoProgressTimeout(seconds) => set_no_progress_timeout(job, seconds),
        Wish::SetNotifyFlags(flags) => set_notify_flags(job, flags),
        Wish::SetRateLimit(rate) => set_rate_limit(job, rate),
        Wish::SetCostFlags(flags) => property::set_cost_flags(job, flags),
        Wish::SetNotificationClsid(clsid) => property::set_notify_clsid(job, clsid),
        Wish::SetRemoteName(file, url) => property::set_remote_name(job, file, url),
        Wish::SetFile(file, change) => property::set_file(job, file, change),
        Wish::Portion(ranges) => portion::begin(job, ranges),
        Wish::SetProperty(setting) => portion::set(job, setting),
    }
}

/// `Resume`. Also makes new URLs durable (`SetRemoteName`), whatever the job is doing.
fn resume(job: &mut Job) -> Answer {
    match job.state {
        JobState::Acknowledged | JobState::Cancelled => over(),
        JobState::Queued
        | JobState::Connecting
        | JobState::Transferring
        | JobState::Transferred => Ok(property::confirm_remote_names(job)),
        JobState::Suspended | JobState::TransientError | JobState::Error => {
            if job.files.is_empty() {
                return Err(ErrorCode::DO_E_JOB_EMPTY);
            }
            if lacks_ranges(job) {
                return Err(ErrorCode::DO_E_DOWNLOAD_RANGES_EXPECTED);
            }
            if job.files.iter().any(|file| file.local_name.is_empty() && !file.streams) {
                return Err(ErrorCode::DO_E_LOCALPATH_NOT_SET);
            }
            if job.files.iter().any(|file| file.remote_name.is_empty() && !file.finished) {
                return Err(ErrorCode::DO_E_DOWNLOAD_NO_URI);
            }
            job.quiet.reset();
            let mut effects = property::confirm_remote_names(job);
            if job.all_finished() {
                effects.extend(outcome::transferred(job));
                return Ok(effects);
            }
            if let Some(download) = &mut job.new.download {
                download.started = true;
            }
            effects.extend(enqueue(job));
            Ok(effects)
        }
    }
}

/// Whether it is a download whose caller takes the bytes itself, and which has not said which ones.
fn lacks_ranges(job: &Job) -> bool {
    job.files.iter().any(|file| file.streams && file.ranges.is_empty())
}

/// A fresh start: the reason of the last stop stays to be read until data moves, but failures are
/// counted anew.
pub(super) fn enqueue(job: &mut Job) -> Vec<Effect> {
    job.failures_count = 0;
    job.renew(JobState::Queued);
    alloc::vec![Effect::Persist, Effect::Tell(Notice::Modified)]
}

/// `Suspend`. A job in error or transferred is at rest already and keeps the state that says why.
fn suspend(job: &mut Job) -> Answer {
    match job.state {
        JobState::Acknowledged | JobState::Cancelled => over(),
        JobState::Suspended | JobState::Error | JobState::Transferred => stay(),
        JobState::Queued
        | JobState::Connecting
        | JobState::Transferring
        | JobState::TransientError => {
            let attempt = job.attempt;
            job.renew(JobState::Suspended);
            job.quiet.reset();
            Ok(alloc::vec![Effect::Stop(attempt), Effect::Persist, Effect::Tell(Notice::Modified)])
        }
    }
}

/// `Cancel`: from everywhere but the end.
fn cancel(job: &mut Job) -> Answer {
    match job.state {
        JobState::Acknowledged | JobState::Cancelled => over(),
        JobState::Queued
        | JobState::Connecting
        | JobState::Transferring
        | JobState::Suspended
        | JobState::Error
        | JobState::TransientError
        | JobState::Transferred => {
            let attempt = job.attempt;
            job.renew(JobState::Cancelled);
            job.quiet.reset();
            Ok(alloc::vec![Effect::Stop(attempt), Effect::Remove, Effect::Tell(Notice::Ended)])
        }
    }
}

/// `Complete`: begins publishing what is finished. The job's state stays until
/// [`super::JobEvent::PublishEnded`]; what still runs goes on meanwhile, because a file that cannot
/// be put in its place leaves the job as it was. Where the file is shown by itself there is nothing left
/// to do.
fn complete(job: &mut Job) -> Answer {
    match job.state {
        JobState::Acknowledged | JobState::Cancelled => over(),
        _ if job.is_in_place() && !job.has_unpublished() => Ok(outcome::acknowledged(job)),
        // It could not be shown: a new start tries that again.
        JobState::Error if job.is_in_place() => over(),
        JobState::Queued
        | JobState::Connecting
        | JobState::Transferring
        | JobState::Suspended
        | JobState::Error
        | JobState::TransientError
        | JobState::Transferred => {
            job.publishing = true;
            Ok(alloc::vec![Effect::Publish])
        }
    }
}

/// `Complete` by a caller who puts the files in their places: the same, with nothing for the engine
/// to publish.
fn hand_over(job: &mut Job) -> Answer {
    // The service puts that one there.
    if job.is_in_place() {
        return over();
    }
    complete(job).map(|_publish| Vec::new())
}

/// `AddFileWithRanges`, for several files. A transferred job that gets more files is suspended:
/// it is no longer true that everything is here.
fn add_files(job: &mut Job, files: Vec<File>) -> Answer {
    match job.state {
        JobState::Acknowledged | JobState::Cancelled => return over(),
        // No file more: everything is still here.
        _ if files.is_empty() => return stay(),
        // A download has one file.
        _ if job.new.download.is_some() && !job.files.is_empty() => return over(),
        JobState::Transferred => job.renew(JobState::Suspended),
        JobState::Queued
        | JobState::Connecting
        | JobState::Transferring
        | JobState::Suspended
        | JobState::Error
        | JobState::TransientError => {}
    }
    let first = job.files.len();
    job.files.extend(files);
    let mut effects = alloc::vec![Effect::Persist];
    let numbers = (first..job.files.len()).filter_map(|index| u32::try_from(index).ok());
    effects.extend(numbers.map(|number| Effect::PersistFile(dobbin_types::FileNumber(number))));
    effects.push(Effect::Tell(Notice::Modified));
    Ok(effects)
}

/// `SetPriority`: takes effect on what runs, and on what waits: somebody who waits for a job of the
/// foreground does not wait for its next try any longer than after a failure in the foreground,
/// unless the origin wants it.
fn set_priority(job: &mut Job, priority: Priority, now: Now) -> Answer {
    unless_over(job, |job| {
        job.new.priority = priority;
        if priority.is_foreground() {
            let soon = now.tick.after(retry::CAP_FOREGROUND);
            let soon = job.retry_not_before.map_or(soon, |wanted| wanted.max(soon));
            job.retry_at = job.retry_at.map(|planned| planned.min(soon));
        }
    })
}

/// `SetNoProgressTimeout`: the time without a byte so far counts against the new limit too.
fn set_no_progress_timeout(job: &mut Job, seconds: u32) -> Answer {
    unless_over(job, |job| job.new.no_progress_timeout = Some(seconds))
}

/// A limit of the job's own, in force at once: what was fetched before does not count against it.
fn set_rate_limit(job: &mut Job, rate: Option<NonZeroU64>) -> Answer {
    unless_over(job, |job| job.new.bytes_per_second_max = rate)
}

/// `SetNotifyFlags`: `E_NOTIMPL` for bits that nobody knows.
fn set_notify_flags(job: &mut Job, flags: NotifyFlags) -> Answer {
    if !job.state.is_final() && !flags.are_accepted() {
        return Err(ErrorCode::E_NOTIMPL);
    }
    unless_over(job, |job| job.notify_flags = flags)
}

/// The rows of the setters: allowed in every state but the final ones, and never moving the job.
pub(super) fn unless_over(job: &mut Job, set: impl FnOnce(&mut Job)) -> Answer {
    match job.state {
        JobState::Acknowledged | JobState::Cancelled => over(),
        JobState::Queued
        | JobState::Connecting
        | JobState::Transferring
        | JobState::Suspended
        | JobState::Error
        | JobState::TransientError
        | JobState::Transferred => {
            set(job);
            changed()
        }
    }
}
