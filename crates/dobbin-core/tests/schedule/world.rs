//! Jobs that work as long as they have slots, and a clock that a test moves.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use dobbin_core::schedule::{Queue, TRANSFERS_MAX, TRANSFERS_PER_JOB_MAX};
use dobbin_core::time::Tick;
use dobbin_types::{FileNumber, JobId, Priority};

pub(crate) fn job(number: u32) -> JobId {
    let mut bytes = [0; 16];
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    JobId::from_bytes(bytes)
}

/// What a job still has to do.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) priority: Priority,
    /// Seconds that each of its unfinished files still takes.
    pub(crate) files: BTreeMap<FileNumber, u64>,
    /// Seconds in which it had slots.
    pub(crate) served: u64,
}

impl Work {
    pub(crate) fn new(priority: Priority, files_count: u32, seconds: u64) -> Work {
        let files = (0..files_count).map(|number| (FileNumber(number), seconds)).collect();
        Work { priority, files, served: 0 }
    }
}

/// The queue, its jobs, and the time they have come to.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) queue: Queue,
    pub(crate) jobs: BTreeMap<JobId, Work>,
    pub(crate) now: Tick,
    pub(crate) running: BTreeSet<(JobId, FileNumber)>,
    /// How often it was asked what a job still has to fetch.
    pub(crate) asked_count: usize,
}

impl World {
    pub(crate) fn add(&mut self, number: u32, work: Work) {
        self.queue.update(job(number), work.priority, true);
        self.jobs.insert(job(number), work);
    }

    pub(crate) fn remove(&mut self, number: u32) {
        self.queue.update(job(number), Priority::Low, false);
        self.jobs.remove(&job(number));
    }

    pub(crate) fn set_priority(&mut self, number: u32, priority: Priority) {
        if let Some(work) = self.jobs.get_mut(&job(number)) {
            work.priority = priority;
            self.queue.update(job(number), priority, true);
        }
    }

    /// Plans, and checks what holds of every plan.
    pub(crate) fn plan(&mut self) {
        let wanted = self.ask();
        assert_eq!(wanted, self.ask(), "planned twice, the plan is another one");
        let distinct: BTreeSet<_> = wanted.iter().copied().collect();
        assert_eq!(distinct.len(), wanted.len());
        assert!(wanted.len() <= TRANSFERS_MAX);
        let demand: usize =
            self.jobs.values().map(|work| work.files.len().min(TRANSFERS_PER_JOB_MAX)).sum();
        assert_eq!(wanted.len(), demand.min(TRANSFERS_MAX), "a slot is left unused");
        self.check_order(&distinct);
        if demand <= TRANSFERS_MAX {
            let left = |slot: &(JobId, FileNumber)| {
                self.jobs.get(&slot.0).is_some_and(|work| work.files.contains_key(&slot.1))
            };
            let kept = self.running.iter().filter(|slot| left(slot));
            assert!(kept.clone().all(|slot| distinct.contains(slot)), "moved for nobody");
        }
        self.running = distinct;
    }

    /// Whoever waits has nobody less urgent before them, and nobody has more than their share.
    fn check_order(&self, wanted: &BTreeSet<(JobId, FileNumber)>) {
        let slots = |id: JobId| wanted.iter().filter(|(job, _)| *job == id).count();
        let waiting =
            self.jobs.iter().filter(|(id, work)| !work.files.is_empty() && slots(**id) == 0);
        let most_urgent_waiting = waiting.map(|(_, work)| work.priority).min();
        for (id, work) in &self.jobs {
            let slots = slots(*id);
            assert!(slots <= TRANSFERS_PER_JOB_MAX);
            let is_overtaking = slots > 0 && most_urgent_waiting.is_some_and(|p| p < work.priority);
            assert!(!is_overtaking, "{id} of {:?} has slots before others", work.priority);
        }
    }

    fn ask(&mut self) -> Vec<(JobId, FileNumber)> {
        let World { queue, jobs, running, now, asked_count } = self;
        queue.plan(*now, |id| {
            *asked_count += 1;
            let files = jobs.get(&id).map(|work| work.files.keys().copied()).into_iter().flatten();
            let (first, then): (Vec<_>, Vec<_>) =
                files.partition(|file| running.contains(&(id, *file)));
            first.into_iter().chain(then)
        })
    }

    /// A second passes: what runs gets on, and what is done leaves. Returns who is done.
    pub(crate) fn pass(&mut self) -> Vec<JobId> {
        self.now = self.now.after(Duration::from_secs(1));
        for (id, file) in &self.running {
            let Some(work) = self.jobs.get_mut(id) else { continue };
            if let Some(seconds) = work.files.get_mut(file) {
                *seconds -= 1;
                if *seconds == 0 {
                    work.files.remove(file);
                }
            }
        }
        let served: BTreeSet<JobId> = self.running.iter().map(|(id, _)| *id).collect();
        for id in served {
            self.jobs.entry(id).and_modify(|work| work.served += 1);
        }
        let is_done = |(id, work): (&JobId, &Work)| work.files.is_empty().then_some(*id);
        let done: Vec<JobId> = self.jobs.iter().filter_map(is_done).collect();
        for id in &done {
            self.queue.update(*id, Priority::Low, false);
            self.jobs.remove(id);
        }
        done
    }
}
