//! The job itself.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::num::NonZeroU64;
use core::time::Duration;

use dobbin_types::{
    Clsid, Completion, CostFlags, ErrorCode, FileNumber, FileTime, JobId, JobState, JobTimes,
    JobType, NotifyFlags, Priority, Uid,
};

use super::file::File;
use super::files::{Files, Totals};
use super::step::Now;
use super::timer;
use super::trouble::JobError;
use crate::callback::Owed;
use crate::download::Download;
use crate::time::{Stopwatch, Tick};

/// One run of a job. Whatever is in flight carries the number of the attempt that started it; a
/// result with an old number changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Attempt(pub u64);

/// What a caller says of a job when creating it, already checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Made by the engine: a GUID never used before.
    pub id: JobId,
    /// Who creates it.
    pub owner: Uid,
    /// At most 256 characters.
    pub display_name: String,
    /// Always a download.
    pub job_type: JobType,
    /// How urgent it is.
    pub priority: Priority,
    /// In seconds; `None` follows the priority.
    pub no_progress_timeout: Option<u32>,
    /// Who completes it.
    pub completion: Completion,
    /// Headers for the origin: secrets.
    pub headers: Vec<(String, String)>,
    /// The most it may fetch.
    pub bytes_per_second_max: Option<NonZeroU64>,
    /// What it has as a download; `None` for a job that is none.
    pub download: Option<Box<Download>>,
}

/// A copy job (`IBackgroundCopyJob`).
///
/// Its state, attempt and error are private: only [`super::step`] moves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub(super) new: NewJob,
    pub(super) notify_flags: NotifyFlags,
    /// `None` follows the priority.
    pub(super) cost_flags: Option<CostFlags>,
    pub(super) notification_clsid: Clsid,
    pub(super) state: JobState,
    pub(super) attempt: Attempt,
    pub(super) files: Files,
    pub(super) error: Option<JobError>,
    pub(super) times: JobTimes,
    pub(super) failures_count: u32,
    pub(super) retry_at: Option<Tick>,
    /// Before this the origin does not want to be asked again, however urgent the job becomes.
    pub(super) retry_not_before: Option<Tick>,
    /// Time without a byte: what the no-progress timeout is compared with. It stands still while the
    /// machine sleeps: its moments are those of [`Now::awake`].
    pub(super) quiet: Stopwatch,
    /// How long the machine had slept when the job was last looked at.
    pub(super) slept: Duration,
    /// Time since the job was created.
    pub(super) age: Stopwatch,
    pub(super) publishing: bool,
    pub(super) call_owed: bool,
}

/// What a record keeps of a job beside [`NewJob`] and its files. Whatever is not here is rebuilt:
/// attempts start anew, and what was in flight when the machine stopped is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The state when the record was written.
    pub state: JobState,
    /// The flags.
    pub notify_flags: NotifyFlags,
    /// Which networks it may use, by cost; `None` follows the priority.
    pub cost_flags: Option<CostFlags>,
    /// The class its owner named for notifications.
    pub notification_clsid: Clsid,
    /// The error object.
    pub error: Option<JobError>,
    /// When things happened to it.
    pub times: JobTimes,
    /// Failures in a row since the last byte.
    pub failures_count: u32,
    /// Time without a byte so far.
    pub quiet: Duration,
    /// Time since creation so far.
    pub age: Duration,
    /// Its owner has not yet taken the call that this state is worth.
    pub call_owed: bool,
}

/// How much of its life a job that is due has left after a restart: time in which a wall clock that
/// was wrong at boot is set right, and in which an owner can still complete it.
const REPRIEVE: Duration = Duration::from_secs(3_600);

impl Saved {
    /// The same, aged by the time since creation that the service did not see: the machine was off.
    ///
    /// Only the wall clock knows that time, and it may be wrong. So it never makes a job younger,
    /// and never so old that it expires at once: an hour of running must confirm it.
    pub fn aged(self, wall: FileTime) -> Saved {
        let millis = wall.unix_millis().saturating_sub(self.times.creation.unix_millis());
        let by_the_wall = Duration::from_millis(millis).min(timer::AGE_MAX - REPRIEVE);
        Saved { age: self.age.max(by_the_wall), ..self }
    }
}

