//! Times: retries, the no-progress timeout, the job's age, and when a job wants to be woken.

use core::time::Duration;

use dobbin_core::job::{JobEvent, NewJob, Trouble, Wish};
use dobbin_types::{ErrorCode, FileTime, JobState, Priority};

use crate::make::{BLOCKS, DAY, HOUR, Life, about, at, fatal, passing, seconds};

fn foreground() -> NewJob {
    NewJob { priority: Priority::Foreground, ..about() }
}

fn with_timeout(seconds: u32) -> NewJob {
    NewJob { no_progress_timeout: Some(seconds), ..about() }
}

const INSTANT: Duration = Duration::from_millis(1);

/// The wait that follows each of `tries` failures in a row.
#[track_caller]
fn waits(about: NewJob, trouble: &Trouble, tries: usize) -> Vec<u64> {
    let mut life = Life::transferring(about, 1);
    (0..tries)
        .map(|_| {
            life.fail(trouble.clone());
            let retry_at = life.job.retry_at().expect("a transient error is tried again");
            let wait = retry_at.since(at(life.now).tick);
            assert_eq!(life.wait(wait - INSTANT), [], "tried too early");
            life.wait(INSTANT);
            life.is(JobState::Queued);
            life.event(JobEvent::SlotGiven);
            wait.as_secs()
        })
        .collect()
}

/// Row "Retry timer fires": doubling from 2 s to 600 s in the background, to 30 s in the foreground.
/// conformance: number retry-delay, event retry × TRANSIENT_ERROR
#[test]
fn retries_wait_longer_each_time_up_to_the_cap_of_their_class() {
    let background = [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600];
    assert_eq!(waits(about(), &passing(), 11), background);
    for priority in [Priority::High, Priority::Low] {
        assert_eq!(waits(NewJob { priority, ..about() }, &passing(), 11), background);
    }
    assert_eq!(waits(foreground(), &passing(), 6), [2, 4, 8, 16, 30, 30]);
}

/// Reliability matrix, row 9: a job goes on within a minute of there being room again.
#[test]
fn a_shortage_of_the_machine_is_looked_at_every_half_minute_by_every_class() {
    let full = Trouble { code: ErrorCode::ENOSPC, ..passing() };
    assert_eq!(waits(about(), &full, 12), [30; 12]);
    assert_eq!(waits(foreground(), &full, 3), [30; 3]);
    let spread = Trouble { spread_thousandths: 100, ..full };
    assert_eq!(waits(about(), &spread, 2), [33; 2]);
}

/// RFC 9110 §10.2.3: never before the origin wants it, even beyond the cap; chance stretches it.
/// conformance: number retry-after
#[test]
fn the_origins_own_wait_is_kept() {
    let asked = Trouble { retry_after: Some(seconds(45)), ..passing() };
    assert_eq!(waits(foreground(), &asked, 6), [45; 6]);
    let short = Trouble { retry_after: Some(seconds(3)), ..passing() };
    assert_eq!(waits(foreground(), &short, 3), [3, 4, 8]);
    let spread = Trouble { spread_thousandths: 500, ..passing() };
    assert_eq!(waits(foreground(), &spread, 3), [3, 6, 12]);
}

/// "Reset of retry delay": also when bytes arrive, and when the caller resumes the job.
/// conformance: Job::Resume clears, number retry-delay
#[test]
fn progress_and_resume_forget_the_failures_before() {
    let failed_thrice = || {
        let mut life = Life::transferring(about(), 2);
        for wait in [2, 4, 8] {
            life.fail(passing());
            life.wait(seconds(wait));
            life.event(JobEvent::SlotGiven);
        }
        assert_eq!(life.job.failures_count(), 3);
        life
    };
    let wait_after = |mut life: Life| {
        life.fail(passing());
        life.wake()
    };
    assert_eq!(wait_after(failed_thrice()), Some(seconds(16)));
    let mut moved = failed_thrice();
    moved.bytes();
    assert_eq!(wait_after(moved), Some(seconds(2)));
    let mut finished = failed_thrice();
    finished.finish(1);
    assert_eq!(wait_after(finished), Some(seconds(2)));
    let mut resumed = failed_thrice();
    resumed.fail(passing());
    resumed.wish(Wish::Resume);
    resumed.is(JobState::Queued);
    resumed.event(JobEvent::SlotGiven);
    assert_eq!(wait_after(resumed), Some(seconds(2)));
}

