//! The engine's side: what is told to whom, and what survives what.

use std::collections::BTreeSet;

use dobbin_engine::{Actor, Recover, Wish};
use dobbin_lab::origin::{Answer, Content, End, Origin, Plan, Route};
use dobbin_types::rest::{AddFiles, CallbackEvent, ListenerId, Released};
use dobbin_types::{ErrorCode, JobId, JobState, NotifyFlags, Priority, Uid};

use crate::site::{Site, file, me};

const MIB: u64 = 1024 * 1024;

/// Good, refused, busy, broken after a while, and silent after a while.
fn origin() -> Origin {
    let content = Content::new(1, MIB);
    Origin::start(
        Plan::new()
            .file("/good", content)
            .route("/refused", Route::honest(content).always(Answer::Status(404)))
            .route("/broken", Route::honest(content).always(End::FinAfter(MIB / 2)))
            // For long enough that no test sees the next try.
            .route(
                "/busy",
                Route::honest(content)
                    .always(Answer::Status(503))
                    .always(Answer::RetryAfter("600".to_owned())),
            )
            .route("/silent", Route::honest(content).always(End::StallAfter(MIB / 2))),
    )
}

/// conformance: Callback::JobTransferred
#[tokio::test]
async fn a_transferred_job_is_told_until_it_is_taken_also_by_the_next_service() {
    let origin = origin();
    let mut site = Site::new();
    let job = site.create(&origin.url("/good"), "a", NotifyFlags::default()).await;
    let mut program = site.listen().await;
    site.register(job, &program).await.unwrap();
    site.wish(job, Wish::Resume).await;
    let (told, number) = program.hear_call().await;
    assert_eq!(told, job);

    // Not taken, and the service ends: the next one tells it again, under another number.
    site.restart(Recover::RunAll);
    assert_eq!(site.registered(job).await, None);
    let mut program = site.listen().await;
    site.register(job, &program).await.unwrap();
    let (told, again) = program.hear_call().await;
    assert!(told == job && again > number, "an answer to {number:?} must not meet {again:?}");
    assert_eq!(site.answer(job, number, ErrorCode::S_OK).await, ErrorCode::S_FALSE);
    assert_eq!(site.answer(job, again, ErrorCode::S_OK).await, ErrorCode::S_OK);
    assert_eq!(site.answer(job, again, ErrorCode::S_OK).await, ErrorCode::S_FALSE);

    // Taken: the one after that has nothing to tell, and goes straight to what comes next.
    site.restart(Recover::RunAll);
    let mut program = site.listen().await;
    site.register(job, &program).await.unwrap();
    site.wish(job, Wish::SetNotifyFlags(NotifyFlags(0x0B))).await;
    assert_eq!(program.hear_modification().await.state, JobState::Transferred);
}

/// conformance: Callback::JobError, Job::SetNotifyInterface
#[tokio::test]
async fn a_failed_job_is_told_to_the_last_program_that_was_set() {
    let origin = origin();
    let site = Site::new();
    let job = site.create(&origin.url("/refused"), "a", NotifyFlags::default()).await;
    let (mut first, mut second) = (site.listen().await, site.listen().await);
    site.register(job, &first).await.unwrap();
    site.wish(job, Wish::Resume).await;
    let (_, number) = first.hear_call().await;
    assert_eq!(site.answer(job, number, ErrorCode::E_FAIL).await, ErrorCode::S_OK);

    site.register(job, &second).await.unwrap();
    assert_eq!(site.registered(job).await, Some(second.id));
    let why = Released::Replaced;
    assert_eq!(first.hear().await, CallbackEvent::Released { job, why });
    let (_, again) = second.hear_call().await;
    assert_eq!(site.answer(job, number, ErrorCode::S_OK).await, ErrorCode::S_FALSE);
    assert_eq!(site.answer(job, again, ErrorCode::S_OK).await, ErrorCode::S_OK);

    site.handle().set_callback(me(), job, None).await.unwrap();
    let why = Released::Cleared;
    assert_eq!(second.hear().await, CallbackEvent::Released { job, why });
    assert_eq!(site.registered(job).await, None);
}

