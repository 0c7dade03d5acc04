//! What every method asks, and what becomes of the answers.

use crate::agent::{FakeAgent, Step, answer, connect, job_id, job_info, json, outcome, refusal};
use dobbin_sdk::types::rest::{
    AddFile, AddedFiles, Bookmark, CreateJob, CreatedJob, DownloadInfo, DownloadList,
    DownloadStatus, FileInfo, FileList, JobFailure, JobList, Outcome, PropertyBody,
};
use dobbin_sdk::types::{
    ByteRange, Clsid, CostFlags, DoFilePropertyId, DoJobPropertyId, DownloadProperty,
    DownloadState, ErrorCode, ErrorContext, FileNumber, FileProgress, FileTime, JobState,
    NotifyFlags, Priority,
};
use dobbin_sdk::{Address, DownloadManager, Error, FileEnumerator, Job, JobFilter, blocking};

/// A job whose agent gives one answer, after the one that found the job.
async fn job_of(step: Step) -> (FakeAgent, Job) {
    let agent = FakeAgent::start(vec![vec![json(&job_info(JobState::Suspended)), step]]);
    let job = connect(&agent.socket()).await.job(job_id()).await.unwrap();
    (agent, job)
}

fn file_info() -> FileInfo {
    FileInfo {
        number: FileNumber(3),
        file_id: "id".to_owned(),
        remote_name: "http://h/f".to_owned(),
        mirrors: Vec::new(),
        public_only: false,
        from_public: None,
        local_name: "/d/f".to_owned(),
        ranges: vec![ByteRange { offset: 5, length: None }],
        progress: FileProgress { bytes_transferred: 7, ..FileProgress::default() },
        transferred: false,
        sha256: None,
        replace: false,
        last_modified: None,
        piece_hashes: None,
    }
}

#[tokio::test]
async fn every_verb_asks_its_own_route() {
    async fn check<F>(verb: impl FnOnce(Job) -> F, expect: &str)
    where
        F: Future<Output = Result<Outcome, Error>>,
    {
        let (agent, job) = job_of(json(&outcome(JobState::Queued))).await;
        assert_eq!(verb(job).await.unwrap(), outcome(JobState::Queued), "{expect}");
        assert_eq!(
            agent.asked()[1],
            expect.replace("JOB", &format!("/v1/jobs/{}", crate::agent::JOB))
        );
    }
    check(async |job| job.resume().await, "POST JOB/resume").await;
    check(async |job| job.suspend().await, "POST JOB/suspend").await;
    check(async |job| job.complete().await, "POST JOB/complete").await;
    check(async |job| job.cancel().await, "POST JOB/cancel").await;
    let body = r#"PUT JOB/priority {"priority":"low"}"#;
    check(async |job| job.set_priority(Priority::Low).await, body).await;
    let body = r#"PUT JOB/no-progress-timeout {"seconds":0}"#;
    check(async |job| job.set_no_progress_timeout(0).await, body).await;
    let body = r#"PUT JOB/rate-limit {"bytes_per_second_max":5}"#;
    check(async |job| job.set_rate_limit(Some(5)).await, body).await;
    let body = r#"PUT JOB/rate-limit {"bytes_per_second_max":null}"#;
    check(async |job| job.set_rate_limit(None).await, body).await;
    let body = r#"PUT JOB/notify-flags {"flags":8}"#;
    check(async |job| job.set_notify_flags(NotifyFlags::JOB_MODIFICATION).await, body).await;
}

#[tokio::test]
async fn every_property_has_its_own_route() {
    async fn check<F>(verb: impl FnOnce(Job) -> F, expect: &str)
    where
        F: Future<Output = Result<Outcome, Error>>,
    {
        let (agent, job) = job_of(json(&outcome(JobState::Suspended))).await;
        verb(job).await.unwrap();
        let expect = expect.replace("JOB", &format!("/v1/jobs/{}", crate::agent::JOB));
        assert_eq!(agent.asked()[1], expect);
    }
    let body = r#"PUT JOB/properties/cost_flags {"value":2147483775}"#;
    check(async |job| job.set_cost_flags(CostFlags::NOT_ROAMING).await, body).await;
    let body =
        r#"PUT JOB/properties/notification_clsid {"value":"00000000-0000-0000-0000-000000000000"}"#;
    check(async |job| job.set_notify_clsid(Clsid::NULL).await, body).await;
    let body = r#"PUT JOB/properties/extended_error_info {"value":"x"}"#;
    check(async |job| job.set_property(DoJobPropertyId::ExtendedErrorInfo, "x").await, body).await;
    let body = r#"PUT JOB/files/3/properties/integrity_check_mandatory {"value":true}"#;
    let mandatory = DoFilePropertyId::IntegrityCheckMandatory;
    check(async |job| job.file(FileNumber(3)).set_property(mandatory, true).await, body).await;
    let body = r#"PUT JOB/files/3/properties/download_sink_file_path {"value":"/d/f"}"#;
    check(async |job| job.file(FileNumber(3)).set_local_name("/d/f").await, body).await;
    let body = r#"PUT JOB/files/3/remote-name {"remote_name":"http://h/g"}"#;
    check(async |job| job.file(FileNumber(3)).set_remote_name("http://h/g").await, body).await;
}

