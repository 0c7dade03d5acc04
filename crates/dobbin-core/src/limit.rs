//! How long to wait so that bytes do not pass faster than a rate.
//!
//! A token bucket that may go into debt: bytes from a network are counted after they came, and the
//! next read waits until they are paid for. The arithmetic is exact (whole bytes × nanoseconds), so
//! that neither many small reads nor a long transfer drift from the rate. Time is an argument.

mod divider;

use core::num::NonZeroU64;
use core::time::Duration;

pub use divider::{BACKGROUND_PART, Divider, LINGER, ShareId};

/// A rate. Never zero: "no bandwidth" is a job that is not allowed to run, not a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BytesPerSecond(NonZeroU64);

impl BytesPerSecond {
    /// As fast as can be said.
    pub const MAX: BytesPerSecond = BytesPerSecond(NonZeroU64::MAX);

    /// `None` for zero.
    pub fn new(bytes_per_second: u64) -> Option<BytesPerSecond> {
        NonZeroU64::new(bytes_per_second).map(BytesPerSecond)
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

/// How much of an idle time may be made up for at once.
///
/// Short enough that five seconds after any pause keep within 3 % of the rate, long enough to hide
/// how late timers are.
pub const BURST: Duration = Duration::from_millis(100);

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// A rate limit shared by any number of takers, served in the order in which they took.
///
/// `now` is a time since any fixed point, the same for all calls. Time that goes backwards counts as
/// standing still.
#[derive(Debug, Clone)]
pub struct Bucket {
    rate: BytesPerSecond,
    /// When [`Bucket::granted`] was last brought up to date.
    at: Duration,
    /// All that the rate has allowed so far, in bytes × 10⁹.
    granted: u128,
    /// All that was taken so far, in bytes × 10⁹. May be ahead of `granted`: that is the debt.
    taken: u128,
}

/// What a taker holds until its bytes are paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u128);

impl Bucket {
    /// An empty bucket: the first take waits for all of its bytes.
    pub fn new(rate: BytesPerSecond, now: Duration) -> Bucket {
        Bucket { rate, at: now, granted: 0, taken: 0 }
    }

    /// The rate in force.
    pub fn rate(&self) -> BytesPerSecond {
        self.rate
    }

    /// Changes the rate from `now` on. What was granted and taken before stays so, and a waiting
    /// taker is served at the new rate: ask [`Bucket::wait`] again with its ticket.
    pub fn set_rate(&mut self, now: Duration, rate: BytesPerSecond) {
        self.settle(now);
        self.rate = rate;
    }

    /// Counts `bytes`, behind all that was taken before.
    pub fn take(&mut self, now: Duration, bytes: u64) -> Ticket {
        self.settle(now);
        self.taken = self.taken.saturating_add(u128::from(bytes) * NANOS_PER_SECOND);
        Ticket(self.taken)
    }

    /// How long from `now` until the ticket's bytes are paid for. Rounded up to a nanosecond, so that
    /// who waits that long never exceeds the rate; zero when they are.
    pub fn wait(&mut self, now: Duration, ticket: Ticket) -> Duration {
        self.settle(now);
        let owed = ticket.0.saturating_sub(self.granted);
        let nanos = owed.div_ceil(u128::from(self.rate.get()));
        Duration::from_nanos(nanos.try_into().unwrap_or(u64::MAX))
    }

    /// Grants what the time since the last call allows, but never more than [`BURST`] ahead of what
    /// was taken.
    fn settle(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.at).as_nanos();
        self.at = self.at.max(now);
        let rate = u128::from(self.rate.get());
        let ceiling = self.taken.saturating_add(rate.saturating_mul(BURST.as_nanos()));
        // A lower rate has a lower ceiling; what was granted already is not taken back.
        let ceiling = ceiling.max(self.granted);
        let granted = self.granted.saturating_add(elapsed.saturating_mul(rate));
        self.granted = granted.min(ceiling);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(bytes_per_second: u64) -> BytesPerSecond {
        BytesPerSecond::new(bytes_per_second).unwrap()
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_second_of_bytes_takes_a_second() {
        let mut bucket = Bucket::new(rate(1_000), Duration::ZERO);
        let ticket = bucket.take(Duration::ZERO, 1_000);
        assert_eq!(bucket.wait(Duration::ZERO, ticket), SECOND);
        assert_eq!(bucket.wait(SECOND / 4, ticket), SECOND * 3 / 4);
        assert_eq!(bucket.wait(SECOND, ticket), Duration::ZERO);
    }

    #[test]
    fn takers_are_served_in_their_order() {
        let mut bucket = Bucket::new(rate(100), Duration::ZERO);
        let first = bucket.take(Duration::ZERO, 100);
        let second = bucket.take(Duration::ZERO, 100);
        assert_eq!(bucket.wait(Duration::ZERO, first), SECOND);
        assert_eq!(bucket.wait(Duration::ZERO, second), SECOND * 2);
    }

    #[test]
    fn an_idle_hour_earns_no_more_than_the_burst() {
        let mut bucket = Bucket::new(rate(1_000), Duration::ZERO);
        let now = SECOND * 3_600;
        let ticket = bucket.take(now, 1_000);
        assert_eq!(bucket.wait(now, ticket), SECOND - BURST);
    }

    #[test]
    fn a_new_rate_serves_those_who_wait_already() {
        let mut bucket = Bucket::new(rate(1), Duration::ZERO);
        let ticket = bucket.take(Duration::ZERO, 1_001);
        // One byte at the old rate, the other thousand at the new one.
        bucket.set_rate(SECOND, rate(1_000));
        assert_eq!(bucket.wait(SECOND, ticket), SECOND);
    }

    #[test]
    fn a_clock_that_steps_back_grants_nothing_twice() {
        let mut bucket = Bucket::new(rate(1_000), SECOND * 10);
        let ticket = bucket.take(SECOND * 10, 2_000);
        assert_eq!(bucket.wait(SECOND * 11, ticket), SECOND);
        assert_eq!(bucket.wait(SECOND * 5, ticket), SECOND);
        assert_eq!(bucket.wait(SECOND * 11, ticket), SECOND);
    }

    #[test]
    fn no_rate_and_no_amount_overflows() {
        for bytes_per_second in [1, u64::MAX] {
            let mut bucket = Bucket::new(rate(bytes_per_second), Duration::ZERO);
            for _ in 0..100 {
                let ticket = bucket.take(Duration::MAX, u64::MAX);
                bucket.wait(Duration::MAX, ticket);
            }
        }
    }

    proptest! {
        /// However the takes are cut and however late their waits end, what passed never exceeds
        /// the rate by more than the burst, and a taker that always waits loses nothing.
        #[test]
        fn over_time_the_rate_is_exact(
            bytes_per_second in 1_u64..=10_000_000_000,
            takes in prop::collection::vec((1_u64..=4_000_000, 0_u64..=50_000_000), 1..200),
        ) {
            let mut bucket = Bucket::new(rate(bytes_per_second), Duration::ZERO);
            let (mut now, mut passed, mut idle) = (Duration::ZERO, 0_u128, Duration::ZERO);
            for (bytes, late_nanos) in takes {
                let ticket = bucket.take(now, bytes);
                now += bucket.wait(now, ticket);
                passed += u128::from(bytes);
                let allowed = u128::from(bytes_per_second) * (now + BURST).as_nanos();
                prop_assert!(passed * NANOS_PER_SECOND <= allowed);
                // Being late by less than the burst costs nothing: it is made up for later, so the
                // whole takes no longer than the bytes need plus all lateness, and no less.
                let late = Duration::from_nanos(late_nanos);
                now += late;
                idle += late;
            }
            let needed = (passed * NANOS_PER_SECOND).div_ceil(u128::from(bytes_per_second));
            let slack = idle.as_nanos() + 200;
            prop_assert!(now.as_nanos() <= needed + slack);
        }

        /// Without pauses the sum of all waits is what the bytes need, to the nanosecond.
        #[test]
        fn cutting_a_transfer_finer_does_not_slow_it(
            bytes_per_second in 1_u64..=10_000_000_000,
            cuts in prop::collection::vec(1_u64..=100_000, 1..300),
        ) {
            let mut bucket = Bucket::new(rate(bytes_per_second), Duration::ZERO);
            let mut now = Duration::ZERO;
            let mut total = 0_u128;
            for bytes in cuts {
                let ticket = bucket.take(now, bytes);
                now += bucket.wait(now, ticket);
                total += u128::from(bytes);
            }
            let exact = (total * NANOS_PER_SECOND).div_ceil(u128::from(bytes_per_second));
            prop_assert_eq!(now.as_nanos(), exact);
        }
    }
}
