//! A job and everything the loop keeps with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use dobbin_core::access::Actor;
use dobbin_core::cache::Settings as CacheSettings;
use dobbin_core::job::Job;
use dobbin_core::piece::PieceSet;
use dobbin_core::time::{Stopwatch, Tick};
use dobbin_net::throttle::{Service, Throttle};
use dobbin_platform::Clock;
use dobbin_store::record::{Figures, FileExtras};
use dobbin_store::{Place, Store};
use dobbin_types::rest::{Failure, Outcome};
use dobbin_types::{FileNumber, JobId, JobState};

use crate::cache_hosts::{CacheDesk, SharedWay};
use crate::event::{Command, Reply};
use crate::farewell::Farewell;
use crate::gauge::{RateMeter, SharedGauge};
use crate::live::LiveFiles;
use crate::pace::Pace;
use crate::transfer::ledger::{Ledger, SharedLedger};
use crate::transfer::{Source, Stop};
use crate::why::History;

/// What is done with an answer.
pub(crate) type Answer<T> = Box<dyn FnOnce(Result<T, Failure>) + Send>;

/// A job, live.
pub(crate) struct Entry {
    pub(crate) job: Job,
    pub(crate) files: LiveFiles,
    /// Transfers that touch the disk: running, or stopping and not gone yet.
    pub(crate) runs: BTreeMap<FileNumber, Run>,
    /// Bytes of bodies received since the process started, as far as they were counted.
    fetched_bytes: u64,
    /// Found at start: an earlier life of the process may have begun any of its files.
    pub(crate) was_here_before: bool,
    /// The cache hosts with which its files were begun, since Start or Resume; `None` while it rests.
    pub(crate) begun: Option<Arc<CacheSettings>>,
    /// Found waiting at start by an agent that runs only what is resumed.
    pub(crate) held: bool,
    /// How fast it may be fetched; `None` while it is not.
    pub(crate) pace: Option<Pace>,
    pub(crate) rate: RateMeter,
    /// When its next timer is due; the loop's timer queue holds the same.
    pub(crate) wake: Option<Tick>,
    /// When watchers were last told of a modification.
    pub(crate) told: Option<Tick>,
    /// A modification that they were not told of yet.
    pub(crate) untold: bool,
    /// The journal has forgotten it: its files may go.
    pub(crate) forgotten: bool,
    /// Its record is not as durable as it should be: the last write failed.
    pub(crate) unsaved: bool,
    /// Who called Start of a download and waits for the end of the transfer.
    pub(crate) starting: Vec<Reply<Outcome>>,
    /// Who called Complete and waits.
    pub(crate) completing: Option<Answer<Outcome>>,
    /// The number of the handover that completes the job.
    pub(crate) handover: Option<u64>,
    /// Who is to hear of the job's end when its files are gone.
    pub(crate) farewell: Option<Farewell>,
    /// Calls that arrived while the job was being published: Complete is one step for everybody.
    pub(crate) parked: Vec<(Actor, Command)>,
    /// What happened to it since the process started.
    pub(crate) history: History,
}

/// A transfer, as far as the loop reaches into it.
pub(crate) struct Run {
    pub(crate) stop: Stop,
    pub(crate) source: Source,
    /// How much of what the file's gauge says was received is counted with the entry.
    pub(crate) counted_bytes: u64,
    /// Set when it is done with the network and waits for its last flush, of about so many bytes.
    pub(crate) settling_bytes: Option<u64>,
}

/// A file, live.
pub(crate) struct LiveFile {
    /// Its figures are those with which the process began: see [`LiveFile::extras_at`].
    pub(crate) extras: FileExtras,
    /// As the journal knows it.
    pub(crate) flushed: Option<PieceSet>,
    /// Counts how often what was had of the file was dropped: a flush of what was dropped says
    /// nothing of what came after.
    pub(crate) generation: u64,
    /// Something of it is not in the journal yet, and goes there when its transfer ends.
    pub(crate) unnoted: bool,
    pub(crate) gauge: SharedGauge,
    /// What its transfers did; `None` before the first one.
    pub(crate) ledger: Option<SharedLedger>,
    /// Runs while the file is being fetched.
    pub(crate) fetching: Stopwatch,
    /// Which cache host it is asked for at, if any.
    pub(crate) way: Option<SharedWay>,
}

