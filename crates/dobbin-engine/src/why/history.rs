//! What happened to a job since the agent started, as far as that explains where it stands.

use std::collections::VecDeque;

use dobbin_types::rest::{JobFailure, PastFailure};
use dobbin_types::{FileTime, Uid};

/// Failures of one job that are remembered: enough to see whether it is always the same one.
const FAILURES_MAX: usize = 16;

/// A job's past. Lost with the process: the record keeps the last error alone.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Oldest first; at most [`FAILURES_MAX`].
    failures: VecDeque<PastFailure>,
    /// Who suspended it and when.
    pub(super) suspended: Option<(Uid, FileTime)>,
}

impl History {
    /// The job stopped with an error.
    pub(crate) fn failed(&mut self, at: FileTime, failure: JobFailure) {
        if self.failures.len() == FAILURES_MAX {
            self.failures.pop_front();
        }
        self.failures.push_back(PastFailure { at: Some(at), failure });
    }

    /// Somebody suspended the job.
    pub(crate) fn suspended(&mut self, by: Uid, at: FileTime) {
        self.suspended = Some((by, at));
    }

    /// All that is remembered, oldest first.
    ///
    /// * `last`: the job's error object, which may be older than this process.
    pub(super) fn failures(&self, last: Option<JobFailure>) -> Vec<PastFailure> {
        let is_told =
            |failure: &JobFailure| self.failures.iter().any(|past| past.failure == *failure);
        let older = last.filter(|failure| self.failures.is_empty() || !is_told(failure));
        let older = older.map(|failure| PastFailure { at: None, failure });
        older.into_iter().chain(self.failures.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use dobbin_types::{ErrorCode, ErrorContext};

    use super::*;

    fn failure(message: &str) -> JobFailure {
        let code = ErrorCode::E_UNEXPECTED;
        JobFailure {
            code,
            symbol: String::new(),
            text: String::new(),
            context: ErrorContext::None,
            message: message.to_owned(),
            extended: None,
            http_status: None,
            file: None,
        }
    }

    #[test]
    fn only_the_last_failures_are_remembered() {
        let mut history = History::default();
        for number in 0..2 * FAILURES_MAX as u64 {
            history.failed(FileTime(number), failure(&number.to_string()));
        }
        let failures = history.failures(Some(failure("31")));
        assert_eq!(failures.len(), FAILURES_MAX);
        assert_eq!(failures[0].failure.message, "16");
    }

    #[test]
    fn an_error_of_before_has_no_time_and_is_not_told_twice() {
        let mut history = History::default();
        assert!(history.failures(None).is_empty());
        let old = history.failures(Some(failure("old")));
        assert_eq!(old, [PastFailure { at: None, failure: failure("old") }]);
        history.failed(FileTime(1), failure("new"));
        assert_eq!(history.failures(Some(failure("new"))).len(), 1);
    }
}
