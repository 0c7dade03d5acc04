//! Properties, figures and moved files on the real engine: what no state table can show.

// Clippy knows the tests by their attribute, and not what they call.
#![allow(clippy::unwrap_used)]

mod site;

use dobbin_engine::{Handle, Recover, Wish};
use dobbin_lab::origin::{Answer, Content, End, Origin, Plan, Ranges, Route, Version, When};
use dobbin_types::rest::{AddFile, FileStats};
use dobbin_types::{
    ByteRange, DoFilePropertyId, DoJobPropertyId, DownloadMode, ErrorCode, FileNumber,
    FileProperty, FilePropertyId, JobId, JobProperty, JobPropertyId, JobState, PropertyValue,
    SwarmStatus,
};
use site::{Site, file, me};

const MIB: u64 = 1024 * 1024;
const FIRST: FileNumber = FileNumber(0);

/// The only digest in these tests.
const CHECK_INFO: &str = r#"{"HashOfHashes":"Q6VPwDxql56arq4kk3V9FCmlyKjQk/t7gQPozI33trY="}"#;

impl Site {
    fn ask<T>(&self, call: impl AsyncFnOnce(Handle) -> T) -> T {
        self.runtime.block_on(call(self.handle()))
    }

    fn set(
        &self,
        job: JobId,
        property: DoFilePropertyId,
        value: impl Into<PropertyValue>,
    ) -> Result<ErrorCode, ErrorCode> {
        let (property, value) = (FileProperty::from(property), value.into());
        self.ask(async |handle| {
            let set = handle.set_file_property(me(), job, FIRST, property, value).await;
            set.map(|done| done.code).map_err(|failure| failure.code)
        })
    }

    fn get(
        &self,
        job: JobId,
        property: impl Into<FileProperty>,
    ) -> Result<PropertyValue, ErrorCode> {
        let property = property.into();
        self.ask(async |handle| {
            let value = handle.file_property(me(), job, FIRST, property).await;
            value.map_err(|failure| failure.code)
        })
    }

    fn get_of_job(
        &self,
        job: JobId,
        property: impl Into<JobProperty>,
    ) -> Result<PropertyValue, ErrorCode> {
        let property = property.into();
        self.ask(async |handle| {
            handle.job_property(me(), job, property).await.map_err(|failure| failure.code)
        })
    }

    fn set_of_job(
        &self,
        job: JobId,
        property: impl Into<JobProperty>,
        value: impl Into<PropertyValue>,
    ) -> Result<ErrorCode, ErrorCode> {
        let (property, value) = (property.into(), value.into());
        self.ask(async |handle| {
            let set = handle.set_job_property(me(), job, property, value).await;
            set.map(|done| done.code).map_err(|failure| failure.code)
        })
    }

    fn move_to(&self, job: JobId, url: String) -> Result<ErrorCode, ErrorCode> {
        self.ask(async |handle| {
            let set = handle.set_remote_name(me(), job, FIRST, url).await;
            set.map(|done| done.code).map_err(|failure| failure.code)
        })
    }

    fn stats(&self, job: JobId) -> FileStats {
        self.ask(async |handle| handle.file_stats(me(), job, FIRST).await.unwrap())
    }

    fn remote_name(&self, job: JobId) -> String {
        self.ask(async |handle| handle.file(me(), job, FIRST).await.unwrap().remote_name)
    }

    /// A file of which the first 3 MiB are here, and nothing more comes from where it was.
    fn half(&self, origin: &Origin, name: &str) -> JobId {
        let job = self.create(vec![file(origin.url("/old"), &self.path(name))]);
        self.wish(job, Wish::Resume).unwrap();
        self.wait(job, &[JobState::TransientError]);
        job
    }

    #[track_caller]
    fn finish(&self, job: JobId, name: &str, content: Content) {
        self.wait(job, &[JobState::Transferred]);
        self.wish(job, Wish::Complete).unwrap();
        let got = std::fs::read(self.path(name)).unwrap();
        assert_eq!(content.first_difference(0, &got), None);
        assert_eq!(got.len() as u64, content.size());
    }
}

