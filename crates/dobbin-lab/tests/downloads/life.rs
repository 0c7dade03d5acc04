//! Whole lives of downloads.

use dobbin_engine::Operation;
use dobbin_lab::origin::{Answer, Content, End, Origin, Plan, Route, When};
use dobbin_types::{DownloadProperty, DownloadState, ErrorCode};

use crate::site::{Site, range};

const MIB: u64 = 1024 * 1024;

/// conformance: IDODownload::Start, IDODownload::Finalize, Start whole
#[test]
fn a_download_is_created_started_and_finalized() {
    let site = Site::new();
    let content = Content::new(1, 3 * MIB + 5);
    let origin = Origin::start(Plan::new().file("/a", content));
    // Folders that are missing are made.
    let job = site.create_to(origin.url("/a"), "deep/er/out");
    let status = site.status(job).unwrap();
    assert_eq!((status.state, status.bytes_total), (DownloadState::Created, None));
    assert!(!site.path("deep").exists());
    site.run(job).unwrap();
    let status = site.wait_for(job, DownloadState::Transferred);
    assert_eq!(
        (status.bytes_total, status.bytes_transferred),
        (Some(content.size()), content.size())
    );
    assert!(!site.path("deep/er/out").exists(), "nothing appears before Finalize");
    site.operate(job, Operation::Finalize).unwrap();
    assert!(std::fs::read(site.path("deep/er/out")).unwrap() == content.all());
}

/// conformance: IDODownload::Pause, IDODownload::Abort
#[test]
fn a_pause_keeps_the_bytes_and_an_abort_does_not() {
    let site = Site::new();
    let content = Content::new(2, 5 * MIB);
    let route = Route::honest(content).when(When::First(1), End::StallAfter(4 * MIB));
    let origin = Origin::start(Plan::new().route("/a", route));
    let job = site.create_to(origin.url("/a"), "out");
    site.run(job).unwrap();
    site.wait(job, |status| status.bytes_transferred >= 4 * MIB);
    site.operate(job, Operation::Pause).unwrap();
    assert_eq!(site.status(job).unwrap().error, ErrorCode::S_OK);
    site.run(job).unwrap();
    site.wait_for(job, DownloadState::Transferred);
    let second = &origin.requests()[1].request;
    assert_eq!(second.field("range"), Some(&*format!("bytes={}-{}", 4 * MIB, 5 * MIB - 1)));
    site.operate(job, Operation::Abort).unwrap();
    assert!(!site.path("out").exists());
    assert_eq!(site.content(job, 0), Err(ErrorCode::DO_E_INVALID_STATE));
}

/// conformance: download-property BlockingMode
#[test]
fn a_blocking_start_is_answered_at_the_end() {
    let site = Site::new();
    let content = Content::new(3, MIB);
    // The first try breaks off: that may pass, and is no end.
    let route = Route::honest(content).when(When::First(1), End::FinAfter(10));
    let none = Route::honest(content).always(Answer::Status(404));
    let slow = Route::honest(content).always(End::StallAfter(10));
    let plan = Plan::new().route("/a", route).route("/none", none).route("/slow", slow);
    let origin = Origin::start(plan);
    let job = site.create_to(origin.url("/a"), "a");
    site.set(job, DownloadProperty::BlockingMode, true).unwrap();
    assert_eq!(site.run(job), Ok(DownloadState::Transferred));

    let job = site.create_to(origin.url("/none"), "none");
    site.set(job, DownloadProperty::BlockingMode, true).unwrap();
    assert_eq!(site.run(job), Err(ErrorCode::from_http_status(404)));

    for end in [Operation::Pause, Operation::Abort] {
        let job = site.create_to(origin.url("/slow"), "slow");
        site.set(job, DownloadProperty::BlockingMode, true).unwrap();
        let handle = site.handle();
        let waiting = site.runtime().spawn(async move {
            let start = Operation::Start(None);
            handle.operate(crate::site::me(), job, start).await.map_err(|failure| failure.code)
        });
        site.wait(job, |status| status.bytes_transferred == 10);
        site.operate(job, end).unwrap();
        let answer = site.runtime().block_on(waiting).unwrap();
        assert_eq!(answer.map(|done| done.state), Err(ErrorCode::E_ABORT));
    }
}

