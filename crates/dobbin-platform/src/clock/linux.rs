//! Linux: `CLOCK_BOOTTIME` and the kernel's own boot id.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Time since the machine started, suspension included: `clock_gettime(2)`, `CLOCK_BOOTTIME`.
///
/// Not `CLOCK_MONOTONIC`, which stands still in suspension: a deadline would then lie as far ahead
/// after a night as before it.
pub(super) fn counted() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    // The kernel keeps both within their ranges, and neither is negative since the start.
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// How much of that the machine was suspended: what `CLOCK_MONOTONIC` lacks.
pub(super) fn suspended() -> Duration {
    // In this order, so that a suspension between the two readings is not counted yet.
    let counted = counted();
    let time = clock_gettime(ClockId::Monotonic);
    let awake =
        Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0));
    counted.saturating_sub(awake)
}

/// The kernel makes one at random in each run: `random(4)`.
pub(super) fn boot_id_text() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Clock, boot_id};
    use super::*;

    /// What `/proc/uptime` shows, which counts suspension too and cuts hundredths off.
    fn uptime() -> Duration {
        let text = fs::read_to_string("/proc/uptime").unwrap();
        Duration::from_secs_f64(text.split(' ').next().unwrap().parse().unwrap())
    }

    #[test]
    fn the_count_is_the_machines_uptime() {
        let (before, counted, after) = (uptime(), counted(), uptime());
        // `f64` holds hundredths only nearly.
        let (cut, inexact) = (Duration::from_millis(10), Duration::from_micros(1));
        assert!(before <= counted + inexact, "{before:?} {counted:?}");
        assert!(counted <= after + cut + inexact, "{counted:?} {after:?}");
    }

    /// When the kernel says that this process began, to the hundredth before it.
    fn process_start() -> Duration {
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        // After the name, which stands in brackets and may have any characters, come 19 fields
        // and then the start, in hundredths of a second: `proc_pid_stat(5)`, field 22.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        Duration::from_millis(10 * fields.split(' ').nth(19).unwrap().parse::<u64>().unwrap())
    }

    #[test]
    fn ticks_count_from_within_the_life_of_the_process() {
        let clock = Clock::system();
        let (before, now) = (counted(), clock.now());
        let zero = before.saturating_sub(Duration::from_millis(now.0));
        let rounding = Duration::from_millis(1);
        assert!(process_start() <= zero + rounding, "{:?} {zero:?}", process_start());
    }

    #[test]
    fn the_machine_says_which_run_it_is_and_says_the_same_again() {
        let id = boot_id().expect("this machine has a /proc");
        assert_eq!(id.as_str().len(), 36);
        assert_eq!(boot_id(), Some(id));
    }
}
