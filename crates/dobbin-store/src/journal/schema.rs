//! The journal's database: how it is opened, what is in it, and what happens when it is damaged.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::{JournalError, JournalErrorKind};
use super::salvage::salvage;
use crate::durable;
use crate::error::Doing;

/// Name of the database in the store's folder.
const FILE_NAME: &str = "journal.db";

/// Marks the database as ours (`PRAGMA application_id`): "DOBN".
const APPLICATION_ID: i32 = 0x444f_424e;

/// Damaged journals that are kept. Who has more of them has another problem.
const QUARANTINES_MAX: u32 = 100;

/// The steps from one version of the tables to the next; the number of steps taken is kept in
/// `PRAGMA user_version`. A step of a released version is never edited.
const LADDER: &[&str] = &[
    // Version 1. Jobs keep a rowid because their records are long; the others are looked up and
    // read in the order of their keys only.
    "CREATE TABLE jobs (
        id BLOB PRIMARY KEY NOT NULL,
        record TEXT NOT NULL
    ) STRICT;
    CREATE TABLE files (
        job BLOB NOT NULL,
        number INTEGER NOT NULL,
        record TEXT NOT NULL,
        PRIMARY KEY (job, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE flushed (
        job BLOB NOT NULL,
        number INTEGER NOT NULL,
        piece_size INTEGER NOT NULL,
        file_size INTEGER NOT NULL,
        bitmap BLOB NOT NULL,
        PRIMARY KEY (job, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE meta (
        key TEXT PRIMARY KEY NOT NULL,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;",
];

/// Opens the journal's database in `folder`, creates it when there is none, and brings its tables up
/// to date. A damaged one is set aside, and what can be read of it is put into the new one; the second
/// value says where it is now.
///
/// In this order: the new one is whole and flushed beside the damaged one; the damaged one gets its
/// other name; the new one gets the name. Where it has come to the second step the first is found.
pub(super) fn open(folder: &Path) -> Result<(Connection, Option<PathBuf>), JournalError> {
    let path = folder.join(FILE_NAME);
    let salvaged = with_suffix(&path, ".salvaged");
    if !path.exists() && salvaged.exists() {
        take_over(&salvaged, &path)?;
    }
    match open_at(&path) {
        Err(error) if error.kind == JournalErrorKind::Corrupt => {
            match salvage(&path, &salvaged) {
                Ok(jobs_count) => tracing::warn!(jobs_count, "saved jobs out of a damaged journal"),
                Err(error) => tracing::error!(%error, "no job can be saved out of the journal"),
            }
            let aside = quarantine(&path)?;
            if salvaged.exists() {
                take_over(&salvaged, &path)?;
            }
            open_at(&path).map(|connection| (connection, Some(aside)))
        }
        outcome => outcome.map(|connection| (connection, None)),
    }
}

fn take_over(salvaged: &Path, path: &Path) -> Result<(), JournalError> {
    let renamed = durable::rename(salvaged, path).doing("rename", salvaged);
    renamed.map_err(|error| JournalError::from_file("set up", error))
}

/// A new database with our tables and nothing in them. Each commit is flushed, and leaves no log
/// behind: the file can be renamed when it is closed.
pub(super) fn create_at(path: &Path) -> Result<Connection, JournalError> {
    let refused = |error| JournalError::from_sqlite("create", error);
    create_file(path)?;
    let mut connection = Connection::open(path).map_err(refused)?;
    let settings = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;";
    connection.execute_batch(settings).map_err(refused)?;
    climb(&mut connection, LADDER).map_err(refused)?;
    Ok(connection)
}

/// A second connection, to read what is committed.
pub(super) fn open_reader(folder: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        folder.join(FILE_NAME),
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -512;")?;
    Ok(connection)
}

fn open_at(path: &Path) -> Result<Connection, JournalError> {
    create_file(path)?;
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW,
    )
    .map_err(|error| JournalError::from_sqlite("open", error))?;
    configure(&connection).map_err(|error| JournalError::from_sqlite("open", error))?;
    check(&connection)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// Creates the file for us alone; SQLite gives the files beside it the same mode. Its name must be
/// durable before anything in it is.
fn create_file(path: &Path) -> Result<(), JournalError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_file) => durable::flush_parent(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
    .doing("create", path)
    .map_err(|error| JournalError::from_file("create", error))
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // Somebody may look at the journal with another program; waiting a little is friendlier than
    // failing a job's change for it.
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(16);
    // FULL: a commit returns only when it is flushed. A small cache: the tables are written more than
    // read, and an idle agent shall stay small. No commit makes a checkpoint: that is done beside, see
    // `checkpoint`. After a burst the log is cut to 8 MiB; up to there it is written over in place,
    // because a file that grows costs each flush a commit of the file system's own journal.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA cache_size = -512;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 8388608;
         PRAGMA trusted_schema = OFF;",
    )
}

/// Reads the whole database once, so that damage shows now and not in the middle of a job.
fn check(connection: &Connection) -> Result<(), JournalError> {
    let verdict: String = connection
        .pragma_query_value(None, "quick_check", |row| row.get(0))
        .map_err(|error| JournalError::from_sqlite("check", error))?;
    if verdict != "ok" {
        return Err(JournalError {
            source: Some(std::sync::Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(
                verdict,
            ))),
            ..JournalError::new("check", JournalErrorKind::Corrupt)
        });
    }
    Ok(())
}

/// Brings the tables up to date, if they are ours and no newer than we are.
fn migrate(connection: &mut Connection) -> Result<(), JournalError> {
    let refused = |error| JournalError::from_sqlite("update", error);
    let version: i64 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(refused)?;
    let mark: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(refused)?;
    if version != 0 && mark != APPLICATION_ID {
        return Err(JournalError::new("read", JournalErrorKind::Corrupt));
    }
    let Some(steps) = usize::try_from(version).ok().and_then(|taken| LADDER.get(taken..)) else {
        return Err(JournalError::new("read", JournalErrorKind::TooNew));
    };
    if steps.is_empty() {
        return Ok(());
    }
    climb(connection, steps).map_err(refused)
}

/// Climbs steps of the ladder in one transaction: all of them, or none.
fn climb(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in steps {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", LADDER.len() as i64)?;
    transaction.commit()
}

/// Renames a damaged database and its log to the first free `journal.db.corrupt-<n>`: nothing that
/// may still be saved by hand is thrown away.
fn quarantine(path: &Path) -> Result<PathBuf, JournalError> {
    let refused = |error| JournalError::from_file("set aside", error);
    for number in 1..=QUARANTINES_MAX {
        let aside = with_suffix(path, &format!(".corrupt-{number}"));
        match durable::rename_noreplace(path, &aside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            outcome => outcome.doing("rename", path).map_err(refused)?,
        }
        // SQLite looks for the log under this name. The index of the log can be rebuilt from it.
        let log = with_suffix(path, "-wal");
        match durable::rename(&log, &with_suffix(&aside, "-wal")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).doing("rename", &log).map_err(refused);
            }
            Ok(()) | Err(_) => {}
        }
        let index = with_suffix(path, "-shm");
        match fs::remove_file(&index) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).doing("remove", &index).map_err(refused);
            }
            Ok(()) | Err(_) => {}
        }
        return Ok(aside);
    }
    Err(JournalError::new("set aside", JournalErrorKind::Corrupt))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version_of(connection: &Connection) -> i64 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_new_database_is_at_the_newest_version_and_flushes_every_commit() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, aside) = open(folder.path()).unwrap();
        assert_eq!(aside, None);
        assert_eq!(version_of(&connection), LADDER.len() as i64);
        let mode: String =
            connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        let synchronous: i64 =
            connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        assert_eq!((mode.as_str(), synchronous), ("wal", 2));
    }

    #[test]
    fn a_newer_database_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, _) = open(folder.path()).unwrap();
        connection.pragma_update(None, "user_version", LADDER.len() as i64 + 1).unwrap();
        drop(connection);
        let error = open(folder.path()).unwrap_err();
        assert_eq!(error.kind, JournalErrorKind::TooNew);
        assert!(!folder.path().join("journal.db.corrupt-1").exists());
    }

    #[test]
    fn what_is_not_our_database_is_set_aside_under_the_next_free_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        for number in 1..=3 {
            let rubbish = format!("not a database at all, number {number}").repeat(100);
            fs::write(&path, &rubbish).unwrap();
            let (connection, aside) = open(folder.path()).unwrap();
            assert_eq!(version_of(&connection), LADDER.len() as i64);
            let aside = aside.unwrap();
            assert_eq!(aside, folder.path().join(format!("journal.db.corrupt-{number}")));
            assert_eq!(fs::read_to_string(&aside).unwrap(), rubbish);
        }
    }

    #[test]
    fn a_crash_between_setting_aside_and_taking_over_costs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let salvaged = create_at(&folder.path().join("journal.db.salvaged")).unwrap();
        salvaged.execute("INSERT INTO meta VALUES ('a', 'b')", ()).unwrap();
        drop(salvaged);
        let (connection, aside) = open(folder.path()).unwrap();
        let count: i64 =
            connection.query_row("SELECT count(*) FROM meta", (), |row| row.get(0)).unwrap();
        assert_eq!((count, aside), (1, None));
        assert!(!folder.path().join("journal.db.salvaged").exists());
    }

    #[test]
    fn a_database_of_another_program_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let other = Connection::open(folder.path().join(FILE_NAME)).unwrap();
        other.execute_batch("CREATE TABLE theirs (a); PRAGMA user_version = 1;").unwrap();
        drop(other);
        let (_, aside) = open(folder.path()).unwrap();
        let kept = Connection::open(aside.unwrap()).unwrap();
        let count: i64 =
            kept.query_row("SELECT count(*) FROM theirs", (), |row| row.get(0)).unwrap();
        assert_eq!(count, 0);
    }
}
