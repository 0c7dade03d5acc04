//! Properties of jobs and files that callers may set, in every state: `IBackgroundCopyJob5`,
//! `IBackgroundCopyFile2` and `IDeliveryOptimizationFile2`.

use dobbin_core::job::{Effect, FileChange, Job, JobEvent, Notice, Wish, step};
use dobbin_types::{Clsid, CostFlags, ErrorCode, FileNumber, JobState, Priority};

use crate::make::{COLUMNS, Files, Life, about, at, job_in, recorded_as, seconds};

const FIRST: FileNumber = FileNumber(0);
const LAST: FileNumber = FileNumber(1);
const IS: Result<(), ErrorCode> = Err(ErrorCode::DO_E_INVALID_STATE);

/// What a wish is answered with in all nine states, in the order of [`COLUMNS`]; `None` where no job
/// with such files is ever. A refusal must change nothing, a success neither the state nor what runs.
#[track_caller]
fn row(wish: &Wish, files: Files, cells: [Option<Result<(), ErrorCode>>; 9]) {
    for (state, cell) in COLUMNS.into_iter().zip(cells) {
        let place = format!("{wish:?} in {state} with {files:?} files");
        let Some(before) = job_in(state, files) else {
            assert_eq!(cell, None, "{place}");
            continue;
        };
        let mut job = before.clone();
        let answer = step(&mut job, JobEvent::Wish(wish.clone()), at(seconds(1)));
        assert_eq!(Some(answer.map(drop)), cell, "{place}");
        assert_eq!((job.state(), job.attempt()), (before.state(), before.attempt()), "{place}");
        if cell.is_some_and(|cell| cell.is_err()) {
            assert_eq!(job, before, "{place}: a refusal changed the job");
        }
    }
}

fn remote_name(file: FileNumber, url: &str) -> Wish {
    Wish::SetRemoteName(file, url.into())
}

fn url_of(job: &Job) -> &str {
    &job.files()[1].remote_name
}

/// conformance: state-table Job5::SetProperty × *
#[test]
fn a_jobs_properties_may_be_set_until_the_end() {
    let ok = Some(Ok(()));
    let clsid = "1b4e28ba-2fa1-11d2-883f-0016d3cca427".parse().unwrap();
    for wish in [
        Wish::SetCostFlags(CostFlags::UNRESTRICTED),
        Wish::SetNotificationClsid(clsid),
        Wish::SetNotificationClsid(Clsid::NULL),
    ] {
        row(&wish, Files::Half, [ok, ok, None, ok, ok, ok, None, Some(IS), Some(IS)]);
        row(&wish, Files::Whole, [ok, None, None, None, None, None, ok, Some(IS), Some(IS)]);
    }
}

#[test]
fn bits_that_mean_no_cost_are_refused() {
    let no = Some(Err(ErrorCode::E_INVALIDARG));
    for bits in [0x4000_0000, 0x100, u32::MAX] {
        let wish = Wish::SetCostFlags(CostFlags(bits));
        row(&wish, Files::Half, [no, no, None, no, no, no, None, Some(IS), Some(IS)]);
    }
}

/// conformance: Job5::GetProperty COST_FLAGS, default cost-flags
/// conformance: Job5::GetProperty NOTIFICATION_CLSID, Job5::SetProperty NOTIFICATION_CLSID
#[test]
fn cost_flags_follow_the_priority_until_they_are_set() {
    let mut life = Life::new(about(), 1);
    assert_eq!(life.job.cost_flags(), CostFlags::STANDARD);
    life.wish(Wish::SetPriority(Priority::Foreground));
    assert_eq!(life.job.cost_flags(), CostFlags::ALWAYS);
    let effects = life.wish(Wish::SetCostFlags(CostFlags::NO_SURCHARGE));
    assert!(effects.contains(&Effect::Persist));
    life.wish(Wish::SetPriority(Priority::Low));
    assert_eq!(life.job.cost_flags(), CostFlags::NO_SURCHARGE);

    assert_eq!(life.job.notify_clsid(), Clsid::NULL);
    let clsid: Clsid = "1b4e28ba-2fa1-11d2-883f-0016d3cca427".parse().unwrap();
    life.wish(Wish::SetNotificationClsid(clsid));
    let back = recorded_as(&life.job, JobState::Suspended);
    assert_eq!(back.cost_flags(), CostFlags::NO_SURCHARGE);
    assert_eq!(back.notify_clsid(), clsid);
    life.wish(Wish::SetNotificationClsid(Clsid::NULL));
    assert_eq!(life.job.notify_clsid(), Clsid::NULL);
}

/// conformance: state-table SetRemoteName × *
#[test]
fn a_file_may_move_until_the_end() {
    let ok = Some(Ok(()));
    let wish = remote_name(LAST, "http://new.example/");
    row(&wish, Files::Half, [ok, ok, None, ok, ok, ok, None, Some(IS), Some(IS)]);
    row(&wish, Files::Whole, [ok, None, None, None, None, None, ok, Some(IS), Some(IS)]);
    let none = Some(Err(ErrorCode::DO_E_FILE_NOT_AVAILABLE));
    let wish = remote_name(FileNumber(2), "http://new.example/");
    row(&wish, Files::Half, [none, none, None, none, none, none, None, Some(IS), Some(IS)]);
}

