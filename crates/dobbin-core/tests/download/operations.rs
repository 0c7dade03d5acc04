//! The state table of a download, row by row. Columns as in [`COLUMNS`].

use dobbin_core::download::Operation;
use dobbin_types::{DownloadProperty, DownloadState, ErrorCode};

use crate::make::{COLUMNS, Life, range};

/// What a cell says.
#[derive(Debug, Clone, Copy)]
enum Cell {
    /// Success; the job is as it was.
    Stay,
    /// Success; the download is in this state now.
    To(DownloadState),
    /// Refused with this code; the job is as it was.
    No(ErrorCode),
}

use Cell::{No, Stay, To};

const IS: Cell = No(ErrorCode::DO_E_INVALID_STATE);

#[track_caller]
fn row(operation: &Operation, cells: [Cell; 8]) {
    for (column, cell) in COLUMNS.into_iter().zip(cells) {
        let mut life = Life::in_column(column, &[]);
        let before = life.clone();
        let got = life.run(operation.clone());
        let at = format!("{operation:?} × {column:?}");
        match cell {
            Stay => assert_eq!((got, &life.job), (Ok(()), &before.job), "{at}"),
            To(state) => assert_eq!((got, life.view().state()), (Ok(()), state), "{at}"),
            No(code) => assert_eq!((got, &life.job), (Err(code), &before.job), "{at}"),
        }
    }
}

/// conformance: download-table Start × *, IDODownload::Start, Start whole
#[test]
fn start_moves_what_is_at_rest_and_is_harmless_while_it_moves() {
    let go = To(DownloadState::Transferring);
    for ranges in [None, Some(Vec::new())] {
        row(&Operation::Start(ranges), [go, Stay, go, go, go, Stay, IS, IS]);
    }
}

/// conformance: Start ranges, Start overlap, code DO_E_DOWNLOAD_RANGES_UNEXPECTED
#[test]
fn start_with_ranges_is_for_a_new_download_or_a_new_portion() {
    let go = To(DownloadState::Transferring);
    // The downloads of the other columns were started as a whole.
    let no = No(ErrorCode::DO_E_DOWNLOAD_RANGES_UNEXPECTED);
    let over = No(ErrorCode::DO_E_OVERLAPPING_RANGES);
    row(&Operation::Start(Some(vec![range(0, 2)])), [go, Stay, no, no, no, over, IS, IS]);
}

/// conformance: download-table Pause × *, IDODownload::Pause
#[test]
fn pause_stops_what_moves_and_takes_over_a_pause_that_would_pass() {
    let paused = To(DownloadState::Paused);
    row(&Operation::Pause, [Stay, paused, Stay, paused, Stay, Stay, IS, IS]);
}

/// conformance: download-table Finalize × *, IDODownload::Finalize
#[test]
fn only_what_is_transferred_is_finalized() {
    // The step to Finalized is taken when the file stands in its place: it begins here.
    let begins = To(DownloadState::Transferred);
    row(&Operation::Finalize, [IS, IS, IS, IS, IS, begins, Stay, IS]);
}

/// conformance: download-table Abort × *, IDODownload::Abort
#[test]
fn abort_ends_everything_that_is_not_finalized() {
    let gone = To(DownloadState::Aborted);
    row(&Operation::Abort, [gone, gone, gone, gone, gone, gone, IS, Stay]);
}

/// conformance: download-table Start × Created, code DO_E_DOWNLOAD_NO_URI
/// conformance: code DO_E_FILE_DOWNLOADSINK_UNSPECIFIED
#[test]
fn a_start_that_lacks_something_leaves_the_download_created() {
    let start = Operation::Start(None);
    let mut life = Life::new();
    assert_eq!(life.run(start.clone()), Err(ErrorCode::DO_E_DOWNLOAD_NO_URI));
    life.set(DownloadProperty::Uri, "http://origin.example/a").unwrap();
    assert_eq!(life.run(start.clone()), Err(ErrorCode::DO_E_FILE_DOWNLOADSINK_UNSPECIFIED));
    assert_eq!(life.view().state(), DownloadState::Created);
    life.set(DownloadProperty::LocalPath, "/a").unwrap();
    assert_eq!(life.run(start), Ok(()));
}

/// conformance: code DO_E_DOWNLOAD_RANGES_EXPECTED
#[test]
fn a_download_into_a_stream_needs_ranges() {
    let mut life = Life::new();
    life.set(DownloadProperty::Uri, "http://origin.example/a").unwrap();
    life.set(DownloadProperty::StreamInterface, true).unwrap();
    for ranges in [None, Some(Vec::new())] {
        let got = life.run(Operation::Start(ranges));
        assert_eq!(got, Err(ErrorCode::DO_E_DOWNLOAD_RANGES_EXPECTED));
    }
    assert_eq!(life.run(Operation::Start(Some(vec![range(0, 5)]))), Ok(()));
    life.run(Operation::Pause).unwrap();
    assert_eq!(life.run(Operation::Start(None)), Ok(()));
}
