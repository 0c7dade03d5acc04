//! When a status callback is due (`CallbackFreqPercent`, `CallbackFreqSeconds`).

use std::time::{Duration, Instant};

use dobbin_types::rest::{DownloadMark, DownloadStatus};

/// What was told last, and when.
#[derive(Debug, Default)]
pub(super) struct Cadence {
    last: Option<(DownloadStatus, Instant)>,
}

impl Cadence {
    /// Whether this status is to be told now. Asking counts as telling when it is.
    ///
    /// The first one is, and everything but progress. Progress is when it has reached the next step in
    /// percent, or when the seconds have passed since the last call.
    pub(super) fn is_due(&mut self, mark: &DownloadMark, now: Instant) -> bool {
        let status = mark.status;
        let is_due = match &self.last {
            None => true,
            Some((last, at)) => {
                let (before, since) = (last, now.saturating_duration_since(*at));
                is_another_state(before, &status)
                    || (before != &status
                        && (is_next_step(before, &status, mark.callback_freq_percent)
                            || is_time(since, mark.callback_freq_seconds)))
            }
        };
        if is_due {
            self.last = Some((status, now));
        }
        is_due
    }
}

fn is_another_state(before: &DownloadStatus, now: &DownloadStatus) -> bool {
    let codes = |status: &DownloadStatus| (status.state, status.error, status.extended_error);
    codes(before) != codes(now)
}

/// Whether progress crossed a multiple of `percent`; never for 0.
fn is_next_step(before: &DownloadStatus, now: &DownloadStatus, percent: u32) -> bool {
    step(now, percent) > step(before, percent)
}

fn step(status: &DownloadStatus, percent: u32) -> Option<u128> {
    let total = u128::from(status.bytes_total?);
    let done = u128::from(status.bytes_transferred) * 100;
    done.checked_div(total)?.checked_div(u128::from(percent))
}

fn is_time(since: Duration, seconds: u32) -> bool {
    seconds > 0 && since >= Duration::from_secs(u64::from(seconds))
}

#[cfg(test)]
mod tests {
    use dobbin_types::{DownloadState, ErrorCode};

    use super::*;

    fn mark(done: u64, percent: u32, seconds: u32) -> DownloadMark {
        DownloadMark {
            status: DownloadStatus {
                bytes_total: Some(1_000),
                bytes_transferred: done,
                state: DownloadState::Transferring,
                error: ErrorCode::S_OK,
                extended_error: ErrorCode::S_OK,
            },
            callback_freq_percent: percent,
            callback_freq_seconds: seconds,
        }
    }

    /// Which of these moments, in milliseconds with the bytes had then, are told.
    #[track_caller]
    fn check(percent: u32, seconds: u32, moments: &[(u64, u64)], expect: &[u64]) {
        let start = Instant::now();
        let mut cadence = Cadence::default();
        let told = moments.iter().filter(|(at, done)| {
            let now = start + Duration::from_millis(*at);
            cadence.is_due(&mark(*done, percent, seconds), now)
        });
        let told: Vec<u64> = told.map(|(at, _)| *at).collect();
        assert_eq!(told, expect, "every {percent} % or {seconds} s");
    }

    /// conformance: IDODownloadStatusCallback::OnStatusChange
    /// conformance: download-property CallbackFreqPercent, download-property CallbackFreqSeconds
    #[test]
    fn progress_is_told_by_percent_and_by_seconds() {
        let steady: Vec<(u64, u64)> = (0..=10).map(|n| (n * 500, n * 50)).collect();
        check(0, 1, &steady, &[0, 1_000, 2_000, 3_000, 4_000, 5_000]);
        check(0, 2, &steady, &[0, 2_000, 4_000]);
        check(10, 0, &steady, &[0, 1_000, 2_000, 3_000, 4_000, 5_000]);
        check(25, 0, &steady, &[0, 2_500, 5_000]);
        check(0, 0, &steady, &[0]);
        // Whichever comes first; a call by one of them begins the seconds anew.
        check(20, 1, &[(0, 0), (900, 210), (1_500, 300), (1_900, 310)], &[0, 900, 1_900]);
    }

    #[test]
    fn nothing_is_told_while_nothing_moves() {
        check(1, 1, &[(0, 5), (5_000, 5), (60_000, 5), (60_001, 6)], &[0, 60_001]);
    }

    #[test]
    fn a_change_of_state_is_told_at_once() {
        let now = Instant::now();
        let mut cadence = Cadence::default();
        assert!(cadence.is_due(&mark(0, 0, 0), now));
        assert!(!cadence.is_due(&mark(1, 0, 0), now));
        let mut paused = mark(1, 0, 0);
        paused.status.state = DownloadState::Paused;
        assert!(cadence.is_due(&paused, now));
        assert!(!cadence.is_due(&paused, now));
        paused.status.extended_error = ErrorCode::DO_E_BLOCKED_BY_NO_NETWORK;
        assert!(cadence.is_due(&paused, now));
        paused.status.error = ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS;
        assert!(cadence.is_due(&paused, now));
    }

    #[test]
    fn a_size_that_nobody_knows_has_no_percent() {
        let now = Instant::now();
        let mut cadence = Cadence::default();
        let mut unknown = mark(0, 1, 0);
        unknown.status.bytes_total = None;
        assert!(cadence.is_due(&unknown, now));
        unknown.status.bytes_transferred = 500;
        assert!(!cadence.is_due(&unknown, now));
    }
}
