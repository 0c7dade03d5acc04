//! What is kept for one job.

use super::{CallNumber, Listener, MODIFICATION_PAUSE, Owed};
use crate::time::Tick;

/// One job: who is registered for it and what there is to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Line {
    pub(super) listener: Option<Listener>,
    pub(super) owed: Option<Due>,
    pub(super) modification: Modification,
    /// When time next has something to do here; the machine's timers hold the same.
    pub(super) wake: Option<Tick>,
}

/// A call that is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) owed: Owed,
    /// Its place among all that was ever owed.
    pub(super) order: u64,
    pub(super) number: CallNumber,
    /// How often the listener of today has been called.
    pub(super) tries: u32,
    pub(super) stage: Stage,
}

/// How far an owed call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nobody is registered for the job, or nobody who takes the call: it was given up.
    Kept,
    /// It waits for one of the user's places.
    Waiting,
    /// It was made and takes up a place, until `until`; made again at `again` without an answer.
    Out { until: Tick, again: Tick },
    /// It is made again at this time.
    Resting { again: Tick },
}

/// What there is to say of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Modification {
    /// When the program was last told.
    told: Option<Tick>,
    /// When it is told next.
    planned: Option<Tick>,
    /// It is told right after the owed call that has to come before it.
    held: bool,
}

impl Line {
    /// Whether nothing at all has to be kept of the job.
    pub(super) fn is_empty(&self) -> bool {
        self.listener.is_none() && self.owed.is_none()
    }

    /// When time next has something to do.
    pub(super) fn due(&self) -> Option<Tick> {
        let call = self.owed.and_then(|due| match due.stage {
            Stage::Kept | Stage::Waiting => None,
            Stage::Out { until, .. } => Some(until),
            Stage::Resting { again } => Some(again),
        });
        [call, self.modification.planned].into_iter().flatten().min()
    }

    /// The job changed: plans to say so, unless that is planned already.
    pub(super) fn modified(&mut self, now: Tick) {
        if self.listener.is_none() {
            return;
        }
        let is_first = self.owed.is_some_and(|due| due.stage == Stage::Waiting && due.tries == 0);
        self.modification.plan(now, is_first);
    }

    /// Whether the modification that was planned is to be told now.
    pub(super) fn takes_modification(&mut self, now: Tick) -> bool {
        let is_due = self.modification.planned.is_some_and(|at| at <= now);
        if is_due {
            self.modification = Modification { told: Some(now), ..Modification::default() };
        }
        is_due
    }
}

impl Modification {
    /// * `held`: something that happened before has not been told yet.
    fn plan(&mut self, now: Tick, held: bool) {
        if held {
            self.held = true;
        } else if self.planned.is_none() {
            let earliest = self.told.map_or(now, |told| told.after(MODIFICATION_PAUSE));
            self.planned = Some(earliest.max(now));
        }
    }

    /// What had to come before has been told.
    pub(super) fn release(&mut self, now: Tick) {
        if core::mem::take(&mut self.held) {
            self.plan(now, false);
        }
    }

    /// What was not told is part of what is told now.
    pub(super) fn forget(&mut self) {
        (self.planned, self.held) = (None, false);
    }
}
