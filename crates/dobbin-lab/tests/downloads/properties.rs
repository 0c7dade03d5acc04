//! Properties that an origin, the disk or another user notices.

use dobbin_engine::{Actor, CacheSettings, Operation};
use dobbin_lab::origin::{Answer, Content, Origin, Plan, Route, When};
use dobbin_types::{DownloadProperty, DownloadState, ErrorCode, Uid};

use crate::site::Site;

/// conformance: download-property HttpCustomHeaders, download-property CorrelationVector
#[test]
fn the_callers_headers_and_its_correlation_vector_are_sent() {
    let site = Site::new();
    let origin = Origin::start(Plan::new().file("/a", Content::new(1, 10)));
    let job = site.create_to(origin.url("/a"), "out");
    site.set(job, DownloadProperty::HttpCustomHeaders, "x-one: 1\nx-two: 2\r\n").unwrap();
    site.set(job, DownloadProperty::CorrelationVector, "cV.1").unwrap();
    site.run(job).unwrap();
    site.wait_for(job, DownloadState::Transferred);
    let request = &origin.requests()[0].request;
    for (name, value) in [("x-one", "1"), ("x-two", "2"), ("ms-cv", "cV.1")] {
        assert_eq!(request.field(name), Some(value));
    }
    let reserved = site.create();
    for name in ["Host", "Range", "Content-Length", "Transfer-Encoding", "Connection"] {
        let got = site.set(reserved, DownloadProperty::HttpCustomHeaders, format!("{name}: x"));
        assert_eq!(got, Err(ErrorCode::E_INVALIDARG), "{name}");
    }
}

/// conformance: download-property HttpCustomAuthHeaders
#[test]
fn headers_for_who_asks_are_sent_only_when_the_origin_wants_to_know() {
    let site = Site::new();
    let content = Content::new(2, 10);
    for status in [401, 407] {
        let asks = Route::honest(content).when(When::First(1), Answer::Status(status));
        let origin = Origin::start(Plan::new().route("/a", asks));
        let job = site.create_to(origin.url("/a"), &format!("asked-{status}"));
        site.set(job, DownloadProperty::HttpCustomAuthHeaders, "authorization: me").unwrap();
        site.run(job).unwrap();
        site.wait_for(job, DownloadState::Transferred);
        let requests = origin.requests();
        let sent: Vec<_> = requests.iter().map(|one| one.request.field("authorization")).collect();
        assert_eq!(sent, [None, Some("me")], "{status}");
    }
    let never = Route::honest(content).always(Answer::Status(401));
    let origin = Origin::start(Plan::new().route("/a", never));
    let job = site.create_to(origin.url("/a"), "never");
    site.set(job, DownloadProperty::HttpCustomAuthHeaders, "authorization: me").unwrap();
    site.run(job).unwrap();
    let status = site.wait(job, |status| status.is_error());
    assert_eq!(status.error, ErrorCode::from_http_status(401));
    assert_eq!(origin.requests().len(), 2);
}

/// What they prove is for the origin's eyes.
#[test]
fn headers_for_who_asks_are_for_no_cache_host() {
    let site = Site::new();
    let asking = || {
        let route = Route::honest(Content::new(2, 10)).always(Answer::Status(401));
        Origin::start(Plan::new().route("/a", route))
    };
    let (cache, origin) = (asking(), asking());
    let hosts = cache.address().to_string().parse().unwrap();
    site.handle().set_cache_hosts(CacheSettings { hosts, ..CacheSettings::default() });
    let job = site.create_to(origin.url("/a"), "out");
    site.set(job, DownloadProperty::HttpCustomAuthHeaders, "authorization: me").unwrap();
    site.set(job, DownloadProperty::HttpCustomHeaders, "x-one: 1").unwrap();
    site.run(job).unwrap();
    site.wait(job, |status| status.is_error());
    let sent = |origin: &Origin, name: &str| -> Vec<Option<String>> {
        let requests = origin.requests();
        requests.iter().map(|one| one.request.field(name).map(str::to_owned)).collect()
    };
    assert_eq!(sent(&cache, "authorization"), [None]);
    assert_eq!(sent(&cache, "x-one"), [Some("1".to_owned())]);
    assert_eq!(sent(&origin, "authorization"), [None, Some("me".to_owned())]);
}

