//! Answering the call that ends a job: when its record and its files are gone.

use std::sync::{Arc, Mutex, PoisonError};

use dobbin_core::job::JobEvent;
use dobbin_types::rest::{Failure, Outcome};
use dobbin_types::{ErrorCode, JobId, JobState};

use crate::commands::done;
use crate::entry::Answer;
use crate::run::Loop;

/// Who waits for the end of a job, and what there is to say.
pub(crate) struct Farewell {
    /// A success; `S_OK` for nothing in particular.
    code: ErrorCode,
    answer: Once,
}

/// An answer that is given once: by whoever comes first, the journal that cannot forget the job or
/// the disk that has.
#[derive(Clone)]
struct Once(Arc<Mutex<Option<Answer<Outcome>>>>);

impl Once {
    fn give(&self, outcome: Result<Outcome, Failure>) {
        let answer = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(answer) = answer {
            answer(outcome);
        }
    }
}

impl Farewell {
    /// Answers, now that whatever could be removed is removed: `BG_S_UNABLE_TO_DELETE_FILES` when
    /// some of it is left and there is nothing else to say.
    pub(crate) fn say(self, state: JobState, is_something_left: bool) {
        let code = match self.code {
            ErrorCode::S_OK if is_something_left => ErrorCode::BG_S_UNABLE_TO_DELETE_FILES,
            code => code,
        };
        self.answer.give(Ok(done(code, state)));
    }
}

impl Loop {
    /// Moves a job by an event that ends it, and answers with `code` when nothing of it is left.
    pub(crate) fn end_job(
        &mut self,
        job: JobId,
        event: JobEvent,
        code: ErrorCode,
        answer: Answer<Outcome>,
    ) {
        let answer = Once(Arc::new(Mutex::new(Some(answer))));
        if let Some(entry) = self.entries.get_mut(&job) {
            entry.farewell = Some(Farewell { code, answer: answer.clone() });
        }
        self.step(job, event, Vec::new(), move |outcome| {
            if let Err(failure) = outcome {
                answer.give(Err(failure));
            }
        });
        // Still among the jobs: the event was refused, and that was the answer.
        if let Some(entry) = self.entries.get_mut(&job) {
            entry.farewell = None;
        }
    }
}
