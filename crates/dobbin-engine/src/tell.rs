//! Telling whoever watches.

use dobbin_core::access::{Act, Actor, allows};
use dobbin_types::rest::{Event, EventKind, JobInfo};
use dobbin_types::{JobId, Uid};
use tokio::sync::mpsc;

/// Events that a watcher may be behind before it is cut off.
const BEHIND_MAX: usize = 1_024;

/// Watchers at once.
pub(crate) const WATCHERS_MAX: usize = 1_024;

struct Watcher {
    actor: Actor,
    only: Option<JobId>,
    events: mpsc::Sender<Event>,
}

/// Everybody who watches.
#[derive(Default)]
pub(crate) struct Watchers {
    all: Vec<Watcher>,
}

impl Watchers {
    /// A new watcher, told first how the jobs it may see stand.
    pub(crate) fn add(
        &mut self,
        actor: Actor,
        only: Option<JobId>,
        current: Vec<JobInfo>,
    ) -> mpsc::Receiver<Event> {
        let (events, receiver) = mpsc::channel(current.len() + BEHIND_MAX);
        for job in current {
            // There is room for all of them: the channel was made that long.
            let _ = events.try_send(Event { kind: EventKind::Current, job });
        }
        self.all.push(Watcher { actor, only, events });
        receiver
    }

    /// How many there are, after letting go of those who left.
    pub(crate) fn count(&mut self) -> usize {
        self.all.retain(|watcher| !watcher.events.is_closed());
        self.all.len()
    }

    /// Whether anybody would be told of this job.
    pub(crate) fn any(&self, job: JobId, owner: Uid) -> bool {
        self.all.iter().any(|watcher| watcher.sees(job, owner))
    }

    /// Tells everybody who may see the job. Whoever is too far behind to take it is cut off: one
    /// slow reader holds nobody up, and learns what it missed when it comes back.
    pub(crate) fn tell(&mut self, kind: EventKind, job: &JobInfo) {
        self.all.retain(|watcher| {
            !watcher.sees(job.id, job.owner)
                || watcher.events.try_send(Event { kind, job: job.clone() }).is_ok()
        });
    }
}

impl Watcher {
    fn sees(&self, job: JobId, owner: Uid) -> bool {
        self.only.is_none_or(|only| only == job) && allows(self.actor, Act::List, owner)
    }
}
