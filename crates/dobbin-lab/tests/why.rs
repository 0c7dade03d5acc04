//! Why jobs stand where they stand, on the real engine: for every byte its source, for every wait its
//! reason.

// Clippy knows the tests by their attribute, and not what they call.
#![allow(clippy::unwrap_used)]

mod site;

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use dobbin_engine::{Actor, Handle, Recover, Wish};
use dobbin_lab::origin::{Answer, Content, End, Origin, Plan, Route, Version, When};
use dobbin_types::rest::{AddFile, ByteSources, FileWhy, Holdup, JobWhy, LimitScope, RateLimit};
use dobbin_types::{Discard, ErrorCode, FileNumber, JobId, JobState, Reason, RequestEnd, Uid};
use site::{Site, file, me};

const MIB: u64 = 1024 * 1024;

impl Site {
    fn why(&self, job: JobId) -> JobWhy {
        let ask = async |handle: Handle| handle.why(me(), job).await.unwrap();
        self.runtime.block_on(ask(self.handle()))
    }

    fn refused(&self, actor: Actor, job: JobId) -> ErrorCode {
        let ask = async |handle: Handle| handle.why(actor, job).await.unwrap_err().code;
        self.runtime.block_on(ask(self.handle()))
    }

    fn file_why(&self, job: JobId, number: u32) -> Result<FileWhy, ErrorCode> {
        let ask = async |handle: Handle| handle.file_why(me(), job, FileNumber(number)).await;
        self.runtime.block_on(ask(self.handle())).map_err(|failure| failure.code)
    }
}

/// What is here is what was had and what came, less what does not count.
#[track_caller]
fn balanced(bytes: &ByteSources) {
    let came: u64 = bytes.sources.iter().map(|given| given.bytes).sum();
    let gone: u64 = bytes.discarded.iter().map(|discarded| discarded.bytes).sum();
    assert_eq!(bytes.here + gone, bytes.had + came + bytes.other_sources, "{bytes:?}");
}

fn steps(file: &FileWhy) -> Vec<(Reason, RequestEnd)> {
    file.requests.iter().map(|request| (request.reason, request.how)).collect()
}

#[test]
fn every_byte_has_its_source_and_every_request_its_reason() {
    let site = Site::new();
    let content = Content::new(1, 5 * MIB);
    let route = Route::honest(content).when(When::First(1), End::FinAfter(2 * MIB + MIB / 4));
    let origin = Origin::start(Plan::new().route("/a", route));
    let job =
        site.create(vec![file(format!("{}?token=secret", origin.url("/a")), &site.path("a"))]);
    let why = site.why(job);
    assert_eq!(why.holdup, Some(Holdup::Resume { suspended_by: None, suspended_at: None }));
    assert!(why.gives_up_at.is_none() && why.expires_at.is_some_and(|at| at > why.at));

    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::TransientError, JobState::Transferred]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferred]);
    let why = site.why(job);
    assert_eq!(why.holdup, Some(Holdup::Complete));
    let [told] = why.files.as_slice() else { panic!("{:?}", why.files) };
    assert_eq!(
        steps(told),
        [(Reason::First, RequestEnd::Failed), (Reason::AfterFailure, RequestEnd::Complete)]
    );
    let failure = told.requests[0].failure.as_ref().unwrap();
    assert_eq!(failure.code, why.failures[0].failure.code);
    // The half piece that came before the end of the connection had to be fetched again.
    assert_eq!((told.requests[0].bytes, told.requests[1].start), (2 * MIB + MIB / 4, 2 * MIB));
    assert_eq!(told.bytes.discarded.len(), 1);
    assert_eq!(told.bytes.discarded[0].why, Discard::Unfinished);
    assert_eq!(told.bytes.here, 5 * MIB);
    balanced(&told.bytes);
    balanced(&why.bytes);
    // The address is shown, and what may be a secret is not.
    assert_eq!(told.requests[0].source.address, origin.url("/a"));
    assert!(!serde_json::to_string(&why).unwrap().contains("secret\""));
    assert_eq!(site.file_why(job, 0), Ok(told.clone()));
    assert_eq!(site.file_why(job, 1), Err(ErrorCode::DO_E_FILE_NOT_AVAILABLE));
}

