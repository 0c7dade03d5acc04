//! Threads for disk work that waits: flushing, publishing, removing.
//!
//! A few threads, started when there is first something to do, working off one bounded queue: urgent
//! work first, else in the order of arrival. They never touch a job: what came of the work goes to the
//! loop as an event.
//! There are two sets of them: callers wait for removals, which are short, and those must not stand
//! behind flushes that have begun.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::event::Event;
use crate::group::{Ending, Group};

/// Threads for flushes and publishing, at most. Two keep a disk busy; the others are for a
/// destination that hangs.
pub(crate) const THREADS_MAX: usize = 4;

/// Threads for removals, at most: one that waits for the disk lets another go on.
pub(crate) const REMOVERS_MAX: usize = 2;

type Work = Box<dyn FnOnce() + Send>;

/// The threads and their queue.
#[derive(Clone)]
pub(crate) struct Hands {
    shared: Arc<Shared>,
    group: Arc<Group>,
}

struct Shared {
    /// What the threads are called, for whoever looks at the process.
    name: &'static str,
    threads_max: usize,
    // Held for a moment, to take work or to leave it; never while anything is done.
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Bounded by who fills it: one flush per transfer, one publish or removal per job that asked.
    waiting: VecDeque<Work>,
    /// Likewise: what is done before all that.
    urgent: VecDeque<Work>,
    idle_count: usize,
    threads: Vec<JoinHandle<()>>,
    leaving: bool,
}

impl Hands {
    /// Threads to come, at most `threads_max` of them.
    pub(crate) fn new(name: &'static str, threads_max: usize) -> Hands {
        let (state, changed) = (Mutex::default(), Condvar::new());
        let shared = Shared { name, threads_max, state, changed };
        Hands { shared: Arc::new(shared), group: Arc::default() }
    }

    /// Does `work` soon, on one of the threads.
    pub(crate) fn give(&self, work: impl FnOnce() + Send + 'static) {
        self.take_in(|state| state.waiting.push_back(Box::new(work)));
    }

    /// Does `work` before all that is not urgent: a caller waits for it.
    pub(crate) fn give_urgent(&self, work: impl FnOnce() + Send + 'static) {
        self.take_in(|state| state.urgent.push_back(Box::new(work)));
    }

    fn take_in(&self, add: impl FnOnce(&mut State)) {
        let mut state = self.shared.lock();
        add(&mut state);
        let waiting_count = state.waiting.len() + state.urgent.len();
        if state.idle_count < waiting_count && state.threads.len() < self.shared.threads_max {
            let shared = Arc::clone(&self.shared);
            let name = format!("{}-{}", shared.name, state.threads.len());
            match thread::Builder::new().name(name).spawn(move || shared.run()) {
                Ok(thread) => state.threads.push(thread),
                // The machine has no threads to give. Those that run will come to it; if there are
                // none, the next gift tries again.
                Err(error) => tracing::error!(%error, "cannot start a thread for disk work"),
            }
        }
        self.shared.changed.notify_one();
    }

    /// Flushes a small file that is wholly written, together with others that end at about the same
    /// time, and tells the loop what came of each. All of them must be of the same loop.
    pub(crate) fn flush_in_group(&self, ending: Ending, inbox: &SyncSender<Event>) {
        if self.group.add(ending) {
            let (group, inbox) = (Arc::clone(&self.group), inbox.clone());
            self.give(move || group.work(&inbox));
        }
    }

    /// Does everything that was given, and ends the threads.
    pub(crate) fn finish(&self) {
        let threads = {
            let mut state = self.shared.lock();
            state.leaving = true;
            std::mem::take(&mut state.threads)
        };
        self.shared.changed.notify_all();
        for thread in threads {
            // A panic in the work was reported by the panic hook; there is nothing to add.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        loop {
            let urgent = state.urgent.pop_front();
            if let Some(work) = urgent.or_else(|| state.waiting.pop_front()) {
                drop(state);
                // One piece of work that panics must not take the thread from all the others.
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
                if outcome.is_err() {
                    tracing::error!("disk work panicked");
                }
                state = self.lock();
            } else if state.leaving {
                return;
            } else {
                state.idle_count += 1;
                state = self.shared_wait(state);
                state.idle_count -= 1;
            }
        }
    }

