//! What the journal keeps, in which order it answers, and what it does about damage.

// Helpers unwrap too: whatever fails here is the test's own failure.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use dobbin_core::piece::{Layout, PieceSet};
use dobbin_store::journal::QUEUED_CHANGES_MAX;
use dobbin_store::{Change, JournalErrorKind, Loaded, Store, StoredFile, StoredJob};
use dobbin_types::{FileNumber, JobId};

fn job(number: u8) -> JobId {
    JobId::from_bytes([number; 16])
}

fn put_job(number: u8, record: &str) -> Change {
    Change::PutJob { id: job(number), record: record.to_owned() }
}

fn put_file(number: u8, file: u32, record: &str) -> Change {
    Change::PutFile { job: job(number), number: FileNumber(file), record: record.to_owned() }
}

fn put_flushed(number: u8, file: u32, set: &PieceSet) -> Change {
    Change::PutFlushed { job: job(number), number: FileNumber(file), set: set.clone() }
}

fn stored(number: u8, record: &str, files: &[(u32, &str, Option<&PieceSet>)]) -> StoredJob {
    let files = files.iter().map(|(file, record, flushed)| StoredFile {
        number: FileNumber(*file),
        record: (*record).to_owned(),
        flushed: flushed.cloned(),
    });
    StoredJob { id: job(number), record: record.to_owned(), files: files.collect() }
}

/// Three pieces of ten, of a file larger than 32 bits can say.
fn some_pieces() -> PieceSet {
    let mut set = PieceSet::empty(Layout::new(10 << 30, 1 << 30).unwrap());
    for number in [0, 7, 9] {
        set.insert(set.layout().index(number).unwrap());
    }
    set
}

/// Writes `changes`, opens the store anew and compares what it holds.
#[track_caller]
fn check(changes: Vec<Change>, expect: &[StoredJob]) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.journal().write_and_wait(changes).unwrap();
    assert_eq!(store.journal().load().unwrap().jobs, expect);
    store.close().unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.quarantined(), None);
    assert_eq!(store.journal().load().unwrap().jobs, expect);
}

#[test]
fn what_was_written_is_read_back_in_order() {
    let set = some_pieces();
    check(
        vec![
            put_job(9, "nine"),
            put_job(2, "two"),
            put_file(9, 300, "last"),
            put_file(9, 0, "first"),
            put_file(9, 2, "middle"),
            put_flushed(9, 2, &set),
            put_job(5, "no files"),
            put_file(2, 0, "only"),
        ],
        &[
            stored(2, "two", &[(0, "only", None)]),
            stored(5, "no files", &[]),
            stored(
                9,
                "nine",
                &[(0, "first", None), (2, "middle", Some(&set)), (300, "last", None)],
            ),
        ],
    );
}

#[test]
fn a_later_record_replaces_the_earlier_one_and_leaves_the_rest() {
    let (empty, full) = (PieceSet::empty(some_pieces().layout()), some_pieces());
    check(
        vec![
            put_job(1, "old"),
            put_file(1, 0, "old"),
            put_flushed(1, 0, &empty),
            put_job(1, "new"),
            put_file(1, 0, "new"),
            put_flushed(1, 0, &full),
        ],
        &[stored(1, "new", &[(0, "new", Some(&full))])],
    );
    check(
        vec![
            put_job(1, "job"),
            put_file(1, 0, "file"),
            put_flushed(1, 0, &full),
            Change::DropFlushed { job: job(1), number: FileNumber(0) },
        ],
        &[stored(1, "job", &[(0, "file", None)])],
    );
}

#[test]
fn a_removed_job_takes_everything_with_it_and_late_changes_bring_nothing_back() {
    let set = some_pieces();
    check(
        vec![
            put_job(1, "gone"),
            put_file(1, 0, "gone"),
            put_flushed(1, 0, &set),
            put_job(2, "stays"),
            put_file(2, 0, "stays"),
            Change::RemoveJob(job(1)),
            put_file(1, 0, "late"),
            put_flushed(1, 0, &set),
            Change::DropFlushed { job: job(1), number: FileNumber(0) },
            Change::RemoveJob(job(3)),
            // Even when the same id came again, nothing of the old job would be there.
            put_job(1, "again"),
        ],
        &[stored(1, "again", &[]), stored(2, "stays", &[(0, "stays", None)])],
    );
}

#[test]
fn a_write_may_be_larger_than_the_queue() {
    let files: Vec<(u32, &str, Option<&PieceSet>)> =
        (0..QUEUED_CHANGES_MAX as u32 + 10).map(|file| (file, "file", None)).collect();
    let mut changes = vec![put_job(1, "many")];
    changes.extend(files.iter().map(|(file, record, _)| put_file(1, *file, record)));
    check(changes, &[stored(1, "many", &files)]);
}

#[test]
fn the_last_boot_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    for (before, now) in [(None, "first"), (Some("first"), "second"), (Some("second"), "third")] {
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.journal().load().unwrap().last_boot.as_deref(), before);
        store.journal().set_boot(now).unwrap();
    }
}

