//! Progress as lines, where nobody watches: log files, cron, pipes.

use std::time::{Duration, Instant};

use dobbin_types::JobState;
use dobbin_types::rest::{Event, EventKind, JobInfo};

use super::amount::percent;
use super::screen::{Saved, Screen, Title, saved_sentence};
use super::{text, wording};

/// A line at least this often while bytes arrive, and at every [`PERCENT_STEP`].
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// A line whenever so many percent more are here.
const PERCENT_STEP: u64 = 10;

/// A job is looked at this often, besides its events.
const PERIOD: Duration = Duration::from_secs(1);

/// The lines' writer.
pub(crate) struct Plain {
    teller: Teller,
}

impl Plain {
    pub(crate) fn new() -> Plain {
        Plain { teller: Teller::default() }
    }

    fn tell(&mut self, job: &JobInfo) {
        if let Some(line) = self.teller.line(job, Instant::now()) {
            anstream::eprintln!("{line}");
        }
    }
}

impl Screen for Plain {
    fn period(&self) -> Duration {
        PERIOD
    }

    fn begin(&mut self, title: &Title, job: &JobInfo, continued: bool) {
        let (from, to, id) = (&title.from, text::clean(&title.to), wording::short(job.id));
        if continued {
            let have = wording::progress(job);
            anstream::eprintln!("going on with {from} to {to} (job {id}), {have}");
        } else {
            anstream::eprintln!("fetching {from} to {to} (job {id})");
        }
        self.teller.begin(job, Instant::now());
    }

    fn event(&mut self, event: &Event) {
        // The picture from before the job is resumed has been told as the beginning.
        if event.kind != EventKind::Current {
            self.tell(&event.job);
        }
    }

    fn picture(&mut self, job: &JobInfo) {
        self.tell(job);
    }

    fn note(&mut self, text: &str) {
        anstream::eprintln!("{}", text::clean(text));
    }

    fn saved(&mut self, saved: &Saved) {
        anstream::eprintln!("{}", saved_sentence(saved));
    }

    fn end(&mut self) {}
}

/// Decides which pictures are worth a line. Knows no clock.
#[derive(Debug, Default)]
struct Teller {
    /// When the last line was written.
    told: Option<Instant>,
    /// Bytes that were here then.
    told_bytes: u64,
    /// The last step of percents that was told.
    told_step: u64,
    /// The failures that were told.
    told_failures: u32,
    /// The state that was told.
    told_state: Option<JobState>,
    /// It was told what the job waits for before it moves.
    told_queued: bool,
}

impl Teller {
    fn begin(&mut self, job: &JobInfo, now: Instant) {
        *self = Teller {
            told: Some(now),
            told_bytes: job.progress.bytes_transferred,
            told_step: step(job),
            told_failures: 0,
            told_state: Some(JobState::Queued),
            told_queued: false,
        };
    }

    fn line(&mut self, job: &JobInfo, now: Instant) -> Option<String> {
        let line = match job.state {
            JobState::TransientError if job.failures_count != self.told_failures => {
                self.told_failures = job.failures_count;
                wording::holdup(job, wording::now())
            }
            JobState::Suspended if self.told_state != Some(JobState::Suspended) => {
                wording::holdup(job, wording::now())
            }
            JobState::Transferring => self.progress(job, now),
            JobState::Queued if self.is_silent(now) && !self.told_queued => {
                self.told_queued = true;
                wording::holdup(job, wording::now())
            }
            JobState::Queued
            | JobState::Connecting
            | JobState::Suspended
            | JobState::Error
            | JobState::TransientError
            | JobState::Transferred
            | JobState::Acknowledged
            | JobState::Cancelled => None,
        };
        self.told_state = Some(job.state);
        if line.is_some() {
            self.told = Some(now);
        }
        line
    }

    fn is_silent(&self, now: Instant) -> bool {
        self.told.is_none_or(|then| now.duration_since(then) >= SILENCE_MAX)
    }

