//! The only place where a job changes state.

use alloc::vec::Vec;
use core::time::Duration;

use dobbin_types::{ErrorCode, FileTime};

use super::effect::{Effect, Notice};
use super::event::JobEvent;
use super::model::Job;
use super::{outcome, timer, wish};
use crate::time::Tick;

/// What time it is, said by whoever calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// On the service's own clock: all deadlines.
    pub tick: Tick,
    /// On the wall: what people are shown.
    pub wall: FileTime,
    /// How long the machine has slept since the first tick; never shrinks.
    pub slept: Duration,
}

impl Now {
    /// The same moment, counted by a watch that stands still while the machine sleeps.
    ///
    /// Bytes cannot come then, so that the no-progress timeout is measured with it. Everything else,
    /// retries and the job's age, goes by [`Now::tick`].
    pub fn awake(self) -> Tick {
        Tick(self.tick.0.saturating_sub(u64::try_from(self.slept.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// Moves a job by one event and says what there is to do.
///
/// Deterministic: same job, same event, same time, same answer. `Err` means that the job refuses a
/// wish (`DO_E_INVALID_STATE`, `DO_E_JOB_EMPTY`, ...) and that nothing of it changed; outcomes are
/// never refused, at worst they mean nothing any more. An empty answer means that nothing changed.
pub fn step(job: &mut Job, event: JobEvent, now: Now) -> Result<Vec<Effect>, ErrorCode> {
    let is_acknowledgement = event == JobEvent::CallAcknowledged;
    let effects = match event {
        JobEvent::Wish(wish) => wish::apply(job, wish, now)?,
        JobEvent::SlotGiven => outcome::slot_given(job, now),
        JobEvent::SlotTaken => outcome::slot_taken(job, now),
        JobEvent::FileKnown(attempt, file, facts) => outcome::file_known(job, attempt, file, facts),
        JobEvent::FileRestarted(attempt, file) => outcome::file_restarted(job, attempt, file),
        JobEvent::BytesArrived(attempt) => outcome::bytes_arrived(job, attempt, now),
        JobEvent::FileFinished(attempt, file) => outcome::file_finished(job, attempt, file, now),
        JobEvent::AttemptFailed(attempt, file, trouble) => {
            outcome::attempt_failed(job, attempt, file, trouble, now)
        }
        JobEvent::TimePassed => timer::time_passed(job, now),
        JobEvent::Blocked(code) => outcome::blocked(job, code, now),
        JobEvent::Unblocked(code) => outcome::unblocked(job, code, now),
        JobEvent::FilePublished(file) => outcome::file_published(job, file),
        JobEvent::PublishEnded(failed) => outcome::publish_ended(job, failed),
        JobEvent::CallAcknowledged => outcome::call_acknowledged(job),
    };
    job.slept = now.slept;
    // That its owner has been told changes nothing about the job (`BG_JOB_TIMES`).
    if !effects.is_empty() && !is_acknowledgement {
        job.times.modification = now.wall;
        if effects.contains(&Effect::Tell(Notice::Transferred)) {
            job.times.transfer_completion = Some(now.wall);
        }
    }
    Ok(effects)
}
