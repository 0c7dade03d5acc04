//! The sample program of the Rust client, run against a real agent.

#![allow(clippy::unwrap_used, reason = "the helpers of tests fail like the tests themselves")]

use std::path::{Path, PathBuf};
use std::thread;

use dobbin_agent::{AgentOptions, Embedded};
use dobbin_lab::origin::{Answer, Content, End, Origin, Plan, Route, When};
use dobbin_platform::Scope;
use dobbin_sdk::blocking::Manager;
use dobbin_sdk::types::rest::{AddFile, AgentMode, CreateJob};
use dobbin_sdk::{Address, JobFilter};

#[path = "../../dobbin-sdk/examples/copy_job.rs"]
#[expect(dead_code, reason = "its `main` is the program's own")]
mod copy_job;

const MIB: u64 = 1024 * 1024;

/// A folder with an agent in it.
struct Site {
    home: tempfile::TempDir,
    agent: Option<Embedded>,
}

impl Site {
    fn new() -> Site {
        let mut site = Site { home: tempfile::tempdir().unwrap(), agent: None };
        site.start();
        site
    }

    fn start(&mut self) {
        let options = AgentOptions::at(
            Scope::User,
            AgentMode::Embedded,
            self.home.path().join("state"),
            self.home.path().join("run/api.sock"),
        );
        self.agent = Some(Embedded::start(options).unwrap());
    }

    fn manager(&self) -> Manager {
        let socket = self.agent.as_ref().unwrap().socket().to_path_buf();
        Manager::connect(Address::Socket(socket)).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Runs the sample; what it said, and how it ended.
    fn copy(&self, url: &str, to: &Path) -> (String, Result<(), String>) {
        let mut said = Vec::new();
        let outcome = copy_job::copy(&self.manager(), url, to.to_str().unwrap(), &mut said);
        (String::from_utf8(said).unwrap(), outcome.map_err(|error| error.to_string()))
    }
}

/// conformance: Callback::JobTransferred
#[test]
fn the_sample_fetches_a_file_and_says_so() {
    let site = Site::new();
    let content = Content::new(1, MIB + 17);
    let origin = Origin::start(Plan::new().file("/a", content));
    let to = site.path("a");
    let (said, outcome) = site.copy(&origin.url("/a"), &to);
    assert_eq!(outcome, Ok(()), "{said}");
    assert!(said.starts_with("job ") && said.ends_with(&format!("saved {}\n", to.display())));
    assert!(std::fs::read(&to).unwrap() == content.all());
}

/// conformance: Callback::JobError
#[test]
fn the_sample_drops_what_cannot_be_had() {
    let site = Site::new();
    let missing = Route::honest(Content::new(2, 10)).always(Answer::Status(404));
    let origin = Origin::start(Plan::new().route("/a", missing));
    let (said, outcome) = site.copy(&origin.url("/a"), &site.path("a"));
    let why = outcome.unwrap_err();
    assert!(why.contains("HTTP_E_STATUS_NOT_FOUND"), "{said}{why}");
    assert_eq!(site.manager().jobs(&JobFilter::default()).unwrap(), []);
}

/// The program and the agent died in the middle of it.
/// conformance: default persistence
#[test]
fn the_sample_takes_up_the_job_that_it_left() {
    let mut site = Site::new();
    let content = Content::new(3, 4 * MIB);
    let stalls = Route::honest(content).when(When::First(1), End::StallAfter(3 * MIB));
    let origin = Origin::start(Plan::new().route("/a", stalls));
    let (url, to) = (origin.url("/a"), site.path("a"));
    let file = AddFile {
        remote_name: url.clone(),
        local_name: Some(to.display().to_string()),
        ..AddFile::default()
    };
    let body = CreateJob { files: vec![file], ..CreateJob::default() };
    let job = site.manager().create_job(&body).unwrap();
    job.resume().unwrap();
    while job.progress().unwrap().bytes_transferred < 2 * MIB {
        thread::yield_now();
    }
    site.agent.take().unwrap().stop();
    site.start();

    let (said, outcome) = site.copy(&url, &to);
    assert_eq!(outcome, Ok(()), "{said}");
    assert!(said.starts_with(&format!("job {}\n", job.id())), "{said}");
    assert!(std::fs::read(&to).unwrap() == content.all());
    let range = origin.requests()[1].request.field("range").unwrap_or_default().to_owned();
    assert!(range.starts_with("bytes=") && range != "bytes=0-", "asked for `{range}`");
}