/// conformance: File2::SetRemoteName finished
#[test]
fn a_file_that_is_here_does_not_move() {
    let mut job = job_in(JobState::Transferring, Files::Half).unwrap();
    let wish = JobEvent::Wish(remote_name(FIRST, "http://new.example/"));
    assert_eq!(step(&mut job, wish, at(seconds(1))), Ok(Vec::new()));
    assert_eq!(job.files()[0].remote_name, "http://origin.example/f");
}

/// conformance: File2::SetRemoteName
#[test]
fn a_new_url_is_told_at_once_and_kept_from_resume_on() {
    for state in [JobState::Suspended, JobState::Transferring, JobState::Error] {
        let mut job = job_in(state, Files::Half).unwrap();
        let wish = |job: &mut Job, wish| step(job, JobEvent::Wish(wish), at(seconds(1)));
        let set = remote_name(LAST, "http://new.example/");
        assert_eq!(wish(&mut job, set), Ok(vec![Effect::Tell(Notice::Modified)]), "{state}");
        assert_eq!(url_of(&job), "http://new.example/");
        let recorded = job.files()[1].recorded_name.as_deref();
        assert_eq!(recorded, Some("http://origin.example/f"), "{state}");
        let effects = wish(&mut job, Wish::Resume).unwrap();
        assert_eq!(effects[0], Effect::PersistFile(LAST), "{state}");
        assert_eq!(job.files()[1].recorded_name, None, "{state}");
        // Nothing is left to confirm.
        if state == JobState::Transferring {
            assert_eq!(wish(&mut job, Wish::Resume), Ok(Vec::new()));
        }
    }
}

#[test]
fn a_file_that_moves_back_has_nothing_to_confirm() {
    let mut life = Life::new(about(), 2);
    life.wish(remote_name(LAST, "http://new.example/"));
    life.wish(remote_name(LAST, "http://newer.example/"));
    let recorded = life.job.files()[1].recorded_name.clone();
    assert_eq!(recorded.as_deref(), Some("http://origin.example/f"));
    life.wish(remote_name(LAST, "http://origin.example/f"));
    assert_eq!(life.job.files()[1].recorded_name, None);
    assert_eq!(life.wish(remote_name(LAST, "http://origin.example/f")), []);
}

/// conformance: state-table DOFile2::SetProperty × *
#[test]
fn a_files_properties_may_be_set_only_at_rest() {
    let (ok, no) = (Some(Ok(())), Some(IS));
    for change in [
        FileChange::LocalName("/elsewhere".into()),
        FileChange::TotalSize(1),
        FileChange::CheckInfo("{}".into()),
        FileChange::CheckMandatory(true),
    ] {
        let wish = Wish::SetFile(LAST, change);
        row(&wish, Files::Half, [ok, no, None, no, ok, ok, None, no, no]);
        row(&wish, Files::Whole, [ok, None, None, None, None, None, no, no, no]);
    }
}

/// conformance: DOFile2 DownloadSinkFilePath, DOFile2 TotalSizeBytes
#[test]
fn values_that_no_file_can_have_are_refused() {
    let invalid = ErrorCode::E_INVALIDARG;
    for (change, code) in [
        (FileChange::LocalName(String::new()), invalid),
        (FileChange::LocalName("relative".into()), invalid),
        (FileChange::LocalName("/f0".into()), invalid),
        (FileChange::TotalSize(0), invalid),
    ] {
        let mut job = job_in(JobState::Suspended, Files::Half).unwrap();
        let wish = JobEvent::Wish(Wish::SetFile(LAST, change.clone()));
        assert_eq!(step(&mut job, wish, at(seconds(1))), Err(code), "{change:?}");
    }
    // Its own place is not taken by itself.
    let mut life = Life::new(about(), 2);
    let effects = life.wish(Wish::SetFile(LAST, FileChange::LocalName("/f1".into())));
    let noted = [Effect::Persist, Effect::PersistFile(LAST), Effect::Tell(Notice::Modified)];
    assert_eq!(effects, noted);
    life.wish(Wish::SetFile(LAST, FileChange::TotalSize(7)));
    assert_eq!(life.job.files()[1].local_size(), Some(7));
}

/// A file whose place was said later is fetched like any other.
///
/// conformance: Job2::AddFile, AddFile no-sink, AddFile no-url
/// conformance: code DO_E_LOCALPATH_NOT_SET
/// conformance: code DO_E_DOWNLOAD_NO_URI
#[test]
fn a_file_gets_its_place_and_its_url_later() {
    let mut life = Life::new(about(), 0);
    let mut bare = crate::make::files(0, 1);
    bare[0].local_name.clear();
    bare[0].remote_name.clear();
    life.wish(Wish::AddFiles(bare));
    let resume = |life: &mut Life| {
        step(&mut life.job, JobEvent::Wish(Wish::Resume), at(seconds(1))).map(drop)
    };
    assert_eq!(resume(&mut life), Err(ErrorCode::DO_E_LOCALPATH_NOT_SET));
    life.is(JobState::Suspended);
    life.wish(Wish::SetFile(FIRST, FileChange::LocalName("/f".into())));
    assert_eq!(resume(&mut life), Err(ErrorCode::DO_E_DOWNLOAD_NO_URI));
    life.is(JobState::Suspended);
    life.wish(remote_name(FIRST, "http://origin.example/f"));
    assert_eq!(resume(&mut life), Ok(()));
    life.is(JobState::Queued);
}
