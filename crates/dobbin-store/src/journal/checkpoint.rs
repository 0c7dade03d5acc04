//! Checkpoints: what is in the log is moved into the database, so that the log can begin anew.
//!
//! One takes as long as ten commits and more. On a thread of its own nobody waits for it: SQLite lets the
//! writer commit meanwhile. What it commits then stays in the log, which begins anew only after a
//! checkpoint that left nothing; so the writer moves that little itself when the thread is done.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use super::error::JournalError;
use super::schema;
use crate::error::FileError;

/// Pages (4 KiB) that the log gets longer from one checkpoint to the next.
const PAGES_BETWEEN: usize = 1024;

/// Pages in the log from which on the writer makes the checkpoint, however much there is to move: 64 MiB,
/// read within a second when the machine comes back.
const LOG_PAGES_MAX: usize = 16_384;

const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// Sees to it that checkpoints are made. Dropped, it waits until none is under way.
pub(super) struct Checkpoints {
    /// How long the log was after the last commit.
    log_pages: Arc<AtomicUsize>,
    /// The same when a checkpoint was last asked for.
    asked_at: usize,
    /// Whether the thread has made one that the writer has not followed.
    made: Arc<AtomicBool>,
    /// `None` only while it is dropped.
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Who is to make a checkpoint now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Nobody.
    No,
    /// The thread beside the writer.
    Beside,
    /// The writer.
    Now,
}

fn due(asked_at: usize, log_pages: usize, is_made: bool) -> Due {
    if log_pages >= LOG_PAGES_MAX {
        Due::Now
    } else if log_pages >= asked_at + PAGES_BETWEEN {
        Due::Beside
    } else if is_made {
        Due::Now
    } else {
        Due::No
    }
}

impl Checkpoints {
    /// Starts the thread for the journal in `folder`, and watches the log of its one `writer`.
    pub(super) fn start(
        folder: &Path,
        writer: &mut Connection,
    ) -> Result<Checkpoints, JournalError> {
        let log_pages = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&log_pages);
        let count = move |_log: &mut rusqlite::hooks::Wal, pages: i32| {
            counted.store(usize::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        writer.wal_hook(Some(count)).map_err(|error| JournalError::from_sqlite("open", error))?;
        // Who asks while one is asked for already wants nothing more.
        let (ask, asked) = sync_channel(1);
        let made = Arc::new(AtomicBool::new(false));
        let (owned, done) = (folder.to_path_buf(), Arc::clone(&made));
        let thread = thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || make_when_asked(&owned, &asked, &done))
            .map_err(|error| {
                JournalError::from_file("open", FileError::new("start a thread for", folder, error))
            })?;
        Ok(Checkpoints { log_pages, asked_at: 0, made, ask: Some(ask), thread: Some(thread) })
    }

    /// To be called after each commit of the writer, when nobody waits for it any more.
    pub(super) fn after_commit(&mut self, writer: &Connection) {
        let log_pages = self.log_pages.load(Ordering::Relaxed);
        // Shorter than it was: it began anew.
        self.asked_at = if log_pages < self.asked_at { 0 } else { self.asked_at };
        match due(self.asked_at, log_pages, self.made.swap(false, Ordering::Relaxed)) {
            Due::No => return,
            Due::Beside => {
                let _asked_already = self.ask.as_ref().map(|ask| ask.try_send(()));
            }
            Due::Now => make(writer),
        }
        self.asked_at = log_pages;
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.ask = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread for checkpoints panicked");
        }
    }
}

/// The thread. Its connection is opened when it is first needed: an agent with little to do never
/// has one.
fn make_when_asked(folder: &Path, asked: &Receiver<()>, made: &AtomicBool) {
    let mut connection = None;
    while asked.recv().is_ok() {
        if connection.is_none() {
            let opened = schema::open_reader(folder);
            connection = opened.inspect_err(warn).ok();
        }
        connection.iter().for_each(make);
        made.store(true, Ordering::Relaxed);
    }
}

/// Nothing is lost when it fails: the log gets longer, and the next checkpoint does this one's work.
fn make(connection: &Connection) {
    if let Err(error) = connection.query_row(CHECKPOINT, (), |_| Ok(())) {
        warn(&error);
    }
}

