//! Downloads whose file the service writes in its own name, as soon as it is whole.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use dobbin_engine::{Actor, Operation};
use dobbin_lab::origin::{Content, End, Origin, Plan, Route, When};
use dobbin_types::{DownloadState, ErrorCode, JobId, Uid};

use crate::site::{Site, me};

const MIB: u64 = 1024 * 1024;

/// A file of which the first request brings a part, and then nothing.
fn stalling(content: Content) -> Route {
    Route::honest(content).when(When::First(1), End::StallAfter(2 * MIB))
}

/// One that is under way, with some of its bytes here.
fn under_way(site: &Site, origin: &Origin) -> JobId {
    let job = site.create_in_place(me(), Some(origin.url("/a")), "out");
    site.run(job).unwrap();
    site.wait(job, |status| status.bytes_transferred >= MIB);
    job
}

fn errno(number: i32) -> ErrorCode {
    ErrorCode::from_errno(number)
}

#[test]
fn its_file_stands_there_from_the_start_and_is_whole_when_it_is_transferred() {
    let site = Site::new();
    let content = Content::new(1, 3 * MIB + 5);
    let origin = Origin::start(Plan::new().route("/a", stalling(content)));
    let job = under_way(&site, &origin);
    let there = fs::metadata(site.path("out")).unwrap();
    assert_eq!((there.len(), there.permissions().mode() & 0o113), (0, 0));
    site.operate(job, Operation::Pause).unwrap();
    site.run(job).unwrap();
    let status = site.wait_for(job, DownloadState::Transferred);
    assert_eq!(status.bytes_total, Some(content.size()));
    assert!(fs::read(site.path("out")).unwrap() == content.all());
    // What is done is done: another start changes nothing, and the end only ends it.
    assert_eq!(site.run(job), Ok(DownloadState::Transferred));
    assert_eq!(site.operate(job, Operation::Finalize), Ok(DownloadState::Finalized));
    assert!(fs::read(site.path("out")).unwrap() == content.all());
    let owner = site.runtime().block_on(site.handle().owner_in_place(me(), job));
    assert_eq!(owner.map_err(|failure| failure.code), Err(ErrorCode::E_NOT_SET));
}

#[test]
fn its_file_is_the_services_own_whoever_it_is_for() {
    let site = Site::new();
    let content = Content::new(2, MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let stranger = Actor::from_kernel(Uid(me().uid().0 + 1));
    let job = site.create_in_place(stranger, Some(origin.url("/a")), "out");
    let owner = site.runtime().block_on(site.handle().owner_in_place(me(), job)).unwrap();
    assert_eq!(owner, stranger.uid());
    let operate = async |operation| site.handle().operate(stranger, job, operation).await.unwrap();
    site.runtime().block_on(operate(Operation::Start(None)));
    let transferred = async || {
        let mut events = site.handle().subscribe(stranger, Some(job)).await.unwrap();
        while site.handle().download_status(stranger, job).await.unwrap().state
            != DownloadState::Transferred
        {
            events.recv().await.unwrap();
        }
    };
    site.runtime().block_on(transferred());
    let shown = fs::metadata(site.path("out")).unwrap();
    assert_eq!((shown.len(), shown.uid()), (MIB, me().uid().0));
    site.runtime().block_on(operate(Operation::Finalize));
}

#[test]
fn an_abort_leaves_nothing_there_at_any_time() {
    let site = Site::new();
    let content = Content::new(3, 3 * MIB);
    let origin = Origin::start(Plan::new().route("/a", stalling(content)));
    let job = under_way(&site, &origin);
    site.operate(job, Operation::Abort).unwrap();
    assert!(!site.path("out").exists());
    let job = site.create_in_place(me(), Some(origin.url("/a")), "out");
    site.run(job).unwrap();
    site.wait_for(job, DownloadState::Transferred);
    assert!(site.path("out").exists());
    site.operate(job, Operation::Abort).unwrap();
    assert!(!site.path("out").exists());
}

#[test]
fn what_stands_in_its_way_is_refused_and_stays() {
    let site = Site::new();
    let origin = Origin::start(Plan::new().file("/a", Content::new(4, MIB)));
    fs::write(site.path("taken"), "mine").unwrap();
    for (name, code) in [("taken", errno(17)), ("no/where", errno(2))] {
        let job = site.create_in_place(me(), Some(origin.url("/a")), name);
        assert_eq!(site.run(job), Err(code), "{name}");
        assert_eq!(site.status(job).unwrap().state, DownloadState::Created);
        site.operate(job, Operation::Abort).unwrap();
    }
    assert_eq!(fs::read_to_string(site.path("taken")).unwrap(), "mine");
    // What refuses the start anyway takes no name.
    let job = site.create_in_place(me(), None, "out");
    assert_eq!(site.run(job), Err(ErrorCode::DO_E_DOWNLOAD_NO_URI));
    assert!(!site.path("out").exists());
}

#[test]
fn a_name_that_is_gone_ends_the_pause_in_an_error_and_another_file_is_not_written_over() {
    let site = Site::new();
    let content = Content::new(5, 3 * MIB);
    let origin = Origin::start(Plan::new().route("/a", stalling(content)));
    let job = under_way(&site, &origin);
    site.operate(job, Operation::Pause).unwrap();
    fs::remove_file(site.path("out")).unwrap();
    assert_eq!(site.run(job), Err(errno(2)));
    assert_eq!(site.status(job).unwrap().state, DownloadState::Paused);
    fs::write(site.path("out"), "another's").unwrap();
    site.run(job).unwrap();
    let status = site.wait_for(job, DownloadState::Paused);
    assert_eq!(status.error, errno(17));
    assert_eq!(fs::read_to_string(site.path("out")).unwrap(), "another's");
    // Out of the way again, the same bytes are shown.
    fs::write(site.path("out"), "").unwrap();
    site.run(job).unwrap();
    site.wait_for(job, DownloadState::Transferred);
    assert!(fs::read(site.path("out")).unwrap() == content.all());
}

#[test]
fn it_outlives_a_restart_wherever_it_stands() {
    let mut site = Site::new();
    let content = Content::new(6, 3 * MIB);
    let origin = Origin::start(Plan::new().route("/a", stalling(content)));
    let job = under_way(&site, &origin);
    site.operate(job, Operation::Pause).unwrap();
    site.restart();
    assert_eq!(site.status(job).unwrap().state, DownloadState::Paused);
    site.run(job).unwrap();
    site.wait_for(job, DownloadState::Transferred);
    assert!(origin.requests().last().unwrap().request.field("range").is_some());
    site.restart();
    assert_eq!(site.status(job).unwrap().state, DownloadState::Transferred);
    assert!(fs::read(site.path("out")).unwrap() == content.all());
    site.operate(job, Operation::Finalize).unwrap();
    assert!(site.path("out").exists());
}
