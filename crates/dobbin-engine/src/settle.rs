//! The end of a file's transfer, as the loop sees it: from the last byte to the note that it is over.
//!
//! A transfer whose bytes are all here waits for the disk, not for the network. Its place there goes to
//! the next file meanwhile, and what there is to note of a small file is noted once, at its end.

use std::collections::BTreeMap;

use dobbin_core::job::{Attempt, Effect, Facts, JobEvent, step};
use dobbin_store::Change;
use dobbin_types::{FileNumber, JobId};

use crate::group::Settled;
use crate::run::Loop;

/// Files that may wait for the disk beside those that are fetched, over all jobs. Each has an open file.
pub(crate) const SETTLING_FILES_MAX: usize = 256;

/// Bytes that all of them may have written and not flushed: what a power cut costs, beside what is
/// being fetched.
pub(crate) const SETTLING_BYTES_MAX: u64 = 64 * 1024 * 1024;

impl Loop {
    /// A transfer needs the network no more.
    pub(crate) fn settling(&mut self, job: JobId, file: FileNumber, bytes: u64) {
        let now = self.clock.now();
        let leaving = self.leaving.get_mut(&job).map(Box::as_mut);
        let is_leaving = leaving.is_some();
        let Some(entry) = leaving.or_else(|| self.entries.get_mut(&job)) else {
            return;
        };
        if let Some(run) = entry.runs.get_mut(&file) {
            run.settling_bytes = Some(bytes);
        }
        if let Some(live) = entry.files.get_mut(file.index()) {
            live.fetching.pause(now);
        }
        if is_leaving {
            self.remove_files(job);
        }
    }

    /// Whether the places of transfers that wait for the disk go to other files: not when too much
    /// waits there already.
    pub(crate) fn settles_aside(&self) -> bool {
        let entries = self.moving.iter().filter_map(|job| self.entries.get(job));
        let settling =
            entries.flat_map(|entry| entry.runs.values().filter_map(|r| r.settling_bytes));
        let (count, bytes) =
            settling.fold((0, 0_u64), |(count, sum), bytes| (count + 1, sum.saturating_add(bytes)));
        count < SETTLING_FILES_MAX && bytes < SETTLING_BYTES_MAX
    }

    /// The origin said what a small file is. Its record is written when its transfer ends: losing that
    /// costs a second fetch of the file, nothing more.
    pub(crate) fn known_in_passing(
        &mut self,
        job: JobId,
        file: FileNumber,
        attempt: Attempt,
        facts: Facts,
    ) {
        let now = self.now();
        let Some(entry) = self.entries.get_mut(&job) else {
            return;
        };
        // Never refused: an outcome.
        let effects = step(&mut entry.job, JobEvent::FileKnown(attempt, file, facts), now);
        let mut notices = Vec::new();
        for effect in effects.unwrap_or_default() {
            match effect {
                Effect::PersistFile(number) => {
                    if let Some(live) = entry.files.get_mut(number.index()) {
                        live.unnoted = true;
                    }
                }
                Effect::Tell(notice) => notices.push(notice),
                // Knowing a file changes nothing of its job.
                Effect::Persist | Effect::Stop(_) | Effect::Publish | Effect::Remove => {}
            }
        }
        // Nothing of it waits for the disk, so nothing is told later.
        let _ = self.notices(job, &notices);
    }

    /// Transfers of small files have ended with the flush that they shared. Those of one job are
    /// written to the journal together.
    pub(crate) fn settled(&mut self, settled: Vec<Settled>) {
        let mut jobs: BTreeMap<JobId, Vec<Settled>> = BTreeMap::new();
        for one in settled {
            jobs.entry(one.job).or_default().push(one);
        }
        for (job, settled) in jobs {
            self.settled_of(job, settled);
        }
    }

    fn settled_of(&mut self, job: JobId, settled: Vec<Settled>) {
        let mut events = Vec::with_capacity(settled.len());
        let mut failures = Vec::new();
        let mut files = Vec::with_capacity(settled.len());
        for Settled { file, attempt, generation, outcome, .. } in settled {
            files.push(file);
            match outcome {
                Ok(set) => {
                    self.flushed(job, file, generation, set);
                    events.push(JobEvent::FileFinished(attempt, file));
                }
                Err(trouble) => {
                    failures.push(JobEvent::AttemptFailed(attempt, Some(file), trouble));
                }
            }
        }
        if !failures.is_empty() {
            self.fold_gauges(job);
        }
        // Last: the first of them ends the attempt, and what came of it later would be late.
        events.extend(failures);
        self.outcomes(job, events, |_| {});
        for file in files {
            self.transfer_ended(job, file);
        }
    }

    /// Keeps what fetching a file took and brought. A finished file's record was written when it was
    /// called finished, and says all of that.
    pub(crate) fn note_end(&mut self, job: JobId, number: FileNumber) {
        let Some(entry) = self.entries.get_mut(&job) else {
            return;
        };
        let is_finished = entry.job.file(number).is_some_and(|file| file.finished);
        let live = entry.files.get_mut(number.index());
        let flushed = live.and_then(|live| {
            let was_unnoted = std::mem::take(&mut live.unnoted);
            live.flushed.clone().filter(|_| was_unnoted)
        });
        if is_finished {
            return;
        }
        let mut changes = self.records(job, false, vec![number]);
        changes.extend(flushed.map(|set| Change::PutFlushed { job, number, set }));
        // Losing it costs a figure, or a second fetch of a small file.
        self.store.journal().write(changes, |outcome| {
            if let Err(error) = outcome {
                tracing::warn!(error = %crate::transfer::chain(&error), "figures could not be noted");
            }
        });
    }
}
