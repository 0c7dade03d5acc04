//! What callers may ask for, in every state: the rows of "explicit operations" of
//! `IBackgroundCopyJob`. Each test is one row; its name in the table stands in its comment.

use core::time::Duration;

use dobbin_core::job::{Effect, Job, JobEvent, Wish, step};
use dobbin_types::{ErrorCode, FileNumber, JobState, NotifyFlags, Priority};

use crate::make::{
    COLUMNS, Files, Life, about, at, files, job_in, notice_on_entry, notices, seconds,
};

/// What a wish does to a job in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// `S_OK`, and nothing of the job changed.
    Same,
    /// `S_OK`; the job changed, but neither its state nor what it is doing.
    Set,
    /// `S_OK`, and this is its state now.
    To(JobState),
    /// This code, and nothing of the job changed.
    Refused(ErrorCode),
    /// No job with such files is ever in this state.
    Never,
}

use Cell::{Never, Refused, Same, Set, To};

const IS: Cell = Refused(ErrorCode::DO_E_INVALID_STATE);
const CANCELLED: Cell = To(JobState::Cancelled);
const QUEUED: Cell = To(JobState::Queued);
const SUSPENDED: Cell = To(JobState::Suspended);

/// When the wish is made: later than everything before, so that a moved time shows.
const LATER: Duration = seconds(1);

/// Walks one row over all nine states, in the order of [`COLUMNS`].
#[track_caller]
fn row(wish: Wish, files: Files, cells: [Cell; 9]) {
    for (state, cell) in COLUMNS.into_iter().zip(cells) {
        let place = format!("{:?} in {state} with {files:?} files", wish.kind());
        match job_in(state, files) {
            Some(before) => check(&before, wish.clone(), cell, &place),
            None => assert_eq!(cell, Never, "{place}"),
        }
    }
}

#[track_caller]
fn check(before: &Job, wish: Wish, cell: Cell, place: &str) {
    let mut job = before.clone();
    let answer = step(&mut job, JobEvent::Wish(wish), at(LATER));
    match cell {
        Same => {
            assert_eq!(answer, Ok(Vec::new()), "{place}");
            assert_eq!(&job, before, "{place}");
        }
        Refused(code) => {
            assert_eq!(answer, Err(code), "{place}");
            assert_eq!(&job, before, "{place}: a refusal changed the job");
        }
        Set => {
            let effects = answer.unwrap_or_else(|code| panic!("{place}: {code:?}"));
            assert_eq!(job.state(), before.state(), "{place}");
            assert_eq!(job.attempt(), before.attempt(), "{place}: it disturbed what runs");
            assert!(effects.contains(&Effect::Persist), "{place}: not durable");
            assert_eq!(job.times().modification, at(LATER).wall, "{place}");
        }
        To(state) => {
            let effects = answer.unwrap_or_else(|code| panic!("{place}: {code:?}"));
            assert_eq!(job.state(), state, "{place}");
            assert!(job.attempt() > before.attempt(), "{place}: late results would still count");
            assert_eq!(notices(&effects), [notice_on_entry(state)], "{place}");
            let durable = if state.is_final() { Effect::Remove } else { Effect::Persist };
            assert!(effects.contains(&durable), "{place}: not durable");
            assert_eq!(job.times().modification, at(LATER).wall, "{place}");
        }
        Never => panic!("{place}: reached, although the table says never"),
    }
}

/// Row "Resume, ≥1 file unfinished". Its cell for TRANSFERRED is the test after the next.
/// conformance: state-table Resume × *, Job::Resume
#[test]
fn resume_queues_what_rests_and_leaves_alone_what_moves() {
    for files in [Files::Untouched, Files::Half] {
        let cells = [QUEUED, Same, Never, Same, QUEUED, QUEUED, Never, IS, IS];
        row(Wish::Resume, files, cells);
    }
}

/// Rows "Resume, no file in job" and "Resume, all files finished".
/// conformance: state-table Resume empty × *, state-table Resume finished × *, code DO_E_JOB_EMPTY
#[test]
fn resume_needs_a_file_and_knows_when_there_is_nothing_left_to_fetch() {
    let empty = Refused(ErrorCode::DO_E_JOB_EMPTY);
    let cells = [empty, Never, Never, Never, Never, Never, Never, IS, IS];
    row(Wish::Resume, Files::Empty, cells);
    let transferred = To(JobState::Transferred);
    let cells = [transferred, Never, Never, Never, Never, Never, Same, IS, IS];
    row(Wish::Resume, Files::Whole, cells);
}

