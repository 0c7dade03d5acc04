//! What can be written to the journal.

use dobbin_core::piece::PieceSet;
use dobbin_types::{FileNumber, JobId};
use rusqlite::{Transaction, params};

/// One change to the journal. Each may be repeated without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds a job, or replaces its record.
    PutJob {
        /// The job.
        id: JobId,
        /// Its record.
        record: String,
    },
    /// Adds a file to a job, or replaces its record. Without effect when there is no such job: it
    /// was removed meanwhile.
    PutFile {
        /// The job it belongs to.
        job: JobId,
        /// Its place in the job.
        number: FileNumber,
        /// Its record.
        record: String,
    },
    /// Notes which pieces of a file survive a power cut, in place of what was noted before. Without
    /// effect when there is no such file.
    PutFlushed {
        /// The job it belongs to.
        job: JobId,
        /// Its place in the job.
        number: FileNumber,
        /// The pieces, as `Staging::flush` returned them and no others.
        set: PieceSet,
    },
    /// Forgets which pieces of a file were flushed: its content is to be fetched anew.
    DropFlushed {
        /// The job it belongs to.
        job: JobId,
        /// Its place in the job.
        number: FileNumber,
    },
    /// Removes a job and everything that belongs to it.
    RemoveJob(JobId),
    /// Notes in which run of the machine the journal was last in use.
    SetBoot(String),
}

impl Change {
    /// The job it concerns; `None` for a change of no job.
    pub(super) fn job(&self) -> Option<JobId> {
        match self {
            Change::PutJob { id: job, .. }
            | Change::PutFile { job, .. }
            | Change::PutFlushed { job, .. }
            | Change::DropFlushed { job, .. }
            | Change::RemoveJob(job) => Some(*job),
            Change::SetBoot(_) => None,
        }
    }

    /// Makes the change part of the transaction.
    pub(super) fn apply(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
            transaction.prepare_cached(sql)?.execute(values).map(drop)
        };
        match self {
            Change::PutJob { id, record } => run(PUT_JOB, params![id.as_bytes(), record]),
            Change::PutFile { job, number, record } => {
                run(PUT_FILE, params![job.as_bytes(), number.0, record])
            }
            Change::PutFlushed { job, number, set } => {
                let layout = set.layout();
                // SQLite's integers are signed. A layout that fits a disk fits them; any other
                // stays what it is through both casts.
                let file_size = layout.file_size().cast_signed();
                run(
                    PUT_FLUSHED,
                    params![
                        job.as_bytes(),
                        number.0,
                        layout.piece_size(),
                        file_size,
                        set.as_bytes()
                    ],
                )
            }
            Change::DropFlushed { job, number } => {
                run(DROP_FLUSHED, params![job.as_bytes(), number.0])
            }
            Change::RemoveJob(job) => {
                for sql in REMOVE_JOB {
                    run(sql, params![job.as_bytes()])?;
                }
                Ok(())
            }
            Change::SetBoot(boot) => run(PUT_META, params![BOOT_KEY, boot]),
        }
    }
}

/// The key under which `meta` holds the id of the machine's run.
pub(super) const BOOT_KEY: &str = "boot";

const PUT_JOB: &str = "INSERT INTO jobs (id, record) VALUES (?1, ?2)
    ON CONFLICT (id) DO UPDATE SET record = excluded.record";

// `WHERE` keeps a late change to a removed job from leaving rows that belong to nobody.
const PUT_FILE: &str = "INSERT INTO files (job, number, record)
    SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM jobs WHERE id = ?1)
    ON CONFLICT (job, number) DO UPDATE SET record = excluded.record";

const PUT_FLUSHED: &str = "INSERT INTO flushed (job, number, piece_size, file_size, bitmap)
    SELECT ?1, ?2, ?3, ?4, ?5
    WHERE EXISTS (SELECT 1 FROM files WHERE job = ?1 AND number = ?2)
    ON CONFLICT (job, number) DO UPDATE SET
        piece_size = excluded.piece_size,
        file_size = excluded.file_size,
        bitmap = excluded.bitmap";

const DROP_FLUSHED: &str = "DELETE FROM flushed WHERE job = ?1 AND number = ?2";

const REMOVE_JOB: [&str; 3] = [
    "DELETE FROM flushed WHERE job = ?1",
    "DELETE FROM files WHERE job = ?1",
    "DELETE FROM jobs WHERE id = ?1",
];

const PUT_META: &str = "INSERT INTO meta (key, value) VALUES (?1, ?2)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value";
