//! Reading the journal back.

use std::path::Path;

use dobbin_core::piece::{Layout, PieceSet};
use dobbin_types::{FileNumber, JobId};
use rusqlite::{Connection, OptionalExtension, Row, Rows};

use super::change::BOOT_KEY;
use super::error::JournalError;
use super::schema;

/// Everything that stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// The jobs, in the order of their ids.
    pub jobs: Vec<StoredJob>,
    /// In which run of the machine the journal was last in use, if that was ever noted.
    pub last_boot: Option<String>,
}

/// A job as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredJob {
    /// Its id.
    pub id: JobId,
    /// Its record.
    pub record: String,
    /// Its files, in the order of their numbers.
    pub files: Vec<StoredFile>,
}

/// A file as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its place in the job.
    pub number: FileNumber,
    /// Its record.
    pub record: String,
    /// Which of its pieces survive a power cut, if that was ever noted.
    pub flushed: Option<PieceSet>,
}

/// Reads all jobs and hands them to `each`, one at a time and in the order of their ids. Returns the
/// last boot.
///
/// It sees what was committed when it began, whatever is written meanwhile.
pub(super) fn for_each_job(
    folder: &Path,
    each: impl FnMut(StoredJob),
) -> Result<Option<String>, JournalError> {
    schema::open_reader(folder)
        .and_then(|mut connection| read(&mut connection, each))
        .map_err(|error| JournalError::from_sqlite("read", error))
}

fn read(
    connection: &mut Connection,
    mut each: impl FnMut(StoredJob),
) -> rusqlite::Result<Option<String>> {
    // One transaction, so that the three tables are of one moment.
    let transaction = connection.transaction()?;
    let mut jobs = transaction.prepare("SELECT id, record FROM jobs ORDER BY id")?;
    let mut files = transaction.prepare(
        "SELECT files.job, files.number, files.record,
                flushed.piece_size, flushed.file_size, flushed.bitmap
         FROM files LEFT JOIN flushed USING (job, number)
         ORDER BY files.job, files.number",
    )?;
    let mut jobs = jobs.query(())?;
    let mut files = Merge { rows: files.query(())?, ahead: None };
    while let Some(row) = jobs.next()? {
        let id = JobId::from_bytes(row.get(0)?);
        let record = row.get(1)?;
        each(StoredJob { id, record, files: files.of(id)? });
    }
    let boot = "SELECT value FROM meta WHERE key = ?1";
    transaction.query_row(boot, [BOOT_KEY], |row| row.get(0)).optional()
}

/// The rows of all files, read along with the jobs that they belong to.
struct Merge<'a> {
    rows: Rows<'a>,
    /// The file that was read last and belongs to a later job.
    ahead: Option<(JobId, StoredFile)>,
}

impl Merge<'_> {
    /// The files of `job`. Jobs must be asked for in order; files of jobs in between are passed over.
    fn of(&mut self, job: JobId) -> rusqlite::Result<Vec<StoredFile>> {
        let mut files = Vec::new();
        loop {
            let (owner, file) = match self.ahead.take() {
                Some(ahead) => ahead,
                None => match self.rows.next()? {
                    Some(row) => read_file(row)?,
                    None => return Ok(files),
                },
            };
            match owner.cmp(&job) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => files.push(file),
                std::cmp::Ordering::Greater => {
                    self.ahead = Some((owner, file));
                    return Ok(files);
                }
            }
        }
    }
}

fn read_file(row: &Row<'_>) -> rusqlite::Result<(JobId, StoredFile)> {
    let job = JobId::from_bytes(row.get(0)?);
    let number = FileNumber(row.get(1)?);
    let flushed = match row.get::<_, Option<u32>>(3)? {
        Some(piece_size) => read_flushed(piece_size, row.get(4)?, row.get_ref(5)?.as_blob()?),
        None => None,
    };
    Ok((job, StoredFile { number, record: row.get(2)?, flushed }))
}

/// A bitmap that does not fit its file says nothing; its pieces are fetched again.
fn read_flushed(piece_size: u32, file_size: i64, bitmap: &[u8]) -> Option<PieceSet> {
    let layout = Layout::new(file_size.cast_unsigned(), piece_size)?;
    match PieceSet::from_bytes(layout, bitmap) {
        Ok(set) => Some(set),
        Err(error) => {
            tracing::warn!(cause = %error, "flushed pieces are unreadable");
            None
        }
    }
}
