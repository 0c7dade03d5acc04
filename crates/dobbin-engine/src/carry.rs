//! Carrying out what core decided: records, answers, stops, news.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::TrySendError;

use dobbin_core::download::View;
use dobbin_core::job::{Attempt, Effect, JobEvent, Notice, step};
use dobbin_store::{Change, Place, Staging, publish, record};
use dobbin_types::rest::{EventKind, Failure};
use dobbin_types::{FileNumber, JobId, JobState};
use tokio::sync::oneshot;

use crate::download::called_off;
use crate::entry::{Entry, LiveFile};
use crate::event::Event;
use crate::picture;
use crate::run::{self, Loop};
use crate::transfer::chain;

/// A job's watchers hear of a modification at most this often (`JobModification`, decision
/// "callbacks"): in milliseconds.
const MODIFICATION_MILLIS: u64 = 1_000;

impl Loop {
    /// Moves a job by one event and carries out what follows.
    ///
    /// * `live`: what the loop keeps with the files that the event adds.
    /// * `done`: called once: at once with the refusal, or with the new state when everything is
    ///   durable. Runs on the journal's thread: it must be quick.
    pub(crate) fn step(
        &mut self,
        job: JobId,
        event: JobEvent,
        live: Vec<LiveFile>,
        done: impl FnOnce(Result<JobState, Failure>) + Send + 'static,
    ) {
        let (after, effects) = match self.advance(job, event) {
            Ok(advanced) => advanced,
            Err(failure) => return done(Err(failure)),
        };
        if let Some(entry) = self.entries.get_mut(&job) {
            entry.files.extend(live);
        }
        self.carry_out(job, effects, move |outcome| done(outcome.map(|()| after)));
        self.refresh(job);
        self.answer_starts(job);
    }

    /// Moves a job by several events that cannot be refused, in their order, and carries out together what
    /// follows from all of them: one write of the journal.
    ///
    /// * `done`: called when everything is durable, or with the reason why it is not.
    pub(crate) fn outcomes(
        &mut self,
        job: JobId,
        events: impl IntoIterator<Item = JobEvent>,
        done: impl FnOnce(Result<(), Failure>) + Send + 'static,
    ) {
        // The job may be gone.
        let advanced = events.into_iter().filter_map(|event| self.advance(job, event).ok());
        let effects: Vec<Effect> = advanced.flat_map(|(_after, effects)| effects).collect();
        self.carry_out(job, effects, done);
        self.refresh(job);
        self.answer_starts(job);
    }

    /// Moves a job by one event: its new state, and what is to be carried out.
    fn advance(&mut self, job: JobId, event: JobEvent) -> Result<(JobState, Vec<Effect>), Failure> {
        let now = self.now();
        let Some(entry) = self.entries.get_mut(&job) else {
            return Err(Failure::of(dobbin_types::ErrorCode::DO_E_JOB_NOT_FOUND));
        };
        let before = entry.job.state();
        let effects = step(&mut entry.job, event, now)
            .map_err(|code| Failure::new(code, format!("{} (the job is {before})", code.text())))?;
        let after = entry.job.state();
        if after != before {
            tracing::info!(%job, from = %before, to = %after, "job state changed");
            if matches!(after, JobState::Error | JobState::TransientError)
                && let Some(error) = entry.job.last_error()
            {
                entry.history.failed(now.wall, picture::failure(error));
            }
        }
        Ok((after, effects))
    }

    /// Carries out effects of a job, and calls `done` when what they changed is durable.
    pub(crate) fn carry_out(
        &mut self,
        job: JobId,
        effects: Vec<Effect>,
        done: impl FnOnce(Result<(), Failure>) + Send + 'static,
    ) {
        let mut job_changed = false;
        let mut files_changed = Vec::new();
        let mut removed = false;
        let mut publish = false;
        let mut notices = Vec::new();
        for effect in effects {
            match effect {
                Effect::Persist => job_changed = true,
                Effect::PersistFile(number) => files_changed.push(number),
                Effect::Stop(_attempt) => self.stop(job),
                Effect::Publish => publish = true,
                Effect::Remove => removed = true,
                Effect::Tell(notice) => notices.push(notice),
            }
        }
        let changes = if removed {
            vec![Change::RemoveJob(job)]
        } else {
            self.records(job, job_changed, files_changed)
        };
        let later = self.notices(job, &notices);
        let call = self.call_to_owe(job);
        let (inbox, tell) = (self.inbox.clone(), self.teller());
        self.write(job, changes, move |outcome| {
            if outcome.is_ok() {
                call.into_iter().for_each(&tell);
                for news in later {
                    // A loop with a full inbox has other worries; watchers see the state next time.
                    let _ = inbox.try_send(news);
                }
                if removed {
                    // Must arrive: whoever cancelled waits until the files are gone.
                    tell(Event::Forgotten { job });
                }
            }
            done(outcome);
        });
        if removed {
            self.leave(job);
        }
        if publish {
            self.begin_publishing(job);
        }
    }