fn breaks(content: Content) -> Route {
    Route::honest(content).always(End::FinAfter(3 * MIB))
}

/// The ranges that were asked for at a path.
fn ranges_asked(origin: &Origin, path: &str) -> Vec<Option<String>> {
    let requests = origin.requests().into_iter().filter(|seen| seen.request.path() == path);
    requests.map(|seen| seen.request.field("range").map(str::to_owned)).collect()
}

/// conformance: File2::SetRemoteName same-file
#[test]
fn a_moved_file_goes_on_where_size_and_time_are_the_same() {
    let site = Site::new();
    let content = Content::new(21, 6 * MIB);
    // Another tag: marks of two servers say nothing to each other.
    let new = Route::honest(content).always(Version::NewTag);
    let origin = Origin::start(Plan::new().route("/old", breaks(content)).route("/new", new));
    let job = site.half(&origin, "out");
    assert_eq!(site.move_to(job, origin.url("/new")), Ok(ErrorCode::S_OK));
    site.wish(job, Wish::Resume).unwrap();
    site.finish(job, "out", content);
    let range = format!("bytes={}-{}", 3 * MIB, 6 * MIB - 1);
    assert_eq!(ranges_asked(&origin, "/new"), [Some(range)]);
    let asked = origin.requests().into_iter().find(|seen| seen.request.path() == "/new").unwrap();
    assert_eq!(asked.request.field("if-range"), None, "the old server's mark is not sent");
}

/// conformance: File2::SetRemoteName same-file
#[test]
fn a_moved_file_starts_anew_where_anything_differs() {
    let content = Content::new(22, 6 * MIB);
    let larger = content.resized(7 * MIB);
    for (new, becomes) in [
        (Route::honest(content.changed()).always(Version::NewDate), content.changed()),
        (Route::honest(larger), larger),
        (Route::honest(content).always(Version::NoDate), content),
        (Route::honest(content).always(Ranges::Ignored), content),
    ] {
        let site = Site::new();
        let origin = Origin::start(Plan::new().route("/old", breaks(content)).route("/new", new));
        let job = site.half(&origin, "out");
        site.move_to(job, origin.url("/new")).unwrap();
        site.wish(job, Wish::Resume).unwrap();
        site.finish(job, "out", becomes);
        // Every byte came from the new server.
        assert_eq!(site.stats(job).bytes_from_http, 3 * MIB + becomes.size());
    }
}

/// conformance: File2::SetRemoteName
#[test]
fn what_runs_uses_the_new_url_from_its_next_request_on() {
    let site = Site::new();
    let content = Content::new(23, 6 * MIB);
    let old = Route::honest(content).always(End::StallAfter(3 * MIB));
    let origin = Origin::start(Plan::new().route("/old", old).file("/new", content));
    let job = site.create(vec![file(origin.url("/old"), &site.path("out"))]);
    site.wish(job, Wish::Resume).unwrap();
    while site.info(job).progress.bytes_transferred < 3 * MIB {
        std::thread::yield_now();
    }
    site.move_to(job, origin.url("/new")).unwrap();
    assert_eq!(site.remote_name(job), origin.url("/new"));
    assert_eq!(site.info(job).state, JobState::Transferring);
    assert_eq!(ranges_asked(&origin, "/new").len(), 0, "the request under way is left alone");
    // The next request comes with the next attempt.
    site.wish(job, Wish::Suspend).unwrap();
    site.wish(job, Wish::Resume).unwrap();
    site.finish(job, "out", content);
    assert_eq!(ranges_asked(&origin, "/old").len(), 1);
}

