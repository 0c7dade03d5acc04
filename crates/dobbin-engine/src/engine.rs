//! Starting and stopping.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use dobbin_core::cache::Settings as CacheSettings;
use dobbin_core::job::JobLimits;
use dobbin_core::schedule::Queue;
use dobbin_net::http::{Client, HttpSettings, RootsError};
use dobbin_net::throttle::Service;
use dobbin_platform::{Clock, clock, identity};
use dobbin_store::{JournalError, OpenError, Store};
use dobbin_types::{FileTime, JobId};

use crate::cache_hosts::CacheDesk;
use crate::door::Door;
use crate::event::{Event, INBOX_MAX};
use crate::group::Settled;
use crate::handle::Handle;
use crate::hands::{Hands, REMOVERS_MAX, THREADS_MAX};
use crate::listen::Listeners;
use crate::pace;
use crate::recover::recover;
use crate::run::{self, Loop};
use crate::tell::Watchers;
use crate::transfer::Pool;

/// What becomes of jobs that were waiting when the service last ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recover {
    /// They go on: a service.
    RunAll,
    /// They wait until somebody resumes them: an agent inside a command, which was started for
    /// something else.
    Hold,
}

/// How an engine is started. Complete: there are no defaults here.
#[derive(Clone)]
pub struct EngineOptions {
    /// The folder of the store; made if missing.
    pub state: PathBuf,
    /// What becomes of jobs that were waiting.
    pub recover: Recover,
    /// How origins are asked.
    pub http: HttpSettings,
    /// How many jobs, files and ranges callers may have; [`JobLimits::OFF`] for as many as they like.
    pub limits: JobLimits,
    /// Who is asked before origins are; none by default.
    pub cache_hosts: CacheSettings,
}

/// Why an engine cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store cannot be opened; [`OpenError::InUse`] while another agent has it.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The settings for asking origins are of no use.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// The system gives no thread.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

/// A running engine. Dropping it stops it, without waiting.
pub struct Engine {
    handle: Handle,
    inbox: SyncSender<Event>,
    ended: Receiver<()>,
    service: Service,
}

impl Engine {
    /// Opens the store, makes its jobs live again, and runs.
    pub fn start(options: EngineOptions) -> Result<Engine, EngineError> {
        let door = Door::new(identity::own_uid(), &options.state, options.limits);
        let (mut engine, events) = Loop::assemble(Clock::system(), options)?;
        let inbox = engine.inbox.clone();
        let cache_hosts = engine.cache_hosts.clone();
        let handle = Handle::new(inbox.clone(), door, Arc::clone(&engine.boot), cache_hosts);
        let service = engine.service.clone();
        let (done, ended) = sync_channel(1);
        thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || {
                engine.take_over();
                engine.run(&events);
                engine.put_down(&events);
                // Closes the journal and lets go of the lock, before anybody is told.
                drop(engine);
                // Whoever waits may have given up.
                let _ = done.send(());
            })
            .map_err(EngineError::Thread)?;
        Ok(Engine { handle, inbox, ended, service })
    }

    /// A way to it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The most that all jobs together may fetch, in bytes a second, from now on; `None` lifts the limit.
    /// Jobs that move share it alike, foreground first.
    pub fn limit_rate(&self, bytes_per_second: Option<NonZeroU64>) {
        self.service.set_rate(pace::rate(bytes_per_second));
    }

    /// Stops in order: transfers end, what is here is flushed and noted, the store is let go.
    /// Returns whether all of that was done within `within`; what was not is found at the next start
    /// as after a crash, with nothing lost.
    pub fn stop(self, within: Duration) -> bool {
        // A loop that is gone already has stopped.
        let _ = self.inbox.send(Event::Shutdown);
        match self.ended.recv_timeout(within) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => true,
            Err(RecvTimeoutError::Timeout) => false,
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.inbox.try_send(Event::Shutdown);
    }
}

/// Where the numbers of listeners and calls begin: beyond all those of the process before, as long
/// as that made fewer than a thousand a millisecond. Small enough for every reader of JSON.
fn first_number(wall: FileTime) -> u64 {
    wall.unix_millis().saturating_mul(1_000)
}

