//! Threads for disk work that waits: flushing, publishing, removing.
//!
//! A few threads, started when there is first something to do, working off one bounded queue: what
//! somebody waits for first, the rest in the order of arrival. They never touch a job: what came of the work goes to the loop as an event.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// Threads at most. Two keep a disk busy; the others are for a destination that hangs.
const THREADS_MAX: usize = 4;

type Work = Box<dyn FnOnce() + Send>;

/// The threads and their queue.
#[derive(Clone)]
pub(crate) struct Hands {
    shared: Arc<Shared>,
}

struct Shared {
    // Held for a moment, to take work or to leave it; never while anything is done.
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Bounded by who fills it: one flush per transfer, one publish or removal per job that asked.
    waiting: VecDeque<Work>,
    idle_count: usize,
    threads: Vec<JoinHandle<()>>,
    leaving: bool,
}

impl Hands {
    pub(crate) fn new() -> Hands {
        let shared = Shared { state: Mutex::default(), changed: Condvar::new() };
        Hands { shared: Arc::new(shared) }
    }

    /// Does `work` soon, on one of the threads.
    pub(crate) fn give(&self, work: impl FnOnce() + Send + 'static) {
        self.queue(|waiting| waiting.push_back(Box::new(work)));
    }

    /// Does `work` before everything that waits: it is short, and a caller waits for it, which is
    /// more than can be said of a flush.
    pub(crate) fn give_first(&self, work: impl FnOnce() + Send + 'static) {
        self.queue(|waiting| waiting.push_front(Box::new(work)));
    }

    fn queue(&self, put: impl FnOnce(&mut VecDeque<Work>)) {
        let mut state = self.shared.lock();
        put(&mut state.waiting);
        if state.idle_count < state.waiting.len() && state.threads.len() < THREADS_MAX {
            let shared = Arc::clone(&self.shared);
            let name = format!("hands-{}", state.threads.len());
            match thread::Builder::new().name(name).spawn(move || shared.run()) {
                Ok(thread) => state.threads.push(thread),
                // The machine has no threads to give. Those that run will come to it; if there are
                // none, the next gift tries again.
                Err(error) => tracing::error!(%error, "cannot start a thread for disk work"),
            }
        }
        self.shared.changed.notify_one();
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
            if let Some(work) = state.waiting.pop_front() {
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
    fn everything_given_is_done_before_the_end() {
        let hands = Hands::new();
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
    fn what_somebody_waits_for_comes_before_what_was_given_earlier() {
        let hands = Hands::new();
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let order = Arc::new(Mutex::new(Vec::new()));
        // All threads are held up, so that what follows has to queue.
        let (held, holds) = std::sync::mpsc::channel();
        for _ in 0..THREADS_MAX {
            let (gate, held) = (Arc::clone(&gate), held.clone());
            hands.give(move || {
                held.send(()).unwrap();
                gate.lock().unwrap().recv().unwrap();
            });
        }
        holds.iter().take(THREADS_MAX).for_each(drop);
        for (name, first) in [("flush", false), ("removal", true)] {
            let order = Arc::clone(&order);
            let work = move || order.lock().unwrap().push(name);
            if first { hands.give_first(work) } else { hands.give(work) }
        }
        // One thread goes on; it alone does both, because the others wait for the gate.
        open.send(()).unwrap();
        while order.lock().unwrap().len() < 2 {
            std::thread::yield_now();
        }
        assert_eq!(*order.lock().unwrap(), ["removal", "flush"]);
        for _ in 1..THREADS_MAX {
            open.send(()).unwrap();
        }
        hands.finish();
    }
}
