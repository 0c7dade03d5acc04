//! What waits to be written: a bounded queue from many callers to the one writer, which takes all of
//! it at once.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::change::Change;
use super::error::{JournalError, JournalErrorKind};

/// Most changes that wait for the writer. What waits becomes one transaction, so this bounds the
/// memory of both; at a few hundred bytes a change it is about a megabyte.
pub const QUEUED_CHANGES_MAX: usize = 4_096;

/// How long a caller waits for room before it is refused. A full queue empties with the next commit;
/// a disk that takes longer than this for one flush is as good as gone.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(10);

/// Changes that become durable together, and who wants to know.
pub(super) struct Write {
    pub(super) changes: Vec<Change>,
    pub(super) done: Box<dyn FnOnce(Result<(), JournalError>) + Send>,
}

/// The queue. One lock and two signals: nothing is done under the lock but moving what waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Condvar,
    emptied: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    writes: VecDeque<Write>,
    changes_count: usize,
    closed: bool,
}

impl Queue {
    /// Adds a write, waiting for room when there is none. A write larger than the whole queue is let
    /// in when it is the only one. A refused write comes back with the reason.
    pub(super) fn push(&self, write: Write) -> Result<(), (Write, JournalErrorKind)> {
        let has_no_room = |waiting: &mut Waiting| {
            !waiting.closed
                && !waiting.writes.is_empty()
                && waiting.changes_count + write.changes.len() > QUEUED_CHANGES_MAX
        };
        let (mut waiting, waited) = self
            .emptied
            .wait_timeout_while(self.lock(), ROOM_WAIT_MAX, has_no_room)
            .unwrap_or_else(PoisonError::into_inner);
        if waiting.closed {
            return Err((write, JournalErrorKind::Closed));
        }
        if waited.timed_out() {
            return Err((write, JournalErrorKind::Busy));
        }
        waiting.changes_count += write.changes.len();
        waiting.writes.push_back(write);
        drop(waiting);
        self.filled.notify_one();
        Ok(())
    }

    /// Takes everything that waits, in the order in which it came; waits until there is something.
    /// `None` when the queue is closed and empty.
    pub(super) fn take_all(&self) -> Option<VecDeque<Write>> {
        let mut waiting = self
            .filled
            .wait_while(self.lock(), |waiting| waiting.writes.is_empty() && !waiting.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let taken = std::mem::take(&mut waiting.writes);
        waiting.changes_count = 0;
        drop(waiting);
        self.emptied.notify_all();
        (!taken.is_empty()).then_some(taken)
    }

    /// Lets nothing more in. What waits already is still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.emptied.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write").field("changes", &self.changes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dobbin_types::JobId;

    use super::*;

    fn write_of(changes_count: usize) -> Write {
        let change = Change::RemoveJob(JobId::from_bytes([0; 16]));
        Write { changes: vec![change; changes_count], done: Box::new(drop) }
    }

    #[test]
    fn everything_that_waits_is_taken_at_once_and_in_order() {
        let queue = Queue::default();
        for changes_count in [1, 3, 0, 2] {
            queue.push(write_of(changes_count)).map_err(|(_, kind)| kind).unwrap();
        }
        let taken = queue.take_all().unwrap();
        let counts: Vec<usize> = taken.iter().map(|write| write.changes.len()).collect();
        assert_eq!(counts, [1, 3, 0, 2]);
    }

    #[test]
    fn a_write_larger_than_the_queue_is_let_in_alone_and_the_next_waits_for_it() {
        let queue = Arc::new(Queue::default());
        queue.push(write_of(QUEUED_CHANGES_MAX + 1)).map_err(|(_, kind)| kind).unwrap();
        let second = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.push(write_of(1)).map_err(|(_, kind)| kind)
        });
        // Whichever of the two comes first: the second write can only come after the first is taken.
        assert_eq!(queue.take_all().unwrap().len(), 1);
        assert_eq!(second.join().unwrap(), Ok(()));
        assert_eq!(queue.take_all().unwrap().len(), 1);
    }

    #[test]
    fn a_closed_queue_takes_nothing_but_still_gives_what_it_has() {
        let queue = Queue::default();
        queue.push(write_of(1)).map_err(|(_, kind)| kind).unwrap();
        queue.close();
        let refused = queue.push(write_of(1)).map_err(|(_, kind)| kind);
        assert_eq!(refused, Err(JournalErrorKind::Closed));
        assert_eq!(queue.take_all().unwrap().len(), 1);
        assert!(queue.take_all().is_none());
    }
}