impl Loop {
    /// Everything that the loop needs, put together. It has not taken over what it found yet.
    pub(crate) fn assemble(
        clock: Clock,
        options: EngineOptions,
    ) -> Result<(Loop, Receiver<Event>), EngineError> {
        let store = Store::open(&options.state)?;
        if let Some(path) = store.quarantined() {
            tracing::error!(path = %path.display(),
                "the journal was damaged and set aside; jobs that could be saved out of it are stopped");
        }
        // Without an id every start counts as one of the machine, and only what was flushed as had.
        let boot = clock::boot_id().map(|id| id.as_str().to_owned()).unwrap_or_default();
        let now = run::now(&clock);
        let entries = recover(&store, &boot, options.recover, now)?;
        let (inbox, events) = sync_channel(INBOX_MAX);
        let hands = Hands::new("hands", THREADS_MAX);
        let awake = clock.clone();
        let http = HttpSettings { slept: Arc::new(move || awake.slept()), ..options.http };
        let pool = Pool::new(Client::new(http)?, hands.clone(), inbox.clone());
        let engine = Loop {
            cache_hosts: CacheDesk::new(clock.clone(), options.cache_hosts),
            clock,
            store: Arc::new(store),
            own_uid: identity::own_uid(),
            limits: options.limits,
            boot: boot.into(),
            inbox: inbox.clone(),
            hands,
            removers: Hands::new("removers", REMOVERS_MAX),
            pool,
            service: Service::new(None),
            entries,
            queue: Queue::default(),
            moving: BTreeSet::new(),
            timers: BTreeSet::new(),
            watchers: Watchers::default(),
            listeners: Listeners::new(first_number(now.wall), inbox),
            ended: VecDeque::new(),
            ended_downloads: VecDeque::new(),
            leaving: BTreeMap::new(),
            stirring: BTreeSet::new(),
            looks_count: 0,
            pulse: None,
            leave_by: None,
            handovers_count: 0,
            in_flight: Arc::default(),
        };
        Ok((engine, events))
    }

    /// Takes over what was found at start: places in the queue, timers, unfinished completions.
    fn take_over(&mut self) {
        // Who was created first waits longest.
        let jobs: Vec<JobId> = self.entries.oldest_first().collect();
        for job in jobs {
            self.refresh(job);
            self.complete_unattended(job);
        }
        self.owe_what_was_owed();
    }

    /// Flushes what is still to be flushed, notes it, and closes the store.
    fn put_down(&mut self, events: &Receiver<Event>) {
        let (hands, removers) = (self.hands.clone(), self.removers.clone());
        let finishing = thread::spawn(move || {
            hands.finish();
            removers.finish();
        });
        loop {
            match events.recv_timeout(Duration::from_millis(10)) {
                Ok(event) => self.last_word(event),
                Err(_nothing_now) if finishing.is_finished() => break,
                Err(_nothing_now) => {}
            }
        }
        for event in events.try_iter() {
            self.last_word(event);
        }
    }

    /// What is still worth hearing when everything has stopped. Callers learn from the end of their
    /// channel that the service is leaving.
    fn last_word(&mut self, event: Event) {
        match event {
            Event::Flushed { job, file, generation, set } => {
                self.flushed(job, file, generation, set);
            }
            Event::TransferEnded { job, file } => self.transfer_ended(job, file),
            Event::Settled(settled) => {
                for Settled { job, file, generation, outcome, .. } in settled {
                    if let Ok(set) = outcome {
                        self.flushed(job, file, generation, set);
                    }
                    self.transfer_ended(job, file);
                }
            }
            Event::Forgotten { job } => self.forgotten(job),
            Event::Command(..)
            | Event::Transfer { .. }
            | Event::Settling { .. }
            | Event::PublishIntended { .. }
            | Event::FilesPublished { .. }
            | Event::PublishEnded { .. }
            | Event::HandoverOver { .. }
            | Event::Tell { .. }
            | Event::CatchUp { .. }
            | Event::NotDurable { .. }
            | Event::CallOwed { .. }
            | Event::HungUp { .. }
            | Event::Shutdown => {}
        }
    }
}
