//! What waits to be written: a bounded queue from many callers to the one writer, which takes as much
//! of it at once as one transaction should hold.
//!
//! Two lanes. What thousands of files have to say at once goes one after the other in the **long**
//! lane. A short write of a job that has nothing there overtakes it in the **quick** lane: that is a
//! caller who waits for an answer, and what others do with their files is not its business. Writes of
//! one job never overtake each other, and a write without changes overtakes nothing: it is how a
//! question waits until all that it may tell of is durable.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dobbin_types::JobId;

use super::change::Change;
use super::error::{JournalError, JournalErrorKind};

/// Most changes that wait for the writer: at a few hundred bytes a change some megabytes. So many that
/// callers need not wait for room while one transaction is written.
pub const QUEUED_CHANGES_MAX: usize = 16_384;

/// Changes of the long lane that one transaction takes, unless its first write alone has more: so many
/// that flushing costs little beside them, so few that a caller waits some milliseconds for them.
pub(super) const TAKEN_CHANGES_MAX: usize = 256;

/// Changes of a write that may overtake.
const QUICK_CHANGES_MAX: usize = 8;

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
    quick: VecDeque<Write>,
    long: VecDeque<Write>,
    /// How many changes of each job wait in the long lane. `None`: those of no job.
    held_up: BTreeMap<Option<JobId>, usize>,
    changes_count: usize,
    closed: bool,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.quick.is_empty() && self.long.is_empty()
    }

    /// Whether the write may overtake the long lane.
    fn is_quick(&self, write: &Write) -> bool {
        let has_changes = !write.changes.is_empty();
        (has_changes || self.long.is_empty())
            && write.changes.len() <= QUICK_CHANGES_MAX
            && write.changes.iter().all(|change| !self.held_up.contains_key(&change.job()))
    }

    fn put(&mut self, write: Write) {
        self.changes_count += write.changes.len();
        if self.is_quick(&write) {
            return self.quick.push_back(write);
        }
        for change in &write.changes {
            *self.held_up.entry(change.job()).or_default() += 1;
        }
        self.long.push_back(write);
    }

    /// All of the quick lane, and then of the long one what fits.
    fn take(&mut self) -> VecDeque<Write> {
        let mut taken = std::mem::take(&mut self.quick);
        let mut room = TAKEN_CHANGES_MAX;
        let mut is_first = true;
        while let Some(write) =
            self.long.pop_front_if(|next| is_first || next.changes.len() <= room)
        {
            is_first = false;
            room = room.saturating_sub(write.changes.len());
            for change in &write.changes {
                self.let_go(change.job());
            }
            taken.push_back(write);
        }
        let count: usize = taken.iter().map(|write| write.changes.len()).sum();
        self.changes_count -= count;
        taken
    }

    fn let_go(&mut self, job: Option<JobId>) {
        if let Some(count) = self.held_up.get_mut(&job) {
            *count -= 1;
            if *count == 0 {
                self.held_up.remove(&job);
            }
        }
    }
}

