//! Programs, jobs and a clock that a test moves.

use core::time::Duration;

use dobbin_core::callback::{Answered, Call, CallNumber, Callbacks, Listener, Owed, Saying};
use dobbin_core::time::Tick;
use dobbin_types::{JobId, Uid};

pub(crate) const ALICE: Uid = Uid(1_000);
pub(crate) const BOB: Uid = Uid(1_001);

pub(crate) fn job(number: u16) -> JobId {
    let mut bytes = [0; 16];
    bytes[14..].copy_from_slice(&number.to_be_bytes());
    JobId::from_bytes(bytes)
}

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The machine and the time it has come to.
pub(crate) struct World {
    pub(crate) callbacks: Callbacks,
    pub(crate) now: Tick,
}

impl World {
    pub(crate) fn new() -> World {
        World { callbacks: Callbacks::new(0), now: Tick::ZERO }
    }

    /// A program of Alice's that is registered for the jobs from 0 up to `count`.
    pub(crate) fn with_jobs(count: u16) -> (World, Listener) {
        let mut world = World::new();
        let listener = world.callbacks.listen(ALICE);
        for number in 0..count {
            assert_eq!(world.callbacks.register(job(number), listener), None);
        }
        (world, listener)
    }

    pub(crate) fn owe(&mut self, number: u16, owed: Owed) {
        self.callbacks.entered_rest(job(number));
        self.callbacks.owe(job(number), Some(owed), self.now);
    }

    pub(crate) fn modify(&mut self, number: u16) {
        self.callbacks.modified(job(number), self.now);
    }

    /// The calls that are made now.
    pub(crate) fn due(&mut self) -> Vec<Call> {
        let calls = self.callbacks.due(self.now);
        assert_eq!(self.callbacks.due(self.now), [], "what was said is said again at once");
        assert!(self.callbacks.next_wake().is_none_or(|wake| wake > self.now), "it would spin");
        calls
    }

    /// The calls made up to a later time, each when its time has come, with that time.
    pub(crate) fn wait(&mut self, wait: Duration) -> Vec<(Duration, Call)> {
        let end = self.now.after(wait);
        let mut calls = Vec::new();
        while let Some(wake) = self.callbacks.next_wake().filter(|wake| *wake <= end) {
            self.now = wake;
            let at = wake.since(Tick::ZERO);
            calls.extend(self.due().into_iter().map(|call| (at, call)));
        }
        self.now = end;
        calls
    }

    pub(crate) fn answer(&mut self, call: &Call, is_taken: bool) -> Answered {
        self.callbacks.answered(call.job, number_of(call), is_taken, self.now)
    }
}

pub(crate) fn number_of(call: &Call) -> CallNumber {
    match call.saying {
        Saying::Owed(_, number) => number,
        Saying::Modification => panic!("a modification has no number"),
    }
}

/// What was said of which job, without whom and when.
pub(crate) fn said(calls: &[Call]) -> Vec<(JobId, Option<Owed>)> {
    let owed = |call: &Call| match call.saying {
        Saying::Owed(owed, _) => Some(owed),
        Saying::Modification => None,
    };
    calls.iter().map(|call| (call.job, owed(call))).collect()
}
