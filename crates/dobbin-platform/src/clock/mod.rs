//! What time it is: since the process started, on the wall, and since which start of the machine.

mod fake;
#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod os;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod os;

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dobbin_core::time::Tick;
use dobbin_types::FileTime;

pub use fake::FakeClock;

/// Where moments come from: the system, or a test that makes them up ([`FakeClock::clock`]).
///
/// Cheap to clone. All system clocks of a process agree, whichever was made first.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Fake(FakeClock),
}

impl Clock {
    /// The machine's own clock. Ticks count from the first call in this process, so a program
    /// makes one before it does anything else.
    pub fn system() -> Clock {
        start();
        Clock(Source::System)
    }

    /// The moment it is. Never goes back, counts the time in which the machine was suspended, and
    /// does not care who sets the date.
    pub fn now(&self) -> Tick {
        match &self.0 {
            Source::System => Tick::ZERO.after(whole_millis(os::counted().saturating_sub(start()))),
            Source::Fake(fake) => fake.now(),
        }
    }

    /// How long the machine has been suspended since the first tick, in whole milliseconds. Never
    /// shrinks. To be read after [`Clock::now`]: a suspension between the two then counts for
    /// neither.
    pub fn slept(&self) -> Duration {
        match &self.0 {
            Source::System => {
                static LONGEST: AtomicU64 = AtomicU64::new(0);
                let slept =
                    os::suspended().saturating_sub(*SLEPT_BEFORE.get_or_init(os::suspended));
                let millis = u64::try_from(slept.as_millis()).unwrap_or(u64::MAX);
                Duration::from_millis(LONGEST.fetch_max(millis, Ordering::Relaxed).max(millis))
            }
            Source::Fake(fake) => fake.slept(),
        }
    }

    /// What the wall clock shows, to the millisecond. It may jump either way; nothing is decided
    /// by it except what a caller or a server stated as a date. A date before 1970 shows as 1970.
    pub fn wall(&self) -> FileTime {
        match &self.0 {
            Source::System => {
                let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let millis = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
                FileTime::from_unix_millis(millis)
            }
            Source::Fake(fake) => fake.wall(),
        }
    }
}

/// One run of the machine, from its start to its end or to a loss of power.
///
/// What was written but not flushed is still there as long as this stays the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BootId(String);

impl BootId {
    /// The system's own text for it: stable within a run, of no meaning beyond equality.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Longest text taken for one, in bytes. Linux needs 36.
    const TEXT_BYTES_MAX: usize = 64;

    /// `None` for what cannot be one. A doubtful answer must not pass for "the same run": half a
    /// text, or none, would then vouch for pieces that a power cut took.
    fn from_text(text: &str) -> Option<BootId> {
        let text = text.trim_ascii();
        let sound = (32..=Self::TEXT_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
            && text.bytes().any(|byte| byte != b'0' && byte != b'-');
        sound.then(|| BootId(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which run of the machine this is; `None` when the system does not say, which the caller takes
/// for "another one than before".
pub fn boot_id() -> Option<BootId> {
    BootId::from_text(&os::boot_id_text()?)
}

/// What the system had counted when this process first asked.
fn start() -> Duration {
    static START: OnceLock<Duration> = OnceLock::new();
    *START.get_or_init(|| {
        SLEPT_BEFORE.get_or_init(os::suspended);
        os::counted()
    })
}

/// How long the machine had been suspended when this process first asked.
static SLEPT_BEFORE: OnceLock<Duration> = OnceLock::new();

/// Without the fraction: the moment it is, unlike a deadline, is never rounded up.
fn whole_millis(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_clocks_of_a_process_agree_and_never_go_back() {
        let (first, second) = (Clock::system(), Clock::system());
        let mut before = first.now();
        for _ in 0..1_000 {
            for clock in [&second, &first] {
                let now = clock.now();
                assert!(before <= now, "{before:?} then {now:?}");
                before = now;
            }
        }
    }

    #[test]
    fn ticks_are_milliseconds_that_the_system_counts() {
        let clock = Clock::system();
        let outer_start = os::counted();
        let inner_start = clock.now();
        while clock.now() < inner_start.after(Duration::from_millis(20)) {
            std::hint::spin_loop();
        }
        let inner = clock.now().since(inner_start);
        let outer = os::counted() - outer_start;
        assert!(inner >= Duration::from_millis(20));
        assert!(outer + Duration::from_millis(1) >= inner, "{outer:?} against {inner:?}");
    }

    #[test]
    fn time_slept_never_shrinks_and_is_part_of_what_was_counted() {
        let clock = Clock::system();
        let mut before = clock.slept();
        for _ in 0..1_000 {
            let (now, slept) = (clock.now(), clock.slept());
            assert!(before <= slept, "{before:?} then {slept:?}");
            assert!(slept <= now.since(Tick::ZERO) + Duration::from_millis(1));
            before = slept;
        }
    }

    #[test]
    fn the_wall_clock_is_the_systems() {
        let millis =
            || SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_millis()).unwrap();
        let before = millis();
        let shown = u128::from(Clock::system().wall().unix_millis());
        let after = millis();
        assert!(before <= shown && shown <= after, "{before} {shown} {after}");
    }

    #[track_caller]
    fn check_boot_id(text: &str, expect: Option<&str>) {
        assert_eq!(BootId::from_text(text).as_ref().map(BootId::as_str), expect, "{text:?}");
    }

    #[test]
    fn only_a_whole_text_names_a_run_of_the_machine() {
        let id = "1f0c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b";
        check_boot_id(&format!("{id}\n"), Some(id));
        check_boot_id(&id.to_uppercase(), Some(id));
        check_boot_id("", None);
        check_boot_id("\n", None);
        check_boot_id(&id[..20], None);
        check_boot_id("00000000-0000-0000-0000-000000000000\n", None);
        check_boot_id("not a number but just as long as one", None);
        check_boot_id(&id.repeat(2), None);
    }
}
