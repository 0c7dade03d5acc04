//! The loop: one event after the other, then the plan.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use dobbin_core::job::{JobEvent, JobLimits, Now};
use dobbin_core::piece::PieceSet;
use dobbin_core::schedule::Queue;
use dobbin_core::time::Tick;
use dobbin_net::throttle::Service;
use dobbin_platform::Clock;
use dobbin_store::{Change, Store};
use dobbin_types::{FileNumber, JobId, JobState, Uid};

use crate::cache_hosts::CacheDesk;
use crate::download::Ended;
use crate::entries::Entries;
use crate::entry::Entry;
use crate::event::{Event, News};
use crate::hands::Hands;
use crate::in_flight::InFlight;
use crate::listen::Listeners;
use crate::tell::Watchers;
use crate::transfer::Pool;

/// How often figures are looked at while anything moves.
const PULSE: Duration = Duration::from_secs(1);

/// The longest the loop waits for a moment that it has planned. A wait does not count the time in
/// which the machine sleeps, but what is planned does: this is how late a retry comes after a sleep.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// Events handled before the plan is made anew: one plan serves many of them.
const BATCH_MAX: usize = 256;

/// Jobs that are over and still answer getters, as held objects of the interface do.
const ENDED_MAX: usize = 1_024;

/// Files of such jobs, so that large jobs do not keep memory that nobody asks for.
const ENDED_FILES_MAX: usize = 10_000;

/// The loop and everything it owns.
pub(crate) struct Loop {
    pub(crate) clock: Clock,
    /// Who is asked before origins are.
    pub(crate) cache_hosts: CacheDesk,
    pub(crate) store: Arc<Store>,
    pub(crate) own_uid: Uid,
    pub(crate) limits: JobLimits,
    pub(crate) boot: Arc<str>,
    pub(crate) inbox: SyncSender<Event>,
    pub(crate) hands: Hands,
    /// Those that remove what is left of jobs, while a caller waits.
    pub(crate) removers: Hands,
    pub(crate) pool: Pool,
    /// The limit that all jobs share.
    pub(crate) service: Service,
    pub(crate) entries: Entries,
    pub(crate) queue: Queue,
    /// The jobs that are transferring.
    pub(crate) moving: BTreeSet<JobId>,
    pub(crate) timers: BTreeSet<(Tick, JobId)>,
    pub(crate) watchers: Watchers,
    /// Programs that are called back.
    pub(crate) listeners: Listeners,
    /// Jobs that are over as they were at their end, oldest first: see [`remember`].
    pub(crate) ended: VecDeque<Entry>,
    /// Those of them that were downloads, likewise.
    pub(crate) ended_downloads: VecDeque<Ended>,
    /// Jobs that are over, whose transfers are still on their way out: their files are removed when
    /// the last of them is gone.
    pub(crate) leaving: BTreeMap<JobId, Box<Entry>>,
    /// The jobs of which something moves, waits to be told or waits to be saved: all others rest, and
    /// cost nothing until somebody asks for them. May hold some that have come to rest meanwhile.
    pub(crate) stirring: BTreeSet<JobId>,
    /// How often a job was looked at because time passed.
    pub(crate) looks_count: u64,
    /// When figures are next looked at; nothing while nothing moves, so that an idle agent sleeps.
    pub(crate) pulse: Option<Tick>,
    /// When the loop leaves, whatever is still under way then. Set by [`Event::Shutdown`].
    pub(crate) leave_by: Option<Tick>,
    /// Handovers so far: each has a number, so that what is left of an old one changes nothing.
    pub(crate) handovers_count: u64,
    /// Writes of the journal that are not durable yet.
    pub(crate) in_flight: Arc<InFlight>,
}

