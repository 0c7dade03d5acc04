//! The job's state machine as the interface describes it: what each call does in each state, and
//! what each event does.
//!
//! Written from the reference's tables and the decisions beside them, not from our code: the paper
//! prints these tables, and the model in [`crate::model`] runs on them, so that core and agent are
//! compared with the very text that people read. CONNECTING is no column: no job enters it.

use dobbin_types::{ErrorCode, JobState};

/// The columns, in the reference's order.
pub const STATES: [JobState; 8] = [
    JobState::Suspended,
    JobState::Queued,
    JobState::Transferring,
    JobState::TransientError,
    JobState::Error,
    JobState::Transferred,
    JobState::Acknowledged,
    JobState::Cancelled,
];

/// A state as the interface writes it.
pub fn name(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "QUEUED",
        JobState::Connecting => "CONNECTING",
        JobState::Transferring => "TRANSFERRING",
        JobState::Suspended => "SUSPENDED",
        JobState::Error => "ERROR",
        JobState::TransientError => "TRANSIENT_ERROR",
        JobState::Transferred => "TRANSFERRED",
        JobState::Acknowledged => "ACKNOWLEDGED",
        JobState::Cancelled => "CANCELLED",
    }
}

/// What a call does in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// It answers with this code and leads to this state; `None` where the state stays.
    Ok(ErrorCode, Option<JobState>),
    /// It is refused with this code, and nothing changes.
    Refused(ErrorCode),
    /// It fails with what the system says, and the state stays.
    Fails,
    /// No job is ever in this state under this condition.
    Never,
}

/// A call, under one condition, in every state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its name in marks: `Resume`, `Resume empty`.
    pub name: &'static str,
    /// One cell for each of [`STATES`].
    pub cells: [Cell; 8],
}

const SAME: Cell = Cell::Ok(ErrorCode::S_OK, None);
const IS: Cell = Cell::Refused(ErrorCode::DO_E_INVALID_STATE);
const NO_INFORMATION: Cell = Cell::Refused(ErrorCode::DO_E_ERROR_INFORMATION_UNAVAILABLE);
const NEVER: Cell = Cell::Never;
const FAILS: Cell = Cell::Fails;

const fn to(state: JobState) -> Cell {
    Cell::Ok(ErrorCode::S_OK, Some(state))
}

const SUSPENDED: Cell = to(JobState::Suspended);
const QUEUED: Cell = to(JobState::Queued);
const TRANSFERRED: Cell = to(JobState::Transferred);
const CANCELLED: Cell = to(JobState::Cancelled);
const DONE: Cell = to(JobState::Acknowledged);
const PARTLY: Cell = Cell::Ok(ErrorCode::BG_S_PARTIAL_COMPLETE, Some(JobState::Acknowledged));

const fn operation(name: &'static str, cells: [Cell; 8]) -> Operation {
    Operation { name, cells }
}

/// `Resume` of a job with an unfinished file.
pub const RESUME: Operation =
    operation("Resume", [QUEUED, SAME, SAME, QUEUED, QUEUED, NEVER, IS, IS]);

/// `Resume` of a job without files.
pub const RESUME_EMPTY: Operation = operation(
    "Resume empty",
    [Cell::Refused(ErrorCode::DO_E_JOB_EMPTY), NEVER, NEVER, NEVER, NEVER, NEVER, IS, IS],
);

/// `Resume` of a job whose files are all here.
pub const RESUME_FINISHED: Operation =
    operation("Resume finished", [TRANSFERRED, NEVER, NEVER, NEVER, NEVER, SAME, IS, IS]);

/// `Suspend`.
pub const SUSPEND: Operation =
    operation("Suspend", [SAME, SUSPENDED, SUSPENDED, SUSPENDED, SAME, SAME, IS, IS]);

/// `Cancel`.
pub const CANCEL: Operation =
    operation("Cancel", [CANCELLED, CANCELLED, CANCELLED, CANCELLED, CANCELLED, CANCELLED, IS, IS]);

/// `Complete` of a job whose files are all here, or that has none.
pub const COMPLETE: Operation =
    operation("Complete finished", [DONE, NEVER, NEVER, NEVER, NEVER, DONE, IS, IS]);

/// `Complete` of a job with an unfinished file.
pub const COMPLETE_PARTLY: Operation =
    operation("Complete partial", [PARTLY, PARTLY, PARTLY, PARTLY, PARTLY, NEVER, IS, IS]);