#[tokio::test]
async fn a_property_is_read_as_what_it_is() {
    let text = |value: &str| json(&PropertyBody { value: value.into() });
    let (agent, job) = job_of(text("HTTP/1.1 200 OK\r\n")).await;
    let headers = job.file(FileNumber(0)).response_headers().await.unwrap();
    assert_eq!(headers, "HTTP/1.1 200 OK\r\n");
    assert!(agent.asked()[1].ends_with("/files/0/properties/http_response_headers"));
    let (_agent, job) = job_of(text("1b4e28ba-2fa1-11d2-883f-0016d3cca427")).await;
    let clsid = job.notify_clsid().await.unwrap().to_string();
    assert_eq!(clsid, "1b4e28ba-2fa1-11d2-883f-0016d3cca427");
    let (_agent, job) = job_of(text("class")).await;
    let error = job.notify_clsid().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::E_UNEXPECTED, "{error}");
}

/// conformance: Enum::GetCount, Enum::Next, Enum::Skip, Enum::Reset, code S_FALSE
#[tokio::test]
async fn an_enumerator_walks_the_files_that_there_were() {
    let mut info = job_info(JobState::Suspended);
    info.progress.files_total = 3;
    let (agent, job) = job_of(json(&info)).await;
    let mut files = job.enum_files().await.unwrap();
    let next = |files: &mut FileEnumerator, wanted| {
        let (code, files) = files.next(wanted);
        (code, files.iter().map(|file| file.number().0).collect::<Vec<_>>())
    };
    assert_eq!(next(&mut files, 2), (ErrorCode::S_OK, vec![0, 1]));
    let mut other = files.clone();
    assert_eq!(next(&mut files, 2), (ErrorCode::S_FALSE, vec![2]));
    assert_eq!(next(&mut files, 1), (ErrorCode::S_FALSE, vec![]));
    assert_eq!(next(&mut files, 0), (ErrorCode::S_OK, vec![]));
    files.reset();
    assert_eq!((files.skip(3), files.skip(1)), (ErrorCode::S_OK, ErrorCode::S_FALSE));
    assert_eq!((files.count(), next(&mut files, 1).0), (3, ErrorCode::S_FALSE));
    files.reset();
    assert_eq!(files.skip(u32::MAX), ErrorCode::S_FALSE);
    assert_eq!(next(&mut other, 9), (ErrorCode::S_FALSE, vec![2]));
    assert_eq!(agent.asked().len(), 2, "walking asks nobody");
}

/// conformance: Error::GetError, Error::GetFile, Error::GetFile none, code DO_E_FILE_NOT_AVAILABLE
#[tokio::test]
async fn an_error_object_leads_to_its_file() {
    let failure = |file| JobFailure {
        code: ErrorCode::from_http_status(403),
        symbol: String::new(),
        text: String::new(),
        context: ErrorContext::RemoteFile,
        message: String::new(),
        extended: None,
        http_status: Some(403),
        file,
    };
    let (_agent, job) = job_of(json(&failure(Some(FileNumber(3))))).await;
    let error = job.error_object().await.unwrap();
    assert_eq!(error.error(), (ErrorContext::RemoteFile, ErrorCode::from_http_status(403)));
    assert_eq!(error.file().unwrap().number(), FileNumber(3));
    let (_agent, job) = job_of(json(&failure(None))).await;
    let error = job.error_object().await.unwrap();
    assert_eq!(error.file().unwrap_err().code(), ErrorCode::DO_E_FILE_NOT_AVAILABLE);
}

/// conformance: Manager::CreateJob, Job::AddFiles several
#[tokio::test]
async fn a_job_is_created_with_its_files() {
    let agent = FakeAgent::start(vec![vec![json(&CreatedJob { id: job_id() })]]);
    let files = vec![AddFile {
        remote_name: "http://h/f".to_owned(),
        local_name: Some("/d/f".to_owned()),
        ..AddFile::default()
    }];
    let wish = CreateJob { display_name: "x".to_owned(), files, ..CreateJob::default() };
    let job = connect(&agent.socket()).await.create_job(&wish).await.unwrap();
    assert_eq!(job.id(), job_id());
    let body = r#"{"display_name":"x","files":[{"remote_name":"http://h/f","local_name":"/d/f","replace":false}]}"#;
    assert_eq!(agent.asked(), [format!("POST /v1/jobs {body}")]);
}