impl Loop {
    /// Runs until [`Event::Shutdown`] and until everything that was under way is put down.
    pub(crate) fn run(&mut self, events: &Receiver<Event>) {
        self.plan();
        loop {
            if let Some(event) = self.next(events) {
                self.handle(event);
                for event in events.try_iter().take(BATCH_MAX) {
                    self.handle(event);
                }
            }
            self.timers_due();
            self.pulse_due();
            self.plan();
            self.make_calls();
            if self.leave_by.is_some_and(|by| by <= self.clock.now() || self.is_at_rest()) {
                return;
            }
        }
    }

    /// The next event; nothing when a timer is due first or nobody can send any more.
    fn next(&mut self, events: &Receiver<Event>) -> Option<Event> {
        let timer = self.timers.first().map(|(tick, _)| *tick);
        let call = self.listeners.callbacks.next_wake();
        let wake = [timer, self.pulse, self.leave_by, call].into_iter().flatten().min();
        let outcome = match wake {
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(wake) => events.recv_timeout(wake.since(self.clock.now()).min(LOOK_AGAIN)),
        };
        match outcome {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            // Cannot happen while the loop itself holds a sender; leaving is the safe answer.
            Err(RecvTimeoutError::Disconnected) => Some(Event::Shutdown),
        }
    }

    /// The one `match` on what can wake the loop.
    fn handle(&mut self, event: Event) {
        match event {
            Event::Command(actor, command) => self.command(actor, command),
            Event::Transfer { job, file, attempt, news } => match news {
                News::Known(facts, None) => self.known_in_passing(job, file, attempt, facts),
                News::Known(facts, Some(noted)) => {
                    let known = JobEvent::FileKnown(attempt, file, facts);
                    self.step(job, known, Vec::new(), move |outcome| {
                        // The transfer may have been stopped meanwhile.
                        let _ = noted.send(outcome.is_ok());
                    });
                }
                News::Restarted(noted) => self.restarted(job, file, attempt, noted),
                News::Finished => self.outcome(job, JobEvent::FileFinished(attempt, file)),
                News::Failed(trouble) => {
                    self.fold_gauges(job);
                    self.outcome(job, JobEvent::AttemptFailed(attempt, Some(file), trouble));
                }
            },
            Event::TransferEnded { job, file } => self.transfer_ended(job, file),
            Event::Settling { job, file, attempt, bytes, facts } => {
                self.settling(job, file, bytes);
                if let Some(facts) = facts {
                    self.known_in_passing(job, file, attempt, facts);
                }
            }
            Event::Settled(settled) => self.settled(settled),
            Event::Flushed { job, file, generation, set } => {
                self.flushed(job, file, generation, set);
            }
            Event::PublishIntended { job, intents, noted } => {
                self.publish_intended(job, intents, noted);
            }
            Event::FilesPublished { job, files } => self.files_published(job, files),
            Event::PublishEnded { job, failed } => self.publish_ended(job, failed),
            Event::Forgotten { job } => self.forgotten(job),
            Event::HandoverOver { job, number } => self.handover_over(job, number),
            Event::Tell { kind, info } => self.watchers.tell(kind, &info),
            Event::CatchUp { watcher } => self.catch_up(watcher),
            Event::NotDurable { job } => {
                let entry = self
                    .entries
                    .get_mut(&job)
                    .or_else(|| self.leaving.get_mut(&job).map(Box::as_mut));
                if let Some(entry) = entry {
                    entry.unsaved = true;
                    self.keep_pulse(job);
                }
            }
            Event::CallOwed { job, attempt } => self.call_owed(job, attempt),
            Event::HungUp { listener } => self.listeners.remove(listener),
            Event::Shutdown => self.shut_down(),
        }
    }

    pub(crate) fn now(&self) -> Now {
        now(&self.clock)
    }

    /// Gives core an outcome. The job may be gone: an outcome can arrive after its job was removed.
    pub(crate) fn outcome(&mut self, job: JobId, event: JobEvent) {
        self.step(job, event, Vec::new(), |_| {});
    }

