//! What a caller keeps secret is neither logged nor shown again.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Stdio};

use dobbin_platform::Scope;
use dobbin_types::JobState;
use dobbin_types::rest::{AgentMode, CreatedJob, Event, JobInfo};
use rustix::process::{Pid, Signal, kill_process};

use super::again::{child, child_home};
use super::{Answer, JSON_TYPE, options, request};
use crate::{LOG_VARIABLE, serve};

/// Stands in for every secret, so that one search finds them all.
const CANARY: &str = "canary5f1c";

/// Starts an agent in a process of its own, with the most talkative log there is, and waits until
/// it answers.
fn served(test: &str, home: &Path) -> (Child, BufReader<impl Read + use<>>) {
    let mut command = child(test, home);
    command.env(LOG_VARIABLE, "trace").stdout(Stdio::null()).stderr(Stdio::piped());
    let mut served = command.spawn().unwrap();
    let mut log = BufReader::new(served.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("agent ready") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "the agent did not start");
    }
    (served, log)
}

fn ask(socket: &Path, method: &str, path: &str, body: Option<&str>) -> Answer {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(&request(method, path, &[JSON_TYPE], body)).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    Answer::read(&reply)
}

/// Reads events until the job is in `state`, and returns how it then stands.
fn until(events: &mut impl BufRead, state: JobState) -> JobInfo {
    loop {
        let mut line = String::new();
        assert!(events.read_line(&mut line).unwrap() > 0, "the stream ended");
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let event: Event = serde_json::from_str(data).unwrap();
        if event.job.state == state {
            return event.job;
        }
    }
}

#[test]
fn headers_and_queries_for_the_origin_are_in_no_log_and_in_no_error() {
    const NAME: &str =
        "testing::secrets::headers_and_queries_for_the_origin_are_in_no_log_and_in_no_error";
    if let Some(home) = child_home() {
        serve(options(&home, Scope::User, AgentMode::Service)).unwrap();
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (mut served, mut log) = served(NAME, home.path());
    // Read on the side, so that the agent never waits for somebody to read its log.
    let log = std::thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        text
    });
    let socket = home.path().join("run/api.sock");

    // Nobody listens at port 1, so the job gets as far as an error that names its origin.
    let body = serde_json::json!({
        "display_name": "secretive",
        "headers": [{ "name": "Authorization", "value": format!("Bearer {CANARY}") }],
        "files": [{
            "remote_name": format!("http://127.0.0.1:1/file?token={CANARY}"),
            "local_name": home.path().join("file"),
        }],
    });
    let created = ask(&socket, "POST", "/v1/jobs", Some(&body.to_string()));
    assert_eq!(created.status, 201, "{created:?}");
    let job = created.body_as::<CreatedJob>().id;
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nhost: agent\r\n\r\n").unwrap();
    let mut events = BufReader::new(stream);
    until(&mut events, JobState::Suspended);
    ask(&socket, "POST", &format!("/v1/jobs/{job}/resume"), None);
    let failed = until(&mut events, JobState::TransientError);

    let shown = serde_json::to_string(&failed).unwrap();
    assert!(shown.contains("127.0.0.1"), "the host is named: {shown}");
    assert!(!shown.contains(CANARY), "{shown}");
    // A body that cannot be read is quoted to nobody but its sender.
    let broken = format!(r#"{{"display_name":"x","{CANARY}":1}}"#);
    assert_eq!(ask(&socket, "POST", "/v1/jobs", Some(&broken)).status, 400);
    ask(&socket, "GET", &format!("/v1/jobs?local_name=/{CANARY}"), None);

    let pid = Pid::from_raw(i32::try_from(served.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert!(served.wait().unwrap().success());
    let log = log.join().unwrap();
    assert!(log.contains("request answered"), "the log was talkative: {log}");
    assert!(!log.contains(CANARY), "{log}");
}
