//! Time as core sees it: a number that somebody hands in.
//!
//! Core never asks what time it is (invariant 1). Whoever calls it says so with a [`Tick`]; the
//! platform's clock makes them, the simulator invents them.

use core::time::Duration;

/// A moment, in milliseconds since the process started.
///
/// It never goes back and has nothing to do with the wall clock: a user who sets the date changes
/// no deadline. Time in which the machine slept counts. A tick means nothing in another process,
/// so none is ever stored: what must survive a restart is stored as the time spent
/// ([`Stopwatch::elapsed`]) or as a wall clock time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(pub u64);

impl Tick {
    /// The start of the process.
    pub const ZERO: Tick = Tick(0);

    /// The time from `earlier` to this moment; zero when `earlier` is in fact later.
    ///
    /// Two threads may read the clock and report in the other order: that is a difference of
    /// nothing, not of half a billion years.
    pub fn since(self, earlier: Tick) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The first moment at which at least `wait` has passed since this one.
    ///
    /// A fraction of a millisecond counts as a whole one, so that no wait is shorter than asked
    /// and none but the empty one is empty. What lies beyond the last tick becomes the last tick,
    /// which no process lives to see.
    pub fn after(self, wait: Duration) -> Tick {
        let millis = wait.as_nanos().div_ceil(1_000_000);
        Tick(self.0.saturating_add(u64::try_from(millis).unwrap_or(u64::MAX)))
    }
}

/// How long something was going on, over any number of starts and pauses.
///
/// Starting what runs and pausing what rests change nothing. A moment before the last start
/// counts as that start: time spent never shrinks, except by [`reset`](Stopwatch::reset).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stopwatch {
    /// The time of all finished runs together.
    pub spent: Duration,
    /// When the run that is going on began; `None` at rest.
    pub running_since: Option<Tick>,
}

impl Stopwatch {
    /// A watch at rest that has `spent` on it already, such as one read back from a record.
    pub const fn with_spent(spent: Duration) -> Stopwatch {
        Stopwatch { spent, running_since: None }
    }

    /// Whether a run is going on.
    pub fn is_running(&self) -> bool {
        self.running_since.is_some()
    }

    /// Begins a run at `now`, unless one is going on.
    pub fn start(&mut self, now: Tick) {
        self.running_since.get_or_insert(now);
    }

    /// Ends the run that is going on, if any, and keeps its time.
    pub fn pause(&mut self, now: Tick) {
        self.spent = self.elapsed(now);
        self.running_since = None;
    }

    /// Back to zero and at rest.
    pub fn reset(&mut self) {
        *self = Stopwatch::default();
    }

    /// The time of all runs together, the one going on included.
    pub fn elapsed(&self, now: Tick) -> Duration {
        let run = self.running_since.map_or(Duration::ZERO, |start| now.since(start));
        self.spent.saturating_add(run)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[test]
    fn a_moment_that_lies_ahead_is_no_time_ago() {
        assert_eq!(Tick(1_500).since(Tick(500)), Duration::from_secs(1));
        assert_eq!(Tick(500).since(Tick(1_500)), Duration::ZERO);
        assert_eq!(Tick(u64::MAX).since(Tick::ZERO), Duration::from_millis(u64::MAX));
    }

    #[test]
    fn a_wait_is_rounded_up_and_stops_at_the_last_tick() {
        assert_eq!(Tick(7).after(Duration::ZERO), Tick(7));
        assert_eq!(Tick(7).after(Duration::from_nanos(1)), Tick(8));
        assert_eq!(Tick(7).after(Duration::from_millis(3)), Tick(10));
        assert_eq!(Tick(7).after(Duration::from_micros(3_001)), Tick(11));
        assert_eq!(Tick(7).after(Duration::MAX), Tick(u64::MAX));
    }

    /// What may happen to a watch.
    #[derive(Debug, Clone, Copy)]
    enum Press {
        Start,
        Pause,
        Reset,
    }

    fn presses() -> impl Strategy<Value = Vec<(Press, u64)>> {
        let press = prop_oneof![Just(Press::Start), Just(Press::Pause), Just(Press::Reset)];
        proptest::collection::vec((press, 0_u64..10_000), 0..40)
    }

    fn press(watch: &mut Stopwatch, press: Press, now: Tick) {
        match press {
            Press::Start => watch.start(now),
            Press::Pause => watch.pause(now),
            Press::Reset => watch.reset(),
        }
    }

    proptest! {
        #[test]
        fn no_wait_is_shorter_than_asked(start in 0..u64::MAX / 2, nanos in 0..u64::MAX / 2) {
            let wait = Duration::from_nanos(nanos);
            let waited = Tick(start).after(wait).since(Tick(start));
            prop_assert!(waited >= wait);
            prop_assert!(waited - wait < Duration::from_millis(1));
        }

        /// The watch agrees with a count, made the slow way, of the milliseconds it ran.
        #[test]
        fn a_watch_shows_the_milliseconds_in_which_it_ran(history in presses()) {
            let (mut watch, mut now, mut running, mut counted) =
                (Stopwatch::default(), Tick::ZERO, false, 0_u64);
            for (event, pause) in history {
                now = now.after(Duration::from_millis(pause));
                counted += if running { pause } else { 0 };
                prop_assert_eq!(watch.elapsed(now), Duration::from_millis(counted));
                press(&mut watch, event, now);
                (running, counted) = match event {
                    Press::Start => (true, counted),
                    Press::Pause => (false, counted),
                    Press::Reset => (false, 0),
                };
                prop_assert_eq!(watch.is_running(), running);
                prop_assert_eq!(watch.elapsed(now), Duration::from_millis(counted));
            }
        }

        #[test]
        fn every_press_is_idempotent(history in presses()) {
            let (mut watch, mut now) = (Stopwatch::default(), Tick::ZERO);
            for (event, pause) in history {
                now = now.after(Duration::from_millis(pause));
                press(&mut watch, event, now);
                let once = watch;
                press(&mut watch, event, now);
                prop_assert_eq!(watch, once);
            }
        }

        /// Even when the moments come out of order.
        #[test]
        fn time_spent_never_shrinks_without_a_reset(
            moments in proptest::collection::vec((any::<bool>(), 0_u64..1_000), 0..40),
        ) {
            let mut watch = Stopwatch::with_spent(Duration::from_millis(5));
            let mut spent = watch.spent;
            for (start, now) in moments {
                press(&mut watch, if start { Press::Start } else { Press::Pause }, Tick(now));
                prop_assert!(watch.spent >= spent);
                spent = watch.spent;
            }
        }
    }
}
