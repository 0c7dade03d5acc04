//! Doing what is asked of a download.

use dobbin_core::access::{Act, Actor};
use dobbin_core::download::{Operation, Setting, View};
use dobbin_core::job::{JobEvent, Wish};
use dobbin_types::rest::{Failure, Outcome};
use dobbin_types::{DownloadState, ErrorCode, JobId};

use super::syntax::Reader;
use super::{DownloadCommand, FILE, Set, refused};
use crate::commands::done;
use crate::destination::Keep;
use crate::door;
use crate::event::{Command, Reply};
use crate::run::Loop;

/// A destination that the disk was asked about, before a first Start.
#[derive(Debug, Clone)]
pub(crate) struct LookedAt {
    pub(crate) path: String,
    pub(crate) keep: Keep,
}

/// What the disk is asked before a Start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Question {
    /// Whether a file may be put there: this is the first Start.
    MayPut(String),
    /// To take the name, for a file that the service writes in its own name: likewise.
    Take(String),
    /// Whether the name that was taken is still there.
    IsTaken(String),
}

pub(super) fn question(view: View<'_>) -> Option<Question> {
    let path = view.file().local_name.clone();
    match view.state() {
        _ if path.is_empty() => None,
        DownloadState::Created if view.download().in_place => Some(Question::Take(path)),
        DownloadState::Created => Some(Question::MayPut(path)),
        DownloadState::Paused if view.download().in_place => Some(Question::IsTaken(path)),
        DownloadState::Transferring
        | DownloadState::Transferred
        | DownloadState::Finalized
        | DownloadState::Aborted
        | DownloadState::Paused => None,
    }
}

/// Where the file will go, if the next Start is the first one.
fn destination(view: View<'_>) -> Option<String> {
    match question(view)? {
        Question::MayPut(path) | Question::Take(path) => Some(path),
        Question::IsTaken(_) => None,
    }
}

/// What an operation means, or why it is refused.
pub(super) fn decision(view: View<'_>, operation: &Operation) -> Result<Option<Wish>, Failure> {
    let state = view.state();
    view.decide(operation)
        .map_err(|code| Failure::new(code, format!("{} (the download is {state})", code.text())))
}

impl Loop {
    /// `Start`, `Pause`, `Finalize`, `Abort`.
    ///
    /// * `looked_at`: the destination that the disk was asked about.
    pub(super) fn operate(
        &mut self,
        actor: Actor,
        job: JobId,
        operation: Operation,
        looked_at: Option<LookedAt>,
        reply: Reply<Outcome>,
    ) {
        if matches!(operation, Operation::Abort) && self.may_end_handover(actor, job) {
            self.end_handover(job);
        }
        let Some(reply) = self.park(actor, job, reply, |reply| {
            let (operation, looked_at) = (operation.clone(), looked_at.clone());
            Command::Download(DownloadCommand::Operate { job, operation, looked_at, reply })
        }) else {
            return;
        };
        let (decision, state, is_blocking) = match self.find(actor, Act::Change, job) {
            Err(failure) => return self.answer(job, reply, Err(failure)),
            Ok(found) => {
                let view = found.view;
                let decision = self.decide(actor, view, &operation, looked_at.as_ref());
                (decision, view.job().state(), view.download().blocking)
            }
        };
        let is_start = matches!(operation, Operation::Start(_));
        let wish = match decision {
            Err(failure) => return self.answer(job, reply, Err(failure)),
            Ok(None) if is_start && is_blocking => return self.wait_for_end(job, reply),
            Ok(None) => return self.answer(job, reply, Ok(done(ErrorCode::S_OK, state))),
            Ok(Some(wish)) => wish,
        };
        if is_start {
            self.prepare_start(job, looked_at);
        }
        match wish {
            Wish::Complete => return self.complete(actor, job, reply),
            Wish::Cancel => return self.cancel(job, reply),
            _ => {}
        }
        let event = JobEvent::Wish(wish);
        if is_start && is_blocking {
            self.step(job, event, Vec::new(), |_| {});
            self.wait_for_end(job, reply);
        } else {
            self.wish_of(actor, job, event, move |outcome| {
                // The caller may have hung up; what was asked is done either way.
                let _ = reply.send(outcome.map(|state| done(ErrorCode::S_OK, state)));
            });
        }
    }