/// Row "No-progress timeout", bytes stalled without an error; "timer restarts when progress
/// happens".
/// conformance: Job::SetNoProgressTimeout, event stalled × TRANSFERRING
#[test]
fn a_stalled_transfer_is_given_up_and_every_byte_starts_the_timer_anew() {
    let mut life = Life::transferring(with_timeout(60), 3);
    assert_eq!(life.wake(), Some(seconds(60)));
    for _ in 0..5 {
        assert_eq!(life.wait(seconds(59)), []);
        life.bytes();
    }
    // A file that has no byte is progress too.
    assert_eq!(life.wait(seconds(59)), []);
    life.finish(0);
    assert_eq!(life.wait(seconds(60) - INSTANT), []);
    life.wait(INSTANT);
    life.is(JobState::Error);
    assert_eq!(life.error(), Some(ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS));
}

/// Row "Transient error": the timer runs on over errors and tries, until bytes come.
#[test]
fn tries_without_a_byte_add_up_to_no_progress() {
    let mut life = Life::transferring(with_timeout(60), 1);
    // 2 + 4 + 8 + 16 = 30 s of waiting, 5 s of fetching nothing before each failure.
    for wait in [2, 4, 8, 16] {
        assert_eq!(life.wait(seconds(5)), []);
        life.fail(passing());
        life.wait(seconds(wait));
        life.is(JobState::Queued);
        life.event(JobEvent::SlotGiven);
    }
    assert_eq!(life.wake(), Some(seconds(10)));
    life.fail(passing());
    // The next try would come in 32 s: too late.
    assert_eq!(life.wait(seconds(10) - INSTANT), []);
    life.wait(INSTANT);
    life.is(JobState::Error);
}

/// Row "Transient error", from QUEUED: the timer runs from the error on, not from Resume.
#[test]
fn an_error_in_the_queue_starts_the_timer() {
    let mut life = Life::new(with_timeout(60), 1);
    life.wish(Wish::Resume);
    life.wait(HOUR);
    life.fail(passing());
    life.is(JobState::TransientError);
    life.wish(Wish::SetNoProgressTimeout(1));
    assert_eq!(life.wake(), Some(seconds(1)));
    life.wait(seconds(1));
    life.is(JobState::Error);
}

/// Waiting for a slot of our own is nobody's failure, whatever led back to the queue.
/// conformance: number no-progress-clock
#[test]
fn the_timer_rests_in_the_queue() {
    type ToQueue = fn(&mut Life);
    let ways: [(ToQueue, u64); 3] = [
        (|life| drop(life.event(JobEvent::SlotTaken)), 50),
        (
            |life| {
                life.fail(passing());
                life.wait(seconds(2));
            },
            48,
        ),
        (
            |life| {
                life.event(JobEvent::Blocked(BLOCKS[0]));
                life.event(JobEvent::Unblocked(BLOCKS[0]));
            },
            50,
        ),
    ];
    for (to_queue, left) in ways {
        let mut life = Life::transferring(with_timeout(60), 1);
        life.wait(seconds(10));
        to_queue(&mut life);
        life.is(JobState::Queued);
        assert_eq!(life.wait(DAY), []);
        assert!(life.wake() > Some(DAY), "woken for a timer that rests");
        life.event(JobEvent::SlotGiven);
        assert_eq!(life.wake(), Some(seconds(left)));
    }
}

/// Row "Cost/cellular/power/VPN/memory block begins": no-progress timer stopped while blocked.
/// conformance: number no-progress-clock
#[test]
fn the_timer_rests_while_a_condition_blocks_the_job() {
    for code in BLOCKS {
        let mut life = Life::transferring(with_timeout(60), 1);
        life.wait(seconds(59));
        life.event(JobEvent::Blocked(code));
        assert_eq!(life.job.retry_at(), None, "the end of the condition brings it back");
        assert_eq!(life.wait(DAY * 29), [], "{code:?}");
        life.is(JobState::TransientError);
        life.event(JobEvent::Unblocked(code));
        life.event(JobEvent::SlotGiven);
        // What was used up before is not given back.
        life.wait(seconds(1));
        life.is(JobState::Error);
    }
}

/// Suspend and Resume start it anew (a caller who resumes wants it tried).
/// conformance: Job::Resume clears
#[test]
fn the_timer_starts_anew_when_the_caller_resumes() {
    let mut suspended = Life::transferring(with_timeout(60), 1);
    suspended.wait(seconds(59));
    suspended.wish(Wish::Suspend);
    assert_eq!(suspended.wait(DAY), []);
    suspended.wish(Wish::Resume);
    suspended.event(JobEvent::SlotGiven);
    assert_eq!(suspended.wake(), Some(seconds(60)));

    let mut given_up = Life::transferring(with_timeout(60), 1);
    given_up.wait(seconds(60));
    given_up.is(JobState::Error);
    given_up.wish(Wish::Resume);
    given_up.event(JobEvent::SlotGiven);
    assert_eq!(given_up.wake(), Some(seconds(60)));
}

