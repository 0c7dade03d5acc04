//! Calls of several users, on an engine of our own.

use std::time::Duration;

use dobbin_engine::{CacheSettings, Engine, EngineOptions, HttpSettings, JobLimits, Recover};
use dobbin_platform::identity::own_uid;
use dobbin_types::Uid;
use dobbin_types::rest::CreateDownload;

use super::*;

struct Site {
    engine: Engine,
    home: tempfile::TempDir,
}

impl Site {
    fn new() -> Site {
        let home = tempfile::tempdir().unwrap();
        let engine = Engine::start(EngineOptions {
            state: home.path().join("state"),
            recover: Recover::RunAll,
            http: HttpSettings::product("test"),
            limits: JobLimits::OFF,
            cache_hosts: CacheSettings::default(),
        });
        Site { engine: engine.unwrap(), home }
    }

    fn desk(&self, owners_only: bool) -> Desk {
        Desk::new(self.engine.handle(), owners_only)
    }

    /// A path in our own folder, as it stands in a query.
    fn path(&self, name: &str) -> String {
        self.home.path().join(name).display().to_string()
    }

    fn close(self) {
        assert!(self.engine.stop(Duration::from_secs(10)));
    }
}

fn user(uid: u32) -> Option<Actor> {
    Some(Actor::from_kernel(Uid(uid)))
}

fn me() -> Option<Actor> {
    Some(Actor::from_kernel(own_uid()))
}

async fn ask(desk: &Desk, caller: Option<Actor>, line: &str) -> Result<String, ErrorCode> {
    let (method, target) = line.split_once(' ').unwrap();
    let (method, target) = (method.to_owned(), format!("download/{target}"));
    let request = Request { method, target, is_from_afar: false, is_last: false };
    let reply = desk.answer_to(caller, &request).await?;
    let text = String::from_utf8(reply.into_bytes()).unwrap();
    Ok(text.split_once("\r\n\r\n").unwrap().1.trim_end().to_owned())
}

async fn create(desk: &Desk, caller: Option<Actor>, query: &str) -> String {
    let body = ask(desk, caller, &format!("POST create?{query}")).await.unwrap();
    body.trim_start_matches("{\"Id\":\"").trim_end_matches("\"}").to_owned()
}

/// conformance: rest owners
#[tokio::test]
async fn who_knows_an_id_may_everything_unless_downloads_are_their_owners_own() {
    let site = Site::new();
    let (open, strict) = (site.desk(false), site.desk(true));
    let id = create(&open, user(1_001), "Uri=http://a.example/").await;
    for caller in [user(1_001), user(1_002), user(0), None] {
        let status = ask(&open, caller, &format!("GET getstatus?Id={id}")).await.unwrap();
        assert!(status.contains("\"Created\""), "{status}");
    }
    let ask_strict = async |caller, call: &str| {
        ask(&strict, caller, &format!("{call}?Id={id}&NoProgressTimeoutSeconds=60")).await
    };
    for caller in [user(1_002), user(0), None] {
        for call in ["GET getstatus", "POST start", "POST setproperty", "POST abort"] {
            assert_eq!(ask_strict(caller, call).await, Err(ErrorCode::E_NOT_SET), "{call}");
        }
    }
    assert_eq!(ask_strict(user(1_001), "POST setproperty").await.as_deref(), Ok("{}"));
    assert_eq!(ask_strict(user(1_001), "POST abort").await.as_deref(), Ok("{}"));
    assert_eq!(ask_strict(user(1_001), "POST abort").await, Err(ErrorCode::E_NOT_SET));
    // Nobody can own one whom the kernel does not know.
    let nobodys = ask(&open, None, "POST create").await;
    assert_eq!(nobodys, Err(ErrorCode::E_ACCESSDENIED));
    site.close();
}

/// conformance: rest ids
#[tokio::test]
async fn downloads_of_the_other_interface_are_not_found() {
    let site = Site::new();
    let body = CreateDownload::default();
    let id = site.engine.handle().create_download(me().unwrap(), body).await.unwrap();
    let other = ask(&site.desk(false), me(), &format!("GET getstatus?Id={id}")).await;
    assert_eq!(other, Err(ErrorCode::E_NOT_SET));
    site.close();
}

/// conformance: rest getproperty, rest setproperty
#[tokio::test]
async fn properties_are_set_all_or_none_and_read_back() {
    let site = Site::new();
    let desk = site.desk(false);
    let id = create(&desk, me(), "").await;
    let get = async |key: &str| {
        let line = format!("GET getproperty?Id={id}&PropertyKey={key}");
        let body = ask(&desk, me(), &line).await.unwrap();
        body.split_once("\":\"").unwrap().1.trim_end_matches("\"}").replace("\\/", "/")
    };
    let set = async |query: &str| {
        ask(&desk, me(), &format!("POST setproperty?Id={id}&{query}")).await.map(drop)
    };
    assert_eq!(get("Id").await, id);
    assert_eq!((get("Uri").await, get("DownloadFilePath").await), (String::new(), String::new()));
    assert_eq!(get("NoProgressTimeoutSeconds").await, "0");
    // The last of them is wrong, so none is set.
    let path = site.path("out");
    for wrong in ["Uri=ftp://a/", "Uri=http://", "DownloadFilePath=here"] {
        let query = format!("NoProgressTimeoutSeconds=10&DownloadFilePath={path}&{wrong}");
        assert!(set(&query).await.is_err(), "{wrong}");
        assert_eq!(get("NoProgressTimeoutSeconds").await, "0", "{wrong}");
        assert_eq!(get("DownloadFilePath").await, "", "{wrong}");
    }
    assert_eq!(set("Uri=ftp://a/").await, Err(ErrorCode::INET_E_INVALID_URL));
    let all = format!("Uri=http://a.example/b&DownloadFilePath={path}&NoProgressTimeoutSeconds=10");
    assert_eq!(set(&all).await, Ok(()));
    assert_eq!(get("uri").await, "http://a.example/b");
    assert_eq!(get("DownloadFilePath").await, path);
    assert_eq!(get("NoProgressTimeoutSeconds").await, "10");
    site.close();
}

/// conformance: rest create
#[tokio::test]
async fn a_start_needs_a_url_and_a_path() {
    let site = Site::new();
    let desk = site.desk(false);
    let path = site.path("out");
    for (query, expect) in [
        (format!("DownloadFilePath={path}"), ErrorCode::DO_E_DOWNLOAD_NO_URI),
        ("Uri=http://a.example/".to_owned(), ErrorCode::DO_E_FILE_DOWNLOADSINK_UNSPECIFIED),
    ] {
        let id = create(&desk, me(), &query).await;
        let started = ask(&desk, me(), &format!("POST start?Id={id}")).await;
        assert_eq!(started, Err(expect), "{query}");
        let finalized = ask(&desk, me(), &format!("POST finalize?Id={id}")).await;
        assert_eq!(finalized, Err(ErrorCode::DO_E_INVALID_STATE));
        assert_eq!(ask(&desk, me(), &format!("POST pause?Id={id}")).await.as_deref(), Ok("{}"));
        let status = ask(&desk, me(), &format!("GET getstatus?Id={id}")).await.unwrap();
        assert!(status.contains("\"Created\""), "{status}");
    }
    site.close();
}
