//! What should run, compared with what does.

use std::collections::BTreeSet;

use dobbin_core::job::{Job, JobEvent};
use dobbin_store::Caching;
use dobbin_types::{FileNumber, JobId, JobState, Priority};

use crate::entry::{self, Run};
use crate::run::Loop;
use crate::transfer::{Order, Source};

impl Loop {
    /// Starts and stops transfers until what runs is what should. Doing it twice changes nothing.
    pub(crate) fn plan(&mut self) {
        let (entries, now) = (&self.entries, self.clock.now());
        let settles_aside = self.settles_aside();
        let unfinished = |entry| entry::unfinished(entry, settles_aside);
        let wanted: BTreeSet<(JobId, FileNumber)> = self
            .queue
            .plan(now, |job| entries.get(&job).into_iter().flat_map(unfinished))
            .into_iter()
            .collect();
        self.take_slots(&wanted);
        for (job, file) in wanted {
            self.start(job, file);
        }
    }

    /// Stops what should not run: jobs that lost their last slot wait again, single files just stop.
    fn take_slots(&mut self, wanted: &BTreeSet<(JobId, FileNumber)>) {
        let has_slot = |job: JobId| {
            wanted.range((job, FileNumber(0))..=(job, FileNumber(u32::MAX))).next().is_some()
        };
        let mut lost = Vec::new();
        for job in &self.moving {
            let Some(entry) = self.entries.get(job) else {
                continue;
            };
            let settles = entry.runs.values().any(|run| run.settling_bytes.is_some());
            if !has_slot(*job) && !settles {
                lost.push(*job);
            } else {
                for (file, run) in &entry.runs {
                    if run.settling_bytes.is_none() && !wanted.contains(&(*job, *file)) {
                        run.stop.now();
                    }
                }
            }
        }
        for job in lost {
            self.outcome(job, JobEvent::SlotTaken);
        }
    }

    fn start(&mut self, job: JobId, number: FileNumber) {
        let now = self.clock.now();
        let Some(entry) = self.entries.get(&job) else {
            return;
        };
        // A run that is on its way out still touches the disk; the next one begins when it is gone.
        if entry.runs.contains_key(&number) {
            return;
        }
        if entry.job.state() == JobState::Queued {
            self.outcome(job, JobEvent::SlotGiven);
        }
        let Some(entry) = self.entries.get_mut(&job) else {
            return;
        };
        if entry.job.state() != JobState::Transferring {
            return;
        }
        let throttle = entry.throttle(&self.service);
        let way = entry.way(number, &self.cache_hosts);
        let Some((file, live)) = entry.job.file(number).zip(entry.files.get_mut(number.index()))
        else {
            return;
        };
        let download = entry.job.about().download.as_deref();
        let source = Source::new(&file.remote_name);
        let order = Order {
            job,
            number,
            attempt: entry.job.attempt(),
            file: file.clone(),
            source: source.clone(),
            way,
            cache_bytes_before: live.figures(now).cache_bytes,
            headers: headers(&entry.job),
            auth_headers: download
                .map(|download| download.auth_headers.clone())
                .unwrap_or_default(),
            is_foreground: entry.job.priority() == Priority::Foreground,
            allow_downgrade: download.is_some_and(|download| download.allow_downgrade),
            place: live.place(&self.store, job, number),
            was_here_before: entry.was_here_before,
            flushed: live.flushed.clone(),
            generation: live.generation,
            boot: self.boot.clone(),
            gauge: live.gauge.clone(),
            ledger: live.open_ledger(&self.clock),
            throttle: Some(throttle),
            caching: caching(entry.job.priority()),
        };
        let counted_bytes = live.gauge.fetched();
        let stop = self.pool.start(order);
        entry.runs.insert(number, Run { stop, source, counted_bytes, settling_bytes: None });
        if let Some(live) = entry.files.get_mut(number.index()) {
            live.fetching.start(now);
        }
        self.keep_pulse(job);
    }
}

/// Who waits for a file may use it at once; what comes in the background should not push out of memory
/// what others work with.
fn caching(priority: Priority) -> Caching {
    match priority {
        Priority::Foreground => Caching::Keep,
        Priority::High | Priority::Normal | Priority::Low => Caching::Spare,
    }
}

/// What is sent along with every request: the caller's own headers, and the id by which servers trace
/// a download's requests (`CorrelationVector`).
fn headers(job: &Job) -> Vec<(String, String)> {
    let mut headers = job.about().headers.clone();
    let vector = job.about().download.as_ref().and_then(|own| own.correlation_vector.clone());
    headers.extend(vector.map(|vector| (TRACE_HEADER.to_owned(), vector)));
    headers
}

/// The header in which Microsoft's services expect a correlation vector.
const TRACE_HEADER: &str = "MS-CV";