#[test]
fn a_version_that_is_gone_is_thrown_away_and_said_to_be() {
    let site = Site::new();
    let route = Route::honest(Content::new(2, 4 * MIB))
        .when(When::First(1), End::FinAfter(3 * MIB))
        .when(When::After(1), Version::NewBytes)
        .when(When::After(1), Version::NewTag);
    let origin = Origin::start(Plan::new().route("/a", route));
    let job = site.create(vec![file(origin.url("/a"), &site.path("a"))]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::TransientError]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferred]);
    let bytes = site.why(job).bytes;
    assert!(
        bytes.discarded.iter().any(|d| d.why == Discard::OtherVersion && d.bytes == 3 * MIB),
        "{bytes:?}"
    );
    balanced(&bytes);
    assert_eq!(bytes.here, 4 * MIB);
}

#[test]
fn after_a_restart_the_bytes_of_before_are_one_figure() {
    let mut site = Site::new();
    let content = Content::new(3, 4 * MIB);
    let route = Route::honest(content).when(When::First(1), End::FinAfter(3 * MIB));
    let origin = Origin::start(Plan::new().route("/a", route));
    let job = site.create(vec![file(origin.url("/a"), &site.path("a"))]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::TransientError]);
    let before = site.why(job);
    assert!(matches!(before.holdup, Some(Holdup::Retry { at, .. }) if at > before.at));
    assert!(before.gives_up_at.is_some_and(|at| at > before.at));
    site.stop();
    site.start(Recover::RunAll);
    let why = site.why(job);
    assert_eq!((why.bytes.here, why.bytes.had), (3 * MIB, 3 * MIB));
    assert_eq!(why.failures.len(), 1);
    assert_eq!(why.failures[0].at, None, "the record says what, not when");
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferred]);
    let why = site.why(job);
    assert_eq!(steps(&why.files[0]), [(Reason::Resumed, RequestEnd::Complete)]);
    assert_eq!((why.bytes.had, why.bytes.sources[0].bytes), (3 * MIB, MIB));
    assert_eq!(why.bytes.fetched_ever, 4 * MIB);
    balanced(&why.bytes);
}

#[test]
fn a_job_that_stopped_says_what_stopped_it_also_when_it_is_over() {
    let site = Site::new();
    let route = Route::honest(Content::new(4, 10)).always(Answer::Status(404));
    let origin = Origin::start(Plan::new().route("/a", route));
    let job = site.create(vec![file(origin.url("/a"), &site.path("a"))]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Error]);
    let why = site.why(job);
    assert_eq!(why.holdup, Some(Holdup::Owner));
    assert_eq!(why.failures[0].failure.http_status, Some(404));
    assert!(why.failures[0].at.is_some_and(|at| at <= why.at));
    site.wish(job, Wish::Cancel).unwrap();
    let why = site.why(job);
    assert_eq!((why.job.state, why.holdup, why.expires_at), (JobState::Cancelled, None, None));
    assert_eq!(why.files[0].bytes.sources[0].failures_count, 1);
}

#[test]
fn who_suspended_a_job_is_remembered_and_nobody_else_may_ask() {
    let site = Site::new();
    let route = Route::honest(Content::new(5, MIB)).always(End::StallAfter(10));
    let origin = Origin::start(Plan::new().route("/a", route));
    let job = site.create(vec![file(origin.url("/a"), &site.path("a"))]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferring]);
    assert_eq!(site.why(job).holdup, None);
    site.wish(job, Wish::Suspend).unwrap();
    let why = site.why(job);
    let Some(Holdup::Resume { suspended_by, suspended_at }) = why.holdup else {
        panic!("{:?}", why.holdup)
    };
    assert_eq!(suspended_by, Some(me().uid()));
    assert!(suspended_at.is_some());
    let stranger = Actor::from_kernel(Uid(4_242_424));
    assert_eq!(site.refused(stranger, job), ErrorCode::E_ACCESSDENIED);
}

