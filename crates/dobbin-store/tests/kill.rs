//! The process dies at any moment: whatever was acknowledged is there afterwards, and what is there is
//! whole.
//!
//! The test runs itself again as a child, which works and reports until it is killed.

// Helpers unwrap too: whatever fails here is the test's own failure.
#![allow(clippy::unwrap_used)]

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use dobbin_core::piece::{Layout, PieceIndex, PieceSet};
use dobbin_store::{Change, Known, Staging, Store};
use dobbin_types::{FileNumber, JobId};

const CHILD_ROOT: &str = "DOBBIN_TEST_CHILD_ROOT";
const CHILD_FROM: &str = "DOBBIN_TEST_CHILD_FROM";
const BOOT: &str = "the one run of this test";

/// Held while a test has a store open or begins a child: a child that another test begins has our open
/// files for a moment, and with them the store's lock.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs the test of this name as a child on `root`, kills it after `acks_count` reports, and returns
/// everything that it had reported by then.
fn killed_after(test: &str, root: &Path, from: u32, acks_count: usize) -> Vec<u32> {
    let mut child: Child = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD_ROOT, root)
        .env(CHILD_FROM, from.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acks = Vec::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        // What the test runner says itself is passed over; so is a line that the kill cut short.
        let Some(number) = line.strip_prefix("ack ").and_then(|rest| rest.strip_suffix('.')) else {
            continue;
        };
        acks.push(number.parse().unwrap());
        if acks.len() == acks_count {
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success(), "the child ended by itself");
    acks
}

fn report(number: u32) {
    // One write, so that a line is either there or not.
    let _ = std::io::stdout().write_all(format!("ack {number}.\n").as_bytes());
}

/// Where a child is to work, and from which number on. It ends with its parent, whatever becomes of
/// that: the parent holds the other end of its input.
fn child_work() -> Option<(PathBuf, u32)> {
    let root = env::var_os(CHILD_ROOT)?;
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(1);
    });
    Some((root.into(), env::var(CHILD_FROM).ok()?.parse().ok()?))
}

fn job(number: u32) -> JobId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    JobId::from_bytes(bytes)
}

/// A job, its file and its flushed pieces, in one write.
fn changes_of(number: u32) -> Vec<Change> {
    let set = PieceSet::full(Layout::new(u64::from(number), 10).unwrap());
    let (job, file) = (job(number), FileNumber(number));
    vec![
        Change::PutJob { id: job, record: format!("job {number}") },
        Change::PutFile { job, number: file, record: format!("file {number}") },
        Change::PutFlushed { job, number: file, set },
    ]
}

#[test]
fn the_journal_forgets_nothing_that_it_acknowledged() {
    if let Some((root, from)) = child_work() {
        let store = Store::open(&root).unwrap();
        for number in from.. {
            store.journal().write(changes_of(number), move |outcome| {
                outcome.unwrap();
                report(number);
            });
        }
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let mut next = 0;
    for cycle in 0..25 {
        let name = "the_journal_forgets_nothing_that_it_acknowledged";
        // Killed at once, in the middle of a batch, and after several.
        let acks = killed_after(name, folder.path(), next, 1 + cycle * 37);
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.quarantined(), None, "cycle {cycle}");
        let jobs = store.journal().load().unwrap().jobs;
        // In order and without a gap, so that what is there is a prefix of what was written.
        for (number, stored) in (0..).zip(&jobs) {
            assert_eq!(stored.id, job(number), "cycle {cycle}");
            assert_eq!(stored.record, format!("job {number}"), "cycle {cycle}");
            let [file] = &stored.files[..] else { panic!("cycle {cycle}: {stored:?}") };
            assert_eq!(file.record, format!("file {number}"), "cycle {cycle}");
            assert!(file.flushed.as_ref().unwrap().is_full(), "cycle {cycle}");
        }
        let acknowledged_end = acks.last().unwrap() + 1;
        assert!(jobs.len() as u32 >= acknowledged_end, "cycle {cycle}: {} jobs", jobs.len());
        next = jobs.len() as u32;
    }
}

/// A few thousand small pieces, so that many share a byte of the bitmap.
fn layout() -> Layout {
    Layout::new(4_000 * 64 - 13, 64).unwrap()
}

fn bytes_of(range: Range<u64>) -> Vec<u8> {
    range.map(|at| (at % 251) as u8 + 1).collect()
}

#[test]
fn a_piece_that_is_had_after_a_kill_has_its_bytes() {
    if let Some((root, _)) = child_work() {
        write_missing_pieces(&root);
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    for cycle in 0..20 {
        let name = "a_piece_that_is_had_after_a_kill_has_its_bytes";
        let acks = killed_after(name, folder.path(), 0, 1 + cycle * 5);
        let staging = open_staging(folder.path());
        let had = staging.have();
        for number in acks {
            let piece = layout().index(number).unwrap();
            assert!(had.contains(piece), "cycle {cycle}: piece {number} was acknowledged");
        }
        for piece in had.iter() {
            let range = layout().byte_range(piece);
            let mut bytes = vec![0; (range.end - range.start) as usize];
            staging.read_at(&mut bytes, range.start).unwrap();
            assert!(bytes == bytes_of(range), "cycle {cycle}: piece {piece} is not what it was");
        }
        // Enough must be missing for the next child to report as often as it is waited for.
        if had.count() > layout().piece_count() / 2 {
            staging.discard().unwrap();
        }
    }
}

fn open_staging(root: &Path) -> Staging {
    let store = Store::open(root).unwrap();
    let place = store.place(job(1), FileNumber(0));
    match Staging::reopen(place.clone(), layout(), &Known { boot: BOOT, flushed: None }) {
        Err(error) if error.is_missing() => Staging::create(place, layout(), BOOT).unwrap(),
        outcome => outcome.unwrap(),
    }
}

/// Two threads write every other missing piece until they are killed.
fn write_missing_pieces(root: &Path) {
    let staging = open_staging(root);
    let missing: Vec<PieceIndex> = staging.have().missing().collect();
    std::thread::scope(|scope| {
        for parity in 0..2 {
            let (staging, missing) = (&staging, &missing);
            scope.spawn(move || {
                for piece in missing.iter().skip(parity).step_by(2) {
                    let range = layout().byte_range(*piece);
                    staging.write_at(&bytes_of(range.clone()), range.start).unwrap();
                    staging.mark_have(*piece).unwrap();
                    report(piece.number());
                }
            });
        }
    });
    // All is written before the kill came: waits for that.
    loop {
        std::thread::park();
    }
}