impl Entry {
    pub(crate) fn new(job: Job, files: LiveFiles) -> Entry {
        Entry {
            pace: None,
            job,
            files,
            runs: BTreeMap::new(),
            fetched_bytes: 0,
            was_here_before: false,
            begun: None,
            held: false,
            rate: RateMeter::default(),
            wake: None,
            told: None,
            untold: false,
            forgotten: false,
            unsaved: false,
            completing: None,
            starting: Vec::new(),
            handover: None,
            farewell: None,
            parked: Vec::new(),
            history: History::default(),
        }
    }

    /// What is kept of a job that is over, for those who still hold it: all that can be looked at.
    pub(crate) fn into_memory(self) -> Entry {
        for ledger in self.files.iter().filter_map(|file| file.ledger.as_ref()) {
            ledger.shrink();
        }
        Entry { history: self.history, ..Entry::new(self.job, self.files) }
    }

    /// Whether the job wants a slot: core says that it could run, and nothing here holds it back.
    pub(crate) fn wants_slot(&self) -> bool {
        self.job.is_runnable() && !self.held
    }

    /// Whether it goes on only when somebody starts or resumes it.
    pub(crate) fn rests(&self) -> bool {
        match self.job.state() {
            JobState::Suspended
            | JobState::Error
            | JobState::Transferred
            | JobState::Acknowledged
            | JobState::Cancelled => true,
            JobState::Queued
            | JobState::Connecting
            | JobState::Transferring
            | JobState::TransientError => false,
        }
    }

    /// The way over cache hosts that a file of it takes; `None` where there are none.
    pub(crate) fn way(&mut self, number: FileNumber, desk: &CacheDesk) -> Option<SharedWay> {
        let settings = self.begun.get_or_insert_with(|| desk.settings());
        let live = self.files.get_mut(number.index())?;
        if settings.hosts.is_empty() {
            live.way = None;
        } else if !live.way.as_ref().is_some_and(|way| way.is_under(settings)) {
            live.way = Some(desk.way(settings));
        }
        live.way.clone()
    }

    /// What its transfers wait for.
    pub(crate) fn throttle(&mut self, service: &Service) -> Throttle {
        self.pace.get_or_insert_with(|| Pace::new(service, &self.job)).throttle()
    }

    /// Bytes of bodies received for all of its files since the process started.
    ///
    /// Cost: of what runs, not of all that ever ran.
    pub(crate) fn count_fetched(&mut self) -> u64 {
        for (number, run) in &mut self.runs {
            let Some(live) = self.files.get(number.index()) else { continue };
            let fetched = live.gauge.fetched();
            self.fetched_bytes += fetched.saturating_sub(run.counted_bytes);
            run.counted_bytes = fetched;
        }
        self.fetched_bytes
    }

    /// A transfer is gone.
    pub(crate) fn end_run(&mut self, number: FileNumber, now: Tick) {
        if let Some(run) = self.runs.remove(&number)
            && let Some(live) = self.files.get_mut(number.index())
        {
            self.fetched_bytes += live.gauge.fetched().saturating_sub(run.counted_bytes);
            live.fetching.pause(now);
        }
        if self.runs.is_empty() {
            self.pace = None;
        }
    }

    /// Bytes of all files together that are here.
    ///
    /// Cost: of the files that were begun, from the first unfinished one on. That is few where files
    /// are finished about in their order, and never more than a walk over small nodes.
    pub(crate) fn bytes_here(&self) -> u64 {
        let Some(first) = self.job.unfinished().next() else {
            return narrow(self.job.totals().finished_bytes);
        };
        let begun = self.files.begun_from(first);
        let unfinished =
            begun.filter(|(number, _)| self.job.file(*number).is_some_and(|file| !file.finished));
        let parts: u128 = unfinished.map(|(_, live)| u128::from(live.gauge.transferred())).sum();
        narrow(self.job.totals().finished_bytes + parts)
    }

    /// The sum of all files' sizes; `None` while one of them is unknown.
    pub(crate) fn bytes_total(&self) -> Option<u64> {
        let totals = self.job.totals();
        (totals.unsized_count == 0).then(|| narrow(totals.bytes))
    }

    /// Bytes of one file that are here.
    pub(crate) fn transferred_bytes(&self, number: FileNumber) -> u64 {
        let Some((file, live)) = self.job.file(number).zip(self.files.get(number.index())) else {
            return 0;
        };
        if file.finished { file.local_size().unwrap_or(0) } else { live.gauge.transferred() }
    }
}

impl LiveFile {
    /// A file with nothing to keep.
    pub(crate) fn untouched() -> LiveFile {
        LiveFile::new(FileExtras::default(), None)
    }