/// conformance: File2::SetRemoteName
#[test]
fn a_restart_forgets_a_new_url_that_was_not_confirmed() {
    let mut site = Site::new();
    let job = site.create(vec![file("http://127.0.0.1:9/old".into(), &site.path("out"))]);
    site.move_to(job, "http://127.0.0.1:9/new".into()).unwrap();
    assert_eq!(site.remote_name(job), "http://127.0.0.1:9/new");
    site.stop();
    site.start(Recover::Hold);
    assert_eq!(site.remote_name(job), "http://127.0.0.1:9/old");
    site.move_to(job, "http://127.0.0.1:9/new".into()).unwrap();
    site.wish(job, Wish::Resume).unwrap();
    site.wish(job, Wish::Suspend).unwrap();
    site.stop();
    site.start(Recover::Hold);
    assert_eq!(site.remote_name(job), "http://127.0.0.1:9/new");
}

/// conformance: File2::SetRemoteName arguments
#[test]
fn what_is_no_url_is_no_remote_name() {
    let site = Site::new();
    let job = site.create(vec![file("http://127.0.0.1:9/a".into(), &site.path("out"))]);
    let long = format!("http://127.0.0.1:9/{}", "x".repeat(2_200));
    for url in ["", "a/b", "ftp://127.0.0.1/a", "http://127.0.0.1/a b", long.as_str()] {
        assert_eq!(site.move_to(job, url.into()), Err(ErrorCode::E_INVALIDARG), "{url:.40}");
    }
}

/// conformance: File5::GetProperty, DOFile::GetStats, struct DOSwarmStats
#[test]
fn headers_and_figures_tell_what_the_origin_did_and_outlive_the_service() {
    let mut site = Site::new();
    let content = Content::new(24, 2 * MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let job = site.create(vec![file(origin.url("/a"), &site.path("out"))]);
    let headers = FilePropertyId::HttpResponseHeaders;
    assert_eq!(site.get(job, headers), Err(ErrorCode::E_NOT_SET));
    let before = site.stats(job);
    assert_eq!((before.status, before.file_size), (SwarmStatus::Paused, None));
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferred]);
    let Ok(PropertyValue::Text(text)) = site.get(job, headers) else { panic!("no headers") };
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n"), "{text}");
    assert!(text.contains(&format!("\r\ncontent-length: {}\r\n", 2 * MIB)), "{text}");
    let after = site.stats(job);
    assert_eq!((after.status, after.download_mode), (SwarmStatus::Complete, DownloadMode::Simple));
    assert_eq!((after.file_size, after.bytes_from_http), (Some(2 * MIB), 2 * MIB));
    assert_eq!((after.total_bytes_downloaded, after.http_connection_count), (2 * MIB, 0));
    assert_eq!((after.source_url.as_str(), after.is_background), (&*origin.url("/a"), true));
    site.stop();
    site.start(Recover::Hold);
    assert_eq!(site.get(job, headers), Ok(text.clone().into()));
    assert_eq!(site.stats(job).bytes_from_http, 2 * MIB);
    // Held objects of a job that is over go on answering.
    site.wish(job, Wish::Complete).unwrap();
    assert_eq!(site.get(job, headers), Ok(text.into()));
    assert_eq!(site.stats(job).status, SwarmStatus::Complete);
    let set = site.set(job, DoFilePropertyId::TotalSizeBytes, 5);
    assert_eq!(set, Err(ErrorCode::DO_E_INVALID_STATE));
}

/// conformance: DOFile::GetStats, struct DOSwarmStats
#[test]
fn a_file_that_is_being_fetched_has_a_connection_and_time_passes() {
    let site = Site::new();
    let stalls = Route::honest(Content::new(25, 2 * MIB)).always(End::StallAfter(MIB));
    let origin = Origin::start(Plan::new().route("/a", stalls));
    let job = site.create(vec![file(origin.url("/a"), &site.path("out"))]);
    site.wish(job, Wish::SetPriority(dobbin_types::Priority::Foreground)).unwrap();
    site.wish(job, Wish::Resume).unwrap();
    let mut stats = site.stats(job);
    while stats.bytes_from_http < MIB || stats.download_duration_ms == 0 {
        std::thread::yield_now();
        stats = site.stats(job);
    }
    assert_eq!((stats.status, stats.http_connection_count), (SwarmStatus::Downloading, 1));
    assert!(!stats.is_background);
    site.wish(job, Wish::Suspend).unwrap();
    while site.stats(job).http_connection_count > 0 {
        std::thread::yield_now();
    }
    assert_eq!(site.stats(job).status, SwarmStatus::Paused);
}