#[tokio::test]
async fn jobs_are_filtered_by_the_agent() {
    let list = || json(&JobList { jobs: vec![job_info(JobState::Queued)], next: None });
    let agent = FakeAgent::start(vec![vec![list(), list()]]);
    let manager = connect(&agent.socket()).await;
    manager.jobs(&JobFilter::default()).await.unwrap();
    let filter =
        JobFilter { local_name: Some("/d/a b".to_owned()), state: Some(JobState::TransientError) };
    assert_eq!(manager.jobs(&filter).await.unwrap(), [job_info(JobState::Queued)]);
    let asked = "GET /v1/jobs?local_name=%2Fd%2Fa%20b&state=transient_error";
    assert_eq!(agent.asked(), ["GET /v1/jobs", asked]);
}

#[tokio::test]
async fn a_list_is_followed_page_by_page_to_its_end() {
    let bookmark = |creation| Some(Bookmark { creation: FileTime(creation), job: job_id() });
    let page = |jobs, next| json(&JobList { jobs, next });
    let one = || vec![job_info(JobState::Queued)];
    // A page may be empty and still not be the last one.
    let pages = vec![page(one(), bookmark(1)), page(vec![], bookmark(2)), page(one(), None)];
    let agent = FakeAgent::start(vec![pages]);
    let manager = connect(&agent.socket()).await;
    let filter = JobFilter { state: Some(JobState::Queued), ..JobFilter::default() };
    assert_eq!(manager.jobs(&filter).await.unwrap().len(), 2);
    let job = crate::agent::JOB;
    assert_eq!(
        agent.asked(),
        [
            "GET /v1/jobs?state=queued".to_owned(),
            format!("GET /v1/jobs?state=queued&after=1.{job}"),
            format!("GET /v1/jobs?state=queued&after=2.{job}"),
        ]
    );
    // An agent that leads in a circle is not followed.
    let pages = vec![page(one(), bookmark(1)), page(one(), bookmark(1))];
    let agent = FakeAgent::start(vec![pages]);
    let manager = connect(&agent.socket()).await;
    assert_eq!(manager.jobs(&JobFilter::default()).await.unwrap().len(), 2);
    // One page, as short as its reader wants it.
    let agent = FakeAgent::start(vec![vec![page(one(), bookmark(7))]]);
    let manager = connect(&agent.socket()).await;
    let list = manager.jobs_page(&JobFilter::default(), bookmark(6), Some(1)).await.unwrap();
    assert_eq!(list.next, bookmark(7));
    assert_eq!(agent.asked(), [format!("GET /v1/jobs?after=6.{job}&limit=1")]);
}

/// conformance: IDOManager::EnumDownloads
#[tokio::test]
async fn a_list_of_downloads_is_followed_too_and_only_the_whole_of_it_can_have_none() {
    let bookmark = |creation| Some(Bookmark { creation: FileTime(creation), job: job_id() });
    let page = |downloads, next| json(&DownloadList { downloads, next });
    let one = || {
        let status = DownloadStatus {
            bytes_total: None,
            bytes_transferred: 0,
            state: DownloadState::Created,
            error: ErrorCode::S_OK,
            extended_error: ErrorCode::S_OK,
        };
        let (display_name, uri, content_id, local_path) = (None, None, None, None);
        vec![DownloadInfo { id: job_id(), display_name, uri, content_id, local_path, status }]
    };
    let pages = vec![page(vec![], bookmark(1)), page(one(), bookmark(2)), page(vec![], None)];
    let agent = FakeAgent::start(vec![pages]);
    let manager = DownloadManager::from(connect(&agent.socket()).await);
    let category = Some((DownloadProperty::DisplayName, "a b"));
    assert_eq!(manager.enum_downloads(category).await.unwrap(), one());
    let job = crate::agent::JOB;
    let asked = "GET /v1/downloads?property=display_name&value=a%20b";
    let expect = [asked.into(), format!("{asked}&after=1.{job}"), format!("{asked}&after=2.{job}")];
    assert_eq!(agent.asked(), expect);
    // Every page may be empty: then there are none.
    let pages = vec![page(vec![], bookmark(1)), page(vec![], None)];
    let agent = FakeAgent::start(vec![pages]);
    let manager = DownloadManager::from(connect(&agent.socket()).await);
    let error = manager.enum_downloads(None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DO_E_NO_DOWNLOADS);
}

