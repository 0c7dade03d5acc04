//! Complete: the rows of "explicit operations" that take two steps, and what holds between them.

use core::time::Duration;

use dobbin_core::job::{Effect, Job, JobEvent, NewJob, Notice, Wish, step};
use dobbin_types::{Completion, ErrorCode, FileNumber, JobState, NotifyFlags, Priority};

use crate::make::{
    COLUMNS, DAY, Files, Life, about, at, fatal, files, finished, job_in, notices, recorded_as,
    seconds,
};

/// What Complete does to a job in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// Acknowledged: what was finished is the user's, and only that.
    Done,
    /// A file could not be put in its place: the job stays as it was.
    Stays,
    /// `DO_E_INVALID_STATE`, and nothing of the job changed.
    Is,
    /// No job with such files is ever in this state.
    Never,
}

use Cell::{Done, Is, Never, Stays};

/// Walks one row over all nine states, in the order of [`COLUMNS`].
#[track_caller]
fn row(files: Files, rename: Result<(), FileNumber>, cells: [Cell; 9]) {
    for (state, cell) in COLUMNS.into_iter().zip(cells) {
        let place = format!("Complete in {state} with {files:?} files");
        match job_in(state, files) {
            Some(before) => check(&before, rename, cell, &place),
            None => assert_eq!(cell, Never, "{place}"),
        }
    }
}

#[track_caller]
fn check(before: &Job, rename: Result<(), FileNumber>, cell: Cell, place: &str) {
    let mut life = Life { job: before.clone(), now: Duration::ZERO };
    let answer = step(&mut life.job, JobEvent::Wish(Wish::Complete), at(life.now));
    if cell == Is {
        assert_eq!(answer, Err(ErrorCode::DO_E_INVALID_STATE), "{place}");
        assert_eq!(&life.job, before, "{place}: a refusal changed the job");
        return;
    }
    assert_eq!(answer, Ok(vec![Effect::Publish]), "{place}");
    assert_eq!(life.job.state(), before.state(), "{place}: moved before anything was published");
    assert_eq!(life.job.attempt(), before.attempt(), "{place}: stopped before it was over");
    assert!(life.job.is_publishing(), "{place}");
    let end = publish(&mut life, rename);
    assert!(!life.job.is_publishing(), "{place}");
    let kept: Vec<bool> = life.job.files().iter().map(|file| file.published).collect();
    match cell {
        Done => {
            life.is(JobState::Acknowledged);
            let stop = Effect::Stop(before.attempt());
            assert_eq!(end, [stop, Effect::Remove, Effect::Tell(Notice::Ended)], "{place}");
            let had: Vec<bool> = before.files().iter().map(|file| file.finished).collect();
            assert_eq!(kept, had, "{place}");
        }
        Stays => {
            life.is(before.state());
            assert_eq!(life.job.attempt(), before.attempt(), "{place}");
            assert_eq!(end, [Effect::Persist, Effect::Tell(Notice::Modified)], "{place}");
            let failed = rename.expect_err("the row says that a rename fails").index();
            let before_it: Vec<bool> = (0..kept.len()).map(|index| index < failed).collect();
            assert_eq!(kept, before_it, "{place}");
            assert_eq!(life.job.error_object(), before.error_object(), "{place}");
        }
        Is | Never => panic!("{place}: accepted, although the table says not"),
    }
}

/// Plays the engine: puts every finished file that is not there yet in its place, up to the one
/// that fails.
fn publish(life: &mut Life, rename: Result<(), FileNumber>) -> Vec<Effect> {
    for number in finished(&life.job) {
        if life.job.files()[number.index()].published {
            continue;
        }
        if rename == Err(number) {
            return life.event(JobEvent::PublishEnded(Some((number, fatal()))));
        }
        let effects = life.event(JobEvent::FilePublished(number));
        assert!(effects.contains(&Effect::PersistFile(number)), "published, but not durably");
    }
    life.event(JobEvent::PublishEnded(None))
}

/// Row "Complete, all finished".
/// conformance: state-table Complete finished × *, Job::Complete
#[test]
fn a_transferred_job_is_acknowledged() {
    row(Files::Whole, Ok(()), [Done, Never, Never, Never, Never, Never, Done, Is, Is]);
}

