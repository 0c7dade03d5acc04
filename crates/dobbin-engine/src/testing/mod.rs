//! A loop driven by hand.

mod crowd;
mod files;
mod settle;

use dobbin_core::access::Actor;
use dobbin_core::cache::Settings as CacheSettings;
use dobbin_core::download::Download;
use dobbin_core::job::{JobLimits, NewFile, NewJob, door, join};
use dobbin_net::http::HttpSettings;
use dobbin_platform::clock::FakeClock;
use dobbin_types::{Completion, FileTime, JobId, JobType, Priority, Uid};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::door::Offered;
use crate::engine::{EngineOptions, Recover};
use crate::event::Command;
use crate::handle::Wish;
use crate::run::Loop;

const USER: Uid = Uid(1_000);

/// A loop that nobody runs: its events are never read, so that what was begun stays under way.
fn idle_loop() -> (Loop, FakeClock, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::new(FileTime::from_unix_millis(1_000_000));
    let options = EngineOptions {
        state: folder.path().join("state"),
        recover: Recover::RunAll,
        http: HttpSettings::product("test"),
        limits: JobLimits::OFF,
        cache_hosts: CacheSettings::default(),
    };
    let (engine, _unread) = Loop::assemble(clock.clock(), options).unwrap();
    (engine, clock, folder)
}

/// Files called by these numbers, as the door lets them pass.
fn offered(numbers: impl IntoIterator<Item = u32>) -> Offered {
    let file = |number: u32| NewFile {
        remote_name: format!("http://127.0.0.1:9/{number}"),
        local_name: Some(format!("/tmp/by-hand/{number}")),
        ..NewFile::default()
    };
    let files: Vec<NewFile> = numbers.into_iter().map(file).collect();
    Offered { files: door(&files, |_| Ok(())).unwrap(), ..Offered::default() }
}

fn create(
    engine: &mut Loop,
    (id, owner): (JobId, Uid),
    mut offered: Offered,
    download: Option<Box<Download>>,
) {
    offered.files = join(&[], offered.files).unwrap();
    let new = NewJob {
        id,
        owner,
        display_name: String::new(),
        job_type: JobType::Download,
        priority: Priority::Normal,
        no_progress_timeout: None,
        completion: Completion::Caller,
        headers: Vec::new(),
        bytes_per_second_max: None,
        download,
    };
    let (reply, _unread) = oneshot::channel();
    let actor = Actor::from_kernel(owner);
    engine.command(actor, Command::Create { new: Box::new(new), offered, reply });
}

/// What the user wants of a job of theirs.
fn wish(engine: &mut Loop, job: JobId, wish: Wish) {
    let (reply, _unread) = oneshot::channel();
    engine.command(Actor::from_kernel(USER), Command::Wish { job, wish, reply });
}
