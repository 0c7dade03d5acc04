//! What can still be read out of a damaged journal, put into a new one.
//!
//! Nothing is guessed: a job is saved when its record reads as a job's. Its files are saved up to the
//! first that cannot be read, because their numbers are their places. What was called flushed is not
//! believed any more. Every job that is saved is stopped with an error that says what happened: only
//! its owner can know whether it is what it was.

use std::fs;
use std::io;
use std::path::Path;

use dobbin_core::job::JobError;
use dobbin_types::{ErrorCode, JobId, JobState};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction};

use super::change::Change;
use super::error::JournalError;
use super::schema;
use crate::error::FileError;
use crate::record;

/// Rows in a row that cannot be read before the rest of a table is given up. A page of the database
/// holds some dozens of jobs, and one that leads to others some hundreds of pages.
const UNREADABLE_ROWS_MAX: i64 = 50_000;

/// What a saved job says of itself.
const WHY: &str = "the journal was damaged, and this job was saved out of it; files may be missing: look \
                   at it, then resume or cancel it";

/// Writes a new journal at `into` with what can be read of the one at `damaged`; says how many jobs
/// that is. The damaged one is left as it is.
///
/// # Errors
///
/// Nothing can be read, or nothing written; there is nothing at `into` then.
pub(super) fn salvage(damaged: &Path, into: &Path) -> Result<u64, Unsaved> {
    remove(into)?;
    let saved = copy(damaged, into).inspect_err(|_| drop(remove(into)))?;
    if saved == 0 {
        remove(into)?;
    }
    Ok(saved)
}

/// Why nothing was saved.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsaved {
    /// The database says so.
    #[error("nothing can be saved out of the damaged journal")]
    Sqlite(#[from] rusqlite::Error),
    /// The new one cannot be begun.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

fn copy(damaged: &Path, into: &Path) -> Result<u64, Unsaved> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let from = Connection::open_with_flags(damaged, flags)?;
    let mut to = schema::create_at(into)?;
    let transaction = to.transaction()?;
    let mut saved_count = 0;
    let mut jobs = Rows { last: i64::MIN, unreadable_count: 0 };
    while let Some(job) = jobs.next(&from) {
        saved_count += u64::from(save(&from, &transaction, job)?);
    }
    transaction.commit()?;
    to.close().map_err(|(_, error)| error)?;
    Ok(saved_count)
}

/// The rows of the table of jobs, as far as they can be read.
struct Rows {
    last: i64,
    unreadable_count: i64,
}

impl Rows {
    /// The next row that can be read.
    fn next(&mut self, from: &Connection) -> Option<(JobId, String)> {
        let sql = "SELECT rowid, id, record FROM jobs WHERE rowid > ?1 ORDER BY rowid LIMIT 1";
        while self.unreadable_count < UNREADABLE_ROWS_MAX {
            let row = from.prepare_cached(sql).and_then(|mut statement| {
                let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                statement.query_row([self.last], read).optional()
            });
            match row {
                Ok(None) => return None,
                Ok(Some((number, id, record))) if number > self.last => {
                    (self.last, self.unreadable_count) = (number, 0);
                    return Some((JobId::from_bytes(id), record));
                }
                // Behind the row that cannot be read there may be others, be it on the next page.
                Ok(Some(_)) | Err(_) => {
                    self.last = self.last.max(0).saturating_add(1);
                    self.unreadable_count += 1;
                }
            }
        }
        None
    }
}

/// Puts a job into the new journal, if it is one; says whether it is.
fn save(
    from: &Connection,
    to: &Transaction<'_>,
    (id, text): (JobId, String),
) -> rusqlite::Result<bool> {
    let Ok((about, mut saved)) = record::read_job(&text) else { return Ok(false) };
    if about.id != id {
        return Ok(false);
    }
    saved.state = JobState::Error;
    saved.error = Some(JobError {
        code: ErrorCode::EIO,
        extended: None,
        http_status: None,
        message: WHY.to_owned(),
        file: None,
    });
    Change::PutJob { id, record: record::write_saved(&about, &saved) }.apply(to)?;
    let mut statement =
        from.prepare_cached("SELECT number, record FROM files WHERE job = ?1 AND number = ?2")?;
    for number in 0_u32.. {
        let row = statement.query_row((id.as_bytes(), number), |row| row.get::<_, String>(1));
        let Some(record) = row.ok().filter(|text| record::read_file(text).is_ok()) else { break };
        Change::PutFile { job: id, number: dobbin_types::FileNumber(number), record }.apply(to)?;
    }
    Ok(true)
}

/// Removes a new journal that did not come to its end, and its log.
fn remove(path: &Path) -> Result<(), JournalError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-journal");
    for path in [path, Path::new(&log)] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let error = FileError::new("remove", path, error);
                return Err(JournalError::from_file("remove", error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