    /// Whether the file is as one that was never begun.
    pub(crate) fn is_untouched(&self) -> bool {
        let LiveFile { extras, flushed, generation, unnoted, gauge, ledger, fetching, way } = self;
        *extras == FileExtras::default()
            && flushed.is_none()
            && *generation == 0
            && gauge.is_untouched()
            && ledger.is_none()
            && way.is_none()
            && !*unnoted
            && *fetching == Stopwatch::default()
    }

    pub(crate) fn new(mut extras: FileExtras, flushed: Option<PieceSet>) -> LiveFile {
        let gauge = SharedGauge::default();
        gauge.set_reply_headers(extras.figures.reply_headers.take());
        if let Some(set) = &flushed {
            gauge.set_transferred(set.byte_count());
        }
        let fetching = Stopwatch::with_spent(extras.figures.fetching);
        let (generation, unnoted, ledger, way) = (0, false, None, None);
        LiveFile { extras, flushed, generation, unnoted, gauge, ledger, fetching, way }
    }

    /// Where its next transfer writes what it does.
    pub(crate) fn open_ledger(&mut self, clock: &Clock) -> SharedLedger {
        let ledger = self.ledger.get_or_insert_with(|| Ledger::new(clock.clone()).into());
        SharedLedger::clone(ledger)
    }

    /// What fetching it took so far.
    pub(crate) fn figures(&self, now: Tick) -> Figures {
        Figures {
            http_bytes: self.extras.figures.http_bytes.saturating_add(self.gauge.fetched()),
            cache_bytes: self
                .extras
                .figures
                .cache_bytes
                .saturating_add(self.gauge.fetched_over_cache()),
            fetching: self.fetching.elapsed(now),
            reply_headers: self.gauge.reply_headers(),
        }
    }

    /// What a record keeps of it, as of `now`.
    pub(crate) fn extras_at(&self, now: Tick) -> FileExtras {
        FileExtras { figures: self.figures(now), ..self.extras.clone() }
    }

    /// Where its bytes are kept.
    pub(crate) fn place(&self, store: &Store, job: JobId, number: FileNumber) -> Place {
        match &self.extras.beside {
            Some(path) => store.place_beside(job, number, path.clone()),
            None => store.place(job, number),
        }
    }
}

/// The files of an entry that are still to be fetched: those that run first, so that a plan made
/// twice is the same.
///
/// * `settles_aside`: whether those that only wait for the disk are left out.
pub(crate) fn unfinished(
    entry: &Entry,
    settles_aside: bool,
) -> impl Iterator<Item = FileNumber> + '_ {
    let needs_place = move |run: &Run| !settles_aside || run.settling_bytes.is_none();
    let is_pending =
        |number: &FileNumber| entry.job.file(*number).is_some_and(|file| !file.finished);
    let running = entry.runs.iter().filter(move |(_, run)| needs_place(run));
    let running = running.map(|(number, _)| *number).filter(is_pending);
    running.chain(besides(entry.job.unfinished(), entry.runs.keys().copied()))
}

/// Those of `numbers` that are not among `others`. Both in their order, so that no more is looked at
/// than is asked for.
fn besides(
    numbers: impl Iterator<Item = FileNumber>,
    others: impl Iterator<Item = FileNumber>,
) -> impl Iterator<Item = FileNumber> {
    let mut others = others.peekable();
    numbers.filter(move |number| {
        while others.next_if(|other| other < number).is_some() {}
        others.peek() != Some(number)
    })
}

/// A sum of sizes as callers see it; beyond what they can see it stays at the most.
fn narrow(bytes: u128) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_looked_at_than_is_asked_for_to_leave_some_out() {
        let numbers = |numbers: &[u32]| numbers.iter().copied().map(FileNumber).collect::<Vec<_>>();
        for (all, others, expect) in [
            (&[][..], &[1, 2][..], &[][..]),
            (&[0, 1, 2], &[], &[0, 1, 2]),
            (&[0, 1, 2], &[0, 1, 2], &[]),
            (&[1, 4, 6, 9], &[0, 4, 5, 9, 12], &[1, 6]),
            (&[3, 5], &[0, 1, 2, 3, 4], &[5]),
        ] {
            let left: Vec<_> =
                besides(numbers(all).into_iter(), numbers(others).into_iter()).collect();
            assert_eq!(left, numbers(expect), "{all:?} without {others:?}");
        }
        let endless = besides((0..).map(FileNumber), (0..).step_by(2).map(FileNumber));
        assert_eq!(endless.take(2).collect::<Vec<_>>(), numbers(&[1, 3]));
    }
}
