//! Which jobs have writes in the journal's queue that are not durable yet.
//!
//! Nobody is told what a crash could take back: an answer about a job waits for these. It does not wait
//! for what other jobs have to write, and not at all when its own job has nothing to. An answer about
//! jobs as such waits for their own records; what of their files is noted is not in it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dobbin_store::Change;
use dobbin_types::JobId;

/// The writes, counted. The loop begins them, the journal's thread ends them.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    // Held for a moment only.
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Of each job that has any.
    writes: BTreeMap<JobId, usize>,
    /// Those of all jobs that say what a job is, or that it is no more.
    records: usize,
}

/// A write that is under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    job: JobId,
    is_record: bool,
}

impl InFlight {
    /// A write of the job is about to be queued.
    pub(crate) fn begin(&self, job: JobId, changes: &[Change]) -> Begun {
        let says_what_it_is =
            |change: &Change| matches!(change, Change::PutJob { .. } | Change::RemoveJob(_));
        let is_record = changes.iter().any(says_what_it_is);
        let mut counts = self.lock();
        *counts.writes.entry(job).or_default() += 1;
        counts.records += usize::from(is_record);
        Begun { job, is_record }
    }

    /// That write is durable, or has failed.
    pub(crate) fn end(&self, begun: Begun) {
        let mut counts = self.lock();
        counts.records -= usize::from(begun.is_record);
        let Some(count) = counts.writes.get_mut(&begun.job) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            counts.writes.remove(&begun.job);
        }
    }

    /// Whether a write is under way that an answer has to wait for: one about a job and its files, or
    /// without a job about all as their records are.
    pub(crate) fn concerns(&self, job: Option<JobId>) -> bool {
        let counts = self.lock();
        job.map_or(counts.records > 0, |job| counts.writes.contains_key(&job))
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use dobbin_types::FileNumber;

    use super::*;

    #[test]
    fn a_job_has_writes_under_way_until_the_last_of_them_ended() {
        let [one, other] = [1, 2].map(|byte| JobId::from_bytes([byte; 16]));
        let in_flight = InFlight::default();
        let seen = || [Some(one), Some(other), None].map(|job| in_flight.concerns(job));
        let of_file = [Change::DropFlushed { job: one, number: FileNumber(0) }];
        assert_eq!(seen(), [false, false, false]);
        let first = in_flight.begin(one, &of_file);
        let second = in_flight.begin(one, &of_file);
        assert_eq!(seen(), [true, false, false]);
        let third = in_flight.begin(other, &[Change::RemoveJob(other)]);
        in_flight.end(first);
        assert_eq!(seen(), [true, true, true]);
        in_flight.end(second);
        assert_eq!(seen(), [false, true, true]);
        in_flight.end(third);
        assert_eq!(seen(), [false, false, false]);
    }
}
