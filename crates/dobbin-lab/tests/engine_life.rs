//! Whole lives of jobs on the real engine, against an origin that behaves or does not.

mod site;

use dobbin_engine::{Actor, Recover, Wish};
use dobbin_lab::origin::{Answer, Content, End, Origin, Plan, Ranges, Route, Version, When};
use dobbin_types::rest::{AddFile, JobInfo};
use dobbin_types::{ByteRange, ErrorCode, JobState, Uid};
use site::{Site, file};

const MIB: u64 = 1024 * 1024;

/// conformance: complete visible, Job::GetProgress, Manager::GetJob, default state, code S_OK
#[test]
fn a_job_is_created_fetched_and_completed() {
    let site = Site::new();
    let content = Content::new(1, 5 * MIB + 123);
    let origin = Origin::start(Plan::new().file("/a", content));
    let out = site.path("out");
    let job = site.create(vec![file(origin.url("/a"), &out)]);
    assert_eq!(site.info(job).state, JobState::Suspended);
    assert_eq!(site.wish(job, Wish::Resume), Ok(ErrorCode::S_OK));
    let info = site.wait(job, &[JobState::Transferred]);
    assert_eq!(info.progress.bytes_total, Some(5 * MIB + 123));
    assert_eq!(info.progress.bytes_transferred, 5 * MIB + 123);
    assert!(!out.exists(), "nothing appears before Complete");
    assert_eq!(site.wish(job, Wish::Complete), Ok(ErrorCode::S_OK));
    assert_eq!(std::fs::read(&out).unwrap(), content.all());
    assert_eq!(site.info(job).state, JobState::Acknowledged);
    assert_eq!(site.wish(job, Wish::Cancel), Err(ErrorCode::DO_E_INVALID_STATE));
}

/// conformance: AddFile layout, struct BG_FILE_RANGE, sentinel to-eof, AddFile whole
#[test]
fn an_empty_file_and_ranges_arrive() {
    let site = Site::new();
    let content = Content::new(2, 3 * MIB);
    let origin = Origin::start(Plan::new().file("/empty", Content::new(0, 0)).file("/a", content));
    let (empty, parts) = (site.path("empty"), site.path("parts"));
    let range = |offset, length| ByteRange { offset, length };
    let ranged = AddFile {
        ranges: vec![
            range(2 * MIB, Some(MIB / 2 + 7)),
            range(5, Some(MIB)),
            range(3 * MIB - 9, None),
        ],
        ..file(origin.url("/a"), &parts)
    };
    let job = site.create(vec![file(origin.url("/empty"), &empty), ranged]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferred]);
    assert_eq!(site.wish(job, Wish::Complete), Ok(ErrorCode::S_OK));
    assert_eq!(std::fs::read(&empty).unwrap(), b"");
    let mut expect = content.bytes(2 * MIB..2 * MIB + MIB / 2 + 7);
    expect.extend(content.bytes(5..5 + MIB));
    expect.extend(content.bytes(3 * MIB - 9..3 * MIB));
    assert!(std::fs::read(&parts).unwrap() == expect);
}

#[test]
fn a_broken_connection_is_resumed_where_it_broke() {
    let site = Site::new();
    let content = Content::new(3, 6 * MIB);
    let route = Route::honest(content).when(When::First(1), End::FinAfter(4 * MIB));
    let origin = Origin::start(Plan::new().route("/a", route));
    let out = site.path("out");
    let job = site.create(vec![file(origin.url("/a"), &out)]);
    site.wish(job, Wish::Resume).unwrap();
    let info = site.wait(job, &[JobState::TransientError]);
    assert_eq!(info.error.unwrap().code, ErrorCode::CURL_PARTIAL_FILE);
    // The retry comes by itself; asking for it now is what an impatient user does.
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferred]);
    site.wish(job, Wish::Complete).unwrap();
    assert!(std::fs::read(&out).unwrap() == content.all());
    let requests = origin.requests();
    assert_eq!(requests.len(), 2);
    let range = requests[1].request.field("range").unwrap_or_default();
    assert_eq!(range, format!("bytes={}-{}", 4 * MIB, 6 * MIB - 1));
    assert!(requests[1].request.field("if-range").is_some());
}

/// conformance: event remote-changed × TRANSFERRING
#[test]
fn a_file_that_changed_starts_from_zero() {
    let site = Site::new();
    let content = Content::new(4, 4 * MIB);
    let route = Route::honest(content)
        .when(When::First(1), End::FinAfter(3 * MIB))
        .when(When::After(1), Version::NewTag)
        .when(When::After(1), Version::NewBytes);
    let origin = Origin::start(Plan::new().route("/a", route));
    let out = site.path("out");
    let job = site.create(vec![file(origin.url("/a"), &out)]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::TransientError]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferred]);
    site.wish(job, Wish::Complete).unwrap();
    assert!(std::fs::read(&out).unwrap() == content.changed().all());
}

#[test]
fn a_server_without_ranges_still_works() {
    let site = Site::new();
    let content = Content::new(5, 4 * MIB);
    let route =
        Route::honest(content).always(Ranges::Ignored).when(When::First(1), End::FinAfter(3 * MIB));
    let origin = Origin::start(Plan::new().route("/a", route));
    let out = site.path("out");
    let job = site.create(vec![file(origin.url("/a"), &out)]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::TransientError]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferred]);
    site.wish(job, Wish::Complete).unwrap();
    assert!(std::fs::read(&out).unwrap() == content.all());
}

