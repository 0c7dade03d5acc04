//! What waits to be written: a bounded queue from many callers to the one writer, which takes as much
//! of it at once as one transaction should hold.
//!
//! Two lanes. What thousands of files have to say at once goes one after the other in the **long**
//! lane. A short write of a job that has nothing there overtakes it in the **quick** lane: that is a
//! caller who waits for an answer, and what others do with their files is not its business. Writes of
//! one job never overtake each other, and neither does one without changes overtake those that it waits
//! for: that is how an answer waits until all that it tells of is durable.

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
pub(super) const TAKEN_CHANGES_MAX: usize = 64;

/// The same beside short writes: their callers wait for all of the transaction.
const TAKEN_BESIDE_MAX: usize = 32;

/// How often in a row short writes go alone because the next long one is too large to go along.
const PASSED_OVER_MAX: u32 = 8;

/// Changes of a write that may overtake.
const QUICK_CHANGES_MAX: usize = 8;

/// How long a caller waits for room before it is refused. A full queue empties with the next commit;
/// a disk that takes longer than this for one flush is as good as gone.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(10);

/// Changes that become durable together, and who wants to know.
pub(super) struct Write {
    pub(super) changes: Vec<Change>,
    /// Whose writes one without changes waits for; `None`: everybody's.
    pub(super) waits_for: Option<JobId>,
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
    /// How often in a row the first of the long lane was left where it is.
    passed_over_count: u32,
    closed: bool,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.quick.is_empty() && self.long.is_empty()
    }

    /// Whether a write of so many changes is let in: one larger than all there is room for only alone.
    fn has_room_for(&self, changes_count: usize) -> bool {
        self.is_empty() || self.changes_count + changes_count <= QUEUED_CHANGES_MAX
    }

    /// Whether the write may overtake the long lane.
    fn is_quick(&self, write: &Write) -> bool {
        if write.changes.is_empty() {
            let job = write.waits_for;
            return job.map_or(self.long.is_empty(), |_| !self.held_up.contains_key(&job));
        }
        write.changes.len() <= QUICK_CHANGES_MAX
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

    /// All of the quick lane, and then of the long one what fits: its first write, however large, at
    /// the latest when it was passed over [`PASSED_OVER_MAX`] times.
    fn take(&mut self) -> VecDeque<Write> {
        let mut taken = std::mem::take(&mut self.quick);
        let is_beside = !taken.is_empty();
        let mut room = if is_beside { TAKEN_BESIDE_MAX } else { TAKEN_CHANGES_MAX };
        let mut is_due = !is_beside || self.passed_over_count >= PASSED_OVER_MAX;
        self.passed_over_count = if self.long.is_empty() { 0 } else { self.passed_over_count + 1 };
        while let Some(write) = self.long.pop_front_if(|next| is_due || next.changes.len() <= room)
        {
            is_due = false;
            self.passed_over_count = 0;
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
        let count = write.changes.len();
        let has_no_room = |waiting: &mut Waiting| !waiting.closed && !waiting.has_room_for(count);
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

    use proptest::prelude::*;

    use super::*;

    fn job(number: u8) -> JobId {
        JobId::from_bytes([number; 16])
    }

    fn write_for(number: u8, changes_count: usize) -> Write {
        let change = Change::RemoveJob(job(number));
        let waits_for = Some(job(number));
        Write { changes: vec![change; changes_count], waits_for, done: Box::new(drop) }
    }

    /// Waits for everybody.
    fn write_for_all() -> Write {
        Write { changes: Vec::new(), waits_for: None, done: Box::new(drop) }
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
        assert_eq!(taken(&queue), [(2, 1), (2, 2)]);
        assert_eq!(taken(&queue), [(1, TAKEN_CHANGES_MAX)]);
        push(&queue, write_for(2, 3));
        push(&queue, write_for(1, 2));
        assert_eq!(taken(&queue), [(2, 3)]);
        assert_eq!(taken(&queue), [(1, TAKEN_CHANGES_MAX)]);
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
    fn a_long_write_goes_along_with_short_ones_if_it_is_not_too_long_and_else_in_the_end() {
        let queue = Queue::default();
        push(&queue, write_for(1, TAKEN_BESIDE_MAX));
        push(&queue, write_for(1, TAKEN_CHANGES_MAX + 1));
        push(&queue, write_for(1, TAKEN_BESIDE_MAX));
        push(&queue, write_for(2, 1));
        assert_eq!(taken(&queue), [(2, 1), (1, TAKEN_BESIDE_MAX)]);
        for _ in 0..PASSED_OVER_MAX {
            push(&queue, write_for(2, 1));
            assert_eq!(taken(&queue), [(2, 1)]);
        }
        push(&queue, write_for(2, 1));
        assert_eq!(taken(&queue), [(2, 1), (1, TAKEN_CHANGES_MAX + 1)]);
        push(&queue, write_for(2, 1));
        assert_eq!(taken(&queue), [(2, 1), (1, TAKEN_BESIDE_MAX)]);
        assert_eq!(queue.lock().passed_over_count, 0);
    }

    #[test]
    fn one_who_waits_is_called_after_what_it_waits_for() {
        let queue = Queue::default();
        for write in [write_for(1, TAKEN_CHANGES_MAX), write_for(1, TAKEN_CHANGES_MAX)] {
            push(&queue, write);
        }
        // For a job that has nothing there, for one that has, and for all.
        let waiting = [write_for(2, 0), write_for(1, 0), write_for_all()];
        for write in waiting {
            push(&queue, write);
        }
        let counts = || taken(&queue).iter().map(|(_, count)| *count).collect::<Vec<usize>>();
        assert_eq!(counts(), [0]);
        assert_eq!(counts(), [TAKEN_CHANGES_MAX]);
        assert_eq!(counts(), [TAKEN_CHANGES_MAX, 0, 0]);
        // With an empty queue nobody waits.
        push(&queue, write_for_all());
        assert_eq!(queue.lock().quick.len(), 1);
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
    fn so_many_changes_wait_at_most_unless_they_are_of_one_write() {
        let waiting = |changes_count| {
            let mut waiting = Waiting::default();
            if changes_count > 0 {
                waiting.put(write_for(1, changes_count));
            }
            waiting
        };
        for (waits, comes, is_let_in) in [
            (0, 0, true),
            (0, QUEUED_CHANGES_MAX + 1, true),
            (1, QUEUED_CHANGES_MAX - 1, true),
            (1, QUEUED_CHANGES_MAX, false),
            (QUEUED_CHANGES_MAX, 0, true),
            (QUEUED_CHANGES_MAX, 1, false),
            (QUEUED_CHANGES_MAX + 1, 0, false),
        ] {
            assert_eq!(waiting(waits).has_room_for(comes), is_let_in, "{comes} behind {waits}");
        }
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

    /// A write of some jobs, as the model of the queue knows it.
    #[derive(Debug, Clone)]
    struct Known {
        number: usize,
        jobs: Vec<u8>,
        changes_count: usize,
    }

    impl Known {
        /// Whether this write must not be seen before an earlier one.
        fn must_wait_for(&self, earlier: &Known) -> bool {
            self.changes_count == 0 || self.jobs.iter().any(|job| earlier.jobs.contains(job))
        }
    }

    /// A queue, and what should be in it.
    #[derive(Default)]
    struct Model {
        queue: Queue,
        waiting: Vec<Known>,
        pushed_count: usize,
    }

    impl Model {
        fn push(&mut self, jobs: &[u8], changes_count: usize) {
            let number = self.pushed_count;
            self.pushed_count += 1;
            let changes = jobs.iter().cycle().take(changes_count);
            let changes: Vec<Change> = changes.map(|of| Change::RemoveJob(job(*of))).collect();
            let jobs = jobs[..changes.len().min(jobs.len())].to_vec();
            self.waiting.push(Known { number, jobs, changes_count });
            // The changes alone do not tell two writes apart, and what is called does not either.
            push(&self.queue, Write { changes, waits_for: None, done: Box::new(drop) });
        }

        /// Takes once, and looks for whatever must not be.
        fn take(&mut self) {
            let taken: Vec<Known> =
                self.queue.take().unwrap().iter().map(|it| self.find(it)).collect();
            for (place, write) in taken.iter().enumerate() {
                let overtaken = self.waiting.iter().chain(&taken[place + 1..]);
                let mut overtaken = overtaken.filter(|other| other.number < write.number);
                assert!(
                    !overtaken.any(|other| write.must_wait_for(other)),
                    "{write:?} of {taken:?}"
                );
            }
            let long = taken.iter().map(|it| it.changes_count).filter(|it| *it > QUICK_CHANGES_MAX);
            let (count, changes_count) = (long.clone().count(), long.sum::<usize>());
            assert!(count <= 1 || changes_count <= TAKEN_CHANGES_MAX, "{taken:?}");
            let left: usize = self.waiting.iter().map(|it| it.changes_count).sum();
            assert_eq!(self.queue.lock().changes_count, left);
        }

        /// The oldest write that waits and looks like this one.
        fn find(&mut self, write: &Write) -> Known {
            let of = |change: &Change| change.job().map_or(0, |job| job.as_bytes()[0]);
            let mut jobs: Vec<u8> = Vec::new();
            for job in write.changes.iter().map(of) {
                if !jobs.contains(&job) {
                    jobs.push(job);
                }
            }
            let is_it =
                |known: &Known| known.jobs == jobs && known.changes_count == write.changes.len();
            let at = self.waiting.iter().position(is_it).expect("nobody wrote that");
            self.waiting.remove(at)
        }
    }

    proptest! {
        /// Steps: writes of one or two of four jobs, and now and then the writer comes.
        #[test]
        fn whatever_is_written_no_job_is_overtaken_by_itself_and_nothing_by_a_question(
            steps in prop::collection::vec(
                prop::option::weighted(0.8, (
                    prop::sample::subsequence(vec![1_u8, 2, 3, 4], 1..=2),
                    prop::sample::select(vec![0, 1, 2, 8, 9, 100, 256, 300]),
                )),
                1..50,
            ),
        ) {
            let mut model = Model::default();
            for step in steps {
                match step {
                    Some((jobs, changes_count)) => model.push(&jobs, changes_count),
                    None if !model.waiting.is_empty() => model.take(),
                    None => {}
                }
            }
            while !model.waiting.is_empty() {
                model.take();
            }
            let rest = model.queue.lock();
            prop_assert!(rest.is_empty() && rest.held_up.is_empty());
        }
    }
}