/// conformance: Job2::GetProperty ExtendedErrorInfo
/// conformance: Job2::SetProperty, File5::GetProperty, code DO_E_READ_ONLY_PROPERTY
#[test]
fn the_extended_error_names_code_status_url_and_file() {
    let site = Site::new();
    let gone = Route::honest(Content::new(26, 10)).always(Answer::Status(403));
    let origin = Origin::start(Plan::new().route("/a", gone));
    let job = site.create(vec![file(origin.url("/a"), &site.path("out"))]);
    let extended = DoJobPropertyId::ExtendedErrorInfo;
    assert_eq!(site.get_of_job(job, extended), Ok("".into()));
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Error]);
    let text = format!(
        r#"{{"Error":"0x80190193","ExtendedError":"0x00000000","HttpStatus":403,"Url":"{}","File":"{}"}}"#,
        origin.url("/a"),
        site.path("out").display(),
    );
    assert_eq!(site.get_of_job(job, extended), Ok(text.into()));
    let read_only = Err(ErrorCode::DO_E_READ_ONLY_PROPERTY);
    assert_eq!(site.set_of_job(job, extended, "x"), read_only);
    let Ok(PropertyValue::Text(text)) = site.get(job, FilePropertyId::HttpResponseHeaders) else {
        panic!("a refusal has headers too")
    };
    assert!(text.starts_with("HTTP/1.1 403 "), "{text}");
}

/// conformance: Job5::GetProperty COST_FLAGS, Job5::SetProperty COST_FLAGS
/// conformance: Job5::GetProperty NOTIFICATION_CLSID, Job5::SetProperty NOTIFICATION_CLSID
/// conformance: Job5::GetProperty unknown, Job5::SetProperty unknown
/// conformance: code DO_E_UNKNOWN_PROPERTY_ID
#[test]
fn a_jobs_properties_read_as_they_were_set() {
    let mut site = Site::new();
    let job = site.create(vec![]);
    let (cost, clsid) = (JobPropertyId::CostFlags, JobPropertyId::NotificationClsid);
    assert_eq!(site.get_of_job(job, cost), Ok(0x8000_0067.into()));
    assert_eq!(site.set_of_job(job, cost, 0x8000_007F), Ok(ErrorCode::S_OK));
    let null = "00000000-0000-0000-0000-000000000000";
    assert_eq!(site.get_of_job(job, clsid), Ok(null.into()));
    let braced = "{1B4E28BA-2FA1-11D2-883F-0016D3CCA427}";
    assert_eq!(site.set_of_job(job, clsid, braced), Ok(ErrorCode::S_OK));
    site.stop();
    site.start(Recover::RunAll);
    assert_eq!(site.get_of_job(job, cost), Ok(0x8000_007F.into()));
    assert_eq!(site.get_of_job(job, clsid), Ok("1b4e28ba-2fa1-11d2-883f-0016d3cca427".into()));
    assert_eq!(site.set_of_job(job, clsid, null), Ok(ErrorCode::S_OK));
    assert_eq!(site.get_of_job(job, clsid), Ok(null.into()));

    let invalid = Err(ErrorCode::E_INVALIDARG);
    assert_eq!(site.set_of_job(job, cost, "always"), invalid);
    assert_eq!(site.set_of_job(job, cost, true), invalid);
    assert_eq!(site.set_of_job(job, cost, u64::MAX), invalid);
    assert_eq!(site.set_of_job(job, cost, 0x4000_0000), invalid);
    assert_eq!(site.set_of_job(job, clsid, "class"), invalid);
    assert_eq!(site.set_of_job(job, clsid, PropertyValue::Nothing), invalid);
    for unknown in &JobPropertyId::ALL[2..] {
        let no = ErrorCode::DO_E_UNKNOWN_PROPERTY_ID;
        assert_eq!(site.get_of_job(job, *unknown), Err(no), "{unknown}");
        assert_eq!(site.set_of_job(job, *unknown, 1), Err(no), "{unknown}");
    }
    site.wish(job, Wish::Cancel).unwrap();
    assert_eq!(site.get_of_job(job, cost), Ok(0x8000_007F.into()));
    assert_eq!(site.set_of_job(job, cost, 1), Err(ErrorCode::DO_E_INVALID_STATE));
}