/// conformance: download-property TotalSizeBytes
#[test]
fn another_size_than_the_callers_is_an_error() {
    let site = Site::new();
    let origin = Origin::start(Plan::new().file("/a", Content::new(3, 10)));
    let job = site.create_to(origin.url("/a"), "out");
    site.set(job, DownloadProperty::TotalSizeBytes, 11).unwrap();
    assert_eq!(site.status(job).unwrap().bytes_total, Some(11));
    site.run(job).unwrap();
    let status = site.wait(job, |status| status.is_error());
    assert_eq!(status.error, ErrorCode::DO_E_HTTP_BLOCKSIZE_MISMATCH);
}

/// conformance: download-property IntegrityCheckMandatory, download-property IntegrityCheckInfo
#[test]
fn what_must_be_checked_and_cannot_be_is_refused_and_never_skipped() {
    let site = Site::new();
    let origin = Origin::start(Plan::new().file("/a", Content::new(4, 10)));
    let digest = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let info = format!(r#"{{"HashOfHashes":"{digest}"}}"#);
    for (info, mandatory, expect) in [
        (None, true, Some(ErrorCode::DO_E_INTEGRITYCHECKINFO_UNSPECIFIED)),
        (Some(&info), true, Some(ErrorCode::DO_E_INTEGRITYCHECKINFO_UNAVAILABLE)),
        (Some(&info), false, None),
    ] {
        let job = site.create_to(origin.url("/a"), &format!("{mandatory}-{}", info.is_some()));
        site.set(job, DownloadProperty::IntegrityCheckMandatory, mandatory).unwrap();
        if let Some(info) = info {
            site.set(job, DownloadProperty::IntegrityCheckInfo, info.as_str()).unwrap();
        }
        site.run(job).unwrap();
        let is_over =
            |status: &dobbin_types::rest::DownloadStatus| status.is_error() || status.is_complete();
        let status = site.wait(job, is_over);
        assert_eq!(status.error, expect.unwrap_or(ErrorCode::S_OK));
    }
    let job = site.create();
    for junk in ["", "junk", "{}", "[]", "{\"HashOfHashes\":\"x\"}"] {
        let got = site.set(job, DownloadProperty::IntegrityCheckInfo, junk);
        assert_eq!(got, Err(ErrorCode::E_INVALIDARG), "{junk}");
    }
}

/// conformance: download-property Uri
#[test]
fn another_address_goes_on_with_a_download_that_failed() {
    let site = Site::new();
    let content = Content::new(5, 100);
    let none = Route::honest(content).always(Answer::Status(404));
    let origin = Origin::start(Plan::new().route("/none", none).file("/a", content));
    let job = site.create_to(origin.url("/none"), "out");
    site.run(job).unwrap();
    site.wait(job, |status| status.is_error());
    site.set(job, DownloadProperty::Uri, origin.url("/a")).unwrap();
    assert_eq!(site.get(job, DownloadProperty::Uri), Ok(origin.url("/a").into()));
    site.run(job).unwrap();
    site.wait_for(job, DownloadState::Transferred);
    for wrong in ["ftp://a/b", "nonsense", "http://a b/"] {
        let fresh = site.create();
        let got = site.set(fresh, DownloadProperty::Uri, wrong);
        assert_eq!(got, Err(ErrorCode::INET_E_INVALID_URL), "{wrong}");
    }
}

/// conformance: download-property LocalPath
#[test]
fn a_destination_in_the_agents_own_folder_is_nobodys() {
    let site = Site::new();
    let job = site.create();
    for inside in ["state/x", "state/deep/er/x"] {
        let path = site.path(inside).display().to_string();
        let got = site.set(job, DownloadProperty::LocalPath, path);
        assert_eq!(got, Err(ErrorCode::E_ACCESSDENIED), "{inside}");
    }
    assert_eq!(site.get(job, DownloadProperty::LocalPath), Err(ErrorCode::E_NOT_SET));
}

/// conformance: download-property LocalPath
#[test]
fn folders_are_made_for_the_agents_own_user_only() {
    let site = Site::new();
    let origin = Origin::start(Plan::new().file("/a", Content::new(6, 10)));
    let other = Actor::from_kernel(Uid(61_234));
    let handle = site.handle();
    let got = site.runtime().block_on(async {
        let body = dobbin_types::rest::CreateDownload {
            uri: Some(origin.url("/a")),
            local_path: Some(site.path("deep/out").display().to_string()),
        };
        let job = handle.create_download(other, body).await?;
        handle.operate(other, job, Operation::Start(None)).await
    });
    // Another user makes the folder itself, and the file in it: the agent touches neither.
    assert!(got.is_ok(), "{got:?}");
    assert!(!site.path("deep").exists());
}