impl Job {
    /// A new job: suspended and empty (`IBackgroundCopyManager::CreateJob`).
    pub fn create(new: NewJob, now: Tick, wall: FileTime) -> Job {
        let mut age = Stopwatch::default();
        age.start(now);
        Job {
            new,
            notify_flags: NotifyFlags::default(),
            cost_flags: None,
            notification_clsid: Clsid::NULL,
            state: JobState::Suspended,
            attempt: Attempt::default(),
            files: Files::default(),
            error: None,
            times: JobTimes { creation: wall, modification: wall, transfer_completion: None },
            failures_count: 0,
            retry_at: None,
            retry_not_before: None,
            quiet: Stopwatch::default(),
            slept: Duration::ZERO,
            age,
            publishing: false,
            call_owed: false,
        }
    }

    /// A job as its record says, after the service was started again.
    ///
    /// A job that was moving waits in the queue; one that waited for its next try waits for it from
    /// now on, one try's worth, because how long the machine was off is nobody's failure. One that
    /// a condition blocked is tried too, since nobody will say that a condition seen by another
    /// process is over; its no-progress timer rests until then.
    pub fn restore(new: NewJob, saved: Saved, files: Vec<File>, now: Now) -> Job {
        let state = match saved.state {
            JobState::Queued | JobState::Connecting | JobState::Transferring => JobState::Queued,
            kept @ (JobState::TransientError
            | JobState::Suspended
            | JobState::Error
            | JobState::Transferred
            | JobState::Acknowledged
            | JobState::Cancelled) => kept,
        };
        let mut age = Stopwatch::with_spent(saved.age);
        age.start(now.tick);
        let mut job = Job {
            new,
            notify_flags: saved.notify_flags,
            cost_flags: saved.cost_flags,
            notification_clsid: saved.notification_clsid,
            state,
            attempt: Attempt::default(),
            files: Files::new(files),
            error: saved.error,
            times: saved.times,
            failures_count: saved.failures_count,
            retry_at: None,
            retry_not_before: None,
            quiet: Stopwatch::with_spent(saved.quiet),
            slept: now.slept,
            age,
            publishing: false,
            call_owed: saved.call_owed,
        };
        if state == JobState::TransientError {
            if !job.error.as_ref().is_some_and(|error| error.code.is_transient()) {
                job.quiet.start(now.awake());
            }
            let code = job.error.as_ref().map_or(ErrorCode::S_OK, |error| error.code);
            job.retry_at = Some(now.tick.after(timer::retry_delay(&job, code, None, 0)));
        }
        job
    }

    /// What a record must keep, as of `now`.
    pub fn saved(&self, now: Now) -> Saved {
        Saved {
            state: self.state,
            notify_flags: self.notify_flags,
            cost_flags: self.cost_flags,
            notification_clsid: self.notification_clsid,
            error: self.error.clone(),
            times: self.times,
            failures_count: self.failures_count,
            quiet: self.quiet.elapsed(now.awake()),
            age: self.age.elapsed(now.tick),
            call_owed: self.call_owed,
        }
    }

    /// What the job was created with, as changed since.
    pub fn about(&self) -> &NewJob {
        &self.new
    }

    /// `GetId`.
    pub fn id(&self) -> JobId {
        self.new.id
    }

    /// Who created it.
    pub fn owner(&self) -> Uid {
        self.new.owner
    }

    /// `GetState`.
    pub fn state(&self) -> JobState {
        self.state
    }

    /// `GetPriority`.
    pub fn priority(&self) -> Priority {
        self.new.priority
    }

    /// `GetNotifyFlags`.
    pub fn notify_flags(&self) -> NotifyFlags {
        self.notify_flags
    }

    /// `GetTimes`.
    pub fn times(&self) -> JobTimes {
        self.times
    }

