//! Jobs for the tests, led into their states by what really happens to jobs.

use core::time::Duration;

use dobbin_core::job::{
    Effect, File, Job, JobEvent, NewFile, NewJob, Notice, Now, Trouble, Wish, door, step,
};
use dobbin_core::time::Tick;
use dobbin_types::{
    Completion, ErrorCode, FileNumber, FileTime, JobId, JobState, JobType, Priority, Uid,
};

/// The columns of the interface's tables, in their order.
pub(crate) const COLUMNS: [JobState; 9] = [
    JobState::Suspended,
    JobState::Queued,
    JobState::Connecting,
    JobState::Transferring,
    JobState::TransientError,
    JobState::Error,
    JobState::Transferred,
    JobState::Acknowledged,
    JobState::Cancelled,
];

/// The codes of all conditions that block a job.
pub(crate) const BLOCKS: [ErrorCode; 6] = [
    ErrorCode::DO_E_BLOCKED_BY_NO_NETWORK,
    ErrorCode::DO_E_BLOCKED_BY_COST_TRANSFER_POLICY,
    ErrorCode::DO_E_BLOCKED_BY_CELLULAR_POLICY,
    ErrorCode::DO_E_BLOCKED_BY_POWER_STATE,
    ErrorCode::DO_E_BLOCKED_BY_VPN_POLICY,
    ErrorCode::DO_E_BLOCKED_BY_CRITICAL_MEMORY_USAGE,
];

/// A DNS failure: the usual error that may pass.
pub(crate) const NAME_NOT_RESOLVED: ErrorCode = ErrorCode::WIN32_NAME_NOT_RESOLVED;

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(crate) const HOUR: Duration = seconds(3_600);
pub(crate) const DAY: Duration = seconds(86_400);

/// This long after the process started; the wall clock runs alike, from some day on.
pub(crate) fn at(since_start: Duration) -> Now {
    let millis = u64::try_from(since_start.as_millis()).expect("tests end before time does");
    Now {
        tick: Tick(millis),
        wall: FileTime::from_unix_millis(1_700_000_000_000 + millis),
        slept: Duration::ZERO,
    }
}

/// What callers usually say: a background job whose timeout follows its priority.
pub(crate) fn about() -> NewJob {
    NewJob {
        id: JobId::from_bytes([7; 16]),
        owner: Uid(1_000),
        display_name: "a".into(),
        job_type: JobType::Download,
        priority: Priority::Normal,
        no_progress_timeout: None,
        completion: Completion::Caller,
        headers: Vec::new(),
        bytes_per_second_max: None,
        download: None,
    }
}

/// `count` files that a job with `present` files has not yet.
pub(crate) fn files(present: usize, count: usize) -> Vec<File> {
    let offered: Vec<NewFile> = (present..present + count)
        .map(|number| NewFile {
            file_id: Some(format!("f{number}")),
            remote_name: "http://origin.example/f".into(),
            local_name: Some(format!("/f{number}")),
            ..NewFile::default()
        })
        .collect();
    door(&offered, |_| Ok(())).expect("these files are in order")
}

/// Trouble that no second try mends: the origin has no such file.
pub(crate) fn fatal() -> Trouble {
    Trouble {
        code: ErrorCode::from_http_status(404),
        transient: false,
        extended: None,
        http_status: Some(404),
        message: "origin.example has no such file".into(),
        retry_after: None,
        spread_thousandths: 0,
    }
}

/// Trouble that may pass.
pub(crate) fn passing() -> Trouble {
    Trouble {
        code: NAME_NOT_RESOLVED,
        transient: true,
        http_status: None,
        message: "origin.example cannot be resolved".into(),
        ..fatal()
    }
}

/// A job and the time it has come to.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) job: Job,
    pub(crate) now: Duration,
}

impl Life {
    /// A suspended job with this many files.
    pub(crate) fn new(about: NewJob, files_count: usize) -> Life {
        let start = at(Duration::ZERO);
        let job = Job::create(about, start.tick, start.wall);
        let mut life = Life { job, now: Duration::ZERO };
        if files_count > 0 {
            life.wish(Wish::AddFiles(files(0, files_count)));
        }
        life
    }

    /// A job with this many files that is being transferred.
    pub(crate) fn transferring(about: NewJob, files_count: usize) -> Life {
        let mut life = Life::new(about, files_count);
        life.wish(Wish::Resume);
        life.event(JobEvent::SlotGiven);
        life
    }

    #[track_caller]
    pub(crate) fn wish(&mut self, wish: Wish) -> Vec<Effect> {
        self.event(JobEvent::Wish(wish))
    }

    /// One step that is not refused.
    #[track_caller]
    pub(crate) fn event(&mut self, event: JobEvent) -> Vec<Effect> {
        step(&mut self.job, event, at(self.now)).expect("the job refused")
    }

    #[track_caller]
    pub(crate) fn finish(&mut self, number: u32) -> Vec<Effect> {
        self.event(JobEvent::FileFinished(self.job.attempt(), FileNumber(number)))
    }

    #[track_caller]
    pub(crate) fn fail(&mut self, trouble: Trouble) -> Vec<Effect> {
        self.event(JobEvent::AttemptFailed(self.job.attempt(), Some(FileNumber(0)), trouble))
    }