/// `Complete` when a finished file cannot be put in its place.
pub const COMPLETE_FAILS: Operation =
    operation("Complete rename-fails", [FAILS, FAILS, FAILS, FAILS, FAILS, FAILS, IS, IS]);

/// `AddFileWithRanges` and `AddFile`.
pub const ADD_FILE: Operation =
    operation("AddFile", [SAME, SAME, SAME, SAME, SAME, SUSPENDED, IS, IS]);

/// Any setter that is allowed until the end.
const UNTIL_THE_END: [Cell; 8] = [SAME, SAME, SAME, SAME, SAME, SAME, IS, IS];

/// `SetPriority`.
pub const SET_PRIORITY: Operation = operation("SetPriority", UNTIL_THE_END);

/// `SetNoProgressTimeout`.
pub const SET_NO_PROGRESS_TIMEOUT: Operation = operation("SetNoProgressTimeout", UNTIL_THE_END);

/// `SetNotifyFlags`.
pub const SET_NOTIFY_FLAGS: Operation = operation("SetNotifyFlags", UNTIL_THE_END);

/// `IBackgroundCopyJob5::SetProperty`.
pub const SET_JOB_PROPERTY: Operation = operation("Job5::SetProperty", UNTIL_THE_END);

/// `IBackgroundCopyFile2::SetRemoteName`.
pub const SET_REMOTE_NAME: Operation = operation("SetRemoteName", UNTIL_THE_END);

/// `IDeliveryOptimizationFile2::SetProperty`.
pub const SET_FILE_PROPERTY: Operation =
    operation("DOFile2::SetProperty", [SAME, IS, IS, SAME, SAME, IS, IS, IS]);

/// `GetError`.
pub const GET_ERROR: Operation = operation(
    "GetError",
    [
        NO_INFORMATION,
        NO_INFORMATION,
        NO_INFORMATION,
        SAME,
        SAME,
        NO_INFORMATION,
        NO_INFORMATION,
        NO_INFORMATION,
    ],
);

/// Everything that a caller may do with a job.
pub const OPERATIONS: &[Operation] = &[
    RESUME,
    RESUME_EMPTY,
    RESUME_FINISHED,
    SUSPEND,
    CANCEL,
    COMPLETE,
    COMPLETE_PARTLY,
    COMPLETE_FAILS,
    ADD_FILE,
    SET_NO_PROGRESS_TIMEOUT,
    SET_NOTIFY_FLAGS,
    SET_PRIORITY,
    operation("SetNotifyInterface", UNTIL_THE_END),
    SET_JOB_PROPERTY,
    SET_REMOTE_NAME,
    SET_FILE_PROPERTY,
    GET_ERROR,
    operation("getters", [SAME; 8]),
];

impl Operation {
    /// The cell for a state.
    ///
    /// # Panics
    ///
    /// For CONNECTING, which no job enters.
    pub fn cell(&self, state: JobState) -> Cell {
        let at = STATES.iter().position(|column| *column == state);
        self.cells[at.expect("no job is ever CONNECTING")]
    }
}

/// An event, and where it leads from the states in which it means anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Its name in marks.
    pub name: &'static str,
    /// What follows beside the state.
    pub says: &'static str,
    /// From and to; in all other states nothing happens.
    pub moves: &'static [(JobState, JobState)],
}

use JobState as S;

const TO_QUEUED: &[(S, S)] = &[(S::TransientError, S::Queued)];
const TO_ERROR: &[(S, S)] = &[(S::Queued, S::Error), (S::Transferring, S::Error)];
const TO_TRANSIENT: &[(S, S)] =
    &[(S::Queued, S::TransientError), (S::Transferring, S::TransientError)];
/// The last one is ours: the wait for another try becomes a wait for the condition.
const TO_BLOCKED: &[(S, S)] = &[
    (S::Queued, S::TransientError),
    (S::Transferring, S::TransientError),
    (S::TransientError, S::TransientError),
];

/// The schedule has a slot.
pub const SLOT_FREE: Event = Event {
    name: "slot-free",
    says: "the error object goes once data moves",
    moves: &[(S::Queued, S::Transferring)],
};

/// Another job needs the slot: ours, in the place of "owner logs off".
pub const SLOT_NEEDED: Event = Event {
    name: "slot-needed",
    says: "ours: another job comes first; the no-progress timer rests",
    moves: &[(S::Transferring, S::Queued)],
};