#[test]
fn answers_come_in_the_order_of_the_writes_and_dropping_waits_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let answers = Arc::new(Mutex::new(Vec::new()));
    let store = Store::open(folder.path()).unwrap();
    for number in 0..200 {
        let answers = Arc::clone(&answers);
        store.journal().write(vec![put_job(number, "job")], move |outcome| {
            answers.lock().unwrap().push((number, outcome.is_ok()));
        });
    }
    drop(store);
    let expect: Vec<(u8, bool)> = (0..200).map(|number| (number, true)).collect();
    assert_eq!(*answers.lock().unwrap(), expect);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.journal().load().unwrap().jobs.len(), 200);
}

#[test]
fn a_callback_that_panics_keeps_nobody_from_hearing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.journal().write(vec![put_job(1, "one")], |_| panic!("on purpose"));
    store.journal().write_and_wait(vec![put_job(2, "two")]).unwrap();
    assert_eq!(store.journal().load().unwrap().jobs.len(), 2);
}

#[test]
fn a_failed_write_leaves_nothing_of_itself_and_the_journal_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    // SQLite itself refuses one particular record.
    rusqlite::Connection::open(folder.path().join("journal.db"))
        .unwrap()
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON jobs WHEN NEW.record = 'poison'
             BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        .unwrap();
    store.journal().write_and_wait(vec![put_job(1, "before")]).unwrap();
    let error = store
        .journal()
        .write_and_wait(vec![put_job(2, "whole or not at all"), put_job(3, "poison")])
        .unwrap_err();
    assert_eq!(error.kind, JournalErrorKind::Internal);
    store.journal().write_and_wait(vec![put_job(4, "after")]).unwrap();
    let expect = [stored(1, "before", &[]), stored(4, "after", &[])];
    assert_eq!(store.journal().load().unwrap().jobs, expect);
}

#[test]
fn a_closed_journal_leaves_no_log_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.journal().write_and_wait(vec![put_job(1, "job")]).unwrap();
    assert!(fs::metadata(folder.path().join("journal.db-wal")).unwrap().len() > 0);
    store.close().unwrap();
    let log_len = fs::metadata(folder.path().join("journal.db-wal")).map_or(0, |found| found.len());
    assert_eq!(log_len, 0);
}

#[test]
fn bitmaps_that_do_not_fit_their_file_say_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let set = some_pieces();
    let changes = vec![put_job(1, "job"), put_file(1, 0, "file"), put_flushed(1, 0, &set)];
    for spoil in [
        "bitmap = x'ff'",
        "bitmap = x'0001'",
        "bitmap = x''",
        "piece_size = 0",
        "file_size = -1",
        "piece_size = 1",
    ] {
        let store = Store::open(folder.path()).unwrap();
        store.journal().write_and_wait(changes.clone()).unwrap();
        rusqlite::Connection::open(folder.path().join("journal.db"))
            .unwrap()
            .execute_batch(&format!("UPDATE flushed SET {spoil}"))
            .unwrap();
        let jobs = store.journal().load().unwrap().jobs;
        assert_eq!(jobs, [stored(1, "job", &[(0, "file", None)])], "{spoil}");
    }
}

#[test]
fn a_damaged_journal_is_set_aside_and_never_silently() {
    // A page of the middle, the header, and the second half: each as a torn write may leave it.
    for (offset, len) in [(8_192, 512), (0, 64), (60_000, 200_000)] {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path());
        let path = folder.path().join("journal.db");
        let database = fs::OpenOptions::new().write(true).open(&path).unwrap();
        database.write_all_at(&vec![0xa5; len], offset).unwrap();
        let damaged = fs::read(&path).unwrap();

        let store = Store::open(folder.path()).unwrap();
        let aside = store.quarantined().expect("damage is reported").to_path_buf();
        assert_eq!(aside, folder.path().join("journal.db.corrupt-1"));
        assert_eq!(fs::read(&aside).unwrap(), damaged);
        assert_eq!(store.journal().load().unwrap(), Loaded::default());
        store.journal().write_and_wait(vec![put_job(1, "goes on")]).unwrap();
        store.close().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.quarantined(), None);
        assert_eq!(store.journal().load().unwrap().jobs, [stored(1, "goes on", &[])]);
    }
}

#[test]
fn a_torn_log_costs_at_most_what_was_written_last() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for number in 0..20 {
        store.journal().write_and_wait(vec![put_job(number, "job")]).unwrap();
    }
    // The machine dies: what lies on disk now is all there is.
    let copy = tempfile::tempdir().unwrap();
    for name in ["journal.db", "journal.db-wal"] {
        fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let log = fs::OpenOptions::new().write(true).open(copy.path().join("journal.db-wal")).unwrap();
    let log_len = log.metadata().unwrap().len();
    log.set_len(log_len - 1_000).unwrap();

    let after = Store::open(copy.path()).unwrap();
    assert_eq!(after.quarantined(), None);
    let jobs = after.journal().load().unwrap().jobs;
    let expect: Vec<StoredJob> = (0..19).map(|number| stored(number, "job", &[])).collect();
    assert_eq!(jobs, expect);
}

/// A journal of many pages, closed.
fn fill(folder: &Path) {
    let store = Store::open(folder).unwrap();
    let record = "x".repeat(1_500);
    store
        .journal()
        .write_and_wait((0..250).map(|number| put_job(number, &record)).collect())
        .unwrap();
    store.close().unwrap();
}
