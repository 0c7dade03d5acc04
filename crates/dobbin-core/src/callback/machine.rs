//! The machine itself.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use dobbin_types::{JobId, Uid};

use super::line::{Due, Line, Stage};
use super::users::{Place, Users};
use super::{
    ANSWER_PATIENCE, Answered, Call, CallNumber, Listener, Owed, Saying, TRIES_MAX, repeat_delay,
};
use crate::time::Tick;

/// All registrations and all that is owed.
///
/// After whatever it was told, and whenever [`Callbacks::next_wake`] has come, [`Callbacks::due`]
/// says which calls to make.
#[derive(Debug)]
pub struct Callbacks {
    lines: BTreeMap<JobId, Line>,
    users: Users,
    timers: BTreeSet<(Tick, JobId)>,
    next_number: u64,
    next_order: u64,
}

impl Callbacks {
    /// Nobody listens and nothing is owed.
    ///
    /// * `first_number`: where the numbers of listeners and calls begin. Beyond all those of an
    ///   earlier process, so that an answer meant for that one answers nothing here.
    pub fn new(first_number: u64) -> Callbacks {
        Callbacks {
            lines: BTreeMap::new(),
            users: Users::default(),
            timers: BTreeSet::new(),
            next_number: first_number,
            next_order: 0,
        }
    }

    /// A program of `user` listens from now on.
    pub fn listen(&mut self, user: Uid) -> Listener {
        let listener = Listener(self.number());
        self.users.add(listener, user);
        listener
    }

    /// The user whose program listens there; `None` when nobody does.
    pub fn user(&self, listener: Listener) -> Option<Uid> {
        self.users.user(listener)
    }

    /// A program hung up: its registrations are gone, and what was owed to it is kept for the next
    /// one. Until there is one, it may still say that it took a call.
    pub fn hung_up(&mut self, listener: Listener) {
        for job in self.users.jobs(listener).map(core::mem::take).unwrap_or_default() {
            self.take_listener(job);
            self.settle(job);
        }
        self.users.remove(listener);
    }

    /// `SetNotifyInterface`: the listener is called about the job from now on, and nobody else.
    /// Returns who was before. What is owed is said to the new one from the beginning.
    ///
    /// A listener that is not there registers nothing.
    pub fn register(&mut self, job: JobId, listener: Listener) -> Option<Listener> {
        let before = self.take_listener(job);
        if let Some(jobs) = self.users.jobs(listener) {
            jobs.insert(job);
            let number = CallNumber(self.number());
            let line = self.lines.entry(job).or_default();
            line.listener = Some(listener);
            if let Some(due) = &mut line.owed {
                (due.number, due.tries) = (number, 0);
            }
            self.move_to(job, Stage::Waiting);
        }
        self.settle(job);
        before.filter(|before| *before != listener)
    }

    /// `SetNotifyInterface(NULL)`. Returns who was registered.
    pub fn clear(&mut self, job: JobId) -> Option<Listener> {
        let before = self.take_listener(job);
        self.settle(job);
        before
    }

    /// `GetNotifyInterface`.
    pub fn registered(&self, job: JobId) -> Option<Listener> {
        self.lines.get(&job)?.listener
    }

    /// What the job owes now, as its state and its flags say ([`crate::job::Job::owed_call`]). Said
    /// again, it changes nothing.
    pub fn owe(&mut self, job: JobId, owed: Option<Owed>, now: Tick) {
        if self.owed(job) == owed {
            return;
        }
        self.move_to(job, Stage::Kept);
        let number = CallNumber(self.number());
        self.next_order += 1;
        let order = self.next_order;
        let line = self.lines.entry(job).or_default();
        line.owed = owed.map(|owed| Due { owed, order, number, tries: 0, stage: Stage::Kept });
        if owed.is_none() {
            line.modification.release(now);
        }
        if line.listener.is_some() {
            self.move_to(job, Stage::Waiting);
        }
        self.settle(job);
    }

    /// What the job owes, as far as this was told.
    pub fn owed(&self, job: JobId) -> Option<Owed> {
        self.lines.get(&job)?.owed.map(|due| due.owed)
    }

    /// Something about the job changed that its flags ask for.
    pub fn modified(&mut self, job: JobId, now: Tick) {
        if let Some(line) = self.lines.get_mut(&job) {
            line.modified(now);
            self.settle(job);
        }
    }

    /// The job became transferred or failed: what changed before is not told any more, because that
    /// would look like a modification on entry.
    pub fn entered_rest(&mut self, job: JobId) {
        if let Some(line) = self.lines.get_mut(&job) {
            line.modification.forget();
            self.settle(job);
        }
    }

    /// The job is over. Returns who was registered for it.
    pub fn forget(&mut self, job: JobId, now: Tick) -> Option<Listener> {
        self.owe(job, None, now);
        self.clear(job)
    }

