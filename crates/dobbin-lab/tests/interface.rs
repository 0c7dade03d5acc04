//! Plain promises of the interface, asked of a running agent through the Rust client.

#![allow(clippy::unwrap_used, reason = "the helpers of tests fail like the tests themselves")]

use std::fs;
use std::time::Duration;

use dobbin_agent::{AgentOptions, Embedded};
use dobbin_lab::origin::{Content, Origin, Plan};
use dobbin_net::http::HttpSettings;
use dobbin_platform::Scope;
use dobbin_sdk::Address;
use dobbin_sdk::blocking::{Job, Manager};
use dobbin_sdk::types::rest::{AddFile, AgentMode, CreateJob, EventKind, JobInfo};
use dobbin_sdk::types::{ErrorCode, JobState, JobType, NotifyFlags, Priority};

/// A folder with an agent in it.
struct Site {
    agent: Embedded,
    home: tempfile::TempDir,
}

impl Site {
    fn new() -> Site {
        let home = tempfile::tempdir().unwrap();
        let options = AgentOptions::at(
            Scope::User,
            AgentMode::Embedded,
            home.path().join("state"),
            home.path().join("run/api.sock"),
        );
        Site { agent: Embedded::start(options).unwrap(), home }
    }

    fn manager(&self) -> Manager {
        Manager::connect(Address::Socket(self.agent.socket().to_path_buf())).unwrap()
    }

    fn file(&self, url: String, name: &str) -> AddFile {
        let local_name = Some(self.home.path().join(name).display().to_string());
        AddFile { remote_name: url, local_name, ..AddFile::default() }
    }
}

fn named(display_name: String) -> CreateJob {
    CreateJob { display_name, ..CreateJob::default() }
}

/// Waits for the event that brings the job into this state.
fn wait(job: &Job, state: JobState) -> JobInfo {
    let mut events = job.events().unwrap();
    loop {
        let event = events.next_within(Duration::from_secs(60)).unwrap();
        let event = event.unwrap_or_else(|| panic!("not {state} within a minute"));
        if event.job.state == state {
            return event.job;
        }
        assert_ne!(event.kind, EventKind::Ended, "{:?}", event.job);
    }
}

/// conformance: Manager::CreateJob, Job::GetId, Job::GetType, Job::GetDisplayName, Job::GetState
/// conformance: default state, default priority, default notify-flags
/// conformance: default no-progress-timeout, Job::GetNotifyFlags, Job::GetNoProgressTimeout
#[test]
fn a_job_of_which_nothing_was_said_has_the_defaults() {
    let site = Site::new();
    let manager = site.manager();
    let job = manager.create_job(&named("plain".to_owned())).unwrap();
    let twin = manager.create_job(&named("plain".to_owned())).unwrap();
    assert_ne!(job.id(), twin.id(), "a name need not be unique");
    assert_eq!(manager.job(job.id()).unwrap().info().unwrap().id, job.id());
    assert_eq!(job.display_name().unwrap(), "plain");
    assert_eq!(job.job_type().unwrap(), JobType::Download);
    assert_eq!(job.state().unwrap(), JobState::Suspended);
    assert_eq!(job.priority().unwrap(), Priority::Normal);
    assert_eq!(job.notify_flags().unwrap(), NotifyFlags(0x03));
    assert_eq!(job.no_progress_timeout_seconds().unwrap(), 86_400);
    job.set_priority(Priority::Foreground).unwrap();
    assert_eq!(job.no_progress_timeout_seconds().unwrap(), 3_600);
}

/// conformance: Manager::CreateJob arguments, limit display-name
#[test]
fn a_name_has_at_most_256_characters_and_may_be_empty() {
    let site = Site::new();
    let manager = site.manager();
    for (name, expect) in [
        (String::new(), Ok(())),
        ("ä".repeat(256), Ok(())),
        ("ä".repeat(257), Err(ErrorCode::E_INVALIDARG)),
    ] {
        let created = manager.create_job(&named(name.clone()));
        assert_eq!(created.map(drop).map_err(|error| error.code()), expect, "{}", name.len());
    }
}

/// conformance: sentinel size-unknown, struct BG_JOB_PROGRESS
#[test]
fn a_size_that_nobody_knows_is_absent_until_the_origin_says_it() {
    let site = Site::new();
    let (known, unknown) = (Content::new(1, 1_000), Content::new(2, 2_345));
    let origin = Origin::start(Plan::new().file("/known", known).file("/unknown", unknown));
    let known = AddFile { size: Some(1_000), ..site.file(origin.url("/known"), "known") };
    let job = site.manager().create_job(&named("sizes".to_owned())).unwrap();
    job.add_files(vec![known]).unwrap();
    assert_eq!(job.progress().unwrap().bytes_total, Some(1_000));
    job.add_files(vec![site.file(origin.url("/unknown"), "unknown")]).unwrap();
    assert_eq!(job.progress().unwrap().bytes_total, None, "one unknown size makes the sum unknown");
    job.resume().unwrap();
    let progress = wait(&job, JobState::Transferred).progress;
    assert_eq!((progress.bytes_total, progress.bytes_transferred), (Some(3_345), 3_345));
    assert_eq!((progress.files_total, progress.files_transferred), (2, 2));
}

/// conformance: class disk, event fatal × TRANSFERRING
#[test]
fn a_disk_that_refuses_stops_the_job() {
    let site = Site::new();
    let origin = Origin::start(Plan::new().file("/a", Content::new(3, 1_000)));
    let job = site.manager().create_job(&named("refused".to_owned())).unwrap();
    job.add_files(vec![site.file(origin.url("/a"), "a")]).unwrap();
    // Something that is no folder where the job's bytes are to go.
    let folder = site.home.path().join("state/staging").join(job.id().to_string());
    fs::create_dir_all(folder.parent().unwrap()).unwrap();
    fs::write(&folder, b"").unwrap();
    job.resume().unwrap();
    let error = wait(&job, JobState::Error).error.unwrap();
    assert_eq!((error.code, error.http_status), (ErrorCode::from_errno(20), None), "ENOTDIR");
}

/// conformance: number connect-timeout, number stall-timeout, number redirects
#[test]
fn origins_get_the_published_patience() {
    let settings = HttpSettings::product("dobbin");
    assert_eq!(settings.connect_timeout, Duration::from_secs(15));
    assert_eq!(settings.stall.over, Duration::from_secs(20));
    assert_eq!(settings.stall.min_bytes_per_second, 4_000);
    assert_eq!(settings.redirects_max, 10);
}