/// Row "Resume, ≥1 file unfinished", cell TRANSFERRED (files were added): over SUSPENDED.
/// conformance: state-table AddFile × TRANSFERRED
#[test]
fn a_transferred_job_that_gets_files_fetches_only_those() {
    let mut life = Life::transferring(about(), 1);
    life.finish(0);
    life.is(JobState::Transferred);
    let effects = life.wish(Wish::AddFiles(files(1, 1)));
    assert!(effects.contains(&Effect::PersistFile(FileNumber(1))));
    life.is(JobState::Suspended);
    life.wish(Wish::Resume);
    life.is(JobState::Queued);
    let finished: Vec<bool> = life.job.files().iter().map(|file| file.finished).collect();
    assert_eq!(finished, [true, false]);
    life.event(JobEvent::SlotGiven);
    life.finish(1);
    life.is(JobState::Transferred);
}

/// Rows of `AddFile*`: no sink at Resume is `DO_E_LOCALPATH_NOT_SET`, no URL
/// `DO_E_DOWNLOAD_NO_URI`; the state stays.
/// conformance: AddFile no-sink, AddFile no-url, code DO_E_LOCALPATH_NOT_SET
/// conformance: code DO_E_DOWNLOAD_NO_URI
#[test]
fn resume_refuses_a_file_that_has_no_source_or_no_destination() {
    let refused = |change: fn(&mut dobbin_core::job::File), code| {
        let mut files = files(0, 2);
        change(&mut files[1]);
        let mut life = Life::new(about(), 0);
        life.wish(Wish::AddFiles(files));
        check(&life.job, Wish::Resume, Refused(code), "Resume");
    };
    refused(|file| file.local_name.clear(), ErrorCode::DO_E_LOCALPATH_NOT_SET);
    refused(|file| file.remote_name.clear(), ErrorCode::DO_E_DOWNLOAD_NO_URI);
}

/// Row "Suspend".
/// conformance: state-table Suspend × *, Job::Suspend, code DO_E_INVALID_STATE
#[test]
fn suspend_stops_what_moves_and_keeps_the_state_that_says_why_a_job_rests() {
    let cells = [Same, SUSPENDED, Never, SUSPENDED, SUSPENDED, Same, Never, IS, IS];
    row(Wish::Suspend, Files::Untouched, cells);
    row(Wish::Suspend, Files::Half, cells);
    row(Wish::Suspend, Files::Whole, [Same, Never, Never, Never, Never, Never, Same, IS, IS]);
    row(Wish::Suspend, Files::Empty, [Same, Never, Never, Never, Never, Never, Never, IS, IS]);
}

/// Rows "Suspend" and "Cancel": whatever is in flight is called off by its own number.
/// conformance: Job::Suspend
#[test]
fn what_is_called_off_is_the_attempt_that_ran() {
    for wish in [Wish::Suspend, Wish::Cancel] {
        for state in [JobState::Queued, JobState::Transferring, JobState::TransientError] {
            let mut job = job_in(state, Files::Half).expect("reached in every other row");
            let running = job.attempt();
            let effects = step(&mut job, JobEvent::Wish(wish.clone()), at(LATER));
            assert_eq!(effects.map(|effects| effects[0].clone()), Ok(Effect::Stop(running)));
            assert_eq!(job.retry_at(), None, "{wish:?} in {state}");
        }
    }
}

/// Row "Cancel".
/// conformance: state-table Cancel × *, Job::Cancel
#[test]
fn cancel_ends_a_job_everywhere_but_at_its_end() {
    let all = CANCELLED;
    row(Wish::Cancel, Files::Half, [all, all, Never, all, all, all, Never, IS, IS]);
    row(Wish::Cancel, Files::Untouched, [all, all, Never, all, all, all, Never, IS, IS]);
    row(Wish::Cancel, Files::Whole, [all, Never, Never, Never, Never, Never, all, IS, IS]);
    row(Wish::Cancel, Files::Empty, [all, Never, Never, Never, Never, Never, Never, IS, IS]);
}