    /// The number of what goes on now: ask again after every step, since each change of state that
    /// ends or begins a run begins a new number.
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// The files, in the order in which they were added.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The file with this number.
    pub fn file(&self, number: FileNumber) -> Option<&File> {
        self.files.get(number.index())
    }

    /// Why it stopped last, for as long as no data moved since. Callers of `GetError` see it in
    /// [`JobState::Error`] and [`JobState::TransientError`] only: see [`Job::error_object`].
    pub fn last_error(&self) -> Option<&JobError> {
        self.error.as_ref()
    }

    /// `GetError`; `None` is `DO_E_ERROR_INFORMATION_UNAVAILABLE`.
    pub fn error_object(&self) -> Option<&JobError> {
        match self.state {
            JobState::Error | JobState::TransientError => self.error.as_ref(),
            JobState::Queued
            | JobState::Connecting
            | JobState::Transferring
            | JobState::Suspended
            | JobState::Transferred
            | JobState::Acknowledged
            | JobState::Cancelled => None,
        }
    }

    /// Failures in a row since the last byte.
    pub fn failures_count(&self) -> u32 {
        self.failures_count
    }

    /// When the next try after a transient error comes; `None` when none is planned.
    pub fn retry_at(&self) -> Option<Tick> {
        self.retry_at
    }

    /// Before this the origin does not want to be asked again (`Retry-After`); `None` when it said
    /// nothing of the kind.
    pub fn retry_not_before(&self) -> Option<Tick> {
        self.retry_not_before
    }

    /// Whether files are being put in their places: Complete is under way, or the service shows them by
    /// itself.
    pub fn is_publishing(&self) -> bool {
        self.publishing
    }

    /// Whether it is a download whose file the service shows as soon as it is whole
    /// ([`Download::in_place`]).
    pub fn is_in_place(&self) -> bool {
        self.new.download.as_ref().is_some_and(|download| download.in_place)
    }

    /// Whether the service is to put its files in their places by itself, now that they are all here: it
    /// completes the job, or shows the file of a download in place.
    pub fn is_to_be_completed(&self) -> bool {
        self.state == JobState::Transferred
            && match self.new.completion {
                Completion::Service => true,
                Completion::Caller => self.is_in_place() && self.has_unpublished(),
            }
    }

    /// Sums over the files. Cost: O(1).
    pub fn totals(&self) -> &Totals {
        self.files.totals()
    }

    /// The files that are still to be fetched, in their order. Cost: next to nothing for the next one,
    /// however many are finished.
    pub fn unfinished(&self) -> impl Iterator<Item = FileNumber> + '_ {
        self.files.unfinished()
    }

    /// Whether every file is finished; true for a job without files.
    pub fn all_finished(&self) -> bool {
        self.totals().finished_count == self.files.len()
    }

    /// Whether a finished file does not stand under its name yet.
    pub fn has_unpublished(&self) -> bool {
        self.totals().unpublished_count > 0
    }

    /// Whether the job wants a slot or holds one.
    pub fn is_runnable(&self) -> bool {
        matches!(self.state, JobState::Queued | JobState::Transferring)
    }

    /// The call that the job's program is waiting for, if it is one that its flags ask for.
    ///
    /// Owed from the entry into the state on, if the flags asked for it then, until it is taken
    /// ([`super::JobEvent::CallAcknowledged`]) or the job leaves the state: what is no longer so is
    /// not told.
    pub fn owed_call(&self) -> Option<Owed> {
        Owed::of(self.state)
            .filter(|owed| self.call_owed && self.notify_flags.tell(owed.notify_flag()))
    }

    /// Ends whatever runs, whose results will carry an old number from here on, and whatever try is
    /// planned.
    pub(super) fn renew(&mut self, state: JobState) {
        self.state = state;
        self.call_owed =
            Owed::of(state).is_some_and(|owed| self.notify_flags.tell(owed.notify_flag()));
        self.retry_at = None;
        self.retry_not_before = None;
        self.attempt = Attempt(self.attempt.0 + 1);
    }
}