    #[track_caller]
    pub(crate) fn bytes(&mut self) -> Vec<Effect> {
        self.event(JobEvent::BytesArrived(self.job.attempt()))
    }

    /// Lets time pass and says so.
    #[track_caller]
    pub(crate) fn wait(&mut self, wait: Duration) -> Vec<Effect> {
        self.now += wait;
        self.event(JobEvent::TimePassed)
    }

    #[track_caller]
    pub(crate) fn is(&self, state: JobState) {
        assert_eq!(self.job.state(), state, "after {:?}", self.now);
    }

    /// The code of the error object, if there is one.
    pub(crate) fn error(&self) -> Option<ErrorCode> {
        self.job.error_object().map(|error| error.code)
    }

    /// How far ahead the job wants to be woken.
    pub(crate) fn wake(&self) -> Option<Duration> {
        self.job.next_wake().map(|tick| tick.since(at(self.now).tick))
    }
}

/// How far the files of a job are. All but the empty job have two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Files {
    /// There is none.
    Empty,
    /// Neither is finished.
    Untouched,
    /// The first is finished.
    Half,
    /// Both are.
    Whole,
}

/// A job at time zero in `state` with such files; `None` where no history leads there.
pub(crate) fn job_in(state: JobState, files: Files) -> Option<Job> {
    match files {
        Files::Empty => empty_in(state),
        Files::Untouched | Files::Half => unfinished_in(state, files == Files::Half),
        Files::Whole => whole_in(state),
    }
}

fn empty_in(state: JobState) -> Option<Job> {
    let mut life = Life::new(about(), 0);
    match state {
        JobState::Suspended => {}
        JobState::Acknowledged => acknowledge(&mut life),
        JobState::Cancelled => drop(life.wish(Wish::Cancel)),
        JobState::Queued
        | JobState::Connecting
        | JobState::Transferring
        | JobState::TransientError
        | JobState::Error
        | JobState::Transferred => return None,
    }
    Some(life.job)
}

fn unfinished_in(state: JobState, first_finished: bool) -> Option<Job> {
    let mut life = Life::transferring(about(), 2);
    if first_finished {
        life.finish(0);
    }
    match state {
        JobState::Transferring => {}
        JobState::Suspended => drop(life.wish(Wish::Suspend)),
        JobState::Queued => drop(life.event(JobEvent::SlotTaken)),
        JobState::TransientError => drop(life.fail(passing())),
        JobState::Error => drop(life.fail(fatal())),
        JobState::Acknowledged => acknowledge(&mut life),
        JobState::Cancelled => drop(life.wish(Wish::Cancel)),
        JobState::Connecting | JobState::Transferred => return None,
    }
    Some(life.job)
}

fn whole_in(state: JobState) -> Option<Job> {
    let mut life = Life::transferring(about(), 2);
    life.finish(0);
    life.finish(1);
    match state {
        JobState::Transferred => {}
        JobState::Acknowledged => acknowledge(&mut life),
        JobState::Cancelled => drop(life.wish(Wish::Cancel)),
        JobState::Suspended => return Some(recorded_as(&life.job, JobState::Suspended)),
        JobState::Queued
        | JobState::Connecting
        | JobState::Transferring
        | JobState::TransientError
        | JobState::Error => return None,
    }
    Some(life.job)
}

/// The job as it comes back from a record that says it was in `state`.
pub(crate) fn recorded_as(job: &Job, state: JobState) -> Job {
    let now = at(Duration::ZERO);
    let mut saved = job.saved(now);
    saved.state = state;
    Job::restore(job.about().clone(), saved, job.files().to_vec(), now)
}

/// Completes the job: every finished file reaches its place.
fn acknowledge(life: &mut Life) {
    life.wish(Wish::Complete);
    for number in finished(&life.job) {
        life.event(JobEvent::FilePublished(number));
    }
    life.event(JobEvent::PublishEnded(None));
    life.is(JobState::Acknowledged);
}

/// The numbers of the finished files.
pub(crate) fn finished(job: &Job) -> Vec<FileNumber> {
    (0..)
        .map(FileNumber)
        .zip(job.files())
        .filter(|(_, file)| file.finished)
        .map(|(n, _)| n)
        .collect()
}

/// What those who watch are told when a job enters a state: `JobError` and `JobTransferred` each
/// for its own state and for no other, and never a modification beside them.
pub(crate) fn notice_on_entry(state: JobState) -> Notice {
    match state {
        JobState::Error => Notice::Error,
        JobState::Transferred => Notice::Transferred,
        JobState::Acknowledged | JobState::Cancelled => Notice::Ended,
        JobState::Queued
        | JobState::Connecting
        | JobState::Transferring
        | JobState::Suspended
        | JobState::TransientError => Notice::Modified,
    }
}

/// The notices among effects.
pub(crate) fn notices(effects: &[Effect]) -> Vec<Notice> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Tell(notice) => Some(*notice),
            Effect::Persist
            | Effect::PersistFile(_)
            | Effect::Stop(_)
            | Effect::Publish
            | Effect::Remove => None,
        })
        .collect()
}