/// conformance: event fatal × TRANSFERRING, cancel files, http-status straight
#[test]
fn a_refusal_of_the_origin_stops_the_job_with_its_code() {
    let site = Site::new();
    let route = Route::honest(Content::new(6, 10)).always(Answer::Status(404));
    let origin = Origin::start(Plan::new().route("/a", route));
    let job = site.create(vec![file(origin.url("/a"), &site.path("out"))]);
    site.wish(job, Wish::Resume).unwrap();
    let info = site.wait(job, &[JobState::Error]);
    let error = info.error.unwrap();
    assert_eq!(error.code, ErrorCode::from_http_status(404));
    assert_eq!(error.http_status, Some(404));
    assert!(!error.message.contains("/a"), "no URL in {}", error.message);
    assert_eq!(site.wish(job, Wish::Cancel), Ok(ErrorCode::S_OK));
    assert!(!site.path("out").exists());
}

/// conformance: class bad-hash, code DO_E_BAD_PIECE_HASH, Job::Complete partial
/// conformance: code BG_S_PARTIAL_COMPLETE, complete partial-files
#[test]
fn a_wrong_hash_leaves_no_file_and_a_right_one_does() {
    let site = Site::new();
    let content = Content::new(7, 2 * MIB + 1);
    let origin = Origin::start(Plan::new().file("/a", content));
    let hex: String = content.sha256().iter().map(|byte| format!("{byte:02x}")).collect();
    let (good, bad) = (site.path("good"), site.path("bad"));
    let right = AddFile { sha256: Some(hex), ..file(origin.url("/a"), &good) };
    let wrong = AddFile { sha256: Some("00".repeat(32)), ..file(origin.url("/a"), &bad) };
    let (right, wrong) = (site.create(vec![right]), site.create(vec![wrong]));
    site.wish(right, Wish::Resume).unwrap();
    site.wish(wrong, Wish::Resume).unwrap();
    site.wait(right, &[JobState::Transferred]);
    site.wish(right, Wish::Complete).unwrap();
    assert!(std::fs::read(&good).unwrap() == content.all());
    let info = site.wait(wrong, &[JobState::Error]);
    assert_eq!(info.error.unwrap().code, ErrorCode::DO_E_BAD_PIECE_HASH);
    assert_eq!(info.progress.bytes_transferred, 0);
    assert_eq!(site.wish(wrong, Wish::Complete), Ok(ErrorCode::BG_S_PARTIAL_COMPLETE));
    assert!(!bad.exists());
}

/// conformance: event restart × TRANSFERRING, default persistence
#[test]
fn jobs_and_bytes_outlive_the_service() {
    let mut site = Site::new();
    let content = Content::new(8, 8 * MIB);
    let route = Route::honest(content).when(When::First(1), End::StallAfter(6 * MIB));
    let origin = Origin::start(Plan::new().route("/a", route));
    let out = site.path("out");
    let job = site.create(vec![file(origin.url("/a"), &out)]);
    let idle = site.create(vec![]);
    site.wish(job, Wish::Resume).unwrap();
    let arrived = |info: &JobInfo| info.progress.bytes_transferred >= 5 * MIB;
    while !arrived(&site.info(job)) {
        std::thread::yield_now();
    }
    site.stop();
    site.start(Recover::Hold);
    assert_eq!(site.info(idle).state, JobState::Suspended);
    assert_eq!(site.info(job).state, JobState::Queued);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferred]);
    site.wish(job, Wish::Complete).unwrap();
    assert!(std::fs::read(&out).unwrap() == content.all());
    let range = origin.requests()[1].request.field("range").unwrap_or_default().to_owned();
    let from: u64 = range
        .strip_prefix("bytes=")
        .and_then(|rest| rest.split('-').next()?.parse().ok())
        .unwrap_or_else(|| panic!("asked for `{range}`"));
    assert!(from >= 5 * MIB, "asked again from {from}");
}

/// conformance: access others, Manager::GetJob denied, code E_ACCESSDENIED
#[test]
fn another_user_sees_and_changes_nothing() {
    let site = Site::new();
    let job = site.create(vec![]);
    let other = Actor::from_kernel(Uid(4_242));
    let handle = site.handle();
    site.runtime.block_on(async {
        assert_eq!(
            handle.jobs(other, Default::default(), Default::default()).await.unwrap().jobs,
            []
        );
        let denied = Some(ErrorCode::E_ACCESSDENIED);
        assert_eq!(handle.job(other, job).await.err().map(|f| f.code), denied);
        for wish in [Wish::Resume, Wish::Suspend, Wish::Complete, Wish::Cancel] {
            let refused = handle.wish(other, job, wish).await.err().map(|f| f.code);
            assert_eq!(refused, denied, "{wish:?}");
        }
    });
    assert_eq!(site.info(job).state, JobState::Suspended);
}

/// conformance: complete replace, state-table Complete rename-fails × TRANSFERRED
#[test]
fn a_destination_that_appeared_meanwhile_is_not_replaced() {
    let site = Site::new();
    let content = Content::new(9, MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let out = site.path("out");
    let job = site.create(vec![file(origin.url("/a"), &out)]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferred]);
    std::fs::write(&out, b"precious").unwrap();
    assert_eq!(site.wish(job, Wish::Complete), Err(ErrorCode::EEXIST));
    assert_eq!(std::fs::read(&out).unwrap(), b"precious");
    assert_eq!(site.info(job).state, JobState::Transferred);
    std::fs::remove_file(&out).unwrap();
    assert_eq!(site.wish(job, Wish::Complete), Ok(ErrorCode::S_OK));
    assert!(std::fs::read(&out).unwrap() == content.all());
}
