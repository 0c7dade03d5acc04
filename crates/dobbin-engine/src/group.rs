//! Small files that end at about the same time are flushed together.
//!
//! One flush serves many files almost as fast as one (`dobbin_store::flush_together`), so nobody
//! flushes a small file alone while others are about to end too. The first of a burst is not held up:
//! it is flushed at once, and what ends meanwhile is the next group.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dobbin_core::piece::PieceSet;
use dobbin_store::{Staging, StagingError, flush_together};

/// Files that are flushed together at most: enough to share what can be shared, few enough that the
/// first of them does not wait long for the last.
const GROUP_FILES_MAX: usize = 256;

/// Files that are worth no more waiting.
const GROUP_FILES_ENOUGH: usize = 64;

/// How long a group waits for more files, when the one before it had more than one.
const LINGER: Duration = Duration::from_millis(10);

/// What is called with the outcome of one file's flush.
pub(crate) type Done = Box<dyn FnOnce(Result<PieceSet, StagingError>) + Send>;

/// The files that wait for the next flush. Bounded by the schedule: each is a transfer that has not
/// ended yet.
#[derive(Default)]
pub(crate) struct Group {
    // Held for a moment, to add files or to take them; never while anything is flushed.
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<(Arc<Staging>, Done)>,
    /// Somebody is working, and looks again before going.
    at_work: bool,
}

impl Group {
    /// Adds a file that is wholly written. Returns whether somebody must now call [`Group::work`].
    pub(crate) fn add(&self, staging: Arc<Staging>, done: Done) -> bool {
        let mut state = self.lock();
        state.waiting.push((staging, done));
        if state.waiting.len() >= GROUP_FILES_ENOUGH {
            self.more.notify_one();
        }
        !std::mem::replace(&mut state.at_work, true)
    }

    /// Flushes what waits, group by group, until nothing does.
    pub(crate) fn work(&self) {
        let leaving = Leaving(self);
        let mut last_count = 0;
        while let Some(group) = self.take(last_count > 1) {
            last_count = group.len();
            let files: Vec<&Staging> = group.iter().map(|(staging, _)| &**staging).collect();
            let outcomes = flush_together(&files, begin_writing_back);
            for ((_, done), outcome) in group.into_iter().zip(outcomes) {
                done(outcome);
            }
        }
        std::mem::forget(leaving);
    }

    /// The next files to flush; `None` when there are none, and then nobody is at work any more.
    fn take(&self, lingers: bool) -> Option<Vec<(Arc<Staging>, Done)>> {
        let mut state = self.lock();
        if lingers {
            let are_few = |state: &mut State| state.waiting.len() < GROUP_FILES_ENOUGH;
            let waited = self.more.wait_timeout_while(state, LINGER, are_few);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let count = state.waiting.len().min(GROUP_FILES_MAX);
        state.at_work = count > 0;
        let group: Vec<_> = state.waiting.drain(..count).collect();
        (!group.is_empty()).then_some(group)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever works has gone without a word: a panic. The next file that comes has somebody called again.
struct Leaving<'a>(&'a Group);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.lock().at_work = false;
    }
}

/// Asks the system to begin writing the whole file to the disk. A hint: the flush tells how it went.
fn begin_writing_back(staging: &Staging) {
    let whole = 0..staging.layout().file_size();
    let _ = dobbin_platform::writeback::start_writeback(staging, whole);
}

#[cfg(test)]
mod tests;