/// conformance: DOFile2::GetProperty, DOFile2::SetProperty, DOFile2 *, File5::SetProperty
/// conformance: code DO_E_MEMORYSTREAM_DOWNLOAD_NOT_SUPPORTED, code DO_E_WRITE_ONLY_PROPERTY
/// conformance: code DO_E_READ_ONLY_PROPERTY, code E_NOT_SET
#[test]
fn a_files_properties_have_their_types_and_their_access() {
    use DoFilePropertyId as P;
    let site = Site::new();
    let job = site.create(vec![file("http://127.0.0.1:9/a".into(), &site.path("out"))]);
    let unknown = ErrorCode::DO_E_UNKNOWN_PROPERTY_ID;
    let no_stream = ErrorCode::DO_E_MEMORYSTREAM_DOWNLOAD_NOT_SUPPORTED;
    for (property, code) in [
        (P::DecryptionInfo, ErrorCode::DO_E_WRITE_ONLY_PROPERTY),
        (P::IntegrityCheckInfo, ErrorCode::DO_E_WRITE_ONLY_PROPERTY),
        (P::IntegrityCheckMandatory, ErrorCode::E_NOT_SET),
        (P::DownloadSinkInterface, unknown),
        (P::DownloadSinkMemoryStream, no_stream),
        (P::TotalSizeBytes, ErrorCode::E_NOT_SET),
    ] {
        assert_eq!(site.get(job, property), Err(code), "{property}");
    }
    assert_eq!(site.set(job, P::DecryptionInfo, "{}"), Err(ErrorCode::E_NOTIMPL));
    assert_eq!(site.set(job, P::DownloadSinkInterface, "x"), Err(unknown));
    assert_eq!(site.set(job, P::DownloadSinkMemoryStream, "x"), Err(no_stream));
    let headers = FilePropertyId::HttpResponseHeaders.into();
    let set = site.ask(async |handle| {
        handle.set_file_property(me(), job, FIRST, headers, "x".into()).await.map_err(|f| f.code)
    });
    assert_eq!(set, Err(ErrorCode::DO_E_READ_ONLY_PROPERTY));

    let there = site.path("there").display().to_string();
    assert_eq!(site.set(job, P::DownloadSinkFilePath, there.as_str()), Ok(ErrorCode::S_OK));
    assert_eq!(site.get(job, P::DownloadSinkFilePath), Ok(there.into()));
    assert_eq!(site.set(job, P::TotalSizeBytes, 10), Ok(ErrorCode::S_OK));
    assert_eq!(site.get(job, P::TotalSizeBytes), Ok(10.into()));
    assert_eq!(site.set(job, P::IntegrityCheckInfo, CHECK_INFO), Ok(ErrorCode::S_OK));
    assert_eq!(site.set(job, P::IntegrityCheckMandatory, false), Ok(ErrorCode::S_OK));
    assert_eq!(site.get(job, P::IntegrityCheckMandatory), Ok(false.into()));

    let invalid = Err(ErrorCode::E_INVALIDARG);
    assert_eq!(site.set(job, P::DownloadSinkFilePath, "relative"), invalid);
    assert_eq!(site.set(job, P::DownloadSinkFilePath, 5), invalid);
    assert_eq!(site.set(job, P::TotalSizeBytes, 0), invalid);
    assert_eq!(site.set(job, P::TotalSizeBytes, "10"), invalid);
    assert_eq!(site.set(job, P::IntegrityCheckInfo, "junk"), invalid);
    assert_eq!(site.set(job, P::IntegrityCheckMandatory, 1), invalid);
    let nowhere = site.path("no/such/folder").display().to_string();
    assert_eq!(site.set(job, P::DownloadSinkFilePath, nowhere), Err(ErrorCode::ENOENT));
}

