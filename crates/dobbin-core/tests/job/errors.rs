//! The error object (`IBackgroundCopyError`): what it says, when there is one, and for how long.

use dobbin_core::job::{Effect, JobError, JobEvent, NewJob, Trouble, Wish};
use dobbin_types::{ErrorCode, ErrorContext, FileNumber, JobState};

use crate::make::{
    BLOCKS, COLUMNS, Files, Life, NAME_NOT_RESOLVED, about, fatal, job_in, passing, seconds,
};

/// Row "GetError": in ERROR and TRANSIENT_ERROR, and nowhere else.
/// conformance: state-table GetError × *, Job::GetError
#[test]
fn there_is_an_error_object_in_the_two_error_states_only() {
    for state in COLUMNS {
        for files in [Files::Empty, Files::Untouched, Files::Half, Files::Whole] {
            let Some(job) = job_in(state, files) else { continue };
            let expect = match state {
                JobState::Error => Some(fatal().code),
                JobState::TransientError => Some(passing().code),
                _ => None,
            };
            assert_eq!(job.error_object().map(|error| error.code), expect, "{state}");
        }
    }
}

/// It says what the engine met, and where.
/// conformance: Error::GetFile
#[test]
fn an_error_object_says_what_happened_to_which_file() {
    let trouble = Trouble {
        extended: Some(ErrorCode::DO_E_METAINFO_CONTENT),
        http_status: Some(503),
        ..passing()
    };
    let mut life = Life::transferring(about(), 2);
    let event = JobEvent::AttemptFailed(life.job.attempt(), Some(FileNumber(1)), trouble.clone());
    life.event(event);
    let expect = JobError {
        code: trouble.code,
        extended: trouble.extended,
        http_status: Some(503),
        message: trouble.message,
        file: Some(FileNumber(1)),
    };
    assert_eq!(life.job.error_object(), Some(&expect));
}

/// "Error context": the remote file exactly when the failure was HTTP 403, else none.
/// conformance: Error::GetError, enum BG_ERROR_CONTEXT, http-status context
#[test]
fn only_a_403_is_the_remote_files_fault() {
    for status in [None, Some(401), Some(403), Some(404), Some(500)] {
        let mut life = Life::transferring(about(), 1);
        life.fail(Trouble { http_status: status, ..fatal() });
        let context = life.job.error_object().map(JobError::context);
        let remote = status == Some(403);
        let expect = if remote { ErrorContext::RemoteFile } else { ErrorContext::None };
        assert_eq!(context, Some(expect), "{status:?}");
    }
}

/// A block's error object has the code of its condition.
/// conformance: code DO_E_BLOCKED_BY_NO_NETWORK, code DO_E_BLOCKED_BY_POWER_STATE
/// conformance: code DO_E_BLOCKED_BY_COST_TRANSFER_POLICY
/// conformance: code DO_E_BLOCKED_BY_CELLULAR_POLICY
/// conformance: code DO_E_BLOCKED_BY_VPN_POLICY
/// conformance: code DO_E_BLOCKED_BY_CRITICAL_MEMORY_USAGE
#[test]
fn a_block_says_which_condition_it_is() {
    for code in BLOCKS {
        let mut life = Life::transferring(about(), 1);
        life.event(JobEvent::Blocked(code));
        assert_eq!(life.error(), Some(code));
        assert_eq!(life.job.error_object().and_then(|error| error.file), None);
        life.event(JobEvent::Unblocked(code));
        assert_eq!(life.error(), None);
    }
}

/// Row "Scheduler slot free": the error object is discarded once data moves, not before.
/// conformance: Job::GetError lifetime, event slot-free × QUEUED
#[test]
fn the_reason_of_the_last_stop_stays_until_data_moves() {
    for data_moves in [Life::bytes, |life: &mut Life| life.finish(0)] {
        for trouble in [fatal(), passing()] {
            let mut life = Life::transferring(about(), 2);
            life.fail(trouble.clone());
            life.wish(Wish::Resume);
            life.event(JobEvent::SlotGiven);
            assert_eq!(life.job.last_error().map(|error| error.code), Some(trouble.code));
            assert_eq!(life.error(), None, "GetError has no object while the job moves");
            let effects = data_moves(&mut life);
            assert_eq!(life.job.last_error(), None);
            assert!(effects.contains(&Effect::Persist), "a restart would bring it back");
            assert!(!data_moves(&mut life).contains(&Effect::Persist), "written for nothing");
        }
    }
}

/// A job that is transferred has nothing to complain of, even when its last file had no byte.
#[test]
fn a_transferred_job_has_forgotten_its_failures() {
    let mut life = Life::transferring(about(), 1);
    life.fail(passing());
    life.wait(seconds(2));
    life.event(JobEvent::SlotGiven);
    life.finish(0);
    life.is(JobState::Transferred);
    assert_eq!(life.job.last_error(), None);
    assert_eq!(life.job.failures_count(), 0);
}

/// Row "No-progress timeout expires": previous code in ExtendedErrorInfo.
/// conformance: event no-progress × TRANSIENT_ERROR, code DO_E_DOWNLOAD_NO_PROGRESS
#[test]
fn giving_up_keeps_the_last_failure_behind_the_code() {
    let quick = || NewJob { no_progress_timeout: Some(60), ..about() };
    let mut life = Life::transferring(quick(), 1);
    life.fail(passing());
    life.wait(seconds(60));
    let error = life.job.error_object().expect("given up");
    assert_eq!(error.code, ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS);
    assert_eq!(error.extended, Some(NAME_NOT_RESOLVED));
    assert_eq!(error.file, Some(FileNumber(0)));
    assert!(error.message.contains(&passing().message), "{}", error.message);

    let mut silent = Life::transferring(quick(), 1);
    silent.wait(seconds(60));
    assert_eq!(silent.job.error_object().map(|error| error.extended), Some(None));
}

/// A job resumed again and again without a byte says the same each time: nothing piles up.
#[test]
fn a_stall_after_a_stall_says_no_more_than_the_first() {
    let mut life = Life::transferring(about(), 1);
    let mut given_up = Vec::new();
    for _ in 0..3 {
        life.wait(seconds(86_400));
        given_up.push(life.job.error_object().cloned());
        life.wish(Wish::Resume);
        life.event(JobEvent::SlotGiven);
    }
    assert!(given_up[0].is_some());
    assert_eq!(given_up[1..], [given_up[0].clone(), given_up[0].clone()]);
}
