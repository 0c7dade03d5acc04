//! The client's faces, against a real agent at a real socket.

use std::path::Path;

use dobbin_agent::{AgentOptions, Embedded};
use dobbin_lab::origin::{Answer, Content, End, Origin, Plan, Route};
use dobbin_platform::Scope;
use dobbin_sdk::{Address, Download, DownloadManager, Error, blocking};
use dobbin_types::rest::{AgentMode, CreateDownload, DownloadStatus};
use dobbin_types::{ByteRange, DownloadProperty, DownloadState, ErrorCode, PropertyValue};

use crate::site::range;

const MIB: u64 = 1024 * 1024;

fn agent(home: &Path) -> Embedded {
    let options = AgentOptions::at(
        Scope::User,
        AgentMode::Service,
        home.join("state"),
        home.join("run/api.sock"),
    );
    Embedded::start(options).unwrap()
}

fn address(home: &Path) -> Address {
    Address::Socket(home.join("run/api.sock"))
}

fn wish(uri: String, to: Option<&Path>) -> CreateDownload {
    CreateDownload { uri: Some(uri), local_path: to.map(|path| path.display().to_string()) }
}

fn code<T>(outcome: Result<T, Error>) -> Option<ErrorCode> {
    outcome.err().map(|error| error.code())
}