/// Row "Complete, some unfinished".
/// conformance: state-table Complete partial × *
#[test]
fn an_unfinished_job_keeps_what_was_finished_and_drops_the_rest() {
    row(Files::Half, Ok(()), [Done, Done, Never, Done, Done, Done, Never, Is, Is]);
    row(Files::Untouched, Ok(()), [Done, Done, Never, Done, Done, Done, Never, Is, Is]);
}

/// "Complete on an empty job".
/// conformance: Job::Complete empty
#[test]
fn an_empty_job_is_acknowledged() {
    row(Files::Empty, Ok(()), [Done, Never, Never, Never, Never, Never, Never, Is, Is]);
}

/// Row "Complete, rename fails", with its footnote: files put in their place before stay there.
/// conformance: state-table Complete rename-fails × *, struct BG_FILE_PROGRESS completed
#[test]
fn a_file_that_cannot_be_put_in_its_place_leaves_the_job_as_it_was() {
    let cells = [Stays, Stays, Never, Stays, Stays, Stays, Never, Is, Is];
    row(Files::Half, Err(FileNumber(0)), cells);
    for failing in [0, 1] {
        let cells = [Stays, Never, Never, Never, Never, Never, Stays, Is, Is];
        row(Files::Whole, Err(FileNumber(failing)), cells);
    }
}

/// Footnote to "Complete, rename fails": call Complete again, or Cancel.
/// conformance: Job::Complete again
#[test]
fn complete_goes_on_where_it_failed() {
    let mut life = Life::transferring(about(), 2);
    life.finish(0);
    life.finish(1);
    life.wish(Wish::Complete);
    publish(&mut life, Err(FileNumber(1)));
    life.is(JobState::Transferred);
    let mut cancelled = life.clone();
    cancelled.wish(Wish::Cancel);
    cancelled.is(JobState::Cancelled);

    life.wish(Wish::Complete);
    // The first file is the user's already: saying so again changes nothing.
    assert_eq!(life.event(JobEvent::FilePublished(FileNumber(0))), []);
    publish(&mut life, Ok(()));
    life.is(JobState::Acknowledged);
}

/// Complete is one step for everybody: until it is over every wish waits.
/// conformance: complete one-step
#[test]
fn no_wish_reaches_a_job_that_is_being_completed() {
    let wishes = [
        Wish::Resume,
        Wish::Suspend,
        Wish::Cancel,
        Wish::Complete,
        Wish::AddFiles(files(2, 1)),
        Wish::AddFiles(Vec::new()),
        Wish::SetPriority(Priority::Foreground),
        Wish::SetNoProgressTimeout(1),
        Wish::SetNotifyFlags(NotifyFlags(0)),
        Wish::SetNotifyFlags(NotifyFlags(u32::MAX)),
    ];
    for state in COLUMNS {
        let files = if state == JobState::Transferred { Files::Whole } else { Files::Half };
        let Some(mut before) = job_in(state, files).filter(|job| !job.state().is_final()) else {
            continue;
        };
        assert!(step(&mut before, JobEvent::Wish(Wish::Complete), at(seconds(1))).is_ok());
        for wish in &wishes {
            let mut job = before.clone();
            let answer = step(&mut job, JobEvent::Wish(wish.clone()), at(seconds(2)));
            assert_eq!(answer, Err(ErrorCode::DO_E_INVALID_STATE), "{wish:?} in {state}");
            assert_eq!(job, before, "{wish:?} in {state}");
        }
    }
}

/// Time waits too, and nobody is woken for it: neither the retry, nor the no-progress timeout, nor
/// the job's age.
#[test]
fn time_does_nothing_to_a_job_that_is_being_completed() {
    for state in [JobState::Transferring, JobState::TransientError, JobState::Suspended] {
        let job = job_in(state, Files::Half).expect("reached in every other row");
        let mut life = Life { job, now: Duration::ZERO };
        life.wish(Wish::Complete);
        assert_eq!(life.wake(), None, "{state}");
        assert_eq!(life.wait(DAY * 31), [], "{state}");
        life.event(JobEvent::PublishEnded(Some((FileNumber(0), fatal()))));
        // Now it is due, and overdue.
        assert_eq!(life.wake(), Some(Duration::ZERO), "{state}");
        life.event(JobEvent::TimePassed);
        life.is(JobState::Cancelled);
    }
}

