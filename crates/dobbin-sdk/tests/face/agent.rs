//! An agent that says what its script says, and remembers what it was asked.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use dobbin_sdk::types::rest::{Failure, JobInfo, Outcome};
use dobbin_sdk::types::{
    Completion, CostFlags, ErrorCode, FileTime, JobId, JobProgress, JobState, JobTimes, JobType,
    NotifyFlags, Priority, Uid,
};
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

/// What the agent does with one request of a connection.
pub(crate) enum Step {
    /// Reads it and writes these portions, one at a time.
    Answer(Vec<Vec<u8>>),
    /// Reads it and hangs up.
    HangUp,
}

/// The id of every job in these tests.
pub(crate) const JOB: &str = "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d";

/// A listening agent. Its socket goes when it is dropped.
pub(crate) struct FakeAgent {
    folder: tempfile::TempDir,
    asked: Arc<Mutex<Vec<String>>>,
    /// One word for every connection that ended at the agent's side.
    ended: mpsc::UnboundedReceiver<()>,
}

impl FakeAgent {
    /// An agent whose first connection follows the first script, and so on. A connection whose
    /// script is over is closed; one without a script is closed at once.
    pub(crate) fn start(scripts: Vec<Vec<Step>>) -> FakeAgent {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("api.sock")).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (tell, ended) = mpsc::unbounded_channel();
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            for script in scripts {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, tell) = (Arc::clone(&log), tell.clone());
                tokio::spawn(async move {
                    follow(stream, script, &log).await;
                    let _ = tell.send(());
                });
            }
        });
        FakeAgent { folder, asked, ended }
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("api.sock")
    }

    /// Every request so far, as `METHOD path body`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until one more connection has ended at the agent's side.
    pub(crate) async fn hung_up(&mut self) {
        self.ended.recv().await.unwrap();
    }
}

async fn follow(mut stream: UnixStream, script: Vec<Step>, log: &Mutex<Vec<String>>) {
    for step in script {
        let Some(request) = read_request(&mut stream).await else { return };
        log.lock().unwrap().push(request);
        match step {
            Step::HangUp => return,
            Step::Answer(portions) => {
                for portion in portions {
                    if stream.write_all(&portion).await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

/// `METHOD path body` of the next request; nothing at the end of the connection.
async fn read_request(stream: &mut UnixStream) -> Option<String> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        read_some(stream, &mut bytes).await?;
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |text| text.parse().unwrap());
    while bytes.len() < head_end + length {
        read_some(stream, &mut bytes).await?;
    }
    let text = String::from_utf8(bytes).unwrap();
    let mut words = text.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    Some(format!("{method} {path} {}", &text[head_end..]).trim_end().to_owned())
}

async fn read_some(stream: &mut UnixStream, bytes: &mut Vec<u8>) -> Option<()> {
    let count = stream.read_buf(bytes).await.ok()?;
    (count > 0).then_some(())
}

/// An answer with this status and body.
pub(crate) fn answer(status: &str, body: &str) -> Step {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
    Step::Answer(vec![text.into_bytes()])
}

/// A good answer with this body.
pub(crate) fn json(body: &impl Serialize) -> Step {
    answer("200 OK", &serde_json::to_string(body).unwrap())
}

/// A refusal with this code.
pub(crate) fn refusal(status: &str, code: ErrorCode) -> Step {
    answer(status, &serde_json::to_string(&Failure::of(code)).unwrap())
}

/// A stream of events in these portions, after which the connection ends.
pub(crate) fn events(portions: &[&str]) -> Step {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let all = std::iter::once(head).chain(portions.iter().copied());
    Step::Answer(all.map(|portion| portion.as_bytes().to_vec()).collect())
}

/// What a verb that worked says.
pub(crate) fn outcome(state: JobState) -> Outcome {
    Outcome { code: ErrorCode::S_OK, symbol: "S_OK".to_owned(), state }
}

/// The id of every job in these tests.
pub(crate) fn job_id() -> JobId {
    JOB.parse().unwrap()
}

/// A job in this state.
pub(crate) fn job_info(state: JobState) -> JobInfo {
    let time = FileTime::from_unix_millis(0);
    JobInfo {
        id: job_id(),
        display_name: "a job".to_owned(),
        job_type: JobType::Download,
        owner: Uid(1000),
        state,
        priority: Priority::Normal,
        progress: JobProgress { files_total: 1, ..JobProgress::default() },
        times: JobTimes { creation: time, modification: time, transfer_completion: None },
        no_progress_timeout_seconds: 86_400,
        notify_flags: NotifyFlags::default(),
        cost_flags: CostFlags::STANDARD,
        completion: Completion::Caller,
        bytes_per_second_max: None,
        bytes_per_second: 0,
        failures_count: 0,
        error: None,
        waiting: None,
        download: None,
    }
}

/// Connects to a fake agent.
pub(crate) async fn connect(socket: &Path) -> dobbin_sdk::Manager {
    let address = dobbin_sdk::Address::Socket(socket.to_owned());
    dobbin_sdk::Manager::connect(address).await.unwrap()
}
