//! A clock that stands still until a test moves it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dobbin_core::time::Tick;
use dobbin_types::FileTime;

use super::Clock;

/// The hands of a clock. Clones, and the [`Clock`]s made from them, show the same time.
#[derive(Debug, Clone)]
pub struct FakeClock {
    /// Held only to read or set two numbers.
    shown: Arc<Mutex<Shown>>,
}

#[derive(Debug)]
struct Shown {
    now: Tick,
    wall: FileTime,
    slept: Duration,
}

impl FakeClock {
    /// A clock at [`Tick::ZERO`], with this on the wall.
    pub fn new(wall: FileTime) -> FakeClock {
        FakeClock {
            shown: Arc::new(Mutex::new(Shown { now: Tick::ZERO, wall, slept: Duration::ZERO })),
        }
    }

    /// What the code under test is given.
    pub fn clock(&self) -> Clock {
        Clock(super::Source::Fake(self.clone()))
    }

    /// Time passes while the machine is awake: both hands move, by `time` rounded up to whole
    /// milliseconds.
    pub fn advance(&self, time: Duration) {
        let mut shown = self.lock();
        let now = shown.now.after(time);
        let passed = now.since(shown.now);
        let hundreds_of_nanos = u64::try_from(passed.as_nanos() / 100).unwrap_or(u64::MAX);
        shown.now = now;
        shown.wall = FileTime(shown.wall.0.saturating_add(hundreds_of_nanos));
    }

    /// The machine sleeps: time passes as with [`FakeClock::advance`], and counts as slept.
    pub fn sleep(&self, time: Duration) {
        let before = self.now();
        self.advance(time);
        let mut shown = self.lock();
        let slept = shown.now.since(before);
        shown.slept += slept;
    }

    /// Somebody sets the date, in either direction. No time passes.
    pub fn set_wall(&self, wall: FileTime) {
        self.lock().wall = wall;
    }

    pub(super) fn now(&self) -> Tick {
        self.lock().now
    }

    pub(super) fn slept(&self) -> Duration {
        self.lock().slept
    }

    pub(super) fn wall(&self) -> FileTime {
        self.lock().wall
    }

    /// A test that panicked elsewhere leaves two good numbers behind.
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_hands_move_together_and_only_when_told() {
        let fake = FakeClock::new(FileTime::from_unix_millis(1_000));
        let clock = fake.clock();
        assert_eq!((clock.now(), clock.wall().unix_millis()), (Tick::ZERO, 1_000));
        fake.advance(Duration::from_millis(250));
        assert_eq!((clock.now(), clock.wall().unix_millis()), (Tick(250), 1_250));
        fake.clone().advance(Duration::from_nanos(1));
        assert_eq!((clock.now(), clock.wall().unix_millis()), (Tick(251), 1_251));
    }

    #[test]
    fn sleep_passes_like_other_time_and_is_known_as_sleep() {
        let fake = FakeClock::new(FileTime::from_unix_millis(1_000));
        let clock = fake.clock();
        fake.advance(Duration::from_millis(1));
        fake.sleep(Duration::from_millis(5));
        fake.advance(Duration::from_millis(1));
        assert_eq!((clock.now(), clock.wall().unix_millis()), (Tick(7), 1_007));
        assert_eq!(clock.slept(), Duration::from_millis(5));
    }

    #[test]
    fn setting_the_date_moves_no_deadline() {
        let fake = FakeClock::new(FileTime::from_unix_millis(1_000_000));
        let clock = fake.clock();
        fake.advance(Duration::from_secs(1));
        fake.set_wall(FileTime::from_unix_millis(5));
        assert_eq!((clock.now(), clock.wall().unix_millis()), (Tick(1_000), 5));
    }
}
