//! The one writer of the journal, and the handle by which everybody else reaches it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};

use dobbin_types::JobId;
use rusqlite::{Connection, TransactionBehavior};

use super::change::Change;
use super::checkpoint::Checkpoints;
use super::error::{JournalError, JournalErrorKind};
use super::load::{self, Loaded, StoredJob};
use super::queue::{Queue, Write};
use super::schema;
use crate::error::FileError;
use crate::reserve::Reserve;

/// The journal, open. Closed in order when it is dropped: what waits is still written.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    queue: Arc<Queue>,
    thread: Option<JoinHandle<Result<(), JournalError>>>,
}

impl Journal {
    /// Opens the journal in `folder`, which the caller holds the lock of. When the database found
    /// there is damaged it is set aside, a new one is begun, and the second value says where the old
    /// one is now.
    pub(crate) fn open(folder: &Path) -> Result<(Journal, Option<PathBuf>), JournalError> {
        let (mut connection, quarantined) = schema::open(folder)?;
        let queue = Arc::new(Queue::default());
        let writer = Writer {
            checkpoints: Checkpoints::start(folder, &mut connection)?,
            connection,
            queue: Arc::clone(&queue),
            reserve: Reserve::open(folder.join("reserve")),
        };
        let thread = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| {
                JournalError::from_file("open", FileError::new("start a thread for", folder, error))
            })?;
        let journal = Journal { folder: folder.to_path_buf(), queue, thread: Some(thread) };
        Ok((journal, quarantined))
    }

    /// Makes `changes` durable, all of them or none, and then calls `done`.
    ///
    /// Writes of one job take effect in the order of the calls, and their `done`s are called in that
    /// order, on the writer's thread, once everything of it up to them survives a power cut; between
    /// jobs a short write may overtake long ones. One without changes waits for all jobs. After an
    /// error nothing of this write has happened, and the journal goes on with the next.
    ///
    /// The call returns at once, unless [`QUEUED_CHANGES_MAX`](super::QUEUED_CHANGES_MAX) changes
    /// wait already: then it waits for the next commit, at most ten seconds, and calls `done` with
    /// [`JournalErrorKind::Busy`] on the caller's own thread if there is still no room; likewise with
    /// [`JournalErrorKind::Closed`] after [`Journal::close`]. So `done` must be quick, and must never
    /// wait for anyone who may be waiting here.
    pub fn write(
        &self,
        changes: Vec<Change>,
        done: impl FnOnce(Result<(), JournalError>) + Send + 'static,
    ) {
        self.push(Write { changes, waits_for: None, done: Box::new(done) });
    }

    /// Calls `done` when what was written of a job so far is durable, or had failed; without a job,
    /// what was written of any. As [`Journal::write`] else.
    pub fn when_durable(&self, job: Option<JobId>, done: impl FnOnce() + Send + 'static) {
        let done = Box::new(|_outcome| done());
        self.push(Write { changes: Vec::new(), waits_for: job, done });
    }

    fn push(&self, write: Write) {
        if let Err((write, kind)) = self.queue.push(write) {
            (write.done)(Err(JournalError::new("write", kind)));
        }
    }

    /// As [`Journal::write`], and waits until it is done. Not to be called from a `done`.
    pub fn write_and_wait(&self, changes: Vec<Change>) -> Result<(), JournalError> {
        let (sender, receiver) = sync_channel(1);
        self.write(changes, move |outcome| {
            // The receiver waits below.
            let _ = sender.send(outcome);
        });
        receiver.recv().unwrap_or(Err(JournalError::new("write", JournalErrorKind::Internal)))
    }

    /// Notes in which run of the machine the journal is in use now, and waits until that is durable.
    pub fn set_boot(&self, boot: &str) -> Result<(), JournalError> {
        self.write_and_wait(vec![Change::SetBoot(boot.to_owned())])
    }

    /// Reads everything back. It sees what is committed when it is called.
    pub fn load(&self) -> Result<Loaded, JournalError> {
        let mut jobs = Vec::new();
        let last_boot = self.for_each_job(|job| jobs.push(job))?;
        Ok(Loaded { jobs, last_boot })
    }

    /// As [`Journal::load`], without holding all of it in memory: hands each job to `each` in the
    /// order of the ids, and returns the last boot.
    pub fn for_each_job(
        &self,
        each: impl FnMut(StoredJob),
    ) -> Result<Option<String>, JournalError> {
        load::for_each_job(&self.folder, each)
    }

    /// Writes what still waits, folds the log into the database and closes it.
    ///
    /// # Errors
    ///
    /// When the last folding fails; nothing is lost then, it happens at the next opening.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), JournalError> {
        self.queue.close();
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            Some(Err(_panic)) => Err(JournalError::new("close", JournalErrorKind::Internal)),
            None => Ok(()),
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::warn!(%error, "journal not closed in order");
        }
    }
}

/// What the writer's thread owns.
struct Writer {
    /// Before the connection, whose last act is a checkpoint: two cannot be made at once.
    checkpoints: Checkpoints,
    connection: Connection,
    queue: Arc<Queue>,
    reserve: Reserve,
}

impl Writer {
    /// Commits what the queue gives, again and again, until the queue is closed and empty.
    fn run(mut self) -> Result<(), JournalError> {
        // Closed on every way out, also after a panic: nobody shall wait for a writer that is gone.
        let _closing = CloseOnDrop(Arc::clone(&self.queue));
        while let Some(writes) = self.queue.take() {
            let outcome = self.commit(&writes);
            match &outcome {
                Ok(()) => self.reserve.restore(),
                Err(error) if error.kind == JournalErrorKind::Full => self.reserve.release(),
                Err(_) => {}
            }
            if let Err(error) = &outcome {
                tracing::error!(%error, writes = writes.len(), "journal commit failed");
            }
            answer(writes, &outcome);
            self.checkpoints.after_commit(&self.connection);
        }
        drop(self.checkpoints);
        self.connection
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
            .and_then(|()| self.connection.close().map_err(|(_, error)| error))
            .map_err(|error| JournalError::from_sqlite("close", error))
    }

    /// One transaction for all of them. Dropped without a commit, it is rolled back.
    fn commit(&mut self, writes: &VecDeque<Write>) -> Result<(), JournalError> {
        let commit = |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for change in writes.iter().flat_map(|write| &write.changes) {
                change.apply(&transaction)?;
            }
            transaction.commit()
        };
        commit(&mut self.connection).map_err(|error| JournalError::from_sqlite("write", error))
    }
}

/// Calls every `done`, in order. One that panics does not keep the others from hearing.
fn answer(writes: VecDeque<Write>, outcome: &Result<(), JournalError>) {
    for write in writes {
        let done = AssertUnwindSafe(|| (write.done)(outcome.clone()));
        if catch_unwind(done).is_err() {
            tracing::error!("a callback of the journal panicked");
        }
    }
}

struct CloseOnDrop(Arc<Queue>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}
