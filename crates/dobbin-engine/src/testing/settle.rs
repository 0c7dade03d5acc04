//! A loop that hears how the flush of several small files ended.

use dobbin_core::access::Actor;
use dobbin_core::job::{JobLimits, NewFile, NewJob, door, join};
use dobbin_core::piece::{Layout, PieceSet};
use dobbin_net::http::HttpSettings;
use dobbin_platform::clock::FakeClock;
use dobbin_types::{
    Completion, ErrorCode, FileNumber, FileTime, JobId, JobState, JobType, Priority, Uid,
};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::door::Offered;
use crate::engine::{EngineOptions, Recover};
use crate::event::Command;
use crate::group::Settled;
use crate::handle::Wish;
use crate::run::Loop;
use crate::transfer::fatal;

const USER: Uid = Uid(1_000);
const JOB: JobId = JobId(uuid::Uuid::from_bytes([7; 16]));

/// A loop with one job of three files, all of them under way.
fn engine() -> (Loop, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let clock = FakeClock::new(FileTime::from_unix_millis(1_000_000));
    let options = EngineOptions {
        state: folder.path().join("state"),
        recover: Recover::RunAll,
        http: HttpSettings::product("test"),
        limits: JobLimits::OFF,
    };
    let (mut engine, _unread) = Loop::assemble(clock.clock(), options).unwrap();
    let new = NewJob {
        id: JOB,
        owner: USER,
        display_name: String::new(),
        job_type: JobType::Download,
        priority: Priority::Normal,
        no_progress_timeout: None,
        completion: Completion::Caller,
        headers: Vec::new(),
        bytes_per_second_max: None,
        download: None,
    };
    let file = |number: u32| NewFile {
        remote_name: format!("http://127.0.0.1:9/{number}"),
        local_name: Some(format!("/tmp/settle/{number}")),
        ..NewFile::default()
    };
    let files = join(&[], door(&[0, 1, 2].map(file), |_| Ok(())).unwrap()).unwrap();
    let offered = Offered { files, ..Offered::default() };
    let (reply, _unread) = oneshot::channel();
    let actor = Actor::from_kernel(USER);
    engine.command(actor, Command::Create { new: Box::new(new), offered, reply });
    let (reply, _unread) = oneshot::channel();
    engine.command(actor, Command::Wish { job: JOB, wish: Wish::Resume, reply });
    engine.plan();
    (engine, folder)
}

/// Hands the loop these outcomes of flushes, in this order; says which files are finished then, how many
/// transfers are left, and how the job stands.
fn settle(outcomes: &[(u32, Result<(), ErrorCode>)]) -> (Vec<u32>, usize, JobState) {
    let (mut engine, _folder) = engine();
    let attempt = engine.entries.get(&JOB).unwrap().job.attempt();
    let all = PieceSet::full(Layout::new(1, 1_000).unwrap());
    let settled = outcomes.iter().map(|(number, outcome)| Settled {
        job: JOB,
        file: FileNumber(*number),
        attempt,
        generation: 0,
        outcome: match outcome {
            Ok(()) => Ok(all.clone()),
            Err(code) => Err(fatal(*code, String::new())),
        },
    });
    engine.settled(settled.collect());
    let entry = engine.entries.get(&JOB).unwrap();
    let finished = (0..3).filter(|number| entry.job.files()[*number as usize].finished);
    (finished.collect(), entry.runs.len(), entry.job.state())
}

#[test]
fn of_files_flushed_together_each_has_its_own_outcome() {
    use JobState::{Error, Transferred, Transferring};
    let failed = Err(ErrorCode::E_FAIL);
    for (outcomes, finished, runs_count, state) in [
        (&[(0, Ok(())), (2, Ok(()))][..], &[0, 2][..], 1, Transferring),
        (&[(0, Ok(())), (1, Ok(())), (2, Ok(()))], &[0, 1, 2], 0, Transferred),
        // What is told of one says nothing of the others, whoever is told of first.
        (&[(1, failed), (0, Ok(())), (2, Ok(()))], &[0, 2], 0, Error),
        (&[(0, Ok(())), (1, failed), (2, failed)], &[0], 0, Error),
    ] {
        assert_eq!(settle(outcomes), (finished.to_vec(), runs_count, state), "{outcomes:?}");
    }
}