    /// A program answered a call.
    pub fn answered(
        &mut self,
        job: JobId,
        number: CallNumber,
        is_taken: bool,
        now: Tick,
    ) -> Answered {
        let due = self.lines.get(&job).and_then(|line| line.owed);
        let Some(due) = due.filter(|due| due.number == number && due.tries > 0) else {
            return Answered::Late;
        };
        if is_taken {
            self.owe(job, None, now);
            return Answered::Taken;
        }
        // Otherwise the answer is to a call that was counted as unanswered already.
        if let Stage::Out { again, .. } = due.stage {
            self.rest(job, due, again);
        }
        self.settle(job);
        Answered::Refused
    }

    /// The calls to make now, in this order. To be carried out at once: they count as made.
    pub fn due(&mut self, now: Tick) -> Vec<Call> {
        let mut calls = Vec::new();
        // In turns: a call that was made may let out a modification that had to come after it.
        loop {
            let timer = self.timers.first().copied().filter(|(tick, _)| *tick <= now);
            let job = if let Some((_, job)) = timer {
                calls.extend(self.time_came(job, now));
                job
            } else if let Some((listener, (_, _, job))) = self.users.next() {
                calls.extend(self.make(job, listener, now));
                job
            } else {
                return calls;
            };
            self.settle(job);
        }
    }

    /// When [`Callbacks::due`] next has something to say, if nothing else happens.
    pub fn next_wake(&self) -> Option<Tick> {
        self.timers.first().map(|(tick, _)| *tick)
    }

    /// Lets what is due of one job happen, and says what changed about it if that is due.
    fn time_came(&mut self, job: JobId, now: Tick) -> Option<Call> {
        let due = self.lines.get(&job)?.owed;
        match due.map(|due| (due, due.stage)) {
            Some((due, Stage::Out { until, again })) if until <= now => {
                self.rest(job, due, again);
            }
            Some((_, Stage::Resting { again })) if again <= now => {
                self.move_to(job, Stage::Waiting);
            }
            Some((_, Stage::Kept | Stage::Waiting | Stage::Out { .. } | Stage::Resting { .. }))
            | None => {}
        }
        let line = self.lines.get_mut(&job)?;
        let listener = line.listener?;
        let is_told = line.takes_modification(now);
        is_told.then_some(Call { listener, job, saying: Saying::Modification })
    }

    /// Makes a call that has a place.
    fn make(&mut self, job: JobId, listener: Listener, now: Tick) -> Option<Call> {
        let tries = self.lines.get(&job)?.owed?.tries + 1;
        let again = now.after(repeat_delay(tries));
        self.move_to(job, Stage::Out { until: now.after(ANSWER_PATIENCE), again });
        let line = self.lines.get_mut(&job)?;
        let due = line.owed.as_mut()?;
        due.tries = tries;
        let saying = Saying::Owed(due.owed, due.number);
        line.modification.release(now);
        Some(Call { listener, job, saying })
    }

    /// After a call that was not taken: until it is made again, or kept for another program.
    fn rest(&mut self, job: JobId, due: Due, again: Tick) {
        if due.tries >= TRIES_MAX {
            self.move_to(job, Stage::Kept);
        } else {
            self.move_to(job, Stage::Resting { again });
        }
    }

    /// Takes the registration off a job.
    fn take_listener(&mut self, job: JobId) -> Option<Listener> {
        self.move_to(job, Stage::Kept);
        let line = self.lines.get_mut(&job)?;
        let listener = line.listener.take()?;
        line.modification = Default::default();
        if let Some(jobs) = self.users.jobs(listener) {
            jobs.remove(&job);
        }
        Some(listener)
    }

    /// The one place where an owed call changes its stage, so that places are counted right.
    fn move_to(&mut self, job: JobId, stage: Stage) {
        let Some(line) = self.lines.get_mut(&job) else {
            return;
        };
        let (Some(due), Some(listener)) = (&mut line.owed, line.listener) else {
            return;
        };
        let place: Place = (due.tries, due.order, job);
        match due.stage {
            Stage::Waiting => self.users.stop_waiting(listener, place),
            Stage::Out { .. } => self.users.come_back(listener),
            Stage::Kept | Stage::Resting { .. } => {}
        }
        match stage {
            Stage::Waiting => self.users.wait(listener, place),
            Stage::Out { .. } => self.users.go_out(listener),
            Stage::Kept | Stage::Resting { .. } => {}
        }
        due.stage = stage;
    }

    /// Brings the timers up to date with one job, and forgets a job with nothing to keep.
    fn settle(&mut self, job: JobId) {
        let Some(line) = self.lines.get_mut(&job) else {
            return;
        };
        let wake = line.due();
        if line.wake != wake {
            if let Some(before) = core::mem::replace(&mut line.wake, wake) {
                self.timers.remove(&(before, job));
            }
            if let Some(wake) = wake {
                self.timers.insert((wake, job));
            }
        }
        if line.is_empty() {
            self.lines.remove(&job);
        }
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}