    /// The journal's view of a job: its record, and those of some files.
    pub(crate) fn records(
        &self,
        job: JobId,
        job_changed: bool,
        files_changed: Vec<FileNumber>,
    ) -> Vec<Change> {
        let Some(entry) = self.entries.get(&job) else {
            return Vec::new();
        };
        let now = self.now();
        let mut changes = Vec::with_capacity(files_changed.len() + 1);
        if job_changed {
            let record = record::write_job(&entry.job, now);
            changes.push(Change::PutJob { id: job, record });
        }
        changes.extend(files_changed.into_iter().filter_map(|number| {
            let file = entry.job.file(number)?;
            let live = entry.files.get(number.index())?;
            let record = record::write_file(file, &live.extras_at(now.tick));
            Some(Change::PutFile { job, number, record })
        }));
        changes
    }

    /// Writes changes of a job and calls `done` when they are durable. Without changes, when
    /// everything of the job before them is.
    pub(crate) fn write(
        &self,
        job: JobId,
        changes: Vec<Change>,
        done: impl FnOnce(Result<(), Failure>) + Send + 'static,
    ) {
        if changes.is_empty() {
            return self.when_durable(Some(job), move || done(Ok(())));
        }
        let begun = self.in_flight.begin(job, &changes);
        let in_flight = Arc::clone(&self.in_flight);
        let (inbox, hands) = (self.inbox.clone(), self.hands.clone());
        self.store.journal().write(changes, move |outcome| {
            in_flight.end(begun);
            done(outcome.map_err(|error| {
                tracing::error!(%job, error = %chain(&error), "the journal cannot be written");
                // Not from here: this is the journal's own thread, and the loop may wait for it.
                hands.give(move || {
                    let _ = inbox.send(Event::NotDurable { job });
                });
                Failure::new(error.code(), chain(&error))
                    .remedy("free some space or repair the disk; the agent goes on trying")
            }));
        });
    }

    /// Calls `then` when everything written of the job so far is durable; without a job, the records of
    /// all jobs.
    pub(crate) fn when_durable(&self, job: Option<JobId>, then: impl FnOnce() + Send + 'static) {
        if !self.in_flight.concerns(job) {
            return then();
        }
        // Behind the others in the journal's queue. Should they fail, their callers were told.
        self.store.journal().when_durable(job, then);
    }

    /// What there is to tell now is told; what must wait for the disk is returned.
    pub(crate) fn notices(&mut self, job: JobId, notices: &[Notice]) -> Vec<Event> {
        let mut later = Vec::new();
        for notice in notices {
            self.call_about(job, *notice);
            match notice {
                Notice::Modified | Notice::FileTransferred => self.modified(job),
                Notice::Transferred => later.extend(self.news(job, EventKind::Transferred)),
                Notice::Error => later.extend(self.news(job, EventKind::Error)),
                Notice::Ended => later.extend(self.news(job, EventKind::Ended)),
            }
        }
        later
    }