    fn progress(&mut self, job: &JobInfo, now: Instant) -> Option<String> {
        let moved = job.progress.bytes_transferred != self.told_bytes;
        let due = (self.is_silent(now) && moved) || step(job) > self.told_step;
        // All of it is the last sentence's to tell.
        let whole = job.progress.bytes_total == Some(job.progress.bytes_transferred);
        if !due || whole {
            return None;
        }
        self.told_bytes = job.progress.bytes_transferred;
        self.told_step = step(job);
        let mut line = wording::progress(job);
        if job.progress.files_total > 1 {
            let (here, total) = (job.progress.files_transferred, job.progress.files_total);
            line.push_str(&format!(", {here} of {total} files"));
        }
        if let Some(pace) = wording::pace(job) {
            line.push_str(&format!(", {pace}"));
        }
        Some(line)
    }
}

/// Which tenth the job is in; 0 while its size is unknown.
fn step(job: &JobInfo) -> u64 {
    let have = job.progress.bytes_transferred;
    job.progress.bytes_total.map_or(0, |total| percent(have, total) / PERCENT_STEP)
}

#[cfg(test)]
mod tests {
    use super::super::wording::samples::{answered, job};
    use super::*;

    /// A teller that has begun with nothing, and its clock.
    fn begun() -> (Teller, Instant) {
        let (mut teller, now) = (Teller::default(), Instant::now());
        let mut fresh = job(JobState::Queued);
        fresh.progress.bytes_transferred = 0;
        teller.begin(&fresh, now);
        (teller, now)
    }

    fn at(bytes: u64) -> JobInfo {
        let mut job = job(JobState::Transferring);
        job.progress.bytes_transferred = bytes;
        job
    }

    #[test]
    fn every_tenth_is_told_once() {
        let (mut teller, now) = begun();
        assert_eq!(teller.line(&at(1 << 19), now), None);
        let told = teller.line(&at(1 << 20), now);
        assert_eq!(told.as_deref(), Some("1.00 of 10.0 MiB (10 %)"));
        assert_eq!(teller.line(&at((1 << 20) + 1), now), None);
        assert!(teller.line(&at(5 << 20), now).is_some());
        assert_eq!(teller.line(&at(10 << 20), now), None);
    }

    #[test]
    fn of_several_files_it_is_told_how_many_are_here() {
        let (mut teller, now) = begun();
        let mut several = at(5 << 20);
        several.progress.files_total = 3;
        several.progress.files_transferred = 1;
        let told = teller.line(&several, now);
        assert_eq!(told.as_deref(), Some("5.00 of 10.0 MiB (50 %), 1 of 3 files"));
    }

    #[test]
    fn slow_transfers_are_told_every_ten_seconds_if_anything_came() {
        let (mut teller, now) = begun();
        let after = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(teller.line(&at(100), after(9)), None);
        assert!(teller.line(&at(200), after(10)).is_some());
        assert_eq!(teller.line(&at(200), after(30)), None);
        assert!(teller.line(&at(201), after(31)).is_some());
    }

    #[test]
    fn a_long_wait_for_other_jobs_is_told_once() {
        let (mut teller, now) = begun();
        let mut queued = job(JobState::Queued);
        queued.waiting = Some(dobbin_types::rest::Waiting::Slot);
        assert_eq!(teller.line(&queued, now + Duration::from_secs(9)), None);
        let told = teller.line(&queued, now + Duration::from_secs(10));
        assert_eq!(told.as_deref(), Some("waits for other jobs"));
        assert_eq!(teller.line(&queued, now + Duration::from_secs(99)), None);
    }

    #[test]
    fn every_failure_is_told_once() {
        let (mut teller, now) = begun();
        let mut failing = job(JobState::TransientError);
        failing.failures_count = 1;
        failing.error = Some(answered(503));
        let told = teller.line(&failing, now).unwrap();
        assert!(told.starts_with("retry 1 when it can: example.com answered 503"), "{told}");
        assert_eq!(teller.line(&failing, now), None);
        failing.failures_count = 2;
        assert!(teller.line(&failing, now).is_some());
    }
}
