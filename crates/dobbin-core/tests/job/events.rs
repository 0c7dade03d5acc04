//! What becomes of a job, event by event and state by state: the rows of "events" of
//! `IBackgroundCopyJob`. Each test is one row or a few; their names stand in its comment.

use core::time::Duration;

use dobbin_core::job::{Attempt, Effect, Facts, Job, JobEvent, Notice, Wish, step};
use dobbin_types::{ErrorCode, FileNumber, JobState};

use crate::make::{
    BLOCKS, COLUMNS, DAY, Files, Life, about, at, fatal, job_in, notice_on_entry, notices, passing,
    seconds,
};

/// What an event does to a job in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// Nothing of the job changed and there is nothing to do.
    No,
    /// The job changed, but neither its state nor what it is doing.
    Goes,
    /// This is its state now.
    To(JobState),
}

use Cell::{Goes, No, To};

const QUEUED: Cell = To(JobState::Queued);
const ERROR: Cell = To(JobState::Error);
const TRANSIENT: Cell = To(JobState::TransientError);
const GONE: Cell = To(JobState::Cancelled);

/// Walks one row over all nine states, in the order of [`COLUMNS`] without CONNECTING, which no job
/// enters. `event` is told the attempt that is going on.
#[track_caller]
fn row(name: &str, when: Duration, event: impl Fn(Attempt) -> JobEvent, cells: [Cell; 8]) {
    let reached = COLUMNS.into_iter().filter(|state| *state != JobState::Connecting);
    for (state, cell) in reached.zip(cells) {
        let before = usual(state);
        check(&before, when, event(before.attempt()), cell, &format!("{name}: {state}"));
    }
}

/// The usual job in this state: one of two files is finished, or both where that must be.
fn usual(state: JobState) -> Job {
    let files = if state == JobState::Transferred { Files::Whole } else { Files::Half };
    job_in(state, files).expect("every state but CONNECTING is reached")
}

#[track_caller]
fn check(before: &Job, when: Duration, event: JobEvent, cell: Cell, place: &str) {
    let mut job = before.clone();
    let effects = step(&mut job, event.clone(), at(when)).expect("outcomes are never refused");
    match cell {
        No => {
            assert_eq!(effects, [], "{place}");
            assert_eq!(&job, before, "{place}");
        }
        Goes => {
            assert_eq!(job.state(), before.state(), "{place}");
            assert_eq!(job.attempt(), before.attempt(), "{place}: it disturbed what runs");
            let one_file = matches!(event, JobEvent::FileFinished(..));
            let told = if one_file { Notice::FileTransferred } else { Notice::Modified };
            assert_eq!(notices(&effects), [told], "{place}");
        }
        To(state) => {
            assert_eq!(job.state(), state, "{place}");
            assert!(job.attempt() > before.attempt(), "{place}: late results would still count");
            assert_eq!(notices(&effects), [notice_on_entry(state)], "{place}");
            let stopped = effects.contains(&Effect::Stop(before.attempt()));
            let ran = before.state() == JobState::Transferring && state != JobState::Transferred;
            assert!(stopped || !ran, "{place}: what ran was not called off");
        }
    }
    if cell != No {
        assert_eq!(job.times().modification, at(when).wall, "{place}");
    }
}

const SOON: Duration = seconds(1);
const FIRST: FileNumber = FileNumber(0);
const LAST: FileNumber = FileNumber(1);

fn facts() -> Facts {
    Facts {
        url: "http://origin.example/f".into(),
        remote_size: 10,
        validator: None,
        last_modified: None,
    }
}

/// Rows "Scheduler slot free" and, for lack of a log-on, "Owner logs off": the schedule gives and
/// takes.
/// conformance: event slot-free × *, event slot-free elsewhere
/// conformance: event slot-needed × *, event slot-needed elsewhere
#[test]
fn a_slot_moves_a_queued_job_and_only_that() {
    let to = To(JobState::Transferring);
    row("slot given", SOON, |_| JobEvent::SlotGiven, [No, to, No, No, No, No, No, No]);
    row("slot taken", SOON, |_| JobEvent::SlotTaken, [No, No, QUEUED, No, No, No, No, No]);
}

