//! An agent of one's own, on a real socket in a folder of its own, and raw HTTP to and from it.

mod again;
mod callbacks;
mod callers;
mod compat;
mod downloads;
mod events;
mod limits;
mod lives;
mod pages;
mod properties;
mod requests;
mod secrets;
mod verbs;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use dobbin_engine::{CacheSettings, JobLimits};
use dobbin_platform::Scope;
use dobbin_types::rest::{AgentMode, CreatedJob, Failure};
use dobbin_types::{ErrorCode, JobId};
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::ipc::Limits;
use crate::options::{AgentOptions, SocketChoice};
use crate::wire::Agent;

/// A folder with an agent in it.
struct House {
    agent: Agent,
    home: TempDir,
}

/// Options for an agent in `home`.
fn options(home: &Path, scope: Scope, mode: AgentMode) -> AgentOptions {
    AgentOptions {
        state: home.join("state"),
        socket: SocketChoice::Path(home.join("run/api.sock")),
        scope,
        mode,
        limits: JobLimits::OFF,
        bytes_per_second_max: None,
        compat: None,
        cache_hosts: CacheSettings::default(),
        version: "1.2.3".to_owned(),
    }
}

impl House {
    /// An agent of this user with the product's limits.
    async fn open() -> House {
        House::with(Limits::PRODUCT, Scope::User).await
    }

    async fn with(limits: Limits, scope: Scope) -> House {
        let home = tempfile::tempdir().unwrap();
        let agent =
            Agent::start(options(home.path(), scope, AgentMode::Service), limits).await.unwrap();
        House { agent, home }
    }

    /// An agent for everybody whose callers may have no more jobs than this.
    async fn limited(limits: JobLimits) -> House {
        let home = tempfile::tempdir().unwrap();
        let options =
            AgentOptions { limits, ..options(home.path(), Scope::System, AgentMode::Service) };
        House { agent: Agent::start(options, Limits::PRODUCT).await.unwrap(), home }
    }

    fn socket(&self) -> PathBuf {
        self.agent.socket().clone()
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.agent.socket()).await.unwrap()
    }

    /// Sends these bytes on a connection of their own and reads until the agent closes it.
    async fn send(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.connect().await;
        // A request that is refused early may not be read to its end.
        let _ = stream.write_all(request.as_ref()).await;
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply).await;
        Answer::read(&reply)
    }

    /// One request without body.
    async fn ask(&self, method: &str, path: &str) -> Answer {
        self.send(request(method, path, &[], None)).await
    }

    /// One request with a JSON body.
    async fn tell(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(request(method, path, &[JSON_TYPE], Some(body))).await
    }

    /// A new job, without files.
    async fn create(&self, display_name: &str) -> JobId {
        let body = serde_json::json!({ "display_name": display_name }).to_string();
        let answer = self.tell("POST", "/v1/jobs", &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body_as::<CreatedJob>().id
    }

    async fn close(self) {
        self.agent.stop().await;
        let left: Vec<_> = fs::read_dir(self.home.path().join("run"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["api.sock.lock"], "only the lock stays in the socket's folder");
    }
}

const JSON_TYPE: (&str, &str) = ("content-type", "application/json");

/// The bytes of a request that asks for the connection to be closed after it.
fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: agent\r\nconnection: close\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if let Some(body) = body {
        text += &format!("content-length: {}\r\n\r\n{body}", body.len());
    } else {
        text += "\r\n";
    }
    text.into_bytes()
}

/// A reply, taken apart.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// Names in lower case.
    headers: BTreeMap<String, String>,
    body: String,
}

impl Answer {
    /// Reads the bytes of a whole reply, and checks what holds for all of ours.
    #[track_caller]
    fn read(reply: &[u8]) -> Answer {
        let text = String::from_utf8(reply.to_vec()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: BTreeMap<String, String> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        assert_eq!(headers["cache-control"], "no-store", "{text}");
        assert!(!headers.keys().any(|name| name.starts_with("access-control-")), "{text}");
        if let Some(length) = headers.get("content-length") {
            assert_eq!(headers["content-type"], "application/json", "{text}");
            assert!(body.is_empty() || length.parse() == Ok(body.len()), "{text}");
        }
        Answer { status, headers, body: body.to_owned() }
    }

    #[track_caller]
    fn body_as<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that the call was refused with this status and code, and returns the failure.
    #[track_caller]
    fn refused(&self, status: u16, code: ErrorCode) -> Failure {
        assert_eq!(self.status, status, "{self:?}");
        let failure: Failure = self.body_as();
        assert_eq!(failure.code, code, "{failure:?}");
        assert_eq!(Some(failure.symbol.as_str()), code.symbol(), "{failure:?}");
        assert!(!failure.message.is_empty(), "{failure:?}");
        failure
    }
}
