//! Every verb of the routing table, by every kind of caller, on a job that is there and on one that
//! is not.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;

use dobbin_platform::Scope;
use dobbin_platform::identity::own_uid;
use dobbin_types::rest::{CreatedDownload, CreatedJob, Failure, JobList, route};
use dobbin_types::{ErrorCode, JobId, Uid};
use http::Method;
use rustix::thread::set_thread_res_uid;
use serde::de::DeserializeOwned;

use super::{House, JSON_TYPE, request};
use crate::ipc::{Limits, Route, table};

/// Users that are, in all likelihood, nobody's.
const OWNER: Uid = Uid(61_234);
const OTHER: Uid = Uid(61_235);

/// A body that the route understands, so that whoever asks hears about access and not about words.
pub(super) fn body_for(path: &str, method: &Method) -> &'static str {
    match path.rsplit('/').next() {
        Some("files") => {
            r#"{"files":[{"remote_name":"http://host.invalid/x","local_name":"/tmp/x"}]}"#
        }
        Some("priority") => r#"{"priority":"low"}"#,
        Some("callback") if method == Method::PUT => r#"{"listener":1}"#,
        Some("{call}") => r#"{"result":"0x00000000"}"#,
        Some("no-progress-timeout") => r#"{"seconds":60}"#,
        Some("rate-limit") => r#"{"bytes_per_second_max":5}"#,
        Some("notify-flags") => r#"{"flags":1}"#,
        Some("{property}") if path.contains("{download}") => r#"{"value":"name"}"#,
        Some("{property}") => r#"{"value":1}"#,
        Some("remote-name") => r#"{"remote_name":"http://host.invalid/y"}"#,
        _ => "{}",
    }
}

/// The path of a route with its parts filled in.
pub(super) fn path_for(path: &str, job: JobId) -> String {
    let property = match path {
        route::DOWNLOAD_PROPERTY => "display_name",
        route::FILE_PROPERTY => "total_size_bytes",
        _ => "cost_flags",
    };
    [("{job}", job.to_string().as_str()), ("{file}", "0"), ("{call}", "1")]
        .into_iter()
        .chain([("{download}", job.to_string().as_str()), ("{property}", property)])
        .fold(path.to_owned(), |path, (part, value)| path.replace(part, value))
}

/// What became of a request: its status, and what a refusal said.
#[derive(Debug)]
struct Reply {
    status: u16,
    body: String,
}

impl Reply {
    fn code(&self) -> Option<ErrorCode> {
        serde_json::from_str::<Failure>(&self.body).ok().map(|failure| failure.code)
    }