/// conformance: download-property NonVolatile
#[test]
fn only_what_is_not_volatile_outlives_the_service() {
    let mut site = Site::new();
    let content = Content::new(4, 5 * MIB);
    let route = Route::honest(content).when(When::First(2), End::StallAfter(3 * MIB));
    let origin = Origin::start(Plan::new().route("/a", route));
    let [volatile, kept] = ["volatile", "kept"].map(|name| site.create_to(origin.url("/a"), name));
    let finished = site.create_to(origin.url("/a"), "finished");
    let created = site.create();
    for job in [kept, created] {
        site.set(job, DownloadProperty::NonVolatile, true).unwrap();
    }
    site.set(kept, DownloadProperty::CorrelationVector, "cV.1").unwrap();
    for job in [volatile, kept] {
        site.run(job).unwrap();
        site.wait(job, |status| status.bytes_transferred >= 3 * MIB);
    }
    site.run(finished).unwrap();
    site.wait_for(finished, DownloadState::Transferred);
    site.restart();
    for job in [volatile, finished] {
        assert_eq!(site.status(job), Err(ErrorCode::E_NOT_SET));
        assert!(!site.path("state").join("staging").join(job.to_string()).exists());
    }
    assert_eq!(site.status(created).unwrap().state, DownloadState::Created);
    assert_eq!(site.get(kept, DownloadProperty::CorrelationVector), Ok("cV.1".into()));
    site.wait_for(kept, DownloadState::Transferred);
    site.operate(kept, Operation::Finalize).unwrap();
    assert!(std::fs::read(site.path("kept")).unwrap() == content.all());
    assert!(!site.path("volatile").exists());
}

/// conformance: download-property StreamInterface
#[test]
fn a_stream_gets_the_bytes_of_its_ranges_in_order() {
    let site = Site::new();
    let content = Content::new(5, 4 * MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let job = site.create_stream(origin.url("/a"));
    let path = site.path("out").display().to_string();
    let taken = Err(ErrorCode::DO_E_FILE_DOWNLOADSINK_ALREADY_SET);
    assert_eq!(site.set(job, DownloadProperty::LocalPath, path), taken);
    assert_eq!(site.run(job), Err(ErrorCode::DO_E_DOWNLOAD_RANGES_EXPECTED));
    assert_eq!(site.content(job, 0), Err(ErrorCode::DO_E_INVALID_STATE));
    site.run_ranges(job, &[range(2 * MIB + 1, MIB), range(7, 100)]).unwrap();
    site.wait_for(job, DownloadState::Transferred);
    let mut expect = content.bytes(2 * MIB + 1..3 * MIB + 1);
    expect.extend(content.bytes(7..107));
    assert!(site.content(job, 0).unwrap() == expect);
    assert!(site.content(job, MIB).unwrap() == expect[MIB as usize..]);
    assert_eq!(site.content(job, MIB + 100), Ok(Vec::new()));
    assert_eq!(site.content(job, MIB + 101), Err(ErrorCode::DO_E_INVALID_RANGE));
    assert_eq!(site.operate(job, Operation::Finalize), Ok(DownloadState::Finalized));
    assert!(!site.path("out").exists());
}

/// conformance: IDODownload::Start
#[test]
fn a_second_download_to_the_same_file_takes_the_place_of_the_first() {
    let site = Site::new();
    let content = Content::new(6, 1_000);
    let slow = Route::honest(content).always(End::StallAfter(10));
    let origin = Origin::start(Plan::new().route("/slow", slow).file("/a", content));
    let first = site.create_to(origin.url("/slow"), "out");
    let second = site.create_to(origin.url("/a"), "out");
    site.run(first).unwrap();
    assert_eq!(site.status(second).unwrap().state, DownloadState::Created);
    site.run(second).unwrap();
    assert_eq!(site.status(first).unwrap().state, DownloadState::Aborted);
    site.wait_for(second, DownloadState::Transferred);
    site.operate(second, Operation::Finalize).unwrap();
    assert!(std::fs::read(site.path("out")).unwrap() == content.all());
}