#[test]
fn a_job_of_many_files_tells_of_those_that_explain_most() {
    let site = Site::new();
    let origin = Origin::start(
        Plan::new()
            .file("/a", Content::new(6, 10))
            .route("/b", Route::honest(Content::new(7, 10)).always(Answer::Status(404))),
    );
    let mut files: Vec<AddFile> =
        (0..60).map(|number| file(origin.url("/a"), &site.path(&format!("a{number}")))).collect();
    files.push(file(origin.url("/b"), &site.path("b")));
    let job = site.create(files);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Error]);
    let why = site.why(job);
    assert_eq!(why.files.len(), dobbin_types::rest::WHY_FILES_MAX);
    assert!(why.files.iter().any(|told| told.number == FileNumber(60)), "the one that failed");
    // One line for the server, however many files it has.
    assert_eq!(why.bytes.sources.len(), 1);
    assert_eq!(why.bytes.sources[0].failures_count, 1);
    balanced(&why.bytes);
}

/// At a byte a second the file would come in two months: it comes because the limit is lifted.
#[test]
fn a_limit_is_said_to_bind_and_can_be_changed_while_the_job_runs() {
    let site = Site::new();
    let origin = Origin::start(Plan::new().file("/a", Content::new(8, 5 * MIB)));
    let job = site.create(vec![file(origin.url("/a"), &site.path("a"))]);
    let limit = |rate| {
        let set = async |handle: Handle| handle.set_rate_limit(me(), job, rate).await;
        site.runtime.block_on(set(site.handle())).map(|done| done.code).map_err(|f| f.code)
    };
    assert_eq!(limit(Some(0)), Err(ErrorCode::E_INVALIDARG));
    assert_eq!(limit(Some(1)), Ok(ErrorCode::S_OK));
    site.wish(job, Wish::Resume).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !site.why(job).limits.iter().any(|limit| limit.binds) {
        assert!(Instant::now() < deadline, "{:?}", site.why(job).limits);
        std::thread::yield_now();
    }
    let limits = site.why(job).limits;
    let only = RateLimit { of: LimitScope::Job, bytes_per_second: 1, binds: true };
    assert_eq!(limits, [only]);
    assert_eq!(limit(None), Ok(ErrorCode::S_OK));
    site.wait(job, &[JobState::Transferred]);
    assert!(site.why(job).limits.is_empty());
    site.wish(job, Wish::Cancel).unwrap();
    assert_eq!(limit(Some(5)), Err(ErrorCode::DO_E_INVALID_STATE));
}

#[test]
fn the_services_limit_holds_every_job_until_it_is_lifted() {
    let site = Site::new();
    site.engine().limit_rate(NonZeroU64::new(1));
    let origin = Origin::start(Plan::new().file("/a", Content::new(9, 5 * MIB)));
    let jobs = ["a", "b"].map(|name| site.create(vec![file(origin.url("/a"), &site.path(name))]));
    for job in jobs {
        site.wish(job, Wish::Resume).unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    let binds = |job| site.why(job).limits.iter().any(|limit| limit.binds);
    while !jobs.iter().all(|job| binds(*job)) {
        assert!(Instant::now() < deadline, "{:?}", jobs.map(|job| site.why(job).limits));
        std::thread::yield_now();
    }
    assert_eq!(site.why(jobs[0]).limits[0].of, LimitScope::Service);
    site.engine().limit_rate(None);
    for job in jobs {
        site.wait(job, &[JobState::Transferred]);
    }
}
