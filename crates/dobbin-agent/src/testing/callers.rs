//! Who a caller is: what the kernel says, whatever the caller says.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;

use dobbin_platform::Scope;
use dobbin_platform::identity::own_uid;
use dobbin_types::rest::{JobInfo, JobList};
use dobbin_types::{ErrorCode, Uid};
use rustix::thread::set_thread_res_uid;

use super::verbs::{body_for, path_for};
use super::{Answer, House, JSON_TYPE, request};
use crate::ipc::{Limits, table};

/// A user that is neither root nor, in all likelihood, the one who runs the tests.
const SOMEBODY: Uid = Uid(61_234);

/// What callers have been known to be believed on, elsewhere.
const IMPOSTOR_HEADERS: &[(&str, &str)] = &[
    ("x-uid", "0"),
    ("x-forwarded-user", "root"),
    ("x-remote-user", "root"),
    ("forwarded", "for=127.0.0.1;uid=0"),
    ("authorization", "Basic cm9vdDo="),
    ("cookie", "uid=0"),
    ("from", "root"),
];

#[tokio::test]
async fn no_header_changes_who_asks() {
    let house = House::open().await;
    for (name, value) in IMPOSTOR_HEADERS.iter().chain(&[("x-uid", "61234")]) {
        let body = Some(r#"{"display_name":"x"}"#);
        let headers = [JSON_TYPE, (name, value)];
        let created = house.send(request("POST", "/v1/jobs", &headers, body)).await;
        let job: JobInfo = house.ask("GET", &created.headers["location"]).await.body_as();
        assert_eq!(job.owner, own_uid(), "{name}");
    }
    house.close().await;
}

/// Sends requests as [`SOMEBODY`]. Only the thread that connects becomes somebody else; the agent
/// beside it stays who it is.
fn as_somebody(socket: PathBuf, requests: Vec<Vec<u8>>) -> Vec<Answer> {
    let send = move || {
        let uid = rustix::thread::Uid::from_raw(SOMEBODY.0);
        set_thread_res_uid(uid, uid, uid).unwrap();
        let answer = |request: Vec<u8>| {
            let mut stream = UnixStream::connect(&socket).unwrap();
            stream.write_all(&request).unwrap();
            let mut reply = Vec::new();
            stream.read_to_end(&mut reply).unwrap();
            Answer::read(&reply)
        };
        requests.into_iter().map(answer).collect()
    };
    thread::spawn(send).join().unwrap()
}

/// conformance: access others
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_user_sees_nothing_and_changes_nothing_whatever_they_claim() {
    if own_uid() != Uid::ROOT {
        eprintln!("SKIPPED: only root can be two users in one test");
        return;
    }
    let house = House::with(Limits::PRODUCT, Scope::System).await;
    fs::set_permissions(house.home.path(), Permissions::from_mode(0o755)).unwrap();
    let job = house.create("root's").await;

    let impostor = |method: &str, path: &str, body: Option<&str>| {
        let headers: Vec<_> = IMPOSTOR_HEADERS.iter().copied().chain([JSON_TYPE]).collect();
        request(method, path, &headers, body)
    };
    let of_one_job: Vec<_> = table()
        .iter()
        .filter(|row| row.path.contains("{job}"))
        .map(|row| {
            let path = path_for(row.path, job);
            let body = body_for(row.path, &row.method);
            impostor(row.method.as_str(), &path, Some(body))
        })
        .collect();
    for answer in as_somebody(house.socket(), of_one_job) {
        answer.refused(403, ErrorCode::E_ACCESSDENIED);
    }

    let events = format!("/v1/events?job={job}");
    let rest = vec![
        impostor("GET", "/v1/jobs", None),
        impostor("GET", &events, None),
        impostor("POST", "/v1/jobs", Some(r#"{"display_name":"theirs"}"#)),
    ];
    let [list, events, created] =
        <[Answer; 3]>::try_from(as_somebody(house.socket(), rest)).unwrap();
    assert_eq!(list.body_as::<JobList>().jobs.len(), 0);
    events.refused(403, ErrorCode::E_ACCESSDENIED);
    let theirs: JobInfo = house.ask("GET", &created.headers["location"]).await.body_as();
    assert_eq!(theirs.owner, SOMEBODY);

    let list: JobList = house.ask("GET", "/v1/jobs").await.body_as();
    assert_eq!(list.jobs.len(), 2, "root sees both");
    house.close().await;
}

/// A user's own agent answers nobody else: the kernel refuses before we are asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_own_agent_cannot_be_reached_by_another_user() {
    if own_uid() != Uid::ROOT {
        eprintln!("SKIPPED: only root can be two users in one test");
        return;
    }
    let house = House::open().await;
    fs::set_permissions(house.home.path(), Permissions::from_mode(0o755)).unwrap();
    let socket = house.socket();
    let folder = socket.parent().unwrap().to_owned();
    let connect = move || {
        let uid = rustix::thread::Uid::from_raw(SOMEBODY.0);
        set_thread_res_uid(uid, uid, uid).unwrap();
        UnixStream::connect(socket).unwrap_err().kind()
    };
    let refused = thread::spawn(connect.clone()).join().unwrap();
    assert_eq!(refused, std::io::ErrorKind::PermissionDenied, "by the folder's rights");
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    let refused = thread::spawn(connect).join().unwrap();
    assert_eq!(refused, std::io::ErrorKind::PermissionDenied, "by the socket's own rights");
    house.close().await;
}