    /// Sends the loop an event that must not be lost, from the journal's own thread, which must never
    /// wait for the loop.
    pub(crate) fn teller(&self) -> impl Fn(Event) + Send + 'static {
        let (inbox, hands) = (self.inbox.clone(), self.hands.clone());
        move |event| {
            if let Err(TrySendError::Full(event)) = inbox.try_send(event) {
                let inbox = inbox.clone();
                hands.give(move || {
                    let _ = inbox.send(event);
                });
            }
        }
    }

    fn news(&mut self, job: JobId, kind: EventKind) -> Option<Event> {
        let entry = self.entries.get_mut(&job)?;
        // Whatever was not told of is in this picture too.
        entry.untold = false;
        if !self.watchers.any(job, entry.job.owner()) {
            return None;
        }
        let info = Box::new(picture::job(entry, &self.clock));
        Some(Event::Tell { kind, info })
    }

    /// Tells watchers that a job changed, or remembers to when they were told just now.
    fn modified(&mut self, job: JobId) {
        let now = self.clock.now();
        let Some(entry) = self.entries.get_mut(&job) else {
            return;
        };
        let lately = entry.told.is_some_and(|told| now.0 < told.0 + MODIFICATION_MILLIS);
        entry.untold = lately && self.watchers.any(job, entry.job.owner());
        if entry.untold {
            self.keep_pulse(job);
        } else if !lately {
            entry.told = Some(now);
            self.tell(job, EventKind::Modified);
        }
    }

    /// What was held back is told when its time has come.
    pub(crate) fn tell_untold(&mut self, job: JobId) {
        if self.entries.get(&job).is_some_and(|entry| entry.untold) {
            self.modified(job);
        }
    }

    /// Tells watchers now.
    pub(crate) fn tell(&mut self, job: JobId, kind: EventKind) {
        let Some(entry) = self.entries.get_mut(&job) else {
            return;
        };
        entry.untold = false;
        if self.watchers.any(job, entry.job.owner()) {
            let info = picture::job(entry, &self.clock);
            self.watchers.tell(kind, &info);
        }
    }

    /// Asks every transfer of the job to stop. They are gone when they say so.
    fn stop(&mut self, job: JobId) {
        if let Some(entry) = self.entries.get_mut(&job) {
            entry.rate.rest();
            for run in entry.runs.values() {
                run.stop.now();
            }
        }
    }

    /// The file changed at its origin: what was had of it is forgotten, durably, before the transfer
    /// goes on.
    pub(crate) fn restarted(
        &mut self,
        job: JobId,
        number: FileNumber,
        attempt: Attempt,
        noted: oneshot::Sender<bool>,
    ) {
        let is_current = self.entries.get(&job).is_some_and(|entry| entry.job.attempt() == attempt);
        if !is_current {
            // Overtaken: the transfer is being stopped anyway.
            let _ = noted.send(false);
            return;
        }
        if let Some(live) =
            self.entries.get_mut(&job).and_then(|entry| entry.files.get_mut(number.index()))
        {
            live.flushed = None;
            live.generation += 1;
        }
        self.queue.started_over(job);
        self.outcome(job, JobEvent::FileRestarted(attempt, number));
        let forget = vec![Change::DropFlushed { job, number }];
        self.write(job, forget, move |outcome| {
            let _ = noted.send(outcome.is_ok());
        });
    }

    /// A job that is over goes: out of the queue at once, from the disk when nothing touches it.
    fn leave(&mut self, job: JobId) {
        let Some(mut entry) = self.entries.remove(&job) else {
            return;
        };
        if let Some(wake) = entry.wake {
            self.timers.remove(&(wake, job));
        }
        for reply in std::mem::take(&mut entry.starting) {
            self.answer(job, reply, Err(called_off()));
        }
        self.remember_download(&entry);
        self.leaving.insert(job, entry);
    }

    /// The journal has forgotten the job: only now may its files go. Before, a crash would bring back
    /// a job without them.
    pub(crate) fn forgotten(&mut self, job: JobId) {
        self.call_last(job);
        if let Some(entry) = self.leaving.get_mut(&job) {
            entry.forgotten = true;
            self.remove_files(job);
        }
    }

    /// A job that is over could not be removed from the journal: tries once more.
    pub(crate) fn forget_again(&mut self, job: JobId) {
        if let Some(entry) = self.leaving.get_mut(&job) {
            entry.unsaved = false;
        }
        let tell = self.teller();
        self.write(job, vec![Change::RemoveJob(job)], move |outcome| {
            if outcome.is_ok() {
                tell(Event::Forgotten { job });
            }
        });
    }

    /// Removes what a job that is over left on the disk, once no transfer of it can put anything there
    /// any more. One that only waits for its last flush has its files open and makes none.
    pub(crate) fn remove_files(&mut self, job: JobId) {
        let is_free = |entry: &Entry| {
            entry.forgotten && entry.runs.values().all(|run| run.settling_bytes.is_some())
        };
        if !self.leaving.get(&job).is_some_and(|entry| is_free(entry)) {
            return;
        }
        let Some(mut entry) = self.leaving.remove(&job) else {
            return;
        };
        // Those in the store go with the job's folder.
        let beside: Vec<Place> = entry
            .files
            .iter()
            .zip((0_u32..).map(FileNumber))
            .filter(|(live, _)| live.extras.beside.is_some())
            .map(|(live, number)| live.place(&self.store, job, number))
            .collect();
        let placeholder =
            View::of(&entry.job).and_then(|view| view.placeholder()).map(PathBuf::from);
        let (store, own_uid) = (Arc::clone(&self.store), self.own_uid);
        let (farewell, state) = (entry.farewell.take(), entry.job.state());
        run::remember(&mut self.ended, entry.into_memory());
        let remove = move || {
            let mut is_something_left = false;
            for place in beside {
                if let Err(error) = Staging::discard_at(&place) {
                    is_something_left = true;
                    tracing::warn!(%job, error = %chain(&error), "a staging file was left behind");
                }
            }
            if let Some(path) = placeholder
                && let Err(error) = publish::remove_placeholder(&path, own_uid)
            {
                is_something_left = true;
                tracing::warn!(%job, error = %chain(&error), "a file was left behind");
            }
            // What cannot be removed now is swept at the next start: its job is gone.
            if let Err(error) = store.remove_job_folder(job) {
                is_something_left = true;
                tracing::warn!(%job, error = %chain(&error), "a staging folder was left behind");
            }
            if let Some(farewell) = farewell {
                farewell.say(state, is_something_left);
            }
        };
        match state {
            // Whoever cancels a job waits for nothing else; jobs that complete may come by the hundred.
            JobState::Cancelled => self.removers.give_urgent(remove),
            _ => self.removers.give(remove),
        }
    }
}
