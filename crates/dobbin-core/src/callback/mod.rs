//! Calling programs back (`IBackgroundCopyCallback`): who is called, when, and when again.
//!
//! A program listens on a connection and registers jobs with it (`SetNotifyInterface`). What a job
//! then owes the program, JobTransferred or JobError, is said again and again until it is taken;
//! that something changed, JobModification, is said once and at most once a second.
//!
//! Nothing here acts or knows what time it is: [`Callbacks`] is told what happens and says which
//! calls to make now. It keeps at most one owed call for each job and none of the words of any call,
//! so that programs that never answer cost next to nothing.

mod line;
mod machine;
mod users;

use core::time::Duration;

use dobbin_types::{JobId, JobState, NotifyFlags};

pub use machine::Callbacks;

/// Calls of one user that may be out without an answer (notification concurrency); the others wait
/// in their order.
pub const OUTSTANDING_PER_USER_MAX: usize = 4;

/// How often a call is made before it is given up. A program that registers anew gets it again.
pub const TRIES_MAX: u32 = 10;

/// How long a call may take up one of the user's [`OUTSTANDING_PER_USER_MAX`] places. A program that
/// needs longer still answers it; only, others are called meanwhile.
pub const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// The wait before a call is made again, the first time; it doubles up to [`REPEAT_CAP`].
const REPEAT_FIRST: Duration = Duration::from_secs(5);
const REPEAT_CAP: Duration = Duration::from_secs(300);

/// The least time between two modifications of a job that a program is told of.
pub const MODIFICATION_PAUSE: Duration = Duration::from_secs(1);

// No call is made again while it still takes up a place.
const _: () = assert!(ANSWER_PATIENCE.as_millis() <= REPEAT_FIRST.as_millis());

/// A program's open connection, on which it is called. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listener(pub u64);

/// Names one owed call to one listener: all its repeats have the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallNumber(pub u64);

/// What a job owes the program that is registered for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owed {
    /// JobTransferred.
    Transferred,
    /// JobError.
    Error,
}

impl Owed {
    /// What the entry into a state is worth.
    pub fn of(state: JobState) -> Option<Owed> {
        match state {
            JobState::Transferred => Some(Owed::Transferred),
            JobState::Error => Some(Owed::Error),
            JobState::Queued
            | JobState::Connecting
            | JobState::Transferring
            | JobState::Suspended
            | JobState::TransientError
            | JobState::Acknowledged
            | JobState::Cancelled => None,
        }
    }

    /// The bit of `SetNotifyFlags` that asks for it.
    pub fn notify_flag(self) -> NotifyFlags {
        match self {
            Owed::Transferred => NotifyFlags::JOB_TRANSFERRED,
            Owed::Error => NotifyFlags::JOB_ERROR,
        }
    }
}

/// What a call says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saying {
    /// JobTransferred or JobError: made again until it is taken.
    Owed(Owed, CallNumber),
    /// JobModification: made once.
    Modification,
}

/// A call to make now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Whom to call.
    pub listener: Listener,
    /// About which job.
    pub job: JobId,
    /// What to say.
    pub saying: Saying,
}

/// What an answer to a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// The call was taken: it is owed no more.
    Taken,
    /// The program could not take it: it will be called again.
    Refused,
    /// Nobody waits for this answer: the call was taken, is no longer true, or was made to another
    /// registration.
    Late,
}

/// The wait between a call and its next repeat, after `tries` of them.
fn repeat_delay(tries: u32) -> Duration {
    REPEAT_FIRST.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(REPEAT_CAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "Job callback retry": 5 s doubling to 5 min.
    #[test]
    fn repeats_double_from_five_seconds_to_five_minutes() {
        let delays: [u64; 10] = core::array::from_fn(|n| repeat_delay(n as u32 + 1).as_secs());
        assert_eq!(delays, [5, 10, 20, 40, 80, 160, 300, 300, 300, 300]);
    }
}