/// Rows "One file finished" and "Every file finished".
/// conformance: event all-finished × *, event all-finished elsewhere, event one-finished × *
/// conformance: event one-finished elsewhere
#[test]
fn the_last_file_makes_a_job_transferred() {
    let to = To(JobState::Transferred);
    let last = |attempt| JobEvent::FileFinished(attempt, LAST);
    row("last file", SOON, last, [No, No, to, No, No, No, No, No]);
    // The first is finished already; a third one does not exist.
    for number in [FIRST, FileNumber(2)] {
        let event = |attempt| JobEvent::FileFinished(attempt, number);
        row("no news", SOON, event, [No; 8]);
    }
    let two = job_in(JobState::Transferring, Files::Untouched).expect("reached");
    for number in [FIRST, LAST] {
        let event = JobEvent::FileFinished(two.attempt(), number);
        check(&two, SOON, event, Goes, "one file finished");
    }
}

/// Rows "Fatal error on one file" and "Transient error".
/// conformance: event fatal × *, event fatal elsewhere, event transient × *
/// conformance: event transient elsewhere
#[test]
fn an_error_stops_what_is_in_the_queue_or_moves() {
    let fails =
        |trouble: fn() -> _| move |attempt| JobEvent::AttemptFailed(attempt, Some(LAST), trouble());
    row("fatal", SOON, fails(fatal), [No, ERROR, ERROR, No, No, No, No, No]);
    row("transient", SOON, fails(passing), [No, TRANSIENT, TRANSIENT, No, No, No, No, No]);
}

/// Rows "Retry timer fires", "No-progress timeout expires" (after an error, and with bytes stalled
/// without one) and "Job age > 30 days".
/// conformance: event retry × *, event retry elsewhere, event no-progress × *
/// conformance: event no-progress elsewhere, event stalled × *, event stalled elsewhere
/// conformance: event too-old × *, event too-old elsewhere
#[test]
fn time_alone_moves_a_job() {
    let time = |_| JobEvent::TimePassed;
    row("too early", seconds(2) - Duration::from_millis(1), time, [No; 8]);
    row("retry", seconds(2), time, [No, No, No, QUEUED, No, No, No, No]);
    row(
        "almost stalled",
        DAY - Duration::from_millis(1),
        time,
        [No, No, No, QUEUED, No, No, No, No],
    );
    row("stalled", DAY, time, [No, No, ERROR, ERROR, No, No, No, No]);
    let young = DAY * 30 - Duration::from_millis(1);
    row("not yet old", young, time, [No, No, ERROR, ERROR, No, No, No, No]);
    row("too old", DAY * 30, time, [GONE, GONE, GONE, GONE, GONE, GONE, No, No]);
}

/// Rows "Network lost" and "Cost/cellular/power/VPN/memory block begins".
/// conformance: event network-lost × *, event network-lost elsewhere, event blocked × *
/// conformance: event blocked elsewhere
#[test]
fn a_condition_stops_what_is_in_the_queue_or_moves() {
    for code in BLOCKS {
        let event = |_| JobEvent::Blocked(code);
        row("blocked", SOON, event, [No, TRANSIENT, TRANSIENT, Goes, No, No, No, No]);
    }
}

/// Rows "Network back" (from any code) and "Block ends" (from its own code only).
/// conformance: event network-back × *, event network-back elsewhere, event unblocked × *
/// conformance: event unblocked elsewhere
#[test]
fn the_network_ends_every_wait_and_other_conditions_only_their_own() {
    for ended in BLOCKS {
        let is_network = ended == ErrorCode::DO_E_BLOCKED_BY_NO_NETWORK;
        let after_dns = if is_network { QUEUED } else { No };
        let event = |_| JobEvent::Unblocked(ended);
        row("after a DNS failure", SOON, event, [No, No, No, after_dns, No, No, No, No]);
        for begun in BLOCKS {
            let mut life = Life::transferring(about(), 1);
            life.event(JobEvent::Blocked(begun));
            let cell = if is_network || ended == begun { QUEUED } else { No };
            let place = format!("{begun:?} began, {ended:?} ended");
            check(&life.job, SOON, JobEvent::Unblocked(ended), cell, &place);
        }
    }
}

