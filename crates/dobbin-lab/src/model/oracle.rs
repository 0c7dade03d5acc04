//! What must become of a job: the tables, with the timers beside them.

use std::time::Duration;

use dobbin_types::{ErrorCode, JobState};

use super::shape::{Answer, Call, Shape};
use crate::conformance::tables::{self, Event};

/// Thirty days.
const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);

/// What happens to a job by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happening {
    /// The schedule has a slot.
    SlotFree,
    /// The schedule needs the slot.
    SlotNeeded,
    /// Bytes arrive.
    Bytes,
    /// A file is here.
    Finished(u32),
    /// A file cannot be had.
    Fatal(ErrorCode),
    /// A try failed.
    Transient(ErrorCode),
    /// A condition forbids the job to run.
    Blocked(ErrorCode),
    /// That condition is over.
    Unblocked(ErrorCode),
    /// The file is another one at its origin.
    Changed(u32),
    /// Time passed; whatever is due happens.
    TimePassed,
}

/// A watch that can stand still.
#[derive(Debug, Clone, Copy, Default)]
struct Watch {
    spent: Duration,
    since: Option<Duration>,
}

impl Watch {
    fn elapsed(self, now: Duration) -> Duration {
        self.spent + self.since.map_or(Duration::ZERO, |since| now - since)
    }

    fn run(&mut self, now: Duration) {
        self.since.get_or_insert(now);
    }

    fn rest(&mut self, now: Duration) {
        *self = Watch { spent: self.elapsed(now), since: None };
    }
}

/// A job as it must be.
#[derive(Debug, Clone)]
pub(super) struct Oracle {
    pub(super) shape: Shape,
    /// Why it last stopped, and what lay behind that.
    pub(super) reason: Option<(ErrorCode, Option<ErrorCode>)>,
    /// Somebody waits for it: retries come sooner, the no-progress timeout is shorter.
    pub(super) is_foreground: bool,
    /// As set.
    pub(super) timeout: Option<Duration>,
    failures: u32,
    retry_at: Option<Duration>,
    quiet: Watch,
    born: Duration,
}

impl Oracle {
    /// A new job.
    pub(super) fn new(now: Duration) -> Oracle {
        Oracle {
            shape: Shape::new(),
            reason: None,
            is_foreground: false,
            timeout: None,
            failures: 0,
            retry_at: None,
            quiet: Watch::default(),
            born: now,
        }
    }

    /// The code of the error object, and the one behind it; `None` where there is none.
    pub(super) fn error(&self) -> Option<(ErrorCode, Option<ErrorCode>)> {
        match tables::GET_ERROR.cell(self.shape.state) {
            tables::Cell::Ok(..) => self.reason,
            tables::Cell::Refused(_) | tables::Cell::Fails | tables::Cell::Never => None,
        }
    }

    /// A caller does something.
    pub(super) fn call(&mut self, call: Call) -> Answer {
        let (answer, after) = self.shape.call(call);
        if after.state != self.shape.state {
            self.retry_at = None;
            self.quiet = Watch::default();
            match after.state {
                JobState::Queued => self.failures = 0,
                JobState::Transferred => (self.failures, self.reason) = (0, None),
                _ => {}
            }
        }
        self.shape = after;
        answer
    }

    /// Something happens. Whether it means anything stands in the tables.
    pub(super) fn happen(&mut self, happening: Happening, now: Duration) {
        match happening {
            Happening::SlotFree => {
                if self.goes(&tables::SLOT_FREE) {
                    self.quiet.run(now);
                }
            }
            Happening::SlotNeeded => {
                if self.goes(&tables::SLOT_NEEDED) {
                    self.quiet.rest(now);
                }
            }
            Happening::Bytes => {
                if self.shape.state == JobState::Transferring {
                    self.progress(now);
                }
            }
            Happening::Finished(number) => self.finish(number, now),
            Happening::Fatal(code) => self.stop(code, now),
            // A timeout of zero makes every error fatal.
            Happening::Transient(code) if self.timeout() == Duration::ZERO => self.stop(code, now),
            Happening::Transient(code) => self.wait(code, now),
            Happening::Blocked(code) => self.block(code, now),
            Happening::Unblocked(code) => {
                let is_network = code == ErrorCode::DO_E_BLOCKED_BY_NO_NETWORK;
                let is_own = self.reason.is_some_and(|(reason, _)| reason == code);
                let event = if is_network { &tables::NETWORK_BACK } else { &tables::UNBLOCKED };
                if (is_network || is_own) && self.goes(event) {
                    self.quiet.rest(now);
                }
            }
            // Only what is known of the file changes, and a file that is here is not fetched again.
            Happening::Changed(_) => {}
            Happening::TimePassed => self.pass(now),
        }
    }

