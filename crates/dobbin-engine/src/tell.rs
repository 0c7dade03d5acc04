//! Telling whoever watches.
//!
//! Who begins to watch is told first how the jobs stand, in portions: the next one when the one
//! before was read, so that a queue of any length takes neither long nor much room. What happens
//! meanwhile to a job that has had no turn yet is left out: its turn will show it.

use std::collections::BTreeMap;
use std::sync::mpsc::SyncSender;
use std::task::{Context, Poll, ready};

use dobbin_core::access::{Act, Actor, allows};
use dobbin_types::rest::{Bookmark, Event, EventKind, JobInfo};
use dobbin_types::{JobId, Uid};
use tokio::sync::mpsc;

use crate::event::Event as LoopEvent;

/// Events that a watcher may be behind before it is cut off.
const BEHIND_MAX: usize = 1_024;

/// Jobs that a watcher is shown at a time when it begins to watch.
pub(crate) const PORTION: usize = 256;

/// Watchers at once.
pub(crate) const WATCHERS_MAX: usize = 1_024;

/// Names a watcher; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Watcher(u64);

/// What a watcher hears, for as long as it keeps this.
pub struct Watching {
    events: mpsc::Receiver<Event>,
    /// Jobs that are still to be shown of the portion; nothing when all were.
    portion: Option<usize>,
    watcher: Watcher,
    inbox: SyncSender<LoopEvent>,
}

impl Watching {
    /// The next event; nothing when the engine is gone, or has too much to do to go on, or the reader
    /// was too slow.
    pub async fn recv(&mut self) -> Option<Event> {
        std::future::poll_fn(|context| self.poll_recv(context)).await
    }

    /// The next event, if it is here; as of [`mpsc::Receiver::poll_recv`].
    pub fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.portion == Some(0) {
            // Once: an inbox that is full ends this, rather than that a job is never shown.
            self.portion = Some(PORTION);
            if self.inbox.try_send(LoopEvent::CatchUp { watcher: self.watcher }).is_err() {
                self.events.close();
                return Poll::Ready(None);
            }
        }
        let event = ready!(self.events.poll_recv(context));
        if event.as_ref().is_some_and(|event| event.kind == EventKind::Current) {
            self.portion = self.portion.map(|left| left.saturating_sub(1));
        }
        Poll::Ready(event)
    }
}

struct Ear {
    actor: Actor,
    only: Option<JobId>,
    /// How far it was shown how the jobs stand; nothing when it knows all of them.
    shown: Option<Bookmark>,
    events: mpsc::Sender<Event>,
}

/// Everybody who watches.
#[derive(Default)]
pub(crate) struct Watchers {
    ears: BTreeMap<Watcher, Ear>,
    last: u64,
}

impl Watchers {
    /// A new watcher, who is shown these jobs first.
    pub(crate) fn add(
        &mut self,
        actor: Actor,
        only: Option<JobId>,
        current: Vec<JobInfo>,
        inbox: SyncSender<LoopEvent>,
    ) -> Watching {
        self.last += 1;
        let watcher = Watcher(self.last);
        let (events, receiver) = mpsc::channel(PORTION + BEHIND_MAX);
        self.ears.insert(watcher, Ear { actor, only, shown: None, events });
        let portion = (current.len() == PORTION).then_some(PORTION);
        self.catch_up(watcher, current);
        Watching { events: receiver, portion, watcher, inbox }
    }

    /// Who is still to be shown jobs: as whom, and from where on.
    pub(crate) fn behind(&self, watcher: Watcher) -> Option<(Actor, Bookmark)> {
        let ear = self.ears.get(&watcher)?;
        Some((ear.actor, ear.shown?))
    }

    /// Shows a watcher the next jobs; fewer than a portion are the last ones.
    pub(crate) fn catch_up(&mut self, watcher: Watcher, portion: Vec<JobInfo>) {
        let Some(ear) = self.ears.get_mut(&watcher) else {
            return;
        };
        let last = portion.last().filter(|_| portion.len() == PORTION);
        ear.shown = last.map(|job| Bookmark { creation: job.times.creation, job: job.id });
        let mut events = portion.into_iter().map(|job| Event { kind: EventKind::Current, job });
        // A reader that left so much unread that these do not fit is too far behind.
        if events.any(|event| ear.events.try_send(event).is_err()) {
            self.ears.remove(&watcher);
        }
    }

    /// How many there are, after letting go of those who left.
    pub(crate) fn count(&mut self) -> usize {
        self.ears.retain(|_, ear| !ear.events.is_closed());
        self.ears.len()
    }

    /// Whether anybody would be told of this job.
    pub(crate) fn any(&self, job: JobId, owner: Uid) -> bool {
        self.ears.values().any(|ear| ear.hears(job, owner))
    }

    /// Tells everybody who may see the job. Whoever is too far behind to take it is cut off: one
    /// slow reader holds nobody up, and learns what it missed when it comes back.
    pub(crate) fn tell(&mut self, kind: EventKind, job: &JobInfo) {
        let place = Bookmark { creation: job.times.creation, job: job.id };
        self.ears.retain(|_, ear| {
            !ear.hears(job.id, job.owner)
                || ear.shown.is_some_and(|shown| shown < place)
                || ear.events.try_send(Event { kind, job: job.clone() }).is_ok()
        });
    }
}

impl Ear {
    fn hears(&self, job: JobId, owner: Uid) -> bool {
        self.only.is_none_or(|only| only == job) && allows(self.actor, Act::List, owner)
    }
}
