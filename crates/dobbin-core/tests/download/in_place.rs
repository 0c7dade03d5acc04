//! Downloads whose file the service shows as soon as it is whole.

use core::time::Duration;

use dobbin_core::download::{Download, Operation};
use dobbin_core::job::{Effect, Job, JobEvent, Notice, Wish, step};
use dobbin_types::{
    DownloadProperty, DownloadState, ErrorCode, FileNumber, JobId, JobState, PropertyValue, Uid,
};

use crate::make::{Life, now, range, refused};

const FILE: FileNumber = FileNumber(0);

/// One that is under way.
fn under_way() -> Life {
    let mut life = Life::of(Download::create_in_place(JobId::from_bytes([9; 16]), Uid(1_000)));
    life = life.made_ready();
    life.run(Operation::Start(None)).unwrap();
    life.event(JobEvent::SlotGiven);
    life
}

/// One whose every byte is here, and whose file is about to be shown.
fn whole() -> Life {
    let mut life = under_way();
    life.finish();
    life
}

/// One whose file stands under its name.
fn shown() -> Life {
    let mut life = whole();
    life.event(JobEvent::FilePublished(FILE));
    life.event(JobEvent::PublishEnded(None));
    life
}

fn wish(life: &mut Life, wish: Wish) -> Result<Vec<Effect>, ErrorCode> {
    step(&mut life.job, JobEvent::Wish(wish), now())
}

#[test]
fn it_is_transferred_when_its_file_is_shown_and_over_when_its_caller_says_so() {
    let mut life = whole();
    assert!(life.job.is_publishing());
    assert_eq!(life.view().state(), DownloadState::Transferring);
    assert_eq!(life.run(Operation::Finalize), Err(ErrorCode::DO_E_INVALID_STATE));
    life = shown();
    assert!(!life.job.is_publishing());
    assert_eq!(life.view().state(), DownloadState::Transferred);
    // It is the caller's: nothing is appended to it, and nobody else puts it anywhere.
    let more = Operation::Start(Some(vec![range(0, 1)]));
    assert_eq!(life.run(more), Err(ErrorCode::DO_E_INVALID_STATE));
    assert_eq!(wish(&mut life, Wish::HandOver), Err(ErrorCode::DO_E_INVALID_STATE));
    let attempt = life.job.attempt();
    assert_eq!(
        wish(&mut life, Wish::Complete).unwrap(),
        [Effect::Stop(attempt), Effect::Remove, Effect::Tell(Notice::Ended)]
    );
    assert_eq!(life.view().state(), DownloadState::Finalized);
}

#[test]
fn a_file_that_cannot_be_shown_is_an_error_and_a_new_start_tries_it_again() {
    let mut life = whole();
    life.event(JobEvent::PublishEnded(Some((FILE, refused()))));
    assert_eq!(life.job.state(), JobState::Error);
    assert_eq!(life.view().state(), DownloadState::Paused);
    assert_eq!(life.view().codes().error, refused().code);
    assert_eq!(wish(&mut life, Wish::Complete), Err(ErrorCode::DO_E_INVALID_STATE));
    life.run(Operation::Start(None)).unwrap();
    assert!(life.job.is_publishing());
    life.event(JobEvent::FilePublished(FILE));
    life.event(JobEvent::PublishEnded(None));
    assert_eq!(life.view().state(), DownloadState::Transferred);
}

#[test]
fn found_whole_after_a_restart_it_is_shown_and_not_ended() {
    let before = whole().job;
    let (about, files) = (before.about().clone(), before.files().to_vec());
    let mut life = Life { job: Job::restore(about, before.saved(now()), files, now()) };
    assert_eq!(life.job.state(), JobState::Transferred);
    assert_eq!(wish(&mut life, Wish::Complete).unwrap(), [Effect::Publish]);
    life.event(JobEvent::FilePublished(FILE));
    life.event(JobEvent::PublishEnded(None));
    assert_eq!(life.view().state(), DownloadState::Transferred);
}

#[test]
fn its_timeout_is_that_agents_and_says_whether_it_was_set() {
    let mut life = under_way();
    let timeout = DownloadProperty::NoProgressTimeoutSeconds;
    assert_eq!(life.get(timeout), Ok(PropertyValue::Number(0)));
    assert_eq!(life.job.no_progress_timeout(), Duration::from_secs(300));
    assert_eq!(life.set(timeout, 9_u64), Err(ErrorCode::E_INVALIDARG));
    life.set(timeout, 10_u64).unwrap();
    assert_eq!(life.get(timeout), Ok(PropertyValue::Number(10)));
    assert_eq!(life.job.no_progress_timeout(), Duration::from_secs(10));
    // Of an ordinary one the shortest is longer.
    assert_eq!(Life::new().set(timeout, 59_u64), Err(ErrorCode::E_INVALIDARG));
    assert_eq!(life.get(DownloadProperty::NonVolatile), Ok(PropertyValue::Flag(true)));
    assert_eq!(life.get(DownloadProperty::ForegroundPriority), Ok(PropertyValue::Flag(true)));
}

#[test]
fn its_patience_may_be_set_to_the_end_and_anything_else_only_before() {
    let mut life = shown();
    let patience = DownloadProperty::NoProgressTimeoutSeconds;
    assert_eq!(life.view().may_set(patience), Ok(()));
    for property in [DownloadProperty::Uri, DownloadProperty::LocalPath] {
        let refused = Err(ErrorCode::DO_E_INVALID_STATE);
        assert_eq!(life.view().may_set(property), refused, "{property}");
    }
    life.run(Operation::Finalize).unwrap();
    assert_eq!(life.view().may_set(patience), Err(ErrorCode::DO_E_INVALID_STATE));
    // Another download has ended when it is transferred.
    let mut other = Life::of(Download::create(JobId::from_bytes([8; 16]), Uid(1_000))).made_ready();
    other.run(Operation::Start(None)).unwrap();
    other.event(JobEvent::SlotGiven);
    other.finish();
    assert_eq!(other.view().may_set(patience), Err(ErrorCode::DO_E_INVALID_STATE));
}
