//! What the client knows of its jobs: what was promised to it, and what was under way when the agent
//! died.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use dobbin_types::rest::{AddFile, Outcome};
use dobbin_types::{ErrorCode, JobId, JobState, Priority};

/// States that a job may be found in, or that it may be gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowed(u16);

impl Allowed {
    /// It is not there (any more).
    pub(super) const GONE: Allowed = Allowed(1 << 15);

    /// Only this one.
    pub(super) fn only(state: JobState) -> Allowed {
        if state.is_final() { Allowed::GONE } else { Allowed(1 << state.number()) }
    }

    /// Wherever a job goes by itself that was resumed.
    pub(super) fn resumed(completes_itself: bool) -> Allowed {
        let states = [
            JobState::Queued,
            JobState::Connecting,
            JobState::Transferring,
            JobState::TransientError,
            JobState::Error,
            JobState::Transferred,
        ];
        let gone = if completes_itself { Allowed::GONE } else { Allowed(0) };
        states.into_iter().fold(gone, |all, state| all.or(Allowed::only(state)))
    }

    /// Where a job can be later that is in `state` now, if nobody asks anything of it.
    pub(super) fn from(state: JobState, completes_itself: bool) -> Allowed {
        match state {
            JobState::Queued
            | JobState::Connecting
            | JobState::Transferring
            | JobState::TransientError => Allowed::resumed(completes_itself),
            JobState::Transferred if completes_itself => Allowed::only(state).or(Allowed::GONE),
            JobState::Suspended
            | JobState::Error
            | JobState::Transferred
            | JobState::Acknowledged
            | JobState::Cancelled => Allowed::only(state),
        }
    }

    pub(super) fn or(self, other: Allowed) -> Allowed {
        Allowed(self.0 | other.0)
    }

    pub(super) fn has(self, other: Allowed) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = JobState::ALL.iter().filter(|state| self.0 & 1 << state.number() != 0);
        let mut words: Vec<&str> = states.map(|state| state.word()).collect();
        if self.has(Allowed::GONE) {
            words.push("gone");
        }
        f.write_str(&words.join("|"))
    }
}

/// A file that a client wants.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// As it is asked for.
    pub(super) add: AddFile,
    /// Where it goes.
    pub(crate) path: PathBuf,
    /// What it may hold: one of these, whole.
    pub(crate) results: Vec<Arc<Vec<u8>>>,
    /// Whether bytes of it that are fetched again are counted.
    pub(super) counts: bool,
    /// Its bytes were looked at when it was said to be finished, and were right.
    pub(super) found_finished: bool,
}

/// A job, as its client knows it.
#[derive(Debug)]
pub(crate) struct Job {
    /// Unique: by it a job is found again whose creation was not answered.
    pub(crate) name: String,
    /// `None` while its creation is not answered.
    pub(super) id: Option<JobId>,
    /// Its files, the ones whose addition is not answered included.
    pub(crate) files: Vec<Wanted>,
    /// So many of them are promised.
    pub(super) files_promised: usize,
    /// What is promised of its state, and what an unanswered wish may have made of it.
    pub(super) allowed: Allowed,
    /// The same of its priority.
    pub(super) priorities: BTreeSet<Priority>,
    /// The agent completes it.
    pub(super) completes_itself: bool,
    /// Somebody has asked to complete or to cancel it, be it in vain.
    pub(super) end_was_asked: bool,
    /// Somebody has asked to complete it, so that files of it may stand under their names.
    pub(super) may_be_published: bool,
    /// Completing it was answered with `S_OK`, or it can only be gone because it was completed whole.
    pub(super) is_published_whole: bool,
    /// The last state that the agent told.
    pub(super) told: Option<JobState>,
}

impl Job {
    /// The wish was answered: this is so from now on.
    pub(super) fn promised(&mut self, outcome: &Outcome) {
        self.allowed = Allowed::from(outcome.state, self.completes_itself);
        self.told = Some(outcome.state);
        if outcome.state == JobState::Acknowledged && outcome.code == ErrorCode::S_OK {
            self.is_published_whole = true;
        }
    }

    /// The wish was not answered: it may have been fulfilled.
    pub(super) fn maybe(&mut self, then: Allowed) {
        self.allowed = self.allowed.or(then);
    }

    /// The agent has told where it stands.
    pub(super) fn seen(&mut self, state: JobState) {
        self.allowed = Allowed::from(state, self.completes_itself);
        self.told = Some(state);
    }

    /// Whether there is something to ask of it.
    pub(super) fn is_live(&self) -> bool {
        self.id.is_some() && self.allowed != Allowed::GONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_promised_is_no_more_than_what_was_answered() {
        let resumed = Allowed::resumed(false);
        assert!(resumed.has(Allowed::only(JobState::Transferred)));
        assert!(!resumed.has(Allowed::only(JobState::Suspended)));
        assert!(!resumed.has(Allowed::GONE));
        assert!(Allowed::resumed(true).has(Allowed::GONE));
        assert_eq!(Allowed::from(JobState::Suspended, true), Allowed::only(JobState::Suspended));
        assert_eq!(Allowed::from(JobState::Error, false), Allowed::only(JobState::Error));
        assert_eq!(Allowed::from(JobState::Cancelled, false), Allowed::GONE);
        assert!(Allowed::from(JobState::Transferred, true).has(Allowed::GONE));
        let unanswered = Allowed::only(JobState::Suspended).or(resumed);
        assert!(unanswered.has(Allowed::only(JobState::Suspended)) && unanswered.has(resumed));
        assert_eq!(Allowed::GONE.or(Allowed::only(JobState::Error)).to_string(), "error|gone");
    }
}
