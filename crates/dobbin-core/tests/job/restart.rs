//! What survives the service: the rows "Service stop/crash" and "Service restart, other states".

use core::time::Duration;

use dobbin_core::job::{AGE_MAX, Effect, Job, JobEvent, NewJob, Wish};
use dobbin_core::time::Tick;
use dobbin_types::{Completion, ErrorCode, FileTime, JobState, NotifyFlags};

use crate::make::{
    BLOCKS, COLUMNS, DAY, Files, Life, about, at, job_in, passing, recorded_as, seconds,
};

/// Stops the process and starts another one, whose ticks begin anew.
fn restarted(life: &Life) -> Life {
    let saved = life.job.saved(at(life.now));
    let start = at(Duration::ZERO);
    let job = Job::restore(life.job.about().clone(), saved, life.job.files().to_vec(), start);
    Life { job, now: Duration::ZERO }
}

/// Rows "Service stop/crash" (what moved waits in the queue) and "Service restart, other states"
/// (the same).
/// conformance: event restart × *, event restart elsewhere
#[test]
fn what_moved_is_queued_and_what_rested_still_rests() {
    for state in COLUMNS {
        let files = if state == JobState::Transferred { Files::Whole } else { Files::Half };
        // CONNECTING stands in no record of ours; a record that says so anyway moved.
        let before = job_in(state, files);
        let before = before.unwrap_or_else(|| {
            recorded_as(&Life::transferring(about(), 2).job, JobState::Connecting)
        });
        let after = recorded_as(&before, state);
        let expect = match state {
            JobState::Queued | JobState::Connecting | JobState::Transferring => JobState::Queued,
            other => other,
        };
        assert_eq!(after.state(), expect, "{state}");
        assert_eq!(after.files(), before.files(), "{state}");
        assert_eq!(after.times(), before.times(), "{state}");
        assert_eq!(after.error_object(), before.error_object(), "{state}: error object survives");
        assert_eq!(after.failures_count(), before.failures_count(), "{state}");
    }
}

/// What the caller set survives as it was.
/// conformance: default persistence
#[test]
fn properties_survive() {
    let mut life = Life::new(about(), 1);
    life.wish(Wish::SetNotifyFlags(NotifyFlags(0x08)));
    life.wish(Wish::SetNoProgressTimeout(77));
    let after = restarted(&life).job;
    assert_eq!(after.notify_flags(), NotifyFlags(0x08));
    assert_eq!(after.about(), life.job.about());
    assert_eq!(after.no_progress_timeout(), seconds(77));
}

/// A job that waited for its next try waits for it once more, as long as its failures say.
#[test]
fn a_planned_retry_is_planned_anew() {
    let mut life = Life::transferring(about(), 1);
    for wait in [2, 4] {
        life.fail(passing());
        life.wait(seconds(wait));
        life.event(JobEvent::SlotGiven);
    }
    life.fail(passing());
    life.wait(seconds(3));
    let mut after = restarted(&life);
    assert_eq!(after.job.retry_at(), Some(Tick(8_000)));
    after.wait(seconds(8));
    after.is(JobState::Queued);
}

/// The no-progress timer goes on where it stood; how long the machine was off is no failure.
#[test]
fn the_no_progress_timer_goes_on_where_it_stood() {
    let mut life = Life::transferring(about(), 1);
    life.wish(Wish::SetNoProgressTimeout(60));
    life.wait(seconds(50));
    let mut moved = restarted(&life);
    moved.is(JobState::Queued);
    moved.wait(DAY);
    moved.event(JobEvent::SlotGiven);
    assert_eq!(moved.wake(), Some(seconds(10)));

    life.fail(passing());
    let mut waiting = restarted(&life);
    waiting.wish(Wish::SetNoProgressTimeout(51));
    assert_eq!(waiting.wake(), Some(seconds(1)));
    waiting.wait(seconds(1));
    waiting.is(JobState::Error);
    assert_eq!(waiting.error(), Some(ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS));
}

/// A blocked job is tried after a restart, and its no-progress timer rests until then, even one
/// that makes every error fatal.
#[test]
fn a_blocked_job_is_tried_again_after_a_restart() {
    for code in BLOCKS {
        for timeout in [0, 60] {
            let mut life = Life::transferring(about(), 1);
            life.wish(Wish::SetNoProgressTimeout(timeout));
            life.event(JobEvent::Blocked(code));
            let mut after = restarted(&life);
            after.is(JobState::TransientError);
            assert_eq!(after.error(), Some(code));
            assert_eq!(after.wait(seconds(1)), [], "{code:?}, timeout {timeout} s");
            after.wait(seconds(1));
            after.is(JobState::Queued);
        }
    }
}

/// Row "Job age > 30 days": the age counts on.
#[test]
fn a_jobs_age_survives() {
    let mut life = Life::new(about(), 1);
    life.wait(DAY * 29);
    let mut after = restarted(&life);
    assert_eq!(after.wake(), Some(DAY));
    after.wait(DAY);
    after.is(JobState::Cancelled);
}

/// A job that was being completed is not any more: whoever wanted it asks again, as the engine
/// does for those that the service completes.
#[test]
fn complete_can_be_repeated_after_a_restart() {
    let about = NewJob { completion: Completion::Service, ..about() };
    let mut life = Life::transferring(about, 1);
    life.finish(0);
    assert!(life.job.is_publishing());
    let mut after = restarted(&life);
    after.is(JobState::Transferred);
    assert!(!after.job.is_publishing());
    assert_eq!(after.wish(Wish::Complete), [Effect::Publish]);
}

/// Row "Job age > 30 days": the age counts from creation, also while the machine was off. Only the
/// wall clock saw that, and a wall clock may be wrong: it never ends a job at once.
#[test]
fn a_job_ages_while_the_machine_is_off_but_never_dies_of_a_clock() {
    let mut life = Life::new(about(), 1);
    life.wait(DAY);
    let saved = life.job.saved(at(life.now));
    let created = saved.times.creation.unix_millis();
    let aged_by = |off: Duration| {
        let wall = created + u64::try_from(off.as_millis()).unwrap();
        saved.clone().aged(FileTime::from_unix_millis(wall)).age
    };
    assert_eq!(aged_by(DAY * 10), DAY * 10);
    assert_eq!(aged_by(Duration::ZERO), DAY, "a clock set back makes nothing younger");
    let years = aged_by(DAY * 3_650);
    assert!(years < AGE_MAX && years >= AGE_MAX - seconds(3_600), "{years:?}");
}