/// conformance: Manager::GetJob not-found
#[tokio::test]
async fn a_job_that_is_over_is_not_found() {
    for state in [JobState::Acknowledged, JobState::Cancelled] {
        let agent = FakeAgent::start(vec![vec![json(&job_info(state))]]);
        let error = connect(&agent.socket()).await.job(job_id()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DO_E_JOB_NOT_FOUND);
    }
}

/// conformance: Job::EnumFiles, Job::AddFileWithRanges
#[tokio::test]
async fn files_are_added_listed_and_looked_at() {
    let (agent, job) = job_of(json(&AddedFiles { numbers: vec![FileNumber(3)] })).await;
    let numbers = job.add_files(vec![AddFile::default()]).await.unwrap();
    assert_eq!(numbers, [FileNumber(3)]);
    assert!(agent.asked()[1].contains(r#"/files {"files":[{"#), "{:?}", agent.asked());

    let (_agent, job) = job_of(json(&FileList { files: vec![file_info()] })).await;
    assert_eq!(job.files().await.unwrap(), [file_info()]);

    let (agent, job) = job_of(json(&file_info())).await;
    let ranges = job.file(FileNumber(3)).ranges().await.unwrap();
    assert_eq!(ranges, [ByteRange { offset: 5, length: None }]);
    assert_eq!(agent.asked()[1], format!("GET /v1/jobs/{}/files/3", crate::agent::JOB));
}

#[tokio::test]
async fn a_refusal_arrives_with_all_it_says() {
    let (_agent, job) = job_of(refusal("409 Conflict", ErrorCode::DO_E_INVALID_STATE)).await;
    let error = job.complete().await.unwrap_err();
    let Error::Refused(failure) = &error else { panic!("{error:?}") };
    assert_eq!(failure.symbol, "DO_E_INVALID_STATE");
    assert_eq!(error.to_string(), ErrorCode::DO_E_INVALID_STATE.text());

    let code = ErrorCode::DO_E_ERROR_INFORMATION_UNAVAILABLE;
    let (_agent, job) = job_of(refusal("404 Not Found", code)).await;
    assert_eq!(job.error().await.unwrap_err().code(), code);
}

/// conformance: Job::GetError, Error::GetError
#[tokio::test]
async fn the_error_object_names_what_failed() {
    let why = JobFailure {
        code: ErrorCode::from_http_status(403),
        symbol: String::new(),
        text: "the server answered 403".to_owned(),
        context: ErrorContext::RemoteFile,
        message: "h refused f".to_owned(),
        extended: None,
        http_status: Some(403),
        file: Some(FileNumber(0)),
    };
    let (_agent, job) = job_of(json(&why)).await;
    assert_eq!(job.error().await.unwrap(), why);
}

/// conformance: code E_UNEXPECTED
#[tokio::test]
async fn answers_that_are_none_are_named_so() {
    async fn check(step: Step, expect: &str) {
        let (_agent, job) = job_of(step).await;
        let error = job.info().await.unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
        assert_eq!(error.code(), ErrorCode::E_UNEXPECTED);
        assert!(error.to_string().contains(expect), "{error}");
    }
    check(answer("500 Oops", "<html>"), "HTTP status 500").await;
    check(answer("200 OK", "{}"), "missing field").await;
    check(answer("200 OK", ""), "EOF").await;
}

#[tokio::test]
async fn an_answer_that_is_cut_short_is_lost() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"code\"".to_vec();
    let (_agent, job) = job_of(Step::Answer(vec![half])).await;
    let error = job.resume().await.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error:?}");
}

#[test]
fn the_blocking_face_says_the_same() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let entered = runtime.enter();
    let agent = FakeAgent::start(vec![
        vec![json(&job_info(JobState::Suspended)), json(&outcome(JobState::Queued))],
        vec![crate::agent::events(&[
            "data: {\"kind\":\"current\",",
            "\"job\":",
            &job_text(),
            "}\n\n",
        ])],
    ]);
    drop(entered);
    let manager = blocking::Manager::connect(Address::Socket(agent.socket())).unwrap();
    let job = manager.job(job_id()).unwrap();
    assert_eq!(job.resume().unwrap().state, JobState::Queued);
    let mut events = job.events().unwrap();
    assert_eq!(events.next().unwrap().job, job_info(JobState::Queued));
    assert!(events.next().is_err());
}

fn job_text() -> String {
    serde_json::to_string(&job_info(JobState::Queued)).unwrap()
}
