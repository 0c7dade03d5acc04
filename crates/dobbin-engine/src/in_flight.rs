//! Which jobs have writes in the journal's queue that are not durable yet.
//!
//! Nobody is told what a crash could take back: an answer about a job waits for these. It does not wait
//! for what other jobs have to write, and not at all when its own job has nothing to.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dobbin_types::JobId;

/// The writes, counted. The loop begins them, the journal's thread ends them.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    // Held for a moment only.
    counts: Mutex<BTreeMap<JobId, usize>>,
}

impl InFlight {
    /// A write of the job is about to be queued.
    pub(crate) fn begin(&self, job: JobId) {
        *self.lock().entry(job).or_default() += 1;
    }

    /// A write of the job is durable, or has failed.
    pub(crate) fn end(&self, job: JobId) {
        let mut counts = self.lock();
        let Some(count) = counts.get_mut(&job) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            counts.remove(&job);
        }
    }

    /// Whether a write of the job is under way; without a job, of any.
    pub(crate) fn is_any(&self, job: Option<JobId>) -> bool {
        let counts = self.lock();
        job.map_or(!counts.is_empty(), |job| counts.contains_key(&job))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobId, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_has_writes_under_way_until_the_last_of_them_ended() {
        let [one, other] = [1, 2].map(|byte| JobId::from_bytes([byte; 16]));
        let in_flight = InFlight::default();
        let seen = || [Some(one), Some(other), None].map(|job| in_flight.is_any(job));
        assert_eq!(seen(), [false, false, false]);
        in_flight.begin(one);
        in_flight.begin(one);
        assert_eq!(seen(), [true, false, true]);
        in_flight.begin(other);
        in_flight.end(one);
        assert_eq!(seen(), [true, true, true]);
        in_flight.end(one);
        assert_eq!(seen(), [false, true, true]);
        in_flight.end(other);
        assert_eq!(seen(), [false, false, false]);
    }
}