    fn shared_wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn what_is_urgent_is_done_before_what_was_given_earlier() {
        let hands = Hands::new("test", 1);
        let (go_on, held) = std::sync::mpsc::channel::<()>();
        hands.give(move || held.recv().unwrap());
        let order = Arc::new(Mutex::new(Vec::new()));
        let note = |what: &'static str| {
            let order = Arc::clone(&order);
            move || order.lock().unwrap().push(what)
        };
        hands.give(note("first"));
        hands.give_urgent(note("urgent"));
        hands.give(note("second"));
        hands.give_urgent(note("urgent too"));
        go_on.send(()).unwrap();
        hands.finish();
        assert_eq!(*order.lock().unwrap(), ["urgent", "urgent too", "first", "second"]);
    }

    #[test]
    fn everything_given_is_done_before_the_end() {
        let hands = Hands::new("test", 4);
        let done = Arc::new(AtomicUsize::new(0));
        for turn in 0..100 {
            let done = Arc::clone(&done);
            hands.give(move || {
                done.fetch_add(1, Ordering::SeqCst);
                assert!(turn != 50, "one of them fails, on purpose");
            });
        }
        hands.finish();
        assert_eq!(done.load(Ordering::SeqCst), 100);
    }

    #[test]
    fn there_are_never_more_threads_than_allowed() {
        let hands = Hands::new("test", 2);
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let begun = Arc::new(AtomicUsize::new(0));
        for _ in 0..3 {
            let (gate, begun) = (Arc::clone(&gate), Arc::clone(&begun));
            hands.give(move || {
                begun.fetch_add(1, Ordering::SeqCst);
                gate.lock().unwrap().recv().unwrap();
            });
        }
        while begun.load(Ordering::SeqCst) < 2 {
            std::thread::yield_now();
        }
        assert_eq!(hands.shared.lock().threads.len(), 2);
        for _ in 0..3 {
            open.send(()).unwrap();
        }
        hands.finish();
        assert_eq!(begun.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn what_is_given_is_begun_in_the_order_of_arrival() {
        let hands = Hands::new("test", 1);
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let (begun, seen) = std::sync::mpsc::channel();
        hands.give(move || gate.recv().unwrap());
        for number in 0..10 {
            let begun = begun.clone();
            hands.give(move || begun.send(number).unwrap());
        }
        open.send(()).unwrap();
        hands.finish();
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    }

    #[test]
    fn more_work_than_idle_threads_brings_another_thread() {
        let hands = Hands::new("test", 4);
        // As if one had nothing to do and had not yet heard of the first gift when the second comes.
        hands.shared.lock().idle_count = 1;
        hands.give(|| {});
        assert_eq!(hands.shared.lock().threads.len(), 0, "the idle one is enough");
        hands.give(|| {});
        assert_eq!(hands.shared.lock().threads.len(), 1);
        hands.finish();
        assert!(hands.shared.lock().waiting.is_empty());
    }

    #[test]
    fn a_thread_that_works_again_is_idle_no_more() {
        let hands = Hands::new("test", 4);
        hands.give(|| {});
        while hands.shared.lock().idle_count == 0 {
            std::thread::yield_now();
        }
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let (tell, begun) = std::sync::mpsc::channel();
        hands.give(move || {
            tell.send(()).unwrap();
            gate.recv().unwrap();
        });
        begun.recv().unwrap();
        assert_eq!(hands.shared.lock().idle_count, 0);
        open.send(()).unwrap();
        hands.finish();
    }
}