    /// Follows an event's row; whether it leads anywhere from here.
    fn goes(&mut self, event: &Event) -> bool {
        let Some(to) = event.leads(self.shape.state) else {
            return false;
        };
        if to != self.shape.state {
            self.retry_at = None;
        }
        self.shape.state = to;
        true
    }

    fn progress(&mut self, now: Duration) {
        self.quiet = Watch { spent: Duration::ZERO, since: Some(now) };
        (self.failures, self.reason) = (0, None);
    }

    fn finish(&mut self, number: u32, now: Duration) {
        let is_news = number < self.shape.files_count && !self.shape.is_finished(number);
        if !is_news || self.shape.state != JobState::Transferring {
            return;
        }
        self.shape.finished |= 1 << number;
        self.progress(now);
        if self.shape.all_finished() && self.goes(&tables::ALL_FINISHED) {
            self.quiet = Watch::default();
        }
    }

    fn stop(&mut self, code: ErrorCode, _now: Duration) {
        if self.goes(&tables::FATAL) {
            self.failures += 1;
            self.reason = Some((code, None));
            self.quiet = Watch::default();
        }
    }

    fn wait(&mut self, code: ErrorCode, now: Duration) {
        if self.goes(&tables::TRANSIENT) {
            self.failures += 1;
            self.reason = Some((code, None));
            self.retry_at = Some(now + self.retry_delay());
            self.quiet.run(now);
        }
    }

    fn block(&mut self, code: ErrorCode, now: Duration) {
        let is_network = code == ErrorCode::DO_E_BLOCKED_BY_NO_NETWORK;
        let event = if is_network { &tables::NETWORK_LOST } else { &tables::BLOCKED };
        let waits = self.shape.state == JobState::TransientError;
        // One condition after the other: whoever waits for one already goes on waiting for it.
        if (waits && self.retry_at.is_none()) || !self.goes(event) {
            return;
        }
        let behind = self.reason.map(|(last, _)| last).filter(|last| waits && *last != code);
        self.reason = Some((code, behind));
        self.retry_at = None;
        self.quiet.rest(now);
    }

    /// Two seconds, doubled for each failure in a row, up to the cap of its class.
    fn retry_delay(&self) -> Duration {
        let cap = if self.is_foreground { 30 } else { 600 };
        let doubled = 1_u64 << self.failures.clamp(1, 16);
        Duration::from_secs(doubled.min(cap))
    }

    fn timeout(&self) -> Duration {
        let by_priority = if self.is_foreground { 3_600 } else { 86_400 };
        self.timeout.unwrap_or(Duration::from_secs(by_priority))
    }

    /// What is due: the age before the no-progress timeout before the retry.
    fn pass(&mut self, now: Duration) {
        if now - self.born >= AGE_MAX && self.goes(&tables::TOO_OLD) {
            return;
        }
        let is_waiting = self.shape.state == JobState::TransientError;
        let event = if is_waiting { &tables::NO_PROGRESS } else { &tables::STALLED };
        // With a timeout of zero every error is fatal, but a transfer is not late for having begun.
        let counts = is_waiting || self.timeout() > Duration::ZERO;
        let is_over = self.quiet.since.is_some() && self.quiet.elapsed(now) >= self.timeout();
        if counts && is_over && self.goes(event) {
            let no_progress = ErrorCode::DO_E_DOWNLOAD_NO_PROGRESS;
            let behind = self.reason.map(|(code, _)| code).filter(|code| *code != no_progress);
            self.reason = Some((no_progress, behind));
            self.quiet = Watch::default();
            return;
        }
        if self.retry_at.is_some_and(|at| at <= now) && self.goes(&tables::RETRY) {
            self.quiet.rest(now);
        }
    }

    /// The service ends and begins anew; no time passes meanwhile.
    pub(super) fn restart(&mut self, now: Duration) {
        self.goes(&tables::RESTART);
        self.quiet.rest(now);
        if self.shape.state == JobState::TransientError {
            // One try's worth of waiting begins anew; the no-progress timer rests for those that a
            // condition blocked.
            self.retry_at = Some(now + self.retry_delay());
            if !self.reason.is_some_and(|(code, _)| code.is_transient()) {
                self.quiet.run(now);
            }
        }
    }
}