impl Queue {
    /// Adds a write, waiting for room when there is none. A write larger than the whole queue is let
    /// in when it is the only one. A refused write comes back with the reason.
    pub(super) fn push(&self, write: Write) -> Result<(), (Write, JournalErrorKind)> {
        let has_no_room = |waiting: &mut Waiting| {
            !waiting.closed
                && !waiting.is_empty()
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
        waiting.put(write);
        drop(waiting);
        self.filled.notify_one();
        Ok(())
    }

    /// Takes what the next transaction is to hold, see the head of this file; waits until there is
    /// something. `None` when the queue is closed and empty.
    pub(super) fn take(&self) -> Option<VecDeque<Write>> {
        let mut waiting = self
            .filled
            .wait_while(self.lock(), |waiting| waiting.is_empty() && !waiting.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let taken = waiting.take();
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

    use super::*;

    fn job(number: u8) -> JobId {
        JobId::from_bytes([number; 16])
    }

    fn write_for(number: u8, changes_count: usize) -> Write {
        let change = Change::RemoveJob(job(number));
        Write { changes: vec![change; changes_count], done: Box::new(drop) }
    }

    fn push(queue: &Queue, write: Write) {
        queue.push(write).map_err(|(_, kind)| kind).unwrap();
    }

    /// Of which job each write is that is taken, and how many changes it has.
    fn taken(queue: &Queue) -> Vec<(u8, usize)> {
        let writes = queue.take().unwrap_or_default();
        let of = |write: &Write| {
            let job = write.changes.first().and_then(Change::job);
            (job.map_or(0, |job| job.as_bytes()[0]), write.changes.len())
        };
        writes.iter().map(of).collect()
    }

    #[test]
    fn what_fits_is_taken_at_once_and_in_order() {
        let queue = Queue::default();
        for changes_count in [1, 3, 0, 2] {
            push(&queue, write_for(1, changes_count));
        }
        assert_eq!(taken(&queue), [(1, 1), (1, 3), (0, 0), (1, 2)]);
    }

    #[test]
    fn a_short_write_overtakes_the_long_ones_of_other_jobs_and_no_write_of_its_own() {
        let queue = Queue::default();
        push(&queue, write_for(1, TAKEN_CHANGES_MAX));
        push(&queue, write_for(1, TAKEN_CHANGES_MAX));
        push(&queue, write_for(1, 1));
        push(&queue, write_for(2, 1));
        push(&queue, write_for(2, 2));
        assert_eq!(taken(&queue), [(2, 1), (2, 2), (1, TAKEN_CHANGES_MAX)]);
        push(&queue, write_for(2, 3));
        push(&queue, write_for(1, 2));
        assert_eq!(taken(&queue), [(2, 3), (1, TAKEN_CHANGES_MAX)]);
        // Nothing of it is held up any more but what stands behind: then order holds by itself.
        push(&queue, write_for(1, 3));
        assert_eq!(taken(&queue), [(1, 1), (1, 2), (1, 3)]);
        push(&queue, write_for(1, 4));
        assert_eq!(queue.lock().quick.len(), 1);
        assert_eq!(taken(&queue), [(1, 4)]);
        let rest = queue.lock();
        assert_eq!((rest.changes_count, rest.held_up.len()), (0, 0));
    }

    #[test]
    fn a_question_waits_for_all_that_was_written_before_it_and_for_nothing_else() {
        let queue = Queue::default();
        push(&queue, write_for(1, TAKEN_CHANGES_MAX));
        push(&queue, write_for(1, TAKEN_CHANGES_MAX));
        push(&queue, write_for(2, 0));
        push(&queue, write_for(1, TAKEN_CHANGES_MAX));
        assert_eq!(taken(&queue), [(1, TAKEN_CHANGES_MAX)]);
        push(&queue, write_for(2, 1));
        assert_eq!(taken(&queue), [(2, 1), (1, TAKEN_CHANGES_MAX), (0, 0)]);
        assert_eq!(taken(&queue), [(1, TAKEN_CHANGES_MAX)]);
    }

    #[test]
    fn a_write_larger_than_the_queue_is_let_in_alone_and_the_next_waits_for_it() {
        let queue = Arc::new(Queue::default());
        push(&queue, write_for(1, QUEUED_CHANGES_MAX + 1));
        let second = std::thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.push(write_for(1, 1)).map_err(|(_, kind)| kind)
        });
        // Whichever of the two comes first: the second write can only come after the first is taken.
        assert_eq!(taken(&queue), [(1, QUEUED_CHANGES_MAX + 1)]);
        assert_eq!(second.join().unwrap(), Ok(()));
        assert_eq!(taken(&queue), [(1, 1)]);
    }

    #[test]
    fn a_closed_queue_takes_nothing_but_still_gives_what_it_has() {
        let queue = Queue::default();
        push(&queue, write_for(1, 1));
        queue.close();
        let refused = queue.push(write_for(1, 1)).map_err(|(_, kind)| kind);
        assert_eq!(refused, Err(JournalErrorKind::Closed));
        assert_eq!(taken(&queue), [(1, 1)]);
        assert!(queue.take().is_none());
    }
}