    fn timers_due(&mut self) {
        let now = self.clock.now();
        while let Some((tick, job)) = self.timers.first().copied()
            && tick <= now
        {
            self.timers.remove(&(tick, job));
            if let Some(entry) = self.entries.get_mut(&job) {
                entry.wake = None;
            }
            self.outcome(job, JobEvent::TimePassed);
            self.refresh(job);
        }
    }

    /// Brings the queue and the timers up to date with one job.
    pub(crate) fn refresh(&mut self, job: JobId) {
        self.withdraw_call(job);
        let (wants, priority, wake) = match self.entries.get(&job) {
            Some(entry) => (entry.wants_slot(), entry.job.priority(), entry.job.next_wake()),
            None => (false, dobbin_types::Priority::Low, None),
        };
        self.queue.update(job, priority, wants && self.leave_by.is_none());
        let Some(entry) = self.entries.get_mut(&job) else {
            self.moving.remove(&job);
            return;
        };
        if let Some(pace) = &mut entry.pace {
            pace.follow(&entry.job);
        }
        if entry.rests() {
            entry.begun = None;
        }
        if entry.job.state() == JobState::Transferring {
            self.moving.insert(job);
        } else {
            self.moving.remove(&job);
        }
        let is_publishing = entry.job.is_publishing();
        if entry.wake != wake {
            if let Some(before) = entry.wake {
                self.timers.remove(&(before, job));
            }
            if let Some(wake) = wake {
                self.timers.insert((wake, job));
            }
            entry.wake = wake;
        }
        if is_publishing {
            self.keep_pulse(job);
        }
    }

    /// Once a second while anything moves or waits to be told: rates, progress, late news. Looks at
    /// the jobs that stir and at no others.
    pub(crate) fn pulse_due(&mut self) {
        let now = self.clock.now();
        if self.pulse.is_none_or(|pulse| pulse > now) {
            return;
        }
        let stirring = std::mem::take(&mut self.stirring);
        for job in &stirring {
            self.looks_count += 1;
            self.fold_gauges(*job);
            self.tell_untold(*job);
            self.save_again(*job);
            if self.leaving.get(job).is_some_and(|entry| entry.unsaved) {
                self.forget_again(*job);
            }
        }
        let still = stirring.into_iter().filter(|job| self.stirs(*job));
        let still: Vec<JobId> = still.collect();
        self.stirring.extend(still);
        self.pulse = (!self.stirring.is_empty()).then(|| now.after(PULSE));
    }

    /// Whether there is something of the job to look at once a second.
    fn stirs(&self, job: JobId) -> bool {
        let entry = self.entries.get(&job);
        entry.is_some_and(|entry| {
            entry.untold || entry.unsaved || !entry.runs.is_empty() || entry.job.is_publishing()
        }) || self.leaving.get(&job).is_some_and(|entry| entry.unsaved || !entry.runs.is_empty())
    }

    /// Makes sure that a job is looked at while something of it moves.
    pub(crate) fn keep_pulse(&mut self, job: JobId) {
        self.stirring.insert(job);
        let next = self.clock.now().after(PULSE);
        self.pulse.get_or_insert(next);
    }

    /// Turns what the gauges say into one event: bytes arrived, or nothing did.
    pub(crate) fn fold_gauges(&mut self, job: JobId) {
        let now = self.clock.now();
        let Some(entry) = self.entries.get_mut(&job) else {
            return;
        };
        if entry.job.state() != JobState::Transferring {
            entry.rate.rest();
            return;
        }
        for file in entry.runs.keys() {
            if let Some(ledger) =
                entry.files.get(file.index()).and_then(|live| live.ledger.as_ref())
            {
                ledger.sample(now);
            }
        }
        let fetched = entry.count_fetched();
        if entry.rate.sample(now, fetched) {
            let attempt = entry.job.attempt();
            self.outcome(job, JobEvent::BytesArrived(attempt));
        }
    }

