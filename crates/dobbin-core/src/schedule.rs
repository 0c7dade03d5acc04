//! Which files of which jobs should be fetched now.
//!
//! Planned by level: [`Queue::plan`] says what should run, given everything known; the engine
//! compares that with what runs and changes the difference. Missed or repeated calls do no harm.
//!
//! Jobs of one priority share the slots by time ("jobs at the same priority level share transfer
//! time, which prevents a large job from blocking small jobs": BITS, `BG_JOB_PRIORITY`): whoever has
//! had slots for a slice goes behind those who wait. While nobody waits, nobody is moved.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use dobbin_types::{FileNumber, JobId, Priority};

use crate::time::Tick;

/// Files fetched at once, over all jobs. With 1 MiB of buffer each this bounds our memory.
pub const TRANSFERS_MAX: usize = 64;

/// Files of one job fetched at once: enough to hide the pauses between small files, few enough to
/// be a polite guest of one origin.
pub const TRANSFERS_PER_JOB_MAX: usize = 8;

/// How long a job keeps its slots while others of its priority wait. Short enough that a thousand
/// jobs all have their turn within some sixteen minutes, long enough that the connections begun
/// anew cost next to nothing.
pub const SLICE: Duration = Duration::from_secs(60);

/// How often a job's slice is doubled: up to some 17 hours, which is enough for any file that must
/// come in one go.
const DOUBLINGS_MAX: u32 = 10;

/// The jobs that want to run, in the order in which they get slots: foreground before background,
/// among background jobs by priority, and then who waits longest.
#[derive(Debug, Clone, Default)]
pub struct Queue {
    order: BTreeSet<(Priority, u64, JobId)>,
    places: BTreeMap<JobId, Place>,
    /// Who has slots, by the last plan, and since when.
    holders: BTreeMap<JobId, Tick>,
    next_turn: u64,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    priority: Priority,
    turn: u64,
    /// How often its slice was doubled.
    doublings: u32,
}

impl Queue {
    /// Brings the queue up to date with one job. A job that leaves and comes back waits behind the
    /// others; one that only changes its priority keeps its turn.
    pub fn update(&mut self, job: JobId, priority: Priority, wants: bool) {
        match (self.places.get(&job).copied(), wants) {
            (Some(place), true) if place.priority != priority => {
                self.put(job, Place { priority, ..place });
            }
            (Some(_), true) | (None, false) => {}
            (Some(Place { priority, turn, .. }), false) => {
                self.order.remove(&(priority, turn, job));
                self.places.remove(&job);
                self.holders.remove(&job);
            }
            (None, true) => {
                let turn = self.take_turn();
                self.put(job, Place { priority, turn, doublings: 0 });
            }
        }
    }

    /// A file of the job began at its first byte again: what came before was of no use. Its origin
    /// may be one that cannot go on in the middle, and a file of it would never be whole if the job
    /// lost its slots after every slice. So its slice is twice as long from now on.
    pub fn started_over(&mut self, job: JobId) {
        if let Some(place) = self.places.get_mut(&job) {
            place.doublings = (place.doublings + 1).min(DOUBLINGS_MAX);
        }
    }

    /// The last turn of all.
    fn take_turn(&mut self) -> u64 {
        self.next_turn += 1;
        self.next_turn
    }

    /// Gives a job its place, in exchange for the one it had.
    fn put(&mut self, job: JobId, place: Place) {
        if let Some(before) = self.places.insert(job, place) {
            self.order.remove(&(before.priority, before.turn, job));
        }
        self.order.insert((place.priority, place.turn, job));
    }

    /// How many jobs want to run.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// How many jobs get slots before this one; `None` for a job that wants none. Cost: O(jobs).
    pub fn jobs_before(&self, job: JobId) -> Option<usize> {
        let Place { priority, turn, .. } = *self.places.get(&job)?;
        Some(self.order.range(..(priority, turn, job)).count())
    }

    /// Whether no job wants to run.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The files that should be fetched now: at most [`TRANSFERS_MAX`], at most
    /// [`TRANSFERS_PER_JOB_MAX`] of one job. Says nothing of what runs already.
    ///
    /// * `now`: what slices are measured by. Asked again at the same moment, the answer is the same.
    /// * `unfinished`: the files of a job that are still to be fetched, those that run already
    ///   first and then in their order; only as many as it is asked for matter.
    /// * Cost: O(slots), not O(jobs): the queue is kept sorted.
    pub fn plan<'a, F, I>(&mut self, now: Tick, mut unfinished: F) -> Vec<(JobId, FileNumber)>
    where
        F: FnMut(JobId) -> I,
        I: Iterator<Item = FileNumber> + 'a,
    {
        let wanted = self.wanted(&mut unfinished);
        self.hold(now, &wanted);
        // Only now it is known who waits: also somebody who has just lost a slot to a more urgent job.
        if !self.pass_on(now) {
            return wanted;
        }
        let wanted = self.wanted(&mut unfinished);
        self.hold(now, &wanted);
        wanted
    }

    /// Notes who has slots. Who had one before goes on with the same slice.
    fn hold(&mut self, now: Tick, wanted: &[(JobId, FileNumber)]) {
        let before = core::mem::take(&mut self.holders);
        let since = |job: &JobId| before.get(job).copied().unwrap_or(now);
        self.holders = wanted.iter().map(|(job, _)| (*job, since(job))).collect();
    }

