//! `BlockingMode`: a Start that is answered at the end of the transfer.

use dobbin_core::download::View;
use dobbin_types::rest::{Failure, Outcome};
use dobbin_types::{DownloadState, ErrorCode, JobId};

use crate::commands::done;
use crate::event::Reply;
use crate::run::Loop;

/// Callers that wait for one download: more than anybody needs, few enough to be no burden.
const STARTS_MAX: usize = 64;

impl Loop {
    /// Keeps the caller of Start until the transfer is over.
    pub(super) fn wait_for_end(&mut self, job: JobId, reply: Reply<Outcome>) {
        let Some(entry) = self.entries.get_mut(&job) else {
            return self.answer(job, reply, Err(called_off()));
        };
        // Those who hung up wait for nothing.
        entry.starting.retain(|waiting| !waiting.is_closed());
        if entry.starting.len() >= STARTS_MAX {
            let many = "too many programs wait for this download already";
            return self.answer(job, reply, Err(Failure::new(ErrorCode::DO_E_NO_SERVICE, many)));
        }
        entry.starting.push(reply);
        self.answer_starts(job);
    }

    /// Answers those who wait for the end of a transfer, if it has come. Called after every step.
    pub(crate) fn answer_starts(&mut self, job: JobId) {
        let Some(entry) = self.entries.get_mut(&job) else {
            return;
        };
        if entry.starting.is_empty() {
            return;
        }
        let Some(end) = View::of(&entry.job).and_then(end) else {
            return;
        };
        let state = entry.job.state();
        for reply in std::mem::take(&mut entry.starting) {
            let outcome = end.clone().map(|()| done(ErrorCode::S_OK, state));
            self.answer(job, reply, outcome);
        }
    }
}

/// How a transfer ended; nothing while it goes on, be it after a while: an error that may pass is no
/// end.
fn end(view: View<'_>) -> Option<Result<(), Failure>> {
    match view.state() {
        DownloadState::Transferring => None,
        DownloadState::Transferred => Some(Ok(())),
        DownloadState::Paused => {
            let codes = view.codes();
            if codes.error.is_failure() {
                let why = view.job().last_error().map(|error| error.message.clone());
                Some(Err(Failure::new(codes.error, why.unwrap_or_default())))
            } else if codes.extended.is_failure() {
                None
            } else {
                Some(Err(called_off()))
            }
        }
        DownloadState::Created | DownloadState::Finalized | DownloadState::Aborted => {
            Some(Err(called_off()))
        }
    }
}

/// Somebody paused or ended the download meanwhile.
pub(crate) fn called_off() -> Failure {
    Failure::new(ErrorCode::E_ABORT, "the download was paused or ended by somebody else")
}