/// "No-progress timeout" defaults: 3,600 s in the foreground, 86,400 s else, by the current
/// priority until the caller sets one.
/// conformance: default no-progress-timeout, Job::GetNoProgressTimeout
#[test]
fn the_timeout_follows_the_priority_until_it_is_set() {
    let mut life = Life::transferring(about(), 1);
    assert_eq!(life.wake(), Some(DAY));
    life.wish(Wish::SetPriority(Priority::Foreground));
    assert_eq!(life.wake(), Some(HOUR));
    life.wish(Wish::SetPriority(Priority::Low));
    assert_eq!(life.wake(), Some(DAY));
    // A job that has been quiet for longer than its new limit is given up at once.
    let mut hurried = life.clone();
    hurried.wait(HOUR);
    hurried.wish(Wish::SetPriority(Priority::Foreground));
    hurried.event(JobEvent::TimePassed);
    hurried.is(JobState::Error);

    life.wish(Wish::SetNoProgressTimeout(90));
    life.wish(Wish::SetPriority(Priority::Foreground));
    assert_eq!(life.wake(), Some(seconds(90)));
}

/// "No-progress = 0": no retries, every error fatal. A condition is no error, and a transfer that
/// has just begun is not late.
/// conformance: limit no-progress-zero
#[test]
fn with_a_timeout_of_zero_every_error_is_fatal() {
    let mut life = Life::transferring(with_timeout(0), 1);
    assert_eq!(life.wait(HOUR), []);
    life.event(JobEvent::Blocked(BLOCKS[0]));
    life.is(JobState::TransientError);
    assert_eq!(life.wait(HOUR), []);
    life.event(JobEvent::Unblocked(BLOCKS[0]));
    life.event(JobEvent::SlotGiven);
    life.is(JobState::Transferring);
    life.fail(passing());
    life.is(JobState::Error);
    assert_eq!(life.error(), Some(passing().code));
    assert_eq!(life.job.retry_at(), None);

    // Set while the job waits for its next try, it takes that try away.
    let mut waiting = Life::transferring(about(), 1);
    waiting.fail(passing());
    waiting.wish(Wish::SetNoProgressTimeout(0));
    assert_eq!(waiting.wake(), Some(Duration::ZERO));
    waiting.event(JobEvent::TimePassed);
    waiting.is(JobState::Error);
    assert_eq!(waiting.error(), Some(ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS));
}

/// Row "Job age > 30 days", from creation, however busy the job was.
/// conformance: limit retention
/// conformance: code DO_E_JOB_TOO_OLD
#[test]
fn a_job_is_cancelled_thirty_days_after_its_creation() {
    let mut life = Life::new(about(), 2);
    assert_eq!(life.wake(), Some(DAY * 30));
    life.wait(DAY * 10);
    life.wish(Wish::Resume);
    life.event(JobEvent::SlotGiven);
    life.finish(0);
    life.finish(1);
    life.wait(DAY * 19);
    life.is(JobState::Transferred);
    assert_eq!(life.wake(), Some(DAY));
    life.wait(DAY);
    life.is(JobState::Cancelled);
    let why = life.job.last_error().map(|error| error.code);
    assert_eq!(why, Some(ErrorCode::DO_E_JOB_TOO_OLD));
    // Nobody can ask for it: the row of GetError has no error object at the end.
    assert_eq!(life.error(), None);
    assert_eq!(life.wake(), None);
}

/// The clocks of the wall change nothing: only the service's own does.
/// conformance: number no-progress-clock
#[test]
fn setting_the_date_moves_no_deadline() {
    let mut life = Life::transferring(with_timeout(60), 1);
    for wall in [FileTime(0), FileTime(u64::MAX)] {
        let now = dobbin_core::job::Now { wall, ..at(seconds(59)) };
        let effects = dobbin_core::job::step(&mut life.job, JobEvent::TimePassed, now);
        assert_eq!(effects, Ok(Vec::new()));
    }
}