/// Row "AddFile*".
/// conformance: state-table AddFile × *
#[test]
fn files_may_be_added_until_the_end_and_disturb_nothing_that_runs() {
    let wish = Wish::AddFiles(files(2, 3));
    row(wish.clone(), Files::Half, [Set, Set, Never, Set, Set, Set, Never, IS, IS]);
    row(wish.clone(), Files::Empty, [Set, Never, Never, Never, Never, Never, Never, IS, IS]);
    let cells = [Set, Never, Never, Never, Never, Never, SUSPENDED, IS, IS];
    row(wish.clone(), Files::Whole, cells);

    let mut life = Life::transferring(about(), 2);
    let effects = life.wish(wish);
    for number in 2..5 {
        assert!(effects.contains(&Effect::PersistFile(FileNumber(number))));
    }
    assert_eq!(life.job.files().len(), 5);
}

/// Row "AddFile*": a list without files says nothing that would suspend a transferred job.
#[test]
fn no_file_more_is_no_change() {
    let nothing = Wish::AddFiles(Vec::new());
    row(nothing.clone(), Files::Half, [Same, Same, Never, Same, Same, Same, Never, IS, IS]);
    row(nothing, Files::Whole, [Same, Never, Never, Never, Never, Never, Same, IS, IS]);
}

/// Rows "SetNoProgressTimeout, SetNotifyFlags" and "SetPriority".
/// conformance: state-table SetNoProgressTimeout × *, state-table SetNotifyFlags × *
/// conformance: state-table SetPriority × *
#[test]
fn properties_may_be_set_until_the_end() {
    let setters = [
        Wish::SetNoProgressTimeout(60),
        Wish::SetNoProgressTimeout(u32::MAX),
        Wish::SetNotifyFlags(NotifyFlags(0)),
        Wish::SetNotifyFlags(NotifyFlags::ACCEPTED),
        Wish::SetPriority(Priority::Foreground),
    ];
    for wish in setters {
        row(wish.clone(), Files::Half, [Set, Set, Never, Set, Set, Set, Never, IS, IS]);
        row(wish.clone(), Files::Whole, [Set, Never, Never, Never, Never, Never, Set, IS, IS]);
        row(wish, Files::Empty, [Set, Never, Never, Never, Never, Never, Never, IS, IS]);
    }
}

/// `SetNotifyFlags`: `E_NOTIMPL` for bits nobody knows; the state is asked first.
/// conformance: Job::SetNotifyFlags unknown-bits, enum FILE_RANGES_TRANSFERRED, code E_NOTIMPL
#[test]
fn flags_that_nobody_knows_are_refused() {
    let no = Refused(ErrorCode::E_NOTIMPL);
    for bits in [NotifyFlags::FILE_RANGES_TRANSFERRED, NotifyFlags(0x8000_0001)] {
        let wish = Wish::SetNotifyFlags(bits);
        row(wish.clone(), Files::Half, [no, no, Never, no, no, no, Never, IS, IS]);
        row(wish, Files::Whole, [no, Never, Never, Never, Never, Never, no, IS, IS]);
    }
}

/// What is set is what is read.
/// conformance: Job::SetNotifyFlags, Job::GetNotifyFlags, Job::GetPriority
/// conformance: Job::SetNoProgressTimeout
#[test]
fn a_property_reads_as_it_was_set() {
    let mut life = Life::new(about(), 1);
    life.wish(Wish::SetNotifyFlags(NotifyFlags(0x1D)));
    life.wish(Wish::SetPriority(Priority::Low));
    life.wish(Wish::SetNoProgressTimeout(61));
    assert_eq!(life.job.notify_flags(), NotifyFlags(0x1D));
    assert_eq!(life.job.priority(), Priority::Low);
    assert_eq!(life.job.no_progress_timeout(), seconds(61));
}

/// Footnote to CONNECTING: never entered, connecting is part of TRANSFERRING.
/// conformance: enum BG_JOB_STATE connecting
#[test]
fn no_job_is_ever_connecting() {
    for files in [Files::Empty, Files::Untouched, Files::Half, Files::Whole] {
        assert_eq!(job_in(JobState::Connecting, files), None);
    }
}