    fn decide(
        &self,
        actor: Actor,
        view: View<'_>,
        operation: &Operation,
        looked_at: Option<&LookedAt>,
    ) -> Result<Option<Wish>, Failure> {
        let decision = decision(view, operation)?;
        if let Some(Wish::Portion(ranges)) = &decision {
            if destination(view).as_ref() != looked_at.map(|looked_at| &looked_at.path) {
                return Err(Failure::new(
                    ErrorCode::DO_E_INVALID_STATE,
                    "the destination was changed while the download was being started",
                )
                .remedy("start it again"));
            }
            let ranges_count = view.file().ranges.len() + ranges.len();
            self.limits.more_files(actor.uid(), 0, [ranges_count]).map_err(door::refused)?;
        }
        Ok(decision)
    }

    /// What a start brings along beside the wish: the bytes get their place, an agent that found the
    /// download waiting runs it, and another download to the same file makes way.
    fn prepare_start(&mut self, job: JobId, looked_at: Option<LookedAt>) {
        self.release(job);
        let Some(entry) = self.entries.get(&job) else {
            return;
        };
        let first = View::of(&entry.job).and_then(destination);
        let Some(LookedAt { path, keep }) = looked_at.filter(|at| Some(&at.path) == first.as_ref())
        else {
            return;
        };
        let beside = self.beside(&entry.job, FILE, &path, keep);
        let owner = entry.job.owner();
        let is_rival = |other: &crate::entry::Entry| {
            other.job.id() != job
                && other.job.file(FILE).is_some_and(|file| file.local_name == path)
                && View::of(&other.job).is_some_and(|view| view.download().started)
        };
        let rivals: Vec<JobId> = self
            .entries
            .of(owner, None)
            .filter(|entry| is_rival(entry) && !entry.job.is_publishing())
            .map(|entry| entry.job.id())
            .collect();
        if let Some(live) = self.entries.get_mut(&job).and_then(|entry| entry.files.first_mut()) {
            live.extras.beside = beside;
        }
        for rival in rivals {
            tracing::info!(job = %rival, by = %job, "a download to the same file was aborted");
            self.outcome(rival, JobEvent::Wish(Wish::Cancel));
        }
    }

    /// `SetProperty`, for one property or several: all of them or none.
    pub(super) fn set_properties(
        &mut self,
        actor: Actor,
        job: JobId,
        sets: Vec<Set>,
        reply: Reply<()>,
    ) {
        let Some(reply) = self.park(actor, job, reply, |reply| {
            Command::Download(DownloadCommand::Set { job, sets: sets.clone(), reply })
        }) else {
            return;
        };
        let settings: Result<Vec<Setting>, Failure> = self
            .find(actor, Act::Change, job)
            .and_then(|found| sets.into_iter().map(|set| checked(found.view, set)).collect());
        match settings {
            Err(failure) => self.answer(job, reply, Err(failure)),
            Ok(settings) => {
                let event = |setting| JobEvent::Wish(Wish::SetProperty(setting));
                // The caller may have hung up; the properties are set either way. In one write: also a
                // crash leaves all of them or none.
                let done = move |outcome| drop(reply.send(outcome));
                self.outcomes(job, settings.into_iter().map(event), done);
            }
        }
    }
}

/// What setting a property changes, or why it is refused.
fn checked(view: View<'_>, set: Set) -> Result<Setting, Failure> {
    let property = set.property;
    view.may_set(property).map_err(|code| refused(code, property))?;
    let setting = view.setting(property, set.value, &Reader);
    let setting = setting.map_err(|(code, why)| {
        Failure::new(code, format!("{property}: {why}")).at(property.word())
    })?;
    set.allowed.map(|()| setting)
}