/// `BG_JOB_TIMES`: TransferCompletionTime is the entry into TRANSFERRED, and nothing before;
/// ModificationTime moves with bytes, files, properties and states, and with nothing else.
/// conformance: Job::GetTimes, struct BG_JOB_TIMES modification
#[test]
fn times_say_when_things_happened() {
    let mut life = Life::new(about(), 1);
    let created = at(Duration::ZERO).wall;
    let mut moves = |when: u64, event: JobEvent, modified: bool| {
        let before = life.job.times();
        life.now = seconds(when);
        let attempt = life.job.attempt();
        let event = match event {
            JobEvent::BytesArrived(_) => JobEvent::BytesArrived(attempt),
            JobEvent::FileFinished(_, number) => JobEvent::FileFinished(attempt, number),
            other => other,
        };
        life.event(event.clone());
        let expect = if modified { at(life.now).wall } else { before.modification };
        assert_eq!(life.job.times().modification, expect, "{event:?} at {when} s");
        assert_eq!(life.job.times().creation, created);
        life.job.times().transfer_completion
    };
    let any = dobbin_core::job::Attempt(0);
    assert_eq!(moves(1, JobEvent::Wish(Wish::SetPriority(Priority::Low)), true), None);
    assert_eq!(moves(2, JobEvent::Wish(Wish::Resume), true), None);
    assert_eq!(moves(3, JobEvent::Wish(Wish::Resume), false), None);
    assert_eq!(moves(4, JobEvent::SlotGiven, true), None);
    assert_eq!(moves(5, JobEvent::TimePassed, false), None);
    assert_eq!(moves(6, JobEvent::BytesArrived(any), true), None);
    let first = dobbin_types::FileNumber(0);
    let completion = Some(at(seconds(7)).wall);
    assert_eq!(moves(7, JobEvent::FileFinished(any, first), true), completion);
    let more = Wish::AddFiles(crate::make::files(1, 1));
    assert_eq!(moves(8, JobEvent::Wish(more), true), completion);
    assert_eq!(moves(9, JobEvent::Wish(Wish::Resume), true), completion);
    assert_eq!(moves(10, JobEvent::SlotGiven, true), completion);
    let second = dobbin_types::FileNumber(1);
    let again = moves(11, JobEvent::FileFinished(any, second), true);
    assert_eq!(again, Some(at(seconds(11)).wall), "entered a second time");
    assert_eq!(moves(12, JobEvent::Wish(Wish::Complete), true), again);
}

/// A job at rest is woken for nothing but its age.
#[test]
fn a_job_at_rest_is_left_alone() {
    let mut life = Life::transferring(with_timeout(60), 1);
    life.wish(Wish::Suspend);
    assert_eq!(life.wake(), Some(DAY * 30));
    let mut life = Life::transferring(with_timeout(60), 1);
    life.fail(fatal());
    assert_eq!(life.wake(), Some(DAY * 30));
    assert_eq!(life.wait(DAY), []);
    life.is(JobState::Error);
}

/// Somebody waits for the job now: it does not wait longer than after a failure in the foreground,
/// but not less than the origin wants.
///
/// conformance: Job::SetPriority
#[test]
fn a_job_that_becomes_urgent_waits_no_longer_than_the_foreground_does() {
    let failed = |tries: u32, trouble: &Trouble| {
        let mut life = Life::transferring(about(), 1);
        for _ in 1..tries {
            life.fail(trouble.clone());
            life.wait(life.wake().expect("planned"));
            life.event(JobEvent::SlotGiven);
        }
        life.fail(trouble.clone());
        life
    };
    let asked = |wait| Trouble { retry_after: Some(wait), ..passing() };
    for (mut life, expect) in [
        (failed(9, &passing()), seconds(30)),
        (failed(2, &passing()), seconds(4)),
        (failed(1, &asked(HOUR)), HOUR),
        (failed(9, &asked(seconds(40))), seconds(40)),
    ] {
        life.wish(Wish::SetPriority(Priority::Foreground));
        assert_eq!(life.wake(), Some(expect));
        life.wish(Wish::SetPriority(Priority::Low));
        assert_eq!(life.wake(), Some(expect), "and it stays so");
        assert_ne!(life.wait(expect), []);
        life.is(JobState::Queued);
    }
    // Nothing is planned for a blocked job, and nothing is planned now.
    let mut blocked = Life::transferring(about(), 1);
    blocked.event(JobEvent::Blocked(BLOCKS[0]));
    blocked.wish(Wish::SetPriority(Priority::Foreground));
    assert_eq!(blocked.job.retry_at(), None);
}

/// A network that is lost during the wait for the next try ends the wait: the try would fail, and
/// the time without a network would count against the job.
///
/// conformance: event network-lost × TRANSIENT_ERROR, event blocked × TRANSIENT_ERROR
#[test]
fn a_condition_takes_the_place_of_the_wait_for_the_next_try() {
    for code in BLOCKS {
        let mut life = Life::transferring(with_timeout(60), 1);
        life.fail(passing());
        life.wait(seconds(1));
        life.event(JobEvent::Blocked(code));
        life.is(JobState::TransientError);
        assert_eq!(life.error(), Some(code));
        assert_eq!(life.job.last_error().and_then(|e| e.extended), Some(passing().code));
        assert_eq!(life.wait(DAY), [], "neither a try nor the end: {code:?}");
        // Said again it is no news, and another condition has to wait for this one.
        assert_eq!(life.event(JobEvent::Blocked(BLOCKS[1])), []);
        life.event(JobEvent::Unblocked(code));
        life.is(JobState::Queued);
        life.event(JobEvent::SlotGiven);
        assert_eq!(life.wake(), Some(seconds(59)));
    }
}