/// conformance: IDODownloadStatusCallback::OnStatusChange
#[tokio::test]
async fn a_program_is_called_with_every_state_of_its_download() {
    let home = tempfile::tempdir().unwrap();
    let _agent = agent(home.path());
    let content = Content::new(1, 2 * MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let manager = DownloadManager::connect(address(home.path())).await.unwrap();
    assert_eq!(code(manager.enum_downloads(None).await), Some(ErrorCode::DO_E_NO_DOWNLOADS));
    let out = home.path().join("out");
    let download = manager.create_download(&wish(origin.url("/a"), Some(&out))).await.unwrap();
    let category = Some((DownloadProperty::LocalPath, out.to_str().unwrap()));
    let listed = manager.enum_downloads(category).await.unwrap();
    assert_eq!(listed, [download.info().await.unwrap()]);

    let mut told = Vec::new();
    let mut callback = |_: &Download, status: &DownloadStatus| told.push(*status);
    let following = download.follow(&mut callback);
    let deeds = async {
        download.start(None).await.unwrap();
        download.wait().await.unwrap();
        download.finalize().await.unwrap()
    };
    // The callback hears of everything while the deeds are done on the same thread.
    let (last, done) = tokio::join!(following, deeds);
    assert_eq!(last.unwrap().state, DownloadState::Finalized);
    assert_eq!(done.state, DownloadState::Finalized);
    let mut states: Vec<DownloadState> = told.iter().map(|status| status.state).collect();
    states.dedup();
    // The first one may be seen before or after Start.
    assert_eq!(states.last(), Some(&DownloadState::Finalized));
    assert!(states.contains(&DownloadState::Transferred), "{states:?}");
    assert!(told.windows(2).all(|pair| pair[0].bytes_transferred <= pair[1].bytes_transferred));
    assert!(std::fs::read(&out).unwrap() == content.all());
    let gone = manager.download(download.id()).await;
    assert_eq!(code(gone), Some(ErrorCode::E_NOT_SET));
}

/// conformance: download-property StreamInterface
#[tokio::test]
async fn a_sink_gets_one_portion_after_the_other() {
    let home = tempfile::tempdir().unwrap();
    let _agent = agent(home.path());
    let content = Content::new(2, 5 * MIB);
    let origin = Origin::start(Plan::new().file("/a", content));
    let manager = DownloadManager::connect(address(home.path())).await.unwrap();
    let download = manager.create_download(&wish(origin.url("/a"), None)).await.unwrap();
    download.set_property(DownloadProperty::StreamInterface, true).await.unwrap();
    let expected = Some(ErrorCode::DO_E_DOWNLOAD_RANGES_EXPECTED);
    assert_eq!(code(download.start(None).await), expected);
    let mut sink = Vec::new();
    let portions = [vec![range(3 * MIB, MIB + 7), range(1, 9)], vec![range(0, 1)]];
    for portion in portions {
        download.start(Some(portion)).await.unwrap();
        let had = sink.len() as u64;
        let count = download.deliver(&mut sink, had).await.unwrap();
        assert_eq!(had + count, sink.len() as u64);
    }
    let mut expect = content.bytes(3 * MIB..4 * MIB + 7);
    expect.extend(content.bytes(1..10));
    expect.extend(content.bytes(0..1));
    assert!(sink == expect);
    // The whole file is one range to its end.
    let whole = manager.create_download(&wish(origin.url("/a"), None)).await.unwrap();
    whole.set_property(DownloadProperty::StreamInterface, true).await.unwrap();
    whole.start(Some(vec![ByteRange { offset: 0, length: None }])).await.unwrap();
    let mut sink = Vec::new();
    assert_eq!(whole.deliver(&mut sink, 0).await.unwrap(), content.size());
    assert!(sink == content.all());
    // A sink that takes no more: its own error, and the bytes can be read again.
    let mut full = &mut [0_u8; 10][..];
    let error = whole.deliver(&mut full, 0).await.unwrap_err();
    assert!(matches!(error, Error::Sink { .. }), "{error:?}");
    assert_eq!(whole.finalize().await.unwrap().state, DownloadState::Finalized);
}

/// conformance: download-property BlockingMode
#[test]
fn the_blocking_face_says_the_same() {
    let home = tempfile::tempdir().unwrap();
    let _agent = agent(home.path());
    let content = Content::new(3, MIB);
    let none = Route::honest(content).always(Answer::Status(404));
    let plan = Plan::new().file("/a", content).route("/none", none);
    let origin = Origin::start(plan);
    let manager = blocking::DownloadManager::connect(address(home.path())).unwrap();
    let out = home.path().join("out");
    let download = manager.create_download(&wish(origin.url("/none"), Some(&out))).unwrap();
    download.set_property(DownloadProperty::BlockingMode, true).unwrap();
    let missing = Some(ErrorCode::from_http_status(404));
    assert_eq!(code(download.start(None)), missing);
    assert_eq!(code(download.wait()), missing);
    download.set_property(DownloadProperty::Uri, origin.url("/a")).unwrap();
    let uri = download.property(DownloadProperty::Uri).unwrap();
    assert_eq!(uri, PropertyValue::from(origin.url("/a")));
    assert_eq!(download.start(None).unwrap().state, DownloadState::Transferred);
    assert_eq!(manager.enum_downloads(None).unwrap().len(), 1);
    assert_eq!(download.finalize().unwrap().state, DownloadState::Finalized);
    assert!(std::fs::read(&out).unwrap() == content.all());
    let mut states = Vec::new();
    let mut callback = |_: &Download, status: &DownloadStatus| states.push(status.state);
    download.follow(&mut callback).unwrap();
    assert_eq!(states, [DownloadState::Finalized]);
}

#[test]
fn a_caller_who_waits_hears_when_somebody_pauses_and_when_the_agent_leaves() {
    let home = tempfile::tempdir().unwrap();
    let agent = agent(home.path());
    let slow = Route::honest(Content::new(4, 100)).always(End::StallAfter(10));
    let origin = Origin::start(Plan::new().route("/slow", slow));
    let manager = blocking::DownloadManager::connect(address(home.path())).unwrap();
    let out = home.path().join("out");
    let download = manager.create_download(&wish(origin.url("/slow"), Some(&out))).unwrap();
    download.set_property(DownloadProperty::BlockingMode, true).unwrap();
    let start = || {
        let address = address(home.path());
        let id = download.id();
        std::thread::spawn(move || {
            let manager = blocking::DownloadManager::connect(address).unwrap();
            code(manager.download(id).unwrap().start(None))
        })
    };
    let until_it_moves = || {
        while download.status().unwrap().state != DownloadState::Transferring {
            std::thread::yield_now();
        }
    };
    let waiting = start();
    until_it_moves();
    download.pause().unwrap();
    assert_eq!(waiting.join().unwrap(), Some(ErrorCode::E_ABORT));
    assert_eq!(code(download.wait()), Some(ErrorCode::E_ABORT));
    let waiting = start();
    until_it_moves();
    agent.stop();
    assert_eq!(waiting.join().unwrap(), Some(ErrorCode::DO_E_NO_SERVICE));
}
