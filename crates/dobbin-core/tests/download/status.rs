//! What `GetStatus` says, and how programs tell the kinds of a pause apart.

use core::time::Duration;

use dobbin_core::download::Operation;
use dobbin_core::job::{JobEvent, Trouble, step};
use dobbin_types::{DownloadState, ErrorCode};

use crate::make::{COLUMNS, Column, Life, after, busy, refused};

#[track_caller]
fn check(life: &Life, state: DownloadState, error: ErrorCode, extended: ErrorCode) {
    let view = life.view();
    let codes = view.codes();
    assert_eq!((view.state(), codes.error, codes.extended), (state, error, extended));
}

const OK: ErrorCode = ErrorCode::S_OK;

/// conformance: IDODownload::GetStatus, IDODownload::GetStatus transient
/// conformance: IDODownload::GetStatus fatal, download-table GetStatus × *
/// conformance: download-table all-bytes × Transferring, download-table fatal × Transferring
/// conformance: struct DO_DOWNLOAD_STATUS
#[test]
fn a_fatal_error_is_the_error_a_passing_one_the_extended_one_and_a_pause_neither() {
    for column in COLUMNS {
        let (error, extended) = match column {
            Column::PausedFatal => (refused().code, OK),
            Column::PausedTransient => (OK, busy().code),
            Column::Created
            | Column::Transferring
            | Column::PausedUser
            | Column::Transferred
            | Column::Finalized
            | Column::Aborted => (OK, OK),
        };
        check(&Life::in_column(column, &[]), column.state(), error, extended);
    }
}

/// conformance: download-table Pause × Paused-transient, download-table Pause × Paused
#[test]
fn a_pause_during_an_error_that_may_pass_is_the_callers_own() {
    let mut life = Life::in_column(Column::PausedTransient, &[]);
    life.run(Operation::Pause).unwrap();
    check(&life, DownloadState::Paused, OK, OK);
    life.event(JobEvent::TimePassed);
    check(&life, DownloadState::Paused, OK, OK);
}

/// conformance: download-table transient-block × Transferring, IDODownload::GetStatus transient
#[test]
fn a_block_pauses_with_its_code_and_passes_by_itself() {
    let code = ErrorCode::DO_E_BLOCKED_BY_COST_TRANSFER_POLICY;
    let mut life = Life::in_column(Column::Transferring, &[]);
    life.event(JobEvent::Blocked(code));
    check(&life, DownloadState::Paused, OK, code);
    life.event(JobEvent::Unblocked(code));
    check(&life, DownloadState::Transferring, OK, OK);
}

/// conformance: download-table Start × Paused-fatal
#[test]
fn a_new_start_clears_the_error() {
    let mut life = Life::in_column(Column::PausedFatal, &[]);
    life.run(Operation::Start(None)).unwrap();
    check(&life, DownloadState::Transferring, OK, OK);
}

#[test]
fn the_code_behind_a_fatal_error_is_the_extended_one() {
    let mut life = Life::in_column(Column::Transferring, &[]);
    let extended = Some(ErrorCode::DO_E_METAINFO_VERSION);
    life.fail(Trouble { extended, ..refused() });
    check(&life, DownloadState::Paused, refused().code, ErrorCode::DO_E_METAINFO_VERSION);
}

#[test]
fn no_progress_within_the_timeout_is_fatal_with_the_last_failure_behind_it() {
    let mut life = Life::in_column(Column::PausedTransient, &[]);
    later(&mut life, Duration::from_secs(300));
    let code = ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS;
    check(&life, DownloadState::Paused, code, busy().code);
}

/// conformance: download-table age-limit × Created, IDODownload::GetStatus
#[test]
fn a_download_that_grew_too_old_is_aborted_and_says_so() {
    let mut life = Life::ready();
    later(&mut life, dobbin_core::job::AGE_MAX);
    check(&life, DownloadState::Aborted, ErrorCode::DO_E_JOB_TOO_OLD, OK);
}

fn later(life: &mut Life, wait: Duration) {
    step(&mut life.job, JobEvent::TimePassed, after(wait)).unwrap();
}
