//! Which files of which jobs should be fetched now.
//!
//! Planned by level: [`Queue::wanted`] says what should run, given everything known; the engine
//! compares that with what runs and changes the difference. Missed or repeated calls do no harm.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use dobbin_types::{FileNumber, JobId, Priority};

use crate::job::Job;

/// Files fetched at once, over all jobs. With 1 MiB of buffer each this bounds our memory.
pub const TRANSFERS_MAX: usize = 64;

/// Files of one job fetched at once: enough to hide the pauses between small files, few enough to
/// be a polite guest of one origin.
pub const TRANSFERS_PER_JOB_MAX: usize = 8;

/// The jobs that want to run, in the order in which they get slots: foreground before background,
/// among background jobs by priority, and then who waits longest.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    order: BTreeSet<(Priority, u64, JobId)>,
    places: BTreeMap<JobId, (Priority, u64)>,
    next_turn: u64,
}

impl Queue {
    /// Brings the queue up to date with one job. A job that leaves and comes back waits behind the
    /// others; one that only changes its priority keeps its turn.
    pub fn update(&mut self, job: JobId, priority: Priority, wants: bool) {
        let place = self.places.get(&job).copied();
        match (place, wants) {
            (Some((before, turn)), true) if before != priority => {
                self.order.remove(&(before, turn, job));
                self.insert(job, priority, turn);
            }
            (Some(_), true) | (None, false) => {}
            (Some((before, turn)), false) => {
                self.order.remove(&(before, turn, job));
                self.places.remove(&job);
            }
            (None, true) => {
                let turn = self.next_turn;
                self.next_turn += 1;
                self.insert(job, priority, turn);
            }
        }
    }

    fn insert(&mut self, job: JobId, priority: Priority, turn: u64) {
        self.order.insert((priority, turn, job));
        self.places.insert(job, (priority, turn));
    }

    /// How many jobs want to run.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// How many jobs get slots before this one; `None` for a job that wants none. Cost: O(jobs).
    pub fn jobs_before(&self, job: JobId) -> Option<usize> {
        let (priority, turn) = *self.places.get(&job)?;
        Some(self.order.range(..(priority, turn, job)).count())
    }

    /// Whether no job wants to run.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The files that should be fetched now: at most [`TRANSFERS_MAX`], at most
    /// [`TRANSFERS_PER_JOB_MAX`] of one job. Says nothing of what runs already.
    ///
    /// * `unfinished`: the files of a job that are still to be fetched, those that run already
    ///   first and then in their order; only as many as it is asked for matter.
    /// * Cost: O(slots), not O(jobs): the queue is kept sorted.
    pub fn wanted<'a, F, I>(&self, mut unfinished: F) -> Vec<(JobId, FileNumber)>
    where
        F: FnMut(JobId) -> I,
        I: Iterator<Item = FileNumber> + 'a,
    {
        let mut wanted = Vec::new();
        for (_, _, job) in &self.order {
            let free = TRANSFERS_MAX - wanted.len();
            if free == 0 {
                break;
            }
            let files = unfinished(*job).take(free.min(TRANSFERS_PER_JOB_MAX));
            wanted.extend(files.map(|file| (*job, file)));
        }
        wanted
    }
}

/// The files of a job that are still to be fetched, in their order.
pub fn unfinished(job: &Job) -> impl Iterator<Item = FileNumber> + '_ {
    let numbered = job.files().iter().zip(0_u32..);
    numbered.filter(|(file, _)| !file.finished).map(|(_, number)| FileNumber(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(number: u8) -> JobId {
        JobId::from_bytes([number; 16])
    }

    fn files(count: u32) -> impl Iterator<Item = FileNumber> {
        (0..count).map(FileNumber)
    }

    fn jobs_of(wanted: &[(JobId, FileNumber)]) -> Vec<JobId> {
        let mut jobs: Vec<JobId> = wanted.iter().map(|(job, _)| *job).collect();
        jobs.dedup();
        jobs
    }

    /// conformance: Job::SetPriority, enum BG_JOB_PRIORITY
    #[test]
    fn foreground_comes_first_then_priority_then_who_waits_longest() {
        let mut queue = Queue::default();
        for (number, priority) in [
            (1, Priority::Low),
            (2, Priority::Normal),
            (3, Priority::Normal),
            (4, Priority::High),
            (5, Priority::Foreground),
        ] {
            queue.update(job(number), priority, true);
        }
        let wanted = queue.wanted(|_| files(1));
        assert_eq!(jobs_of(&wanted), [5, 4, 2, 3, 1].map(job));
        let before = [5, 4, 2, 3, 1].map(|number| queue.jobs_before(job(number)));
        assert_eq!(before, [Some(0), Some(1), Some(2), Some(3), Some(4)]);
        assert_eq!(queue.jobs_before(job(9)), None);
    }

    #[test]
    fn a_job_that_comes_back_waits_behind_the_others() {
        let mut queue = Queue::default();
        queue.update(job(1), Priority::Normal, true);
        queue.update(job(2), Priority::Normal, true);
        queue.update(job(1), Priority::Normal, false);
        queue.update(job(1), Priority::Normal, true);
        assert_eq!(jobs_of(&queue.wanted(|_| files(1))), [2, 1].map(job));
        // A change of priority and back keeps the turn.
        queue.update(job(2), Priority::Low, true);
        queue.update(job(2), Priority::Normal, true);
        assert_eq!(jobs_of(&queue.wanted(|_| files(1))), [2, 1].map(job));
    }

    #[test]
    fn slots_are_shared_and_never_exceeded() {
        let mut queue = Queue::default();
        for number in 0..20 {
            queue.update(job(number), Priority::Normal, true);
        }
        let wanted = queue.wanted(|_| files(1_000));
        assert_eq!(wanted.len(), TRANSFERS_MAX);
        let most = jobs_of(&wanted)
            .iter()
            .map(|job| wanted.iter().filter(|(j, _)| j == job).count())
            .max();
        assert_eq!(most, Some(TRANSFERS_PER_JOB_MAX));
        assert_eq!(queue.wanted(|_| files(0)), []);
    }

    #[test]
    fn planning_twice_changes_nothing() {
        let mut queue = Queue::default();
        for number in 0..9 {
            queue.update(job(number), Priority::Normal, true);
        }
        let before = queue.wanted(|_| files(3));
        for number in 0..9 {
            queue.update(job(number), Priority::Normal, true);
        }
        assert_eq!(queue.wanted(|_| files(3)), before);
    }
}
