//! A loop that hears how the flush of several small files ended.

use dobbin_core::job::{Attempt, Facts};
use dobbin_core::piece::{Layout, PieceSet};
use dobbin_types::{ErrorCode, FileNumber, JobId, JobState};
use tempfile::TempDir;

use super::USER;
use crate::group::Settled;
use crate::handle::Wish;
use crate::run::Loop;
use crate::transfer::fatal;

const JOB: JobId = JobId(uuid::Uuid::from_bytes([7; 16]));

/// A loop with one job of three files, all of them under way.
fn engine() -> (Loop, TempDir) {
    let (mut engine, _clock, folder) = super::idle_loop();
    super::create(&mut engine, (JOB, USER), super::offered(0..3), None);
    super::wish(&mut engine, JOB, Wish::Resume);
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

#[test]
fn the_files_of_a_cancelled_job_go_while_their_last_flush_is_under_way_and_not_before() {
    let (mut engine, _folder) = engine();
    super::wish(&mut engine, JOB, Wish::Cancel);
    engine.forgotten(JOB);
    // As long as one of them may still write, nothing of the job is removed.
    for number in 0..3 {
        assert!(engine.leaving.contains_key(&JOB), "{number}");
        engine.settling(JOB, FileNumber(number), 1_000);
    }
    assert!(!engine.leaving.contains_key(&JOB));
}

#[test]
fn a_flush_counts_where_the_file_is_known_and_not_where_its_facts_came_too_late() {
    for (is_known, expect) in [(true, Some(1)), (false, None)] {
        let (mut engine, _folder) = engine();
        let attempt = engine.entries.get(&JOB).unwrap().job.attempt();
        let facts = Facts {
            url: "http://127.0.0.1:9/0".into(),
            remote_size: 1,
            validator: None,
            last_modified: None,
        };
        // Another file's failure ended the attempt meanwhile.
        let told_of = if is_known { attempt } else { Attempt(attempt.0 + 1) };
        engine.known_in_passing(JOB, FileNumber(0), told_of, facts);
        let all = PieceSet::full(Layout::new(1, 1_000).unwrap());
        engine.flushed(JOB, FileNumber(0), 0, all);
        let live = engine.entries.get(&JOB).unwrap().files.get(0).unwrap();
        let flushed = live.flushed.as_ref().map(|set| set.layout().piece_count());
        assert_eq!((flushed, live.unnoted), (expect, is_known), "{is_known}");
    }
}