/// What runs goes on while the finished files are put in their place: a file that is finished
/// meanwhile is kept as well.
#[test]
fn a_file_finished_while_others_are_published_is_published_too() {
    let mut life = Life::transferring(about(), 2);
    life.finish(0);
    life.wish(Wish::Complete);
    life.event(JobEvent::FilePublished(FileNumber(0)));
    assert_eq!(notices(&life.finish(1)), [Notice::Transferred]);
    assert_eq!(life.event(JobEvent::PublishEnded(None)), [Effect::Publish]);
    assert!(life.job.is_publishing());
    life.event(JobEvent::FilePublished(FileNumber(1)));
    life.event(JobEvent::PublishEnded(None));
    life.is(JobState::Acknowledged);
}

/// An unfinished file is never the user's, whatever the engine says.
#[test]
fn only_finished_files_are_published() {
    let mut life = Life::transferring(about(), 1);
    life.wish(Wish::Complete);
    assert_eq!(life.event(JobEvent::FilePublished(FileNumber(0))), []);
    assert_eq!(life.event(JobEvent::FilePublished(FileNumber(9))), []);
    assert!(!life.job.files()[0].published);
}

/// [`Completion::Service`]: completed as soon as it is transferred; a failure leaves it to its
/// owner.
#[test]
fn the_service_completes_jobs_that_say_so() {
    let about = NewJob { completion: Completion::Service, ..about() };
    let mut life = Life::transferring(about, 1);
    let effects = life.finish(0);
    assert_eq!(notices(&effects), [Notice::Transferred]);
    assert_eq!(effects.last(), Some(&Effect::Publish), "published before it was durable");
    assert!(life.job.is_publishing());

    let mut fails = life.clone();
    publish(&mut fails, Err(FileNumber(0)));
    fails.is(JobState::Transferred);
    assert_eq!(fails.wait(DAY), [], "tried again by itself");
    fails.wish(Wish::Complete);
    publish(&mut fails, Ok(()));
    fails.is(JobState::Acknowledged);

    publish(&mut life, Ok(()));
    life.is(JobState::Acknowledged);
}

/// However the job became transferred: here by the row "Resume, all files finished".
#[test]
fn the_service_completes_a_job_that_resume_finds_finished() {
    let about = NewJob { completion: Completion::Service, ..about() };
    let mut life = Life::transferring(about, 1);
    life.finish(0);
    let mut life = Life { job: recorded_as(&life.job, JobState::Suspended), now: life.now };
    assert_eq!(life.wish(Wish::Resume).last(), Some(&Effect::Publish));
    publish(&mut life, Ok(()));
    life.is(JobState::Acknowledged);
}

/// A caller may be faster: then there is one Complete, not two.
#[test]
fn a_job_completed_by_its_owner_is_not_completed_twice() {
    let about = NewJob { completion: Completion::Service, ..about() };
    let mut life = Life::transferring(about, 1);
    life.wish(Wish::Complete);
    assert!(!life.finish(0).contains(&Effect::Publish));
    assert_eq!(life.event(JobEvent::PublishEnded(None)), [Effect::Publish]);
    life.event(JobEvent::FilePublished(FileNumber(0)));
    life.event(JobEvent::PublishEnded(None));
    life.is(JobState::Acknowledged);
}

/// conformance: complete caller-descriptor
#[test]
fn a_caller_who_takes_the_files_itself_completes_the_job_in_the_same_way() {
    for files in [Files::Whole, Files::Half, Files::Untouched, Files::Empty] {
        for state in COLUMNS {
            let Some(before) = job_in(state, files) else { continue };
            let place = format!("{state} with {files:?} files");
            let mut life = Life { job: before.clone(), now: Duration::ZERO };
            let answer = step(&mut life.job, JobEvent::Wish(Wish::HandOver), at(life.now));
            if state.is_final() {
                assert_eq!(answer, Err(ErrorCode::DO_E_INVALID_STATE), "{place}");
                assert_eq!(life.job, before, "{place}");
                continue;
            }
            assert_eq!(answer, Ok(vec![]), "{place}: nothing for the engine to publish");
            assert!(life.job.is_publishing(), "{place}");
            // Whoever hangs up leaves the job as it was.
            let mut left = Life { job: life.job.clone(), now: life.now };
            left.event(JobEvent::PublishEnded(Some((FileNumber(0), fatal()))));
            left.is(state);
            assert!(!left.job.is_publishing(), "{place}");
            publish(&mut life, Ok(()));
            life.is(JobState::Acknowledged);
        }
    }
}