/// A failure that may pass is no error of the job's: nobody is called.
#[tokio::test]
async fn what_may_pass_is_told_to_nobody_as_an_error() {
    let origin = origin();
    let site = Site::new();
    let job = site.create(&origin.url("/broken"), "a", NotifyFlags::default()).await;
    let mut program = site.listen().await;
    site.register(job, &program).await.unwrap();
    site.wish(job, Wish::Resume).await;
    site.reaches(job, JobState::TransientError).await;
    site.wish(job, Wish::SetNotifyFlags(NotifyFlags::JOB_MODIFICATION)).await;
    program.hear_modification().await;
}

/// conformance: Callback registration, Job::GetNotifyInterface
#[tokio::test]
async fn a_program_that_dies_is_registered_no_more_and_the_next_hears_what_it_missed() {
    let origin = origin();
    let site = Site::new();
    let job = site.create(&origin.url("/refused"), "a", NotifyFlags::default()).await;
    assert_eq!(site.registered(job).await, None);
    let mut dying = site.listen().await;
    site.register(job, &dying).await.unwrap();
    assert_eq!(site.registered(job).await, Some(dying.id));
    site.wish(job, Wish::Resume).await;
    dying.hear_call().await;
    let gone = dying.id;
    drop(dying);
    assert_eq!(site.registered(job).await, None);
    let refused = site.handle().set_callback(me(), job, Some(gone)).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::E_INVALIDARG);
    let mut next = site.listen().await;
    site.register(job, &next).await.unwrap();
    assert_eq!(next.hear_call().await.0, job);
}

/// conformance: Callback::JobModification, Callback::JobModification not-at-ends
#[tokio::test]
async fn changes_are_told_but_not_the_entry_into_transferred_or_error() {
    let origin = origin();
    let site = Site::new();
    for (path, end) in [("/good", JobState::Transferred), ("/refused", JobState::Error)] {
        let job = site.create(&origin.url(path), &path[1..], NotifyFlags::JOB_MODIFICATION).await;
        let mut program = site.listen().await;
        site.register(job, &program).await.unwrap();
        site.wish(job, Wish::Resume).await;
        site.reaches(job, end).await;
        site.wish(job, Wish::SetPriority(Priority::High)).await;
        loop {
            let told = program.hear_modification().await;
            if told.priority == Priority::High {
                assert_eq!(told.state, end);
                break;
            }
            assert_ne!(told.state, end, "told of its end as of a modification");
        }
        site.wish(job, Wish::Cancel).await;
        assert_eq!(program.hear_modification().await.state, JobState::Cancelled);
        let why = Released::Ended;
        assert_eq!(program.hear().await, CallbackEvent::Released { job, why });
    }
}

/// conformance: Callback FILE_TRANSFERRED
#[tokio::test]
async fn one_file_of_several_is_told_as_a_modification_when_the_flag_asks_for_it() {
    let origin = origin();
    let site = Site::new();
    let job = site.create(&origin.url("/silent"), "a", NotifyFlags::FILE_TRANSFERRED).await;
    let more = AddFiles { files: vec![file(&origin.url("/good"), &site.path("b"))] };
    site.handle().add_files(me(), job, more).await.unwrap();
    let mut program = site.listen().await;
    site.register(job, &program).await.unwrap();
    site.wish(job, Wish::Resume).await;
    let told = program.hear_modification().await;
    assert_eq!((told.progress.files_transferred, told.progress.files_total), (1, 2));
}

/// conformance: Callback DISABLE
#[tokio::test]
async fn a_muted_job_is_told_when_it_is_muted_no_more() {
    let origin = origin();
    let site = Site::new();
    let job = site.create(&origin.url("/refused"), "a", NotifyFlags::default()).await;
    site.wish(job, Wish::Resume).await;
    site.reaches(job, JobState::Error).await;
    site.wish(job, Wish::SetNotifyFlags(NotifyFlags(0x0F))).await;
    let mut program = site.listen().await;
    site.register(job, &program).await.unwrap();
    site.wish(job, Wish::SetPriority(Priority::High)).await;
    site.wish(job, Wish::SetNotifyFlags(NotifyFlags(0x03))).await;
    match program.hear().await {
        CallbackEvent::JobError { job: told, .. } => assert_eq!(told.id, job),
        other => panic!("{other:?} was not muted"),
    }
}