/// conformance: Job2::AddFile
#[test]
fn a_file_without_a_place_gets_one_and_arrives() {
    let site = Site::new();
    let content = Content::new(27, MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let bare = AddFile { remote_name: origin.url("/a"), ..AddFile::default() };
    let job = site.create(vec![bare]);
    assert_eq!(site.wish(job, Wish::Resume), Err(ErrorCode::DO_E_LOCALPATH_NOT_SET));
    let sink = DoFilePropertyId::DownloadSinkFilePath;
    assert_eq!(site.get(job, sink), Err(ErrorCode::E_NOT_SET));
    site.set(job, sink, site.path("out").display().to_string()).unwrap();
    site.wish(job, Wish::Resume).unwrap();
    site.finish(job, "out", content);
}

/// A file without a place that joins a running job stops it, and can be helped.
#[test]
fn a_file_without_a_place_in_a_running_job_is_an_error_with_its_code() {
    let site = Site::new();
    let content = Content::new(28, MIB);
    let stalls = Route::honest(content).when(When::First(1), End::StallAfter(MIB / 2));
    let origin = Origin::start(Plan::new().route("/a", stalls).file("/b", content));
    let job = site.create(vec![file(origin.url("/a"), &site.path("a"))]);
    site.wish(job, Wish::Resume).unwrap();
    site.wait(job, &[JobState::Transferring]);
    let bare = AddFile { remote_name: origin.url("/b"), ..AddFile::default() };
    let files = dobbin_types::rest::AddFiles { files: vec![bare] };
    site.ask(async |handle| handle.add_files(me(), job, files).await.unwrap());
    let error = site.wait(job, &[JobState::Error]).error.unwrap();
    assert_eq!((error.code, error.file), (ErrorCode::DO_E_LOCALPATH_NOT_SET, Some(FileNumber(1))));
}

/// conformance: DOFile2 IntegrityCheckMandatory
/// conformance: code DO_E_INTEGRITYCHECKINFO_UNSPECIFIED
/// conformance: code DO_E_INTEGRITYCHECKINFO_UNAVAILABLE
#[test]
fn a_file_that_must_be_checked_is_not_fetched_unchecked() {
    let content = Content::new(29, MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    for (info, mandatory, code) in [
        (None, true, Some(ErrorCode::DO_E_INTEGRITYCHECKINFO_UNSPECIFIED)),
        (Some(CHECK_INFO), true, Some(ErrorCode::DO_E_INTEGRITYCHECKINFO_UNAVAILABLE)),
        (Some(CHECK_INFO), false, None),
    ] {
        let site = Site::new();
        let job = site.create(vec![file(origin.url("/a"), &site.path("out"))]);
        if let Some(info) = info {
            site.set(job, DoFilePropertyId::IntegrityCheckInfo, info).unwrap();
        }
        site.set(job, DoFilePropertyId::IntegrityCheckMandatory, mandatory).unwrap();
        site.wish(job, Wish::Resume).unwrap();
        let info = site.wait(job, &[JobState::Error, JobState::Transferred]);
        assert_eq!(info.error.map(|error| error.code), code);
        assert_eq!(site.stats(job).bytes_from_http == 0, code.is_some(), "not a byte is fetched");
    }
}

/// conformance: File::GetLocalName, File::GetRemoteName, File::GetProgress, File2::GetFileRanges
/// conformance: struct BG_FILE_PROGRESS, struct BG_JOB_PROGRESS, Error none-of-calls
#[test]
fn a_file_says_what_it_was_given_and_a_refused_call_leaves_no_error() {
    let site = Site::new();
    let out = site.path("out");
    let ranges =
        vec![ByteRange { offset: 100, length: Some(5) }, ByteRange { offset: 10, length: Some(7) }];
    let ranged = AddFile { ranges: ranges.clone(), ..file("http://127.0.0.1:9/a".into(), &out) };
    let bare = AddFile { remote_name: String::new(), ..AddFile::default() };
    let job = site.create(vec![ranged, bare]);
    let files = site.ask(async |handle| handle.files(me(), job).await.unwrap().files);
    assert_eq!(files[0].local_name, out.display().to_string());
    assert_eq!(files[0].remote_name, "http://127.0.0.1:9/a");
    assert_eq!((&files[0].ranges, files[1].ranges.len()), (&ranges, 0));
    assert_eq!((files[0].progress.bytes_total, files[1].progress.bytes_total), (Some(12), None));
    assert_eq!((files[1].local_name.as_str(), files[1].remote_name.as_str()), ("", ""));
    assert!(!files[0].progress.completed && files[0].progress.bytes_transferred == 0);
    let progress = site.info(job).progress;
    assert_eq!((progress.bytes_total, progress.files_total), (None, 2));
    assert!(site.wish(job, Wish::Resume).is_err());
    let error = site.ask(async |handle| handle.error(me(), job).await.unwrap_err().code);
    assert_eq!(error, ErrorCode::DO_E_ERROR_INFORMATION_UNAVAILABLE);
}

/// Every getter, of which only `GetError` minds the state.
#[track_caller]
fn all_getters_answer(site: &Site, job: JobId, state: JobState) {
    assert_eq!(site.info(job).state, state);
    let is_error = matches!(state, JobState::Error | JobState::TransientError);
    site.ask(async |handle| {
        assert_eq!(handle.files(me(), job).await.unwrap().files.len(), 1, "{state}");
        handle.file(me(), job, FIRST).await.unwrap();
        handle.stats(me(), job).await.unwrap();
        for property in JobProperty::all() {
            let value = handle.job_property(me(), job, property).await;
            let code = value.map_or_else(|failure| failure.code, |_| ErrorCode::S_OK);
            let is_known = [ErrorCode::S_OK, ErrorCode::DO_E_UNKNOWN_PROPERTY_ID].contains(&code);
            assert!(is_known, "{property:?} in {state}: {code}");
        }
        let error = handle.error(me(), job).await;
        let none = ErrorCode::DO_E_ERROR_INFORMATION_UNAVAILABLE;
        assert_eq!(error.map_err(|failure| failure.code).err(), (!is_error).then_some(none));
    });
    site.get(job, DoFilePropertyId::DownloadSinkFilePath).unwrap();
}

/// conformance: state-table getters × *
#[test]
fn getters_answer_in_every_state() {
    let mut site = Site::new();
    let content = Content::new(30, MIB);
    let origin = Origin::start(
        Plan::new()
            .file("/a", content)
            .route("/stall", Route::honest(content).always(End::StallAfter(10)))
            .route("/break", Route::honest(content).always(End::FinAfter(10)))
            .route("/gone", Route::honest(content).always(Answer::Status(404))),
    );
    let begin = |path: &str, state| {
        let job = site.create(vec![file(origin.url(path), &site.path(&path[1..]))]);
        site.wish(job, Wish::Resume).unwrap();
        site.wait(job, &[state]);
        job
    };
    let moving = begin("/stall", JobState::Transferring);
    all_getters_answer(&site, moving, JobState::Transferring);
    let waits = begin("/break", JobState::TransientError);
    all_getters_answer(&site, waits, JobState::TransientError);
    site.wish(waits, Wish::Cancel).unwrap();
    all_getters_answer(&site, waits, JobState::Cancelled);
    let failed = begin("/gone", JobState::Error);
    all_getters_answer(&site, failed, JobState::Error);
    let here = begin("/a", JobState::Transferred);
    all_getters_answer(&site, here, JobState::Transferred);
    site.wish(here, Wish::Complete).unwrap();
    all_getters_answer(&site, here, JobState::Acknowledged);
    // An agent that holds what it finds keeps it in the queue.
    site.stop();
    site.start(Recover::Hold);
    all_getters_answer(&site, moving, JobState::Queued);
    site.wish(moving, Wish::Suspend).unwrap();
    all_getters_answer(&site, moving, JobState::Suspended);
}