/// Rows "Scheduler slot free" (error object discarded once data moves), "Remote size or time stamp
/// changed mid-file" and what the origin says of a file.
/// conformance: event remote-changed × *, event remote-changed elsewhere
#[test]
fn news_of_a_running_attempt_changes_what_is_known_and_not_the_state() {
    let bytes = JobEvent::BytesArrived;
    row("bytes", SOON, bytes, [No, No, Goes, No, No, No, No, No]);
    let known = |attempt| JobEvent::FileKnown(attempt, LAST, facts());
    row("known", SOON, known, [No, No, Goes, No, No, No, No, No]);
    let restarted = |attempt| JobEvent::FileRestarted(attempt, LAST);
    row("restarted", SOON, restarted, [No, No, Goes, No, No, No, No, No]);
    // A finished file is not fetched again, and a file that does not exist has no news.
    for number in [FIRST, FileNumber(2)] {
        let known = |attempt| JobEvent::FileKnown(attempt, number, facts());
        row("known", SOON, known, [No; 8]);
        let restarted = |attempt| JobEvent::FileRestarted(attempt, number);
        row("restarted", SOON, restarted, [No; 8]);
    }
}

/// Row "Remote size or time stamp changed mid-file": only that file starts from zero.
/// conformance: event remote-changed × TRANSFERRING
#[test]
fn a_changed_file_forgets_what_was_known_of_it_alone() {
    let mut life = Life::transferring(about(), 2);
    for number in [FIRST, LAST] {
        let attempt = life.job.attempt();
        let effects = life.event(JobEvent::FileKnown(attempt, number, facts()));
        assert_eq!(effects, [Effect::PersistFile(number), Effect::Tell(Notice::Modified)]);
        // Said again, it is no news.
        assert_eq!(life.event(JobEvent::FileKnown(attempt, number, facts())), []);
    }
    let effects = life.event(JobEvent::FileRestarted(life.job.attempt(), LAST));
    assert_eq!(effects, [Effect::PersistFile(LAST), Effect::Tell(Notice::Modified)]);
    let known: Vec<bool> = life.job.files().iter().map(|file| file.facts.is_some()).collect();
    assert_eq!(known, [true, false]);
    life.is(JobState::Transferring);
}

/// Nobody asked to complete the job: there is nothing to publish.
#[test]
fn publishing_has_outcomes_only_after_complete() {
    row("published", SOON, |_| JobEvent::FilePublished(FIRST), [No; 8]);
    row("ended", SOON, |_| JobEvent::PublishEnded(None), [No; 8]);
    row("failed", SOON, |_| JobEvent::PublishEnded(Some((FIRST, fatal()))), [No; 8]);
}

/// Every event that carries an attempt, stamped with one.
fn stamped(attempt: Attempt) -> [JobEvent; 6] {
    [
        JobEvent::FileKnown(attempt, LAST, facts()),
        JobEvent::FileRestarted(attempt, LAST),
        JobEvent::BytesArrived(attempt),
        JobEvent::FileFinished(attempt, LAST),
        JobEvent::AttemptFailed(attempt, Some(LAST), passing()),
        JobEvent::AttemptFailed(attempt, None, fatal()),
    ]
}

/// A result of an attempt that no longer runs changes nothing, in any state.
/// conformance: Job late-results
#[test]
fn late_results_change_nothing() {
    for state in COLUMNS.into_iter().filter(|state| *state != JobState::Connecting) {
        let job = usual(state);
        let Attempt(current) = job.attempt();
        for other in (0..current).chain([current + 1]) {
            for event in stamped(Attempt(other)) {
                let place = format!("{event:?} in {state}, attempt {current}");
                check(&job, SOON, event, No, &place);
            }
        }
    }
}

/// The same, for each thing that may overtake an attempt while the job moves on.
/// conformance: Job late-results
#[test]
fn whatever_overtakes_an_attempt_makes_its_results_late() {
    type Overtake = fn(&mut Life);
    let overtaken: [Overtake; 5] = [
        |life| drop(life.wish(Wish::Suspend)),
        |life| drop(life.event(JobEvent::SlotTaken)),
        |life| drop(life.fail(passing())),
        |life| drop(life.event(JobEvent::Blocked(BLOCKS[0]))),
        |life| drop(life.fail(fatal())),
    ];
    for overtake in overtaken {
        let mut life = Life::transferring(about(), 2);
        let old = life.job.attempt();
        overtake(&mut life);
        for back in [JobEvent::Wish(Wish::Resume), JobEvent::SlotGiven] {
            for event in stamped(old) {
                check(&life.job, SOON, event, No, "overtaken");
            }
            life.event(back);
        }
        life.is(JobState::Transferring);
        for event in stamped(old) {
            check(&life.job, SOON, event, No, "overtaken and begun again");
        }
    }
}