    #[track_caller]
    fn read<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// One request as `uid`. Only the thread that connects becomes somebody else.
fn ask(socket: &Path, uid: Uid, method: &str, path: &str, body: &str) -> Reply {
    let request = request(method, path, &[JSON_TYPE], Some(body));
    let socket: PathBuf = socket.to_owned();
    let ask = move || {
        let uid = rustix::thread::Uid::from_raw(uid.0);
        set_thread_res_uid(uid, uid, uid).unwrap();
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(&request).unwrap();
        let mut reply = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(reply.read_line(&mut head).unwrap(), 0, "{head}");
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut body = String::new();
        // A stream has no end of its own.
        if head.contains("application/json") {
            reply.read_to_string(&mut body).unwrap();
        }
        Reply { status, body }
    };
    thread::spawn(ask).join().unwrap()
}

/// Something new of the owner's for the route to be tried on: a verb may be its last.
fn fresh(socket: &Path, route: &Route) -> JobId {
    if route.path.starts_with(route::DOWNLOADS) {
        ask(socket, OWNER, "POST", route::DOWNLOADS, "{}").read::<CreatedDownload>().id
    } else {
        let body = r#"{"display_name":"the owner's"}"#;
        ask(socket, OWNER, "POST", route::JOBS, body).read::<CreatedJob>().id
    }
}

/// conformance: access owner, access others, Manager::GetJob denied
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_verb_is_for_the_owner_and_root_and_says_so_to_others() {
    if own_uid() != Uid::ROOT {
        eprintln!("SKIPPED: NOT RUN, because only root can be several users");
        return;
    }
    let house = House::with(Limits::PRODUCT, Scope::System).await;
    fs::set_permissions(house.home.path(), Permissions::from_mode(0o755)).unwrap();
    let socket = house.socket();
    let gone = [ErrorCode::DO_E_JOB_NOT_FOUND, ErrorCode::E_NOT_SET];
    let walk = move || {
        let mut count = 0;
        for route in table().iter().filter(|route| route.path.contains('{')) {
            let (method, body) = (route.method.as_str(), body_for(route.path, &route.method));
            for caller in [OWNER, OTHER, Uid::ROOT] {
                let what = format!("{method} {} by {caller:?}", route.path);
                let there = path_for(route.path, fresh(&socket, route));
                let reply = ask(&socket, caller, method, &there, body);
                if caller == OTHER {
                    assert_eq!(reply.status, 403, "{what}: {reply:?}");
                    assert_eq!(reply.code(), Some(ErrorCode::E_ACCESSDENIED), "{what}");
                } else {
                    assert_ne!(reply.status, 403, "{what}: {reply:?}");
                    assert_ne!(reply.code(), Some(ErrorCode::DO_E_JOB_NOT_FOUND), "{what}");
                }
                let nowhere = path_for(route.path, JobId(uuid::Uuid::from_u128(7)));
                let reply = ask(&socket, caller, method, &nowhere, body);
                assert_eq!(reply.status, 404, "{what}, of nothing: {reply:?}");
                assert!(reply.code().is_some_and(|code| gone.contains(&code)), "{what}: {reply:?}");
                count += 1;
            }
        }
        let jobs =
            |caller| ask(&socket, caller, "GET", route::JOBS, "").read::<JobList>().jobs.len();
        assert_eq!(jobs(OTHER), 0, "no list shows another user's");
        assert!(jobs(OWNER) > 0);
        count
    };
    let count = tokio::task::spawn_blocking(walk).await.unwrap();
    assert!(count >= 3 * 20, "the table was walked");
    house.close().await;
}

/// conformance: limit jobs-per-user, limit files-per-job, limit ranges-per-file
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_for_users_and_not_for_root() {
    if own_uid() != Uid::ROOT {
        eprintln!("SKIPPED: NOT RUN, because only root can be several users");
        return;
    }
    let limits = dobbin_engine::JobLimits {
        jobs_max: Some(3),
        jobs_per_user_max: Some(2),
        files_per_job_max: Some(1),
        ranges_per_file_max: Some(1),
    };
    let house = House::limited(limits).await;
    fs::set_permissions(house.home.path(), Permissions::from_mode(0o755)).unwrap();
    let socket = house.socket();
    let file = |name: &str, ranges: &str| {
        let ranges = format!(r#"[{}]"#, ranges);
        format!(
            r#"{{"remote_name":"http://h.invalid/x","local_name":"/tmp/{name}","ranges":{ranges}}}"#
        )
    };
    let job = |files: &str| format!(r#"{{"display_name":"x","files":[{files}]}}"#);
    let range = |offset: u32| format!(r#"{{"offset":{offset},"length":1}}"#);
    let two_ranges = job(&file("c", &[range(1), range(5)].join(",")));
    let two_files = job(&[file("a", ""), file("b", "")].join(","));
    let one = job("");
    use ErrorCode as E;
    let steps = [
        (OWNER, two_files.clone(), Some(E::BG_E_TOO_MANY_FILES_IN_JOB)),
        (OWNER, two_ranges, Some(E::BG_E_TOO_MANY_RANGES_IN_FILE)),
        (Uid::ROOT, two_files, None),
        (OWNER, one.clone(), None),
        (OWNER, one.clone(), None),
        (OWNER, one.clone(), Some(E::BG_E_TOO_MANY_JOBS_PER_USER)),
        (OTHER, one.clone(), Some(E::BG_E_TOO_MANY_JOBS_PER_MACHINE)),
        (Uid::ROOT, one, None),
    ];
    let walk = move || {
        for (step, (caller, body, expect)) in steps.into_iter().enumerate() {
            let reply = ask(&socket, caller, "POST", route::JOBS, &body);
            assert_eq!(reply.code(), expect, "{step}: {reply:?}");
            assert_eq!(reply.status, if expect.is_some() { 429 } else { 201 }, "{step}");
        }
    };
    tokio::task::spawn_blocking(walk).await.unwrap();
    house.close().await;
}