/// conformance: Job::SetNotifyInterface denied
#[tokio::test]
async fn others_neither_set_nor_ask_nor_answer_and_nobody_sets_anothers_program() {
    let site = Site::new();
    let job = site.create("", "a", NotifyFlags::default()).await;
    let program = site.listen().await;
    let other = Actor::from_kernel(Uid(4_242));
    let handle = site.handle();
    let denied = ErrorCode::E_ACCESSDENIED;
    for listener in [None, Some(program.id)] {
        let refused = handle.set_callback(other, job, listener).await.unwrap_err();
        assert_eq!(refused.code, denied);
    }
    assert_eq!(handle.callback(other, job).await.unwrap_err().code, denied);
    let number = dobbin_types::rest::CallNumber(1);
    let refused = handle.answer_call(other, job, number, ErrorCode::S_OK).await.unwrap_err();
    assert_eq!(refused.code, denied);
    let mut theirs = handle.listen(other).await.unwrap();
    let CallbackEvent::Listening { listener } = theirs.recv().await.unwrap() else {
        panic!("it begins otherwise");
    };
    for listener in [listener, ListenerId(7)] {
        let refused = handle.set_callback(me(), job, Some(listener)).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::E_INVALIDARG);
        assert_eq!(refused.field.as_deref(), Some("listener"));
    }
}

/// conformance: state-table SetNotifyInterface × *
#[tokio::test]
async fn a_program_may_be_set_until_the_end() {
    let origin = origin();
    let mut site = Site::new();
    let mut jobs: Vec<(JobId, JobState)> = Vec::new();
    for (path, end) in [
        ("", JobState::Suspended),
        ("/silent", JobState::Transferring),
        ("/busy", JobState::TransientError),
        ("/refused", JobState::Error),
        ("/good", JobState::Transferred),
    ] {
        let url = if path.is_empty() { String::new() } else { origin.url(path) };
        let job = site.create(&url, &format!("{end}"), NotifyFlags(0)).await;
        if end != JobState::Suspended {
            site.wish(job, Wish::Resume).await;
            site.reaches(job, end).await;
        }
        jobs.push((job, end));
    }
    check_all(&site, &jobs, Ok(())).await;
    // What moved waits, in an agent that runs nothing by itself.
    let moving = jobs[1].0;
    site.restart(Recover::Hold);
    check_all(&site, &[(moving, JobState::Queued)], Ok(())).await;
    site.wish(jobs[4].0, Wish::Complete).await;
    site.wish(moving, Wish::Cancel).await;
    let over = [(jobs[4].0, JobState::Acknowledged), (moving, JobState::Cancelled)];
    check_all(&site, &over, Err(ErrorCode::DO_E_INVALID_STATE)).await;
    assert_eq!(site.registered(moving).await, None, "a getter answers also then");
}

async fn check_all(site: &Site, jobs: &[(JobId, JobState)], expect: Result<(), ErrorCode>) {
    let program = site.listen().await;
    for (job, state) in jobs {
        let before = site.handle().job(me(), *job).await.unwrap();
        assert_eq!(before.state, *state);
        assert_eq!(site.register(*job, &program).await, expect, "{state}");
        let cleared = site.handle().set_callback(me(), *job, None).await;
        assert_eq!(cleared.map(drop).map_err(|failure| failure.code), expect, "{state}");
        assert_eq!(site.handle().job(me(), *job).await.unwrap().state, *state);
    }
}

/// A thousand jobs fail, and the program neither reads nor answers: nothing piles up, nobody waits
/// for it, and whoever comes after it hears all of them, each once.
#[tokio::test]
async fn a_thousand_calls_wait_for_a_program_that_takes_them() {
    let origin = origin();
    let site = Site::new();
    let deaf = site.listen().await;
    let mut jobs = BTreeSet::new();
    for number in 0..1_000 {
        let to = format!("{number}");
        let job = site.create(&origin.url("/refused"), &to, NotifyFlags::default()).await;
        site.register(job, &deaf).await.unwrap();
        site.wish(job, Wish::Resume).await;
        jobs.insert(job);
    }
    for job in &jobs {
        site.reaches(*job, JobState::Error).await;
    }
    let mut program = site.listen().await;
    for job in &jobs {
        site.register(*job, &program).await.unwrap();
    }
    let mut heard = BTreeSet::new();
    while heard.len() < jobs.len() {
        let (job, number) = program.hear_call().await;
        if site.answer(job, number, ErrorCode::S_OK).await == ErrorCode::S_OK {
            assert!(heard.insert(job), "{job} was taken twice");
        }
    }
    assert_eq!(heard, jobs);
}
