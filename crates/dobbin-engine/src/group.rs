//! Small files that end at about the same time are flushed together.
//!
//! One flush serves many files almost as fast as one (`dobbin_store::flush_together`), so nobody
//! flushes a small file alone while others are about to end too. The first of a burst is not held up:
//! it is flushed at once, and what ends meanwhile is the next group. Their transfers end with it: what
//! came of them goes to the loop as one event.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dobbin_core::job::{Attempt, Trouble};
use dobbin_core::piece::PieceSet;
use dobbin_store::{Staging, flush_together};
use dobbin_types::{ErrorCode, FileNumber, JobId};

use crate::event::Event;
use crate::transfer::{fatal, of_disk};

/// Files that are flushed together at most: enough to share what can be shared, few enough that the
/// first of them does not wait long for the last.
const GROUP_FILES_MAX: usize = 256;

/// Files that are worth no more waiting.
const GROUP_FILES_ENOUGH: usize = 64;

/// How long a group waits for more files, when the one before it had more than one.
const LINGER: Duration = Duration::from_millis(10);

/// A transfer whose file is wholly written and right: it ends with the file's last flush.
pub(crate) struct Ending {
    pub(crate) job: JobId,
    pub(crate) file: FileNumber,
    pub(crate) attempt: Attempt,
    /// Which content of the file is flushed.
    pub(crate) generation: u64,
    pub(crate) staging: Arc<Staging>,
}

/// A transfer that has ended so: nothing of it touches the disk any more.
pub(crate) struct Settled {
    pub(crate) job: JobId,
    pub(crate) file: FileNumber,
    pub(crate) attempt: Attempt,
    pub(crate) generation: u64,
    /// The pieces that survive a power cut now: all of them.
    pub(crate) outcome: Result<PieceSet, Trouble>,
}

impl Ending {
    /// What is told of it. Lets go of the file.
    fn settle(self, outcome: Result<PieceSet, Trouble>) -> Settled {
        let Ending { job, file, attempt, generation, staging: _ } = self;
        Settled { job, file, attempt, generation, outcome }
    }
}

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
    waiting: Vec<Ending>,
    /// Somebody is working, and looks again before going.
    at_work: bool,
}

impl Group {
    /// Adds a file that is wholly written. Returns whether somebody must now call [`Group::work`].
    pub(crate) fn add(&self, ending: Ending) -> bool {
        let mut state = self.lock();
        state.waiting.push(ending);
        if state.waiting.len() >= GROUP_FILES_ENOUGH {
            self.more.notify_one();
        }
        !std::mem::replace(&mut state.at_work, true)
    }

    /// Flushes what waits, group by group, until nothing does, and tells the loop of each group.
    pub(crate) fn work(&self, inbox: &SyncSender<Event>) {
        let leaving = Leaving(self);
        let mut last_count = 0;
        while let Some(group) = self.take(last_count > 1) {
            last_count = group.len();
            Untold { group, inbox }.flush();
        }
        std::mem::forget(leaving);
    }

    /// The next files to flush; `None` when there are none, and then nobody is at work any more.
    fn take(&self, lingers: bool) -> Option<Vec<Ending>> {
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

/// A group of which the loop has not heard. Whatever happens to the flush, it does.
struct Untold<'a> {
    group: Vec<Ending>,
    inbox: &'a SyncSender<Event>,
}

impl Untold<'_> {
    fn flush(mut self) {
        let files: Vec<&Staging> = self.group.iter().map(|ending| &*ending.staging).collect();
        let outcomes = flush_together(&files, begin_writing_back);
        let outcomes = outcomes
            .into_iter()
            .map(|outcome| outcome.map_err(|error| of_disk(error.code(), &error)));
        let group = self.group.drain(..).zip(outcomes);
        let settled = group.map(|(ending, outcome)| ending.settle(outcome)).collect();
        // The loop may be gone: then nobody needs to know any more.
        let _ = self.inbox.send(Event::Settled(settled));
    }
}

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        if self.group.is_empty() {
            return;
        }
        // A panic in the flush: nothing may be called flushed.
        let given_up = || fatal(ErrorCode::DO_E_FATAL_CORE_ERROR, "the flush was given up".into());
        let settled = self.group.drain(..).map(|ending| ending.settle(Err(given_up()))).collect();
        let _ = self.inbox.send(Event::Settled(settled));
    }
}

/// Asks the system to begin writing the whole file to the disk. A hint: the flush tells how it went.
fn begin_writing_back(staging: &Staging) {
    let whole = 0..staging.layout().file_size();
    let _ = dobbin_platform::writeback::start_writeback(staging, whole);
}

#[cfg(test)]
mod tests;
