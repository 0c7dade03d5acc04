//! Calling programs back: the loop's side of `IBackgroundCopyCallback`.
//!
//! What a job owes is read off the job ([`Job::owed_call`](dobbin_core::job::Job::owed_call)) and
//! told to the machine in core: that something is owed once it is durable, that nothing is any more
//! at once. So whatever happens in between, nothing is said that a crash could take back, and
//! nothing that is no longer so.

use dobbin_core::access::{Act, Actor};
use dobbin_core::callback::{Answered, Call, CallNumber, Listener, Owed, Saying};
use dobbin_core::job::{Attempt, JobEvent, Notice};
use dobbin_platform::Clock;
use dobbin_types::rest::{
    CallNumber as WireNumber, CallbackEvent, CallbackInfo, Failure, ListenerId, Outcome, Released,
};
use dobbin_types::{ErrorCode, JobId, NotifyFlags};

use crate::commands::done;
use crate::entry::Entry;
use crate::event::{CallbackCommand, Event, Reply};
use crate::listen::Listening;
use crate::picture;
use crate::run::Loop;

impl Loop {
    /// Answers a command about callbacks.
    pub(crate) fn callback_command(&mut self, actor: Actor, command: CallbackCommand) {
        match command {
            CallbackCommand::Listen { reply } => {
                let listening = self.listen(actor);
                self.answer_of_all(reply, listening);
            }
            CallbackCommand::Set { job, listener, reply } => {
                let outcome = self.set_callback(actor, job, listener);
                self.answer(job, reply, outcome);
            }
            CallbackCommand::Get { job, reply } => {
                let info = self.callback_info(actor, job);
                self.answer(job, reply, info);
            }
            CallbackCommand::Answer { job, number, result, reply } => {
                self.call_answered(actor, job, number, result, reply);
            }
        }
    }

    fn listen(&mut self, actor: Actor) -> Result<Listening, Failure> {
        self.listeners.add(actor.uid()).ok_or_else(|| {
            Failure::new(ErrorCode::DO_E_NO_SERVICE, "too many programs listen already")
        })
    }

    /// `SetNotifyInterface`.
    fn set_callback(
        &mut self,
        actor: Actor,
        job: JobId,
        listener: Option<ListenerId>,
    ) -> Result<Outcome, Failure> {
        let state = self.entry(actor, Act::Change, job)?.job.state();
        let (before, why) = match listener {
            Some(id) => {
                let listener = Listener(id.0);
                if !self.listeners.is_of(listener, actor.uid()) {
                    let message = format!("no program of yours listens as number {}", id.0);
                    return Err(Failure::new(ErrorCode::E_INVALIDARG, message).at("listener"));
                }
                (self.listeners.callbacks.register(job, listener), Released::Replaced)
            }
            None => (self.listeners.callbacks.clear(job), Released::Cleared),
        };
        if let Some(before) = before {
            self.listeners.say(before, CallbackEvent::Released { job, why });
        }
        Ok(done(ErrorCode::S_OK, state))
    }

    /// `GetNotifyInterface`: also of a job that is over, for which nobody is registered.
    fn callback_info(&self, actor: Actor, job: JobId) -> Result<CallbackInfo, Failure> {
        self.info(actor, job)?;
        let listener = self.listeners.callbacks.registered(job);
        let listener = listener.filter(|listener| self.listeners.is_there(*listener));
        Ok(CallbackInfo { listener: listener.map(|listener| ListenerId(listener.0)) })
    }

    /// A callback returned. A call that was taken is durably so before the program hears of it.
    fn call_answered(
        &mut self,
        actor: Actor,
        job: JobId,
        number: WireNumber,
        result: ErrorCode,
        reply: Reply<Outcome>,
    ) {
        let state = match self.entry(actor, Act::Change, job).map(|entry| entry.job.state()) {
            Ok(state) => state,
            // Not an error: a callback may well end its job before it returns.
            Err(failure) if failure.code == ErrorCode::DO_E_INVALID_STATE => {
                let info = self.info(actor, job);
                return self.answer(
                    job,
                    reply,
                    info.map(|info| done(ErrorCode::S_FALSE, info.state)),
                );
            }
            Err(failure) => return self.answer(job, reply, Err(failure)),
        };
        let is_taken = result == ErrorCode::S_OK;
        let now = self.clock.now();
        let number = CallNumber(number.0);
        match self.listeners.callbacks.answered(job, number, is_taken, now) {
            Answered::Taken => self.step(job, JobEvent::CallAcknowledged, Vec::new(), |outcome| {
                // The program may have hung up; its answer stands either way.
                let _ = reply.send(outcome.map(|state| done(ErrorCode::S_OK, state)));
            }),
            Answered::Refused => {
                tracing::debug!(%job, code = %result, "a program refused a call");
                self.answer(job, reply, Ok(done(ErrorCode::S_OK, state)));
            }
            Answered::Late => self.answer(job, reply, Ok(done(ErrorCode::S_FALSE, state))),
        }
    }

