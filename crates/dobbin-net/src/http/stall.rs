//! Whether a server still sends, or only keeps the connection.

use std::time::Duration;

use super::settings::StallRule;

/// Into how many slots the rule's time is cut. The average is taken over the last whole slots.
const SLOTS: usize = 20;

/// What a server sent during the last [`StallRule::over`] of waiting for it.
///
/// Pure: told how long was waited and what came. A server that falls silent is found out after
/// exactly `over`; one that trickles, at the latest one slot (a twentieth) after its average fell.
#[derive(Debug)]
pub(super) struct StallWatch {
    rule: StallRule,
    /// Bytes that came in each slot, in a ring.
    slots: [u64; SLOTS],
    /// The slot that is being filled.
    current: usize,
    /// How much of the current slot has passed.
    passed: Duration,
    /// Whole slots seen so far, up to [`SLOTS`]: before that there is no average.
    seen: usize,
    /// Found at the end of a slot; stays until bytes come.
    stalled: bool,
}

impl StallWatch {
    pub(super) fn new(rule: StallRule) -> StallWatch {
        StallWatch {
            rule,
            slots: [0; SLOTS],
            current: 0,
            passed: Duration::ZERO,
            seen: 0,
            stalled: false,
        }
    }

    /// How long to wait before telling [`StallWatch::waited`]: until the current slot ends.
    pub(super) fn patience(&self) -> Duration {
        self.slot().saturating_sub(self.passed)
    }

    /// Whether the server sent too little for too long.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// Counts bytes that came.
    pub(super) fn received(&mut self, bytes: u64) {
        self.stalled = false;
        self.slots[self.current] = self.slots[self.current].saturating_add(bytes);
    }

    /// Counts time that was spent waiting.
    pub(super) fn waited(&mut self, time: Duration) {
        self.passed += time;
        let slot = self.slot();
        // A very long wait (the machine slept) is one look at all slots, not thousands.
        for _ in 0..SLOTS {
            if self.passed < slot {
                return;
            }
            self.passed -= slot;
            self.seen = (self.seen + 1).min(SLOTS);
            self.stalled |= self.seen == SLOTS && self.too_little();
            self.current = (self.current + 1) % SLOTS;
            self.slots[self.current] = 0;
        }
        self.passed = self.passed.min(slot);
    }

    fn slot(&self) -> Duration {
        (self.rule.over / SLOTS as u32).max(Duration::from_millis(1))
    }

    fn too_little(&self) -> bool {
        let sent: u128 = self.slots.iter().copied().map(u128::from).sum();
        let needed = u128::from(self.rule.min_bytes_per_second) * self.rule.over.as_millis();
        sent * 1_000 < needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: StallRule =
        StallRule { min_bytes_per_second: 4_000, over: Duration::from_secs(20) };

    /// Feeds `bytes` every `every`, and says after how much waiting the server counts as stalled.
    fn stalled_after(watch: &mut StallWatch, bytes: u64, every: Duration) -> Option<Duration> {
        let mut total = Duration::ZERO;
        while total < Duration::from_secs(600) {
            let mut left = every;
            while !left.is_zero() {
                let wait = left.min(watch.patience());
                total += wait;
                left -= wait;
                watch.waited(wait);
                if watch.is_stalled() {
                    return Some(total);
                }
            }
            watch.received(bytes);
        }
        None
    }

    /// conformance: number stall-timeout
    #[test]
    fn silence_is_found_out_after_twenty_seconds_and_not_before() {
        let mut fresh = StallWatch::new(RULE);
        let second = Duration::from_secs(1);
        assert_eq!(stalled_after(&mut fresh, 0, second), Some(20 * second));
    }

    #[test]
    fn a_burst_does_not_buy_more_time_than_the_rule_has() {
        let mut watch = StallWatch::new(RULE);
        watch.received(1 << 40);
        let second = Duration::from_secs(1);
        let found = stalled_after(&mut watch, 0, second).unwrap();
        assert!(found >= 20 * second && found <= 21 * second, "{found:?}");
    }

    #[test]
    fn a_server_just_fast_enough_is_left_alone() {
        let mut watch = StallWatch::new(RULE);
        assert_eq!(stalled_after(&mut watch, 404, Duration::from_millis(100)), None);
        let mut watch = StallWatch::new(RULE);
        assert_eq!(stalled_after(&mut watch, 27_000, Duration::from_secs(5)), None);
    }

    /// conformance: number stall-timeout
    #[test]
    fn a_trickle_is_found_out() {
        for (bytes, every_millis) in [(1, 1_000), (390, 100), (3_990, 1_000), (20_000, 6_000)] {
            let mut watch = StallWatch::new(RULE);
            let every = Duration::from_millis(every_millis);
            let found = stalled_after(&mut watch, bytes, every);
            assert!(found.is_some_and(|time| time <= Duration::from_secs(27)), "{bytes} {found:?}");
        }
    }

    #[test]
    fn one_endless_wait_is_a_stall_like_many_short_ones() {
        for (wait, expect) in [
            (Duration::from_secs(20), true),
            (Duration::from_secs(1_000_000), true),
            (Duration::from_millis(19_999), false),
        ] {
            let mut watch = StallWatch::new(RULE);
            watch.waited(wait);
            assert_eq!(watch.is_stalled(), expect, "{wait:?}");
        }
    }

    #[test]
    fn bytes_end_a_stall() {
        let mut watch = StallWatch::new(RULE);
        watch.waited(Duration::from_secs(20));
        watch.received(1);
        assert!(!watch.is_stalled());
    }

    #[test]
    fn time_that_is_not_waited_costs_nothing() {
        let mut watch = StallWatch::new(RULE);
        for _ in 0..1_000_000 {
            watch.received(0);
        }
        watch.waited(Duration::from_secs(19));
        assert!(!watch.is_stalled());
    }
}