    /// Sends those whose slice is over behind those of their priority who wait; says whether there
    /// were any. They keep their order among each other, and whoever finds a slot free there begins a
    /// new slice.
    fn pass_on(&mut self, now: Tick) -> bool {
        let is_over = |(job, since): (&JobId, &Tick)| {
            let place = *self.places.get(job)?;
            let slice = SLICE.saturating_mul(1 << place.doublings);
            (now.since(*since) >= slice).then_some((place.turn, *job, place))
        };
        let mut over: Vec<_> = self.holders.iter().filter_map(is_over).collect();
        over.retain(|(_, _, place)| self.does_anybody_wait(place.priority));
        over.sort_unstable_by_key(|(turn, _, _)| *turn);
        for (_, job, place) in &over {
            let turn = self.take_turn();
            self.put(*job, Place { turn, ..*place });
            self.holders.remove(job);
        }
        !over.is_empty()
    }

    /// Whether a job of this priority wants to run and has no slot. Looks at no more jobs than have
    /// slots, and at one beside.
    fn does_anybody_wait(&self, priority: Priority) -> bool {
        let first = (priority, 0, JobId::from_bytes([0; 16]));
        let of_it = self.order.range(first..).take_while(|(other, ..)| *other == priority);
        of_it.map(|(_, _, job)| job).any(|job| !self.holders.contains_key(job))
    }

    fn wanted<'a, F, I>(&self, unfinished: &mut F) -> Vec<(JobId, FileNumber)>
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Tick = Tick::ZERO;

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
        let wanted = queue.plan(NOW, |_| files(1));
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
        assert_eq!(jobs_of(&queue.plan(NOW, |_| files(1))), [2, 1].map(job));
        // A change of priority and back keeps the turn.
        queue.update(job(2), Priority::Low, true);
        queue.update(job(2), Priority::Normal, true);
        assert_eq!(jobs_of(&queue.plan(NOW, |_| files(1))), [2, 1].map(job));
    }

    #[test]
    fn slots_are_shared_and_never_exceeded() {
        let mut queue = Queue::default();
        for number in 0..20 {
            queue.update(job(number), Priority::Normal, true);
        }
        let wanted = queue.plan(NOW, |_| files(1_000));
        assert_eq!(wanted.len(), TRANSFERS_MAX);
        let most = jobs_of(&wanted)
            .iter()
            .map(|job| wanted.iter().filter(|(j, _)| j == job).count())
            .max();
        assert_eq!(most, Some(TRANSFERS_PER_JOB_MAX));
        assert_eq!(queue.plan(NOW, |_| files(0)), []);
    }

    /// A queue of these jobs, in their order, and the plan that gives all slots to the first eight.
    fn full(jobs: impl IntoIterator<Item = u8>) -> Queue {
        let mut queue = Queue::default();
        jobs.into_iter().for_each(|number| queue.update(job(number), Priority::Normal, true));
        plan(&mut queue, NOW);
        queue
    }

    /// Who has slots, where every job has many files: the numbers of at most eight jobs.
    fn plan(queue: &mut Queue, now: Tick) -> Vec<u8> {
        let wanted = queue.plan(now, |_| files(1_000));
        jobs_of(&wanted).iter().map(|job| job.as_bytes()[0]).collect()
    }

    #[test]
    fn a_slice_that_ended_while_nobody_of_the_priority_waited_is_over_when_somebody_comes() {
        for waits in [None, Some(Priority::Low)] {
            let mut queue = full(1..=8);
            if let Some(priority) = waits {
                queue.update(job(20), priority, true);
            }
            assert_eq!(plan(&mut queue, NOW.after(SLICE)), [1, 2, 3, 4, 5, 6, 7, 8], "{waits:?}");
            queue.update(job(9), Priority::Normal, true);
            let later = NOW.after(SLICE + Duration::from_millis(1));
            assert_eq!(plan(&mut queue, later), [9, 1, 2, 3, 4, 5, 6, 7], "{waits:?}");
        }
    }

    #[test]
    fn jobs_whose_slices_end_together_keep_their_order() {
        let mut queue = full([8, 7, 6, 5, 4, 3, 2, 1, 9]);
        assert_eq!(plan(&mut queue, NOW.after(SLICE)), [9, 8, 7, 6, 5, 4, 3, 2]);
    }

    #[test]
    fn a_job_that_leaves_and_comes_back_begins_a_slice() {
        let mut queue = full(1..=8);
        let half = NOW.after(SLICE / 2);
        queue.update(job(1), Priority::Normal, false);
        queue.update(job(1), Priority::Normal, true);
        plan(&mut queue, half);
        queue.update(job(9), Priority::Normal, true);
        assert_eq!(plan(&mut queue, NOW.after(SLICE)), [1, 9, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_slice_is_doubled_ten_times_at_most() {
        let mut queue = full(1..=9);
        for _ in 0..40 {
            (1..=8).for_each(|number| queue.started_over(job(number)));
        }
        let longest = SLICE * 1_024;
        let before = NOW.after(longest - Duration::from_millis(1));
        assert_eq!(plan(&mut queue, before), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(plan(&mut queue, NOW.after(longest)), [9, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn planning_twice_changes_nothing() {
        let mut queue = Queue::default();
        for number in 0..9 {
            queue.update(job(number), Priority::Normal, true);
        }
        // Also at the moment when slices end.
        for now in [NOW, NOW.after(SLICE)] {
            let before = queue.plan(now, |_| files(3));
            for number in 0..9 {
                queue.update(job(number), Priority::Normal, true);
            }
            assert_eq!(queue.plan(now, |_| files(3)), before);
        }
    }
}