/// One file is here, others are not.
pub const ONE_FINISHED: Event = Event {
    name: "one-finished",
    says: "the others go on; FILE_TRANSFERRED is told as a modification",
    moves: &[(S::Transferring, S::Transferring)],
};

/// The last file is here.
pub const ALL_FINISHED: Event = Event {
    name: "all-finished",
    says: "TransferCompletionTime is set; JobTransferred is told when flag 0x01 is set",
    moves: &[(S::Transferring, S::Transferred)],
};

/// A file cannot be had.
pub const FATAL: Event = Event {
    name: "fatal",
    says: "the whole job stops with an error object; JobError is told when flag 0x02 is set",
    moves: TO_ERROR,
};

/// Something failed that may work later.
pub const TRANSIENT: Event = Event {
    name: "transient",
    says: "error object, retry timer, and a no-progress timer that runs from the first failure; \
           no JobError",
    moves: TO_TRANSIENT,
};

/// It is time for the next try.
pub const RETRY: Event = Event {
    name: "retry",
    says: "after waits that double, up to 30 s in the foreground and 600 s in the background",
    moves: TO_QUEUED,
};

/// No byte for too long, with failures.
pub const NO_PROGRESS: Event = Event {
    name: "no-progress",
    says: "DO_E_DOWNLOAD_NO_PROGRESS, with the last failure behind it; JobError",
    moves: &[(S::TransientError, S::Error)],
};

/// No byte for too long, without a failure.
pub const STALLED: Event = Event {
    name: "stalled",
    says: "DO_E_DOWNLOAD_NO_PROGRESS; JobError",
    moves: &[(S::Transferring, S::Error)],
};

/// The network is gone.
pub const NETWORK_LOST: Event = Event {
    name: "network-lost",
    says: "DO_E_BLOCKED_BY_NO_NETWORK; the no-progress timer rests, and no try is made",
    moves: TO_BLOCKED,
};

/// The network is back.
pub const NETWORK_BACK: Event =
    Event { name: "network-back", says: "whatever the wait was for", moves: TO_QUEUED };

/// Cost, cellular, power, VPN or memory forbids the job to run.
pub const BLOCKED: Event = Event {
    name: "blocked",
    says: "the condition's own code; the no-progress timer rests, and no try is made",
    moves: TO_BLOCKED,
};

/// That condition is over.
pub const UNBLOCKED: Event =
    Event { name: "unblocked", says: "only a wait for that very condition", moves: TO_QUEUED };

/// The service ends, in order or not, and starts again.
pub const RESTART: Event = Event {
    name: "restart",
    says: "what was fetched is kept and verified; error objects survive",
    moves: &[
        (S::Queued, S::Queued),
        (S::Transferring, S::Queued),
        (S::Suspended, S::Suspended),
        (S::Error, S::Error),
        (S::TransientError, S::TransientError),
        (S::Transferred, S::Transferred),
    ],
};

/// The origin's file became another one.
pub const CHANGED: Event = Event {
    name: "remote-changed",
    says: "that file alone starts from zero; finished files are not fetched again",
    moves: &[(S::Transferring, S::Transferring)],
};

/// Thirty days have passed since the job was created.
pub const TOO_OLD: Event = Event {
    name: "too-old",
    says: "removed with what it fetched; DO_E_JOB_TOO_OLD in the log",
    moves: &[
        (S::Suspended, S::Cancelled),
        (S::Queued, S::Cancelled),
        (S::Transferring, S::Cancelled),
        (S::TransientError, S::Cancelled),
        (S::Error, S::Cancelled),
        (S::Transferred, S::Cancelled),
    ],
};

/// Everything that happens to a job by itself.
pub const EVENTS: &[Event] = &[
    SLOT_FREE,
    SLOT_NEEDED,
    ALL_FINISHED,
    ONE_FINISHED,
    FATAL,
    TRANSIENT,
    RETRY,
    NO_PROGRESS,
    STALLED,
    NETWORK_LOST,
    NETWORK_BACK,
    BLOCKED,
    UNBLOCKED,
    RESTART,
    CHANGED,
    TOO_OLD,
];

impl Event {
    /// Where it leads from `state`; `None` where it means nothing.
    pub fn leads(&self, state: JobState) -> Option<JobState> {
        self.moves.iter().find(|(from, _)| *from == state).map(|(_, to)| *to)
    }
}
