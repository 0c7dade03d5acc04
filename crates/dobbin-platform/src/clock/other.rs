//! Systems nobody has written yet: std's monotonic clock, and no word about restarts.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Time since the first call. Whether it counts suspension is up to the system.
pub(super) fn counted() -> Duration {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed()
}

/// The system does not say.
pub(super) fn suspended() -> Duration {
    Duration::ZERO
}

/// The system does not say: every start of the agent then counts as a start of the machine.
pub(super) fn boot_id_text() -> Option<String> {
    None
}
