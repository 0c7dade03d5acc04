//! The state table of a download, every state reached by what really leads there.

use dobbin_engine::Operation;
use dobbin_lab::origin::{Answer, Content, End, Origin, Plan, Route};
use dobbin_types::{DownloadProperty, DownloadState, ErrorCode, JobId};

use crate::site::{Site, range};

/// The columns of the table, and how each is reached.
const COLUMNS: [(&str, DownloadState); 8] = [
    ("Created", DownloadState::Created),
    ("Transferring", DownloadState::Transferring),
    ("Paused by its caller", DownloadState::Paused),
    ("Paused by what may pass", DownloadState::Paused),
    ("Paused-fatal", DownloadState::Paused),
    ("Transferred", DownloadState::Transferred),
    ("Finalized", DownloadState::Finalized),
    ("Aborted", DownloadState::Aborted),
];

/// A file that comes, one that never comes to its end, one that breaks off, one that is not there.
fn origin() -> Origin {
    let content = Content::new(1, 1_000);
    Origin::start(
        Plan::new()
            .file("/good", content)
            .route("/slow", Route::honest(content).always(End::StallAfter(100)))
            .route("/broken", Route::honest(content).always(End::FinAfter(0)))
            .route("/none", Route::honest(content).always(Answer::Status(404))),
    )
}

/// A download in the state of that column.
fn download_in(site: &Site, origin: &Origin, column: usize) -> JobId {
    let path = match column {
        1 | 2 => "/slow",
        3 => "/broken",
        4 => "/none",
        _ => "/good",
    };
    let job = site.create_to(origin.url(path), &uuid_name(site, column));
    if column == 0 {
        return job;
    }
    assert_eq!(site.run(job), Ok(DownloadState::Transferring));
    match column {
        1 => drop(site.wait(job, |status| status.bytes_transferred == 100)),
        2 => drop(site.operate(job, Operation::Pause).unwrap()),
        3 => drop(site.wait(job, |status| status.is_transient_error())),
        4 => drop(site.wait(job, |status| status.is_error())),
        _ => drop(site.wait_for(job, DownloadState::Transferred)),
    }
    match column {
        6 => drop(site.operate(job, Operation::Finalize).unwrap()),
        7 => drop(site.operate(job, Operation::Abort).unwrap()),
        _ => {}
    }
    assert_eq!(site.status(job).unwrap().state, COLUMNS[column].1);
    job
}

/// A name that no file of the site has.
fn uuid_name(site: &Site, column: usize) -> String {
    let taken = |number: &u32| site.path(&format!("{column}-{number}")).exists();
    let number = (0_u32..).find(|number| !taken(number)).unwrap();
    // Claimed by a folder's name, so that downloads that are never finalized do not meet.
    std::fs::create_dir(site.path(&format!("{column}-{number}"))).unwrap();
    format!("{column}-{number}/file")
}

#[track_caller]
fn row(operation: &Operation, cells: [Result<DownloadState, ErrorCode>; 8]) {
    let (site, origin) = (Site::new(), origin());
    for (column, expect) in cells.into_iter().enumerate() {
        let job = download_in(&site, &origin, column);
        let got = site.operate(job, operation.clone());
        assert_eq!(got, expect, "{operation:?} × {}", COLUMNS[column].0);
        if expect.is_err() {
            assert_eq!(site.status(job).unwrap().state, COLUMNS[column].1, "nothing changed");
        }
    }
}

const IS: Result<DownloadState, ErrorCode> = Err(ErrorCode::DO_E_INVALID_STATE);

/// conformance: download-table Start × *
#[test]
fn start() {
    let go = Ok(DownloadState::Transferring);
    let done = Ok(DownloadState::Transferred);
    row(&Operation::Start(None), [go, go, go, go, go, done, IS, IS]);
}

/// conformance: download-table Pause × *
#[test]
fn pause() {
    let paused = Ok(DownloadState::Paused);
    let created = Ok(DownloadState::Created);
    let done = Ok(DownloadState::Transferred);
    row(&Operation::Pause, [created, paused, paused, paused, paused, done, IS, IS]);
}

/// conformance: download-table Finalize × *
#[test]
fn finalize() {
    let over = Ok(DownloadState::Finalized);
    row(&Operation::Finalize, [IS, IS, IS, IS, IS, over, over, IS]);
}

/// conformance: download-table Abort × *
#[test]
fn abort() {
    let gone = Ok(DownloadState::Aborted);
    row(&Operation::Abort, [gone, gone, gone, gone, gone, gone, IS, gone]);
}

/// conformance: download-table GetStatus × *
#[test]
fn getters_answer_in_every_state_also_at_the_end() {
    let (site, origin) = (Site::new(), origin());
    for (column, (_, state)) in COLUMNS.into_iter().enumerate() {
        let job = download_in(&site, &origin, column);
        assert_eq!(site.status(job).unwrap().state, state);
        let id = site.get(job, DownloadProperty::Id);
        assert_eq!(id, Ok(job.to_string().into()));
        let number = site.get(job, DownloadProperty::NoProgressTimeoutSeconds);
        assert_eq!(number, Ok(300_u64.into()));
        let secret = site.get(job, DownloadProperty::SecurityFlags);
        assert_eq!(secret, Err(ErrorCode::DO_E_WRITE_ONLY_PROPERTY));
        let name = site.set(job, DownloadProperty::DisplayName, "x");
        let expect = if state.is_final() { Err(ErrorCode::DO_E_INVALID_STATE) } else { Ok(()) };
        assert_eq!(name, expect, "{state}");
    }
}

/// conformance: download-table Start × Created, code DO_E_DOWNLOAD_NO_URI
#[test]
fn a_start_that_fails_leaves_the_download_created() {
    let (site, origin) = (Site::new(), origin());
    let job = site.create();
    let check = |expect| {
        assert_eq!(site.run(job), Err(expect));
        assert_eq!(site.status(job).unwrap().state, DownloadState::Created);
    };
    check(ErrorCode::DO_E_DOWNLOAD_NO_URI);
    site.set(job, DownloadProperty::Uri, origin.url("/good")).unwrap();
    check(ErrorCode::DO_E_FILE_DOWNLOADSINK_UNSPECIFIED);
    std::fs::write(site.path("taken"), "precious").unwrap();
    let path = |name: &str| site.path(name).display().to_string();
    site.set(job, DownloadProperty::LocalPath, path("taken")).unwrap();
    check(ErrorCode::EEXIST);
    site.set(job, DownloadProperty::LocalPath, path("taken/below")).unwrap();
    check(ErrorCode::ENOTDIR);
    site.set(job, DownloadProperty::LocalPath, path("free")).unwrap();
    let overlapping = [range(0, 10), range(9, 1)];
    let got = site.run_ranges(job, &overlapping);
    assert_eq!(got, Err(ErrorCode::DO_E_OVERLAPPING_RANGES));
    assert_eq!(site.run(job), Ok(DownloadState::Transferring));
}
