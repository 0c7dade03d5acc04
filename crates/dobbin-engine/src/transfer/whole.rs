//! Whether a file that is all here is the one that is meant: by the hash that the caller gave, else by
//! what its origin says of it.

use dobbin_core::source::share::SourceId;
use dobbin_core::source::word::Verdict;
use dobbin_net::http::Response;

use super::end::End;
use super::hash::WholeHash;
use super::ledger::Checking;
use super::work::{State, Work};

/// What follows from a file's hash.
pub(super) enum Whole {
    /// It is the one, or nothing tells.
    Right,
    /// It is to be fetched once more.
    Again,
    /// The same, from its own URL alone: one of several sources lied.
    AgainFromOwn,
    /// It is not. Who brought all of it; `None` where several did, or nobody knows.
    Blame(Option<SourceId>),
    /// It is not, and will not be; why.
    Wrong(&'static str),
}

impl Work {
    /// Judges the file, all of which is here.
    pub(super) async fn judge_whole(&self) -> Result<Whole, End> {
        let given = self.order.file.sha256;
        let is_due = {
            let state = self.state();
            if given.is_none() && state.is_mixed() && !state.is_proved(false) {
                // What proved that several sources may be mixed was taken back.
                return Ok(Whole::AgainFromOwn);
            }
            given.is_some() || (state.manifest.is_none() && state.word.expected().is_some())
        };
        let found = if is_due { self.hash_whole().await? } else { None };
        Ok(match (found, given) {
            (None, _) => Whole::Right,
            (Some(found), Some(given)) if found == given => Whole::Right,
            (Some(_), Some(_)) => self.not_as_given(),
            (Some(found), None) => self.not_as_said(found),
        })
    }

    /// The file does not have the hash that the caller gave. Where bytes of two versions may have been
    /// joined, one more try from zero is due before anybody is blamed.
    fn not_as_given(&self) -> Whole {
        let state = &mut *self.state();
        let was_glued = std::mem::take(&mut state.glued_blindly);
        match state.came_from {
            Some(Some(SourceId::OWN)) | None if was_glued => Whole::Again,
            // All of it was here before.
            None if state.sources.share.len() == 1 => Whole::Blame(Some(SourceId::OWN)),
            Some(liar) => Whole::Blame(liar),
            None => Whole::Blame(None),
        }
    }

    /// What follows from `found`, where the origin said what it should be.
    fn not_as_said(&self, found: [u8; 32]) -> Whole {
        let state = &mut *self.state();
        let is_own = !state.has_bytes_of_others();
        let host = state.sources.get(SourceId::OWN).host().to_owned();
        match state.word.judge(found, is_own) {
            Verdict::Right => Whole::Right,
            Verdict::Again => {
                tracing::warn!(job = %self.order.job, host, "a file differs from its origin's digest");
                Whole::AgainFromOwn
            }
            Verdict::WordIsWrong => {
                tracing::warn!(job = %self.order.job, host, "an origin's digest is not its file's");
                let why = "the server names a hash that its file does not have";
                self.order.ledger.note_checking(Checking::Not { why: why.into() });
                Whole::Right
            }
            Verdict::Damaged => {
                Whole::Wrong("comes damaged: it has other bytes each time than its server says")
            }
        }
    }

    /// The hash of the file; `None` if nothing of it is here.
    async fn hash_whole(&self) -> Result<Option<[u8; 32]>, End> {
        let found = {
            let state = &mut *self.state();
            state.sink.as_mut().map(|sink| (sink.hash.take(), sink.staging.clone()))
        };
        let Some((hash, staging)) = found else {
            return Ok(None);
        };
        let hash = hash.unwrap_or_else(WholeHash::new);
        match hash.finish(&staging, &self.stop).await? {
            Some(digest) => Ok(Some(digest)),
            None => Err(End::Stopped),
        }
    }

    /// Whether bytes are hashed as they pass.
    pub(super) fn hashes_whole(&self, state: &State) -> bool {
        self.order.file.sha256.is_some() || state.word.expected().is_some()
    }

    /// What a reply of the file's own URL, which is taken, says of the whole: it counts where nobody said
    /// better, and where the whole is what is fetched.
    pub(super) fn hear(&self, response: &Response) {
        if self.order.file.sha256.is_none() && self.order.file.ranges.is_empty() {
            self.state().word.hear(response.sha256);
        }
    }
}

impl State {
    /// Whether any byte came from elsewhere than the file's own URL.
    fn has_bytes_of_others(&self) -> bool {
        self.came_from.is_some_and(|one| one != Some(SourceId::OWN))
    }

    /// Whether bytes came from several sources.
    fn is_mixed(&self) -> bool {
        self.came_from == Some(None)
    }
}
