//! An agent that is a process of its own, with a folder and a client.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dobbin_lab::kill::agent::{Agent, Setup};
use dobbin_lab::kill::built_program;
use dobbin_lab::kill::trace::{Fault, Trace, kernels_name};
use dobbin_lab::origin::Content;
use dobbin_sdk::blocking::{Job, Manager};
use dobbin_types::rest::{AddFile, CreateJob, JobInfo};
use dobbin_types::{ErrorCode, JobId, JobState};

/// How long anything may take that has no time of its own. It only costs time when a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How often a job is looked at that says nothing by itself.
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(crate) const MIB: u64 = 1024 * 1024;

/// A folder with an agent in it.
pub(crate) struct Stage {
    pub(crate) setup: Setup,
    agent: Option<Agent>,
    manager: Option<Manager>,
    // Declared last, so that it is removed only after the agent is gone.
    folder: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        Stage::with(|_| {})
    }

    /// An agent that is started with other things than usual.
    pub(crate) fn with(change: impl FnOnce(&mut Setup)) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let mut setup = Setup::in_folder(built_program().unwrap(), folder.path());
        change(&mut setup);
        let mut stage = Stage { setup, agent: None, manager: None, folder };
        stage.start().unwrap();
        stage
    }

    /// Starts the agent on what the last one left.
    pub(crate) fn start(&mut self) -> Result<(), String> {
        let started = Agent::start_within(&self.setup, PATIENCE);
        let (agent, manager, _) = started.map_err(|error| format!("{error:#}"))?;
        (self.agent, self.manager) = (Some(agent), Some(manager));
        Ok(())
    }

    /// Has it leave in order.
    pub(crate) fn stop(&mut self) {
        self.manager = None;
        self.agent.take().unwrap().stop().unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.manager = None;
        self.agent.take().unwrap().kill().unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.agent.as_ref().unwrap().pid()
    }

    pub(crate) fn manager(&self) -> &Manager {
        self.manager.as_ref().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the bytes of a job's only file are kept in the store.
    pub(crate) fn staged(&self, job: JobId) -> PathBuf {
        self.setup.state.join("staging").join(job.to_string()).join("0")
    }

    /// What the agent has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.setup.log).unwrap()
    }

    /// A suspended job with one file.
    pub(crate) fn job(&self, file: AddFile) -> Job {
        let body =
            CreateJob { display_name: "fault".into(), files: vec![file], ..CreateJob::default() };
        self.manager().create_job(&body).unwrap()
    }

    /// The same job, asked for anew: after the agent was.
    pub(crate) fn again(&self, job: JobId) -> Job {
        self.manager().job(job).unwrap()
    }
}

pub(crate) fn file(url: String, to: &Path) -> AddFile {
    AddFile { remote_name: url, local_name: Some(to.display().to_string()), ..AddFile::default() }
}

/// The same, with the hash that its caller knows.
pub(crate) fn hashed(url: String, to: &Path, content: Content) -> AddFile {
    let sha256 = content.sha256().iter().map(|byte| format!("{byte:02x}")).collect();
    AddFile { sha256: Some(sha256), ..file(url, to) }
}

/// Lays a fault on calls of the agent, on one file or on all; `None`, with a word about it, where that
/// cannot be.
pub(crate) fn lay(stage: &Stage, calls: &str, inject: &str, on: Option<&Path>) -> Option<Trace> {
    let on = on.map(|path| kernels_name(path).unwrap());
    let fault = Fault { calls, inject: Some(inject.to_owned()), on: on.as_deref() };
    let laid = Trace::lay(stage.pid(), &fault);
    laid.inspect_err(|error| eprintln!("SKIPPED: NOT RUN, because {error:#}")).ok()
}

/// Waits until the job is as wanted.
#[track_caller]
pub(crate) fn wait(job: &Job, what: &str, wanted: impl Fn(&JobInfo) -> bool) -> JobInfo {
    let mut events = job.events().unwrap();
    let began = Instant::now();
    loop {
        let info = job.info().unwrap();
        if wanted(&info) {
            return info;
        }
        assert!(began.elapsed() < PATIENCE, "the job is not {what}: {info:?}");
        events.next_within(LOOK_EVERY).unwrap();
    }
}

#[track_caller]
pub(crate) fn wait_for(job: &Job, state: JobState) -> JobInfo {
    wait(job, state.word(), |info| info.state == state)
}

/// Waits until the job stands there, with this code.
#[track_caller]
pub(crate) fn wait_for_error(job: &Job, state: JobState, code: ErrorCode) {
    let error = wait_for(job, state).error.unwrap();
    assert_eq!(error.code, code, "{error:?}");
}

/// Waits until so many bytes of the job are here.
#[track_caller]
pub(crate) fn wait_for_bytes(job: &Job, bytes: u64) -> JobInfo {
    wait(job, "that far", |info| info.progress.bytes_transferred >= bytes)
}

/// Waits until the job has all, and completes it: the file is there, and is the origin's.
#[track_caller]
pub(crate) fn finishes(job: &Job, path: &Path, content: Content) {
    wait_for(job, JobState::Transferred);
    job.complete().unwrap();
    is_whole(path, content);
}

/// The file is there, and is the origin's.
#[track_caller]
pub(crate) fn is_whole(path: &Path, content: Content) {
    let bytes = fs::read(path).unwrap();
    assert_eq!(bytes.len() as u64, content.size());
    assert_eq!(content.first_difference(0, &bytes), None);
}