    /// Tells the machine of what changed about a job, as far as its flags ask for it.
    pub(crate) fn call_about(&mut self, job: JobId, notice: Notice) {
        let asked = match notice {
            Notice::Modified => [NotifyFlags::JOB_MODIFICATION; 2],
            Notice::FileTransferred => {
                [NotifyFlags::JOB_MODIFICATION, NotifyFlags::FILE_TRANSFERRED]
            }
            // Said as what they are, and never as a modification.
            Notice::Transferred | Notice::Error => {
                return self.listeners.callbacks.entered_rest(job);
            }
            Notice::Ended => return,
        };
        let flags = self.entries.get(&job).map(|entry| entry.job.notify_flags());
        if flags.is_some_and(|flags| asked.iter().any(|flag| flags.tell(*flag))) {
            self.listeners.callbacks.modified(job, self.clock.now());
        }
    }

    /// What the job owes and the machine does not know of: to be sent when it is durable.
    pub(crate) fn call_to_owe(&self, job: JobId) -> Option<Event> {
        let entry = self.entries.get(&job)?;
        let owed = entry.job.owed_call()?;
        (self.listeners.callbacks.owed(job) != Some(owed))
            .then(|| Event::CallOwed { job, attempt: entry.job.attempt() })
    }

    /// What the job owes is durable, unless it moved on since.
    pub(crate) fn call_owed(&mut self, job: JobId, attempt: Attempt) {
        let Some(entry) = self.entries.get(&job) else {
            return;
        };
        if entry.job.attempt() == attempt {
            self.listeners.callbacks.owe(job, entry.job.owed_call(), self.clock.now());
        }
    }

    /// Takes back what a job owed and owes no more.
    pub(crate) fn withdraw_call(&mut self, job: JobId) {
        let owed = self.entries.get(&job).and_then(|entry| entry.job.owed_call());
        let known = self.listeners.callbacks.owed(job);
        if known.is_some() && known != owed {
            self.listeners.callbacks.owe(job, None, self.clock.now());
        }
    }

    /// What the jobs found at start owe, in the order in which it happened.
    pub(crate) fn owe_what_was_owed(&mut self) {
        let owing = self.entries.values().filter(|entry| entry.job.owed_call().is_some());
        let mut owing: Vec<_> = owing.map(|entry| (happened(entry), entry.job.id())).collect();
        owing.sort();
        for (_, job) in owing {
            let owed = self.entries.get(&job).and_then(|entry| entry.job.owed_call());
            self.listeners.callbacks.owe(job, owed, self.clock.now());
        }
    }

    /// A job is over, and that is durable: its program hears of it for the last time.
    pub(crate) fn call_last(&mut self, job: JobId) {
        let Some(listener) = self.listeners.callbacks.forget(job, self.clock.now()) else {
            return;
        };
        if let Some(entry) = self.leaving.get(&job)
            && entry.job.notify_flags().tell(NotifyFlags::JOB_MODIFICATION)
        {
            let job = picture::job(entry, &self.clock);
            self.listeners.say(listener, CallbackEvent::JobModification { job });
        }
        self.listeners.say(listener, CallbackEvent::Released { job, why: Released::Ended });
    }

    /// Makes the calls that are due.
    pub(crate) fn make_calls(&mut self) {
        loop {
            let calls = self.listeners.callbacks.due(self.clock.now());
            if calls.is_empty() {
                return;
            }
            for call in calls {
                let entry = self.entries.get(&call.job);
                if let Some(event) = entry.and_then(|entry| event_of(&call, entry, &self.clock)) {
                    self.listeners.say(call.listener, event);
                }
            }
        }
    }
}

/// When the state that a job is in began.
fn happened(entry: &Entry) -> dobbin_types::FileTime {
    let times = entry.job.times();
    match entry.job.owed_call() {
        Some(Owed::Transferred) => times.transfer_completion.unwrap_or(times.modification),
        Some(Owed::Error) | None => times.modification,
    }
}

/// A call in words, with the picture of now. `None` for what the flags no longer ask for.
fn event_of(call: &Call, entry: &Entry, clock: &Clock) -> Option<CallbackEvent> {
    let job = picture::job(entry, clock);
    Some(match call.saying {
        Saying::Owed(Owed::Transferred, CallNumber(number)) => {
            CallbackEvent::JobTransferred { number: WireNumber(number), job }
        }
        Saying::Owed(Owed::Error, CallNumber(number)) => {
            let error = picture::error_object(&entry.job)?;
            CallbackEvent::JobError { number: WireNumber(number), job, error }
        }
        Saying::Modification if job.notify_flags.contains(NotifyFlags::DISABLE) => return None,
        Saying::Modification => CallbackEvent::JobModification { job },
    })
}