    /// What a write that failed was to say is written again: the job's whole record.
    fn save_again(&mut self, job: JobId) {
        let Some(entry) = self.entries.get_mut(&job) else {
            return;
        };
        if !std::mem::take(&mut entry.unsaved) {
            return;
        }
        let numbers = (0_u32..).map(FileNumber).take(entry.job.files().len()).collect();
        let changes = self.records(job, true, numbers);
        let call = self.call_to_owe(job);
        let tell = self.teller();
        self.write(job, changes, move |outcome| {
            if outcome.is_ok() {
                call.into_iter().for_each(tell);
            }
        });
    }

    /// Notes what survives a power cut now, unless it was dropped meanwhile.
    pub(crate) fn flushed(&mut self, job: JobId, file: FileNumber, generation: u64, set: PieceSet) {
        let Some(entry) = self.entries.get_mut(&job) else {
            return;
        };
        // Of a file that nobody knows what it is the next transfer removes what lies there.
        let is_pending =
            entry.job.file(file).is_some_and(|file| !file.finished && file.facts.is_some());
        let Some(live) = entry.files.get_mut(file.index()) else {
            return;
        };
        if !is_pending || live.generation != generation {
            return;
        }
        live.flushed = Some(set.clone());
        if set.layout().piece_count() <= 1 {
            // It is about to be called finished, or its transfer to end: that is noted then.
            live.unnoted = true;
            return;
        }
        // Not the job's record: losing this costs a second fetch of some bytes, nothing more. The
        // file's goes along for its figures.
        let mut changes = self.records(job, false, vec![file]);
        changes.push(Change::PutFlushed { job, number: file, set });
        self.store.journal().write(changes, |outcome| {
            if let Err(error) = outcome {
                tracing::warn!(error = %crate::transfer::chain(&error), "progress could not be noted");
            }
        });
    }

    pub(crate) fn transfer_ended(&mut self, job: JobId, file: FileNumber) {
        let now = self.clock.now();
        if let Some(entry) = self.entries.get_mut(&job) {
            entry.end_run(file, now);
            self.note_end(job, file);
        } else if let Some(entry) = self.leaving.get_mut(&job) {
            entry.runs.remove(&file);
            self.remove_files(job);
        }
    }

    fn shut_down(&mut self) {
        let by = self.clock.now().after(LAST_WORDS);
        self.leave_by.get_or_insert(by);
        let moving = self
            .entries
            .values()
            .filter(|entry| entry.handover.is_some() || entry.wants_slot())
            .map(|entry| entry.job.id());
        let jobs: Vec<JobId> = moving.collect();
        for job in jobs {
            self.end_handover(job);
            self.refresh(job);
        }
        for entry in self.entries.values() {
            for run in entry.runs.values() {
                run.stop.now();
            }
        }
    }

    /// Whether nothing is under way. What is, stirs.
    fn is_at_rest(&self) -> bool {
        let of = |job| self.entries.get(job).or_else(|| self.leaving.get(job).map(Box::as_ref));
        let mut stirring = self.stirring.iter().filter_map(of);
        stirring.all(|entry| entry.runs.is_empty() && !entry.job.is_publishing())
    }
}

/// What the clock shows.
pub(crate) fn now(clock: &Clock) -> Now {
    // In this order: see `Clock::slept`.
    let tick = clock.now();
    Now { tick, wall: clock.wall(), slept: clock.slept() }
}

/// How long the loop waits, when it is leaving, for transfers to say that they are gone.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Keeps a job that is over, for those who still hold it, and lets go of the oldest beyond
/// [`ENDED_MAX`] jobs or [`ENDED_FILES_MAX`] files. The newest always stays.
pub(crate) fn remember(ended: &mut VecDeque<Entry>, entry: Entry) {
    ended.push_back(entry);
    let mut files_count: usize = ended.iter().map(|entry| entry.files.len()).sum();
    while ended.len() > ENDED_MAX || (files_count > ENDED_FILES_MAX && ended.len() > 1) {
        files_count -= ended.pop_front().map_or(0, |entry| entry.files.len());
    }
}
