//! When to try again.

use core::time::Duration;

/// The longest wait between two tries of a foreground job: somebody is waiting.
pub const CAP_FOREGROUND: Duration = Duration::from_secs(30);

/// The longest wait between two tries of a background job. Spares an origin that is down for hours,
/// and still makes several tries within an hourly no-progress timeout.
pub const CAP_BACKGROUND: Duration = Duration::from_secs(600);

/// The wait between two tries of a job that lacks space, memory or the like on this machine, be it
/// foreground or background. No origin is spared by a longer one, and somebody who makes room shall
/// see the job go on within a minute; a shorter one would fetch again, for nothing, what found no room.
pub const WAIT_SHORTAGE: Duration = Duration::from_secs(30);

/// The wait before the next try after `failures_count` failures in a row: 2 s, doubling to `cap`.
///
/// * `retry_after`: what the origin asked for; the wait is at least that, even beyond `cap`.
/// * `spread_thousandths`: how much to stretch the wait, so that many machines that failed together
///   do not come back together. Drawn by the caller: chance is no business of core's.
pub fn delay(
    failures_count: u32,
    cap: Duration,
    retry_after: Option<Duration>,
    spread_thousandths: u16,
) -> Duration {
    let doublings = failures_count.clamp(1, 16);
    let wait = Duration::from_secs(1).saturating_mul(1 << doublings).min(cap);
    let wait = wait.max(retry_after.unwrap_or_default());
    wait + wait * u32::from(spread_thousandths) / 1_000
}

/// Whether a refusal with this HTTP status may be over at the next try although its class says that it
/// will not.
///
/// "Not found" for a file that this very URL has served before (`was_served`) is mostly one server of
/// many that does not have it yet, or an origin that is just replacing it. One that wants credentials
/// or says "gone" means it, and so does whoever never had the file.
pub fn may_come_back(http_status: u16, was_served: bool) -> bool {
    was_served && http_status == 404
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_that_was_there_may_come_back() {
        for (status, served, expect) in [
            (404, true, true),
            (404, false, false),
            (401, true, false),
            (403, true, false),
            (410, true, false),
            (416, true, false),
        ] {
            assert_eq!(may_come_back(status, served), expect, "{status} {served}");
        }
    }

    const fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// conformance: number retry-delay
    #[test]
    fn waits_double_from_two_seconds_to_the_cap() {
        let waits = |cap| [1, 2, 3, 4, 5, 6, 40].map(|n| delay(n, cap, None, 0).as_secs());
        assert_eq!(waits(CAP_FOREGROUND), [2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(waits(CAP_BACKGROUND), [2, 4, 8, 16, 32, 64, 600]);
        assert_eq!(delay(0, CAP_FOREGROUND, None, 0), seconds(2));
    }

    /// conformance: number retry-after
    #[test]
    fn the_origin_may_ask_for_a_longer_wait_but_not_for_a_shorter_one() {
        assert_eq!(delay(1, CAP_FOREGROUND, Some(seconds(90)), 0), seconds(90));
        assert_eq!(delay(3, CAP_FOREGROUND, Some(seconds(1)), 0), seconds(8));
    }

    #[test]
    fn chance_only_stretches_the_wait() {
        assert_eq!(delay(2, CAP_FOREGROUND, None, 250), seconds(5));
    }
}