fn warn(error: &rusqlite::Error) {
    tracing::warn!(%error, "no checkpoint of the journal");
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A journal's database, and what watches its log.
    fn watched(folder: &Path) -> (Connection, Checkpoints) {
        let (mut connection, _) = schema::open(folder).unwrap();
        let checkpoints = Checkpoints::start(folder, &mut connection).unwrap();
        (connection, checkpoints)
    }

    /// One commit that makes the log longer by at least so many pages.
    fn commit(connection: &Connection, pages: usize) {
        let sql = "INSERT OR REPLACE INTO meta VALUES ('long', hex(zeroblob(?1)))";
        connection.execute(sql, [pages as i64 * 2048]).unwrap();
    }

    fn database_bytes(folder: &Path) -> u64 {
        fs::metadata(folder.join("journal.db")).unwrap().len()
    }

    #[test]
    fn one_is_due_each_time_the_log_got_longer_by_so_much_and_then_one_by_the_writer() {
        for (asked_at, log_pages, is_made, expect) in [
            (0, PAGES_BETWEEN - 1, false, Due::No),
            (0, PAGES_BETWEEN, false, Due::Beside),
            (PAGES_BETWEEN, PAGES_BETWEEN + 1, false, Due::No),
            (PAGES_BETWEEN, PAGES_BETWEEN + 1, true, Due::Now),
            (PAGES_BETWEEN, 2 * PAGES_BETWEEN, false, Due::Beside),
            // Too much came meanwhile for the writer.
            (PAGES_BETWEEN, 2 * PAGES_BETWEEN, true, Due::Beside),
            (LOG_PAGES_MAX - 2, LOG_PAGES_MAX - 1, false, Due::No),
            (LOG_PAGES_MAX - 2, LOG_PAGES_MAX, false, Due::Now),
            (LOG_PAGES_MAX, LOG_PAGES_MAX + 1, false, Due::Now),
        ] {
            let case = format!("{log_pages} after {asked_at}, made: {is_made}");
            assert_eq!(due(asked_at, log_pages, is_made), expect, "{case}");
        }
    }

    #[test]
    fn what_is_committed_comes_into_the_database_and_the_log_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, mut checkpoints) = watched(folder.path());
        let before = database_bytes(folder.path());
        commit(&connection, PAGES_BETWEEN / 2);
        checkpoints.after_commit(&connection);
        assert_eq!((checkpoints.asked_at, database_bytes(folder.path())), (0, before));
        commit(&connection, PAGES_BETWEEN);
        checkpoints.after_commit(&connection);
        assert!(checkpoints.asked_at >= PAGES_BETWEEN);
        // Dropped, it has made what it was asked for.
        let log_pages = Arc::clone(&checkpoints.log_pages);
        drop(checkpoints);
        assert!(database_bytes(folder.path()) >= before + PAGES_BETWEEN as u64 * 4096);
        commit(&connection, 1);
        assert!(log_pages.load(Ordering::Relaxed) < PAGES_BETWEEN);
    }

    #[test]
    fn what_is_committed_beside_a_checkpoint_is_moved_by_the_writer() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, mut checkpoints) = watched(folder.path());
        commit(&connection, PAGES_BETWEEN);
        let before = database_bytes(folder.path());
        // As if the thread had just made one, and had seen nothing of this.
        checkpoints.asked_at = PAGES_BETWEEN;
        checkpoints.made.store(true, Ordering::Relaxed);
        checkpoints.after_commit(&connection);
        assert!(database_bytes(folder.path()) >= before + PAGES_BETWEEN as u64 * 4096);
        assert!(!checkpoints.made.load(Ordering::Relaxed));
        commit(&connection, 1);
        assert!(checkpoints.log_pages.load(Ordering::Relaxed) < PAGES_BETWEEN);
    }

    #[test]
    fn a_log_that_is_too_long_is_the_writers_own_business_and_one_begun_anew_is_short() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, mut checkpoints) = watched(folder.path());
        let before = database_bytes(folder.path());
        commit(&connection, PAGES_BETWEEN);
        checkpoints.log_pages.store(LOG_PAGES_MAX, Ordering::Relaxed);
        checkpoints.after_commit(&connection);
        assert!(database_bytes(folder.path()) >= before + PAGES_BETWEEN as u64 * 4096);
        assert_eq!(checkpoints.asked_at, LOG_PAGES_MAX);
        commit(&connection, 1);
        checkpoints.after_commit(&connection);
        assert_eq!(checkpoints.asked_at, 0);
    }
}
