//! Random histories: whatever happens to a job, in whatever order, these things hold.
//!
//! Each history has its own seed, which a failure names, and switches some kinds of events off
//! altogether: a job that is never resumed gets into corners that a fair mixture never sees.

use core::fmt;
use core::time::Duration;

use dobbin_core::callback::Owed;
use dobbin_core::job::{
    Attempt, Effect, Facts, FileChange, Job, JobEvent, Notice, Trouble, Wish, step,
};
use dobbin_types::{Completion, CostFlags, ErrorCode, FileNumber, JobState, NotifyFlags, Priority};

use crate::make::{BLOCKS, HOUR, Life, about, at, fatal, files, notice_on_entry, notices, passing};

const HISTORIES: u64 = 2_500;
const TURNS: u32 = 200;
const FILES_MAX: usize = 3;

/// How long a job that is over is still poked before the history goes on with a new one.
const TURNS_AFTER_THE_END: u32 = 4;

/// Knuth's MMIX generator: the same numbers on every machine, for ever.
struct Lcg(u64);

impl Lcg {
    fn of_seed(seed: u64) -> Lcg {
        // Neighbouring seeds begin alike; a few turns part them.
        let mut random = Lcg(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD0BB_1203);
        for _ in 0..4 {
            random.next();
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// A number from 0 up to, but not including, `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// What a turn of a history may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Resume,
    Suspend,
    Complete,
    Cancel,
    AddFiles,
    SetPriority,
    SetNoProgressTimeout,
    SetNotifyFlags,
    SetCostFlags,
    SetRemoteName,
    SetFile,
    SlotGiven,
    SlotTaken,
    FileKnown,
    FileRestarted,
    BytesArrived,
    FileFinished,
    TransientError,
    FatalError,
    TimePassed,
    Blocked,
    Unblocked,
    FilePublished,
    PublishEnded,
    CallAcknowledged,
    Restart,
}

/// All kinds.
const KINDS: &[Kind] = &[
    Kind::Resume,
    Kind::Suspend,
    Kind::Complete,
    Kind::Cancel,
    Kind::AddFiles,
    Kind::SetPriority,
    Kind::SetNoProgressTimeout,
    Kind::SetNotifyFlags,
    Kind::SetCostFlags,
    Kind::SetRemoteName,
    Kind::SetFile,
    Kind::SlotGiven,
    Kind::SlotTaken,
    Kind::FileKnown,
    Kind::FileRestarted,
    Kind::BytesArrived,
    Kind::FileFinished,
    Kind::TransientError,
    Kind::FatalError,
    Kind::TimePassed,
    Kind::Blocked,
    Kind::Unblocked,
    Kind::FilePublished,
    Kind::PublishEnded,
    Kind::CallAcknowledged,
    Kind::Restart,
];

/// What usually happens next to a job. Half of a history is made of it: chance alone hardly ever
/// finishes a file.
fn usual(job: &Job) -> &'static [Kind] {
    if job.is_publishing() {
        return &[Kind::FilePublished, Kind::FilePublished, Kind::PublishEnded];
    }
    match job.state() {
        JobState::Suspended => &[Kind::AddFiles, Kind::Resume],
        JobState::Queued => &[Kind::SlotGiven],
        JobState::Connecting | JobState::Transferring => {
            &[Kind::FileKnown, Kind::BytesArrived, Kind::FileFinished, Kind::FileFinished]
        }
        JobState::TransientError => &[Kind::TimePassed, Kind::Unblocked],
        JobState::Error => &[Kind::Resume],
        JobState::Transferred => &[Kind::AddFiles, Kind::Complete],
        JobState::Acknowledged | JobState::Cancelled => KINDS,
    }
}

const KINDS_COUNT: usize = Kind::Restart as usize + 1;

/// Where a history stands; what a failure says.
struct Place<'a> {
    seed: u64,
    turn: u32,
    before: &'a Job,
    event: &'a JobEvent,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { seed, turn, before, event } = self;
        write!(f, "seed {seed}, turn {turn}: {event:?} to {before:#?}")
    }
}

/// How often each kind of turn changed a job, and how often each state was entered: what the
/// histories are worth.
#[derive(Default)]
struct Seen {
    effective: [u64; KINDS_COUNT],
    entered: [u64; JobState::ALL.len()],
}

/// One history.
struct History {
    life: Life,
    random: Lcg,
    /// The kinds that never happen in it, by their bits.
    off: u64,
    turns_after_the_end: u32,
}

/// A new job of any kind, with or without files.
fn new_life(random: &mut Lcg) -> Life {
    let mut about = about();
    about.priority = random.pick(Priority::ALL);
    about.completion = random.pick(Completion::ALL);
    about.no_progress_timeout = random.pick(&[None, None, Some(0), Some(30), Some(4_000)]);
    Life::new(about, random.below(3) as usize)
}

impl History {
    fn begin(seed: u64) -> History {
        let mut random = Lcg::of_seed(seed);
        // Each kind is off in one history of four.
        let off = random.next() & random.next();
        let life = new_life(&mut random);
        History { life, random, off, turns_after_the_end: 0 }
    }

    /// Once a job has been over for some turns, begins with another one.
    fn begin_anew(&mut self) {
        if !self.life.job.state().is_final() {
            return;
        }
        self.turns_after_the_end += 1;
        if self.turns_after_the_end == TURNS_AFTER_THE_END {
            self.life = new_life(&mut self.random);
            self.turns_after_the_end = 0;
        }
    }

    /// A kind that is not switched off. Restarting and passing time never are: nobody can.
    fn kind(&mut self) -> Kind {
        loop {
            let choices = if self.random.below(2) == 0 { KINDS } else { usual(&self.life.job) };
            let kind = self.random.pick(choices);
            let always = matches!(kind, Kind::TimePassed | Kind::Restart);
            // What ends a job is rare, or no job would live to see much.
            if kind == Kind::Cancel && self.random.below(8) != 0 {
                continue;
            }
            if always || self.off & (1 << (kind as u64)) == 0 {
                return kind;
            }
        }
    }

    /// Moves the time by nothing, a little, a lot, or right to (or before) the next deadline.
    fn pass_time(&mut self) {
        let to_wake = self.life.wake().unwrap_or_default();
        let instant = Duration::from_millis(1);
        let waits = [
            Duration::ZERO,
            instant,
            Duration::from_millis(700),
            Duration::from_secs(10),
            Duration::from_secs(500),
            HOUR,
            to_wake,
            to_wake.saturating_sub(instant),
        ];
        let mut wait = self.random.pick(&waits);
        // The age ends every job: few histories may run into it.
        if wait > HOUR * 30 && self.random.below(8) != 0 {
            wait = HOUR;
        }
        self.life.now += wait;
    }

    /// Mostly the attempt that goes on, else one from before or one that never was.
    fn attempt(&mut self) -> Attempt {
        let Attempt(current) = self.life.job.attempt();
        match self.random.below(8) {
            0 => Attempt(self.random.below(current + 1)),
            1 => Attempt(current + 1),
            _ => Attempt(current),
        }
    }

    /// Mostly one of the job's files, else one that it may not have.
    fn file(&mut self) -> FileNumber {
        let count = match self.random.below(8) {
            0 => FILES_MAX + 1,
            _ => self.life.job.files().len().max(1),
        };
        FileNumber(self.random.below(count as u64) as u32)
    }

    fn trouble(&mut self, base: Trouble) -> Trouble {
        let retry_after = self.random.pick(&[None, None, None, Some(Duration::from_secs(700))]);
        Trouble { retry_after, spread_thousandths: self.random.below(500) as u16, ..base }
    }

    fn wish(&mut self, kind: Kind) -> Option<Wish> {
        Some(match kind {
            Kind::Resume => Wish::Resume,
            Kind::Suspend => Wish::Suspend,
            Kind::Complete => Wish::Complete,
            Kind::Cancel => Wish::Cancel,
            Kind::AddFiles => {
                let present = self.life.job.files().len();
                let count = self.random.below((FILES_MAX - present) as u64 + 1) as usize;
                Wish::AddFiles(files(present, count))
            }
            Kind::SetPriority => Wish::SetPriority(self.random.pick(Priority::ALL)),
            Kind::SetNoProgressTimeout => {
                Wish::SetNoProgressTimeout(self.random.pick(&[0, 1, 30, 5_000, u32::MAX]))
            }
            Kind::SetNotifyFlags => {
                Wish::SetNotifyFlags(NotifyFlags(self.random.below(0x24) as u32))
            }
            Kind::SetCostFlags => Wish::SetCostFlags(CostFlags(self.random.below(0x120) as u32)),
            Kind::SetRemoteName => {
                let url = self.random.pick(&["http://origin.example/f", "http://new.example/"]);
                Wish::SetRemoteName(self.file(), url.into())
            }
            Kind::SetFile => {
                let size = FileChange::TotalSize(self.random.below(3));
                let mandatory = FileChange::CheckMandatory(self.random.below(2) == 0);
                let change = if self.random.below(2) == 0 { size } else { mandatory };
                Wish::SetFile(self.file(), change)
            }
            _ => return None,
        })
    }

    /// The event of this kind; `None` for a restart, which is none.
    fn event(&mut self, kind: Kind) -> Option<JobEvent> {
        if let Some(wish) = self.wish(kind) {
            return Some(JobEvent::Wish(wish));
        }
        let remote_size = self.random.below(3);
        Some(match kind {
            Kind::SlotGiven => JobEvent::SlotGiven,
            Kind::SlotTaken => JobEvent::SlotTaken,
            Kind::FileKnown => {
                let url = "http://origin.example/f".into();
                let facts = Facts { url, remote_size, validator: None, last_modified: None };
                JobEvent::FileKnown(self.attempt(), self.file(), facts)
            }
            Kind::FileRestarted => JobEvent::FileRestarted(self.attempt(), self.file()),
            Kind::BytesArrived => JobEvent::BytesArrived(self.attempt()),
            Kind::FileFinished => JobEvent::FileFinished(self.attempt(), self.file()),
            Kind::TransientError => {
                let trouble = self.trouble(passing());
                JobEvent::AttemptFailed(self.attempt(), Some(self.file()), trouble)
            }
            Kind::FatalError => {
                JobEvent::AttemptFailed(self.attempt(), None, self.trouble(fatal()))
            }
            Kind::Blocked => JobEvent::Blocked(self.random.pick(&BLOCKS)),
            Kind::Unblocked => JobEvent::Unblocked(self.random.pick(&BLOCKS)),
            Kind::FilePublished => JobEvent::FilePublished(self.file()),
            Kind::PublishEnded => {
                let failed = (self.random.below(3) == 0).then(|| (self.file(), fatal()));
                JobEvent::PublishEnded(failed)
            }
            Kind::CallAcknowledged => JobEvent::CallAcknowledged,
            Kind::TimePassed => JobEvent::TimePassed,
            _ => return None,
        })
    }

    /// Stops the process and starts another one, in which ticks go on for simplicity.
    fn restart(&mut self, seed: u64) {
        let now = at(self.life.now);
        let job = &self.life.job;
        let after = Job::restore(job.about().clone(), job.saved(now), job.files().to_vec(), now);
        if !job.is_runnable() {
            assert_eq!(after.state(), job.state(), "seed {seed}: {job:#?}");
        }
        assert_eq!(after.saved(now).quiet, job.saved(now).quiet, "seed {seed}: {job:#?}");
        assert_eq!(after.saved(now).age, job.saved(now).age, "seed {seed}: {job:#?}");
        state_holds(&after, self.life.now, &format_args!("seed {seed}, restarted: {job:#?}"));
        self.life.job = after;
    }
}

/// What holds of every job at any time.
fn state_holds(job: &Job, now: Duration, place: &dyn fmt::Display) {
    let state = job.state();
    assert_ne!(state, JobState::Connecting, "{place}");
    let waits = state == JobState::TransientError;
    assert!(job.retry_at().is_none() || waits, "{place}: a retry of nothing");
    let stopped = waits || state == JobState::Error;
    assert_eq!(job.error_object().is_some(), stopped, "{place}: error object");
    for file in job.files() {
        assert!(file.finished || !file.published, "{place}: published unfinished");
    }
    if !state.is_final() {
        let whole = !job.files().is_empty() && job.all_finished();
        assert_eq!(
            state == JobState::Transferred,
            whole,
            "{place}: transferred means all finished"
        );
    }
    assert!(job.owed_call().is_none_or(|owed| Owed::of(state) == Some(owed)), "{place}");
    let later = now + Duration::from_secs(1);
    let ticks = job.saved(at(now)).quiet != job.saved(at(later)).quiet;
    let may_tick = state == JobState::Transferring || (waits && job.retry_at().is_some());
    assert!(!ticks || may_tick, "{place}: the no-progress timer runs");
}

/// What holds of every step.
fn step_holds(
    place: &Place<'_>,
    job: &Job,
    answer: &Result<Vec<Effect>, ErrorCode>,
    now: Duration,
) {
    let before = place.before;
    let is_wish = matches!(place.event, JobEvent::Wish(_));
    let Ok(effects) = answer else {
        assert!(is_wish, "{place}: an outcome was refused");
        assert_eq!(job, before, "{place}: a refusal changed the job");
        return;
    };
    assert!(!is_wish || !before.is_publishing(), "{place}: a wish overtook Complete");
    if effects.is_empty() {
        assert_eq!(job, before, "{place}: changed without a word");
        return;
    }
    assert!(!before.state().is_final(), "{place}: the end was not final");
    assert!(is_current(before, place.event), "{place}: a late result counted");
    assert!(job.attempt() >= before.attempt(), "{place}: attempt went back");
    if *place.event != JobEvent::CallAcknowledged {
        assert_eq!(job.times().modification, at(now).wall, "{place}");
    }
    for (old, new) in before.files().iter().zip(job.files()) {
        assert!(new.finished >= old.finished && new.published >= old.published, "{place}");
    }
    assert!(job.files().len() >= before.files().len(), "{place}: a file vanished");
    let calls_off =
        |effect: &Effect| !matches!(effect, Effect::Stop(old) if *old != before.attempt());
    assert!(effects.iter().all(calls_off), "{place}: called off what did not run");
    if job.state() == before.state() {
        let modified =
            matches!(notices(effects)[..], [] | [Notice::Modified | Notice::FileTransferred]);
        assert!(modified, "{place}: told of an entry that was none");
    } else {
        move_holds(place, job, effects, now);
    }
}

/// What holds of every step that changes the state.
fn move_holds(place: &Place<'_>, job: &Job, effects: &[Effect], now: Duration) {
    let (old, new) = (place.before.state(), job.state());
    assert!(job.attempt() > place.before.attempt(), "{place}: results would not be late");
    assert_eq!(notices(effects), [notice_on_entry(new)], "{place}");
    let called_off = effects.contains(&Effect::Stop(place.before.attempt()));
    assert!(
        called_off || old != JobState::Transferring || new == JobState::Transferred,
        "{place}: what ran was not called off"
    );
    let between_runs =
        [old, new].iter().all(|s| matches!(s, JobState::Queued | JobState::Transferring));
    let durable = if new.is_final() { Effect::Remove } else { Effect::Persist };
    assert!(between_runs || effects.contains(&durable), "{place}: not durable");
    if new == JobState::Transferred {
        assert_eq!(job.times().transfer_completion, Some(at(now).wall), "{place}");
        let by_service = job.about().completion == Completion::Service;
        assert!(!by_service || job.is_publishing(), "{place}: the service forgot to complete it");
    }
}

/// Whether an event belongs to the attempt that is going on, or to none.
fn is_current(job: &Job, event: &JobEvent) -> bool {
    match event {
        JobEvent::FileKnown(attempt, ..)
        | JobEvent::FileRestarted(attempt, _)
        | JobEvent::BytesArrived(attempt)
        | JobEvent::FileFinished(attempt, _)
        | JobEvent::AttemptFailed(attempt, ..) => *attempt == job.attempt(),
        JobEvent::Wish(_)
        | JobEvent::SlotGiven
        | JobEvent::SlotTaken
        | JobEvent::TimePassed
        | JobEvent::Blocked(_)
        | JobEvent::Unblocked(_)
        | JobEvent::FilePublished(_)
        | JobEvent::PublishEnded(_)
        | JobEvent::CallAcknowledged => true,
    }
}

/// What is due happens once, and a job is woken exactly when something is due: not again at the
/// same moment (the service would spin), not before it, and not after it.
fn wake_holds(job: &Job, now: Duration, place: &dyn fmt::Display) {
    let mut job = job.clone();
    let pass = |job: &mut Job, tick| {
        let now = dobbin_core::job::Now { tick, ..at(now) };
        step(job, JobEvent::TimePassed, now).expect("time is never refused")
    };
    let now = at(now).tick;
    pass(&mut job, now);
    let once = job.clone();
    assert_eq!(pass(&mut job, now), [], "{place}: time passed twice at once");
    assert_eq!(job, once, "{place}: time passed twice at once");
    let Some(mut wake) = job.next_wake() else { return };
    assert!(wake > now, "{place}: woken at {wake:?}, at {now:?} already");
    wake.0 -= 1;
    assert_eq!(pass(&mut job, wake), [], "{place}: something was due before {wake:?}");
    wake.0 += 1;
    assert_ne!(pass(&mut job, wake), [], "{place}: woken for nothing at {wake:?}");
}

fn live(seed: u64, seen: &mut Seen) {
    let mut history = History::begin(seed);
    for turn in 0..TURNS {
        history.begin_anew();
        history.pass_time();
        let kind = history.kind();
        let Some(event) = history.event(kind) else {
            history.restart(seed);
            seen.effective[kind as usize] += 1;
            continue;
        };
        let before = history.life.job.clone();
        let now = history.life.now;
        let answer = step(&mut history.life.job, event.clone(), at(now));
        let job = &history.life.job;
        let place = Place { seed, turn, before: &before, event: &event };
        step_holds(&place, job, &answer, now);
        state_holds(job, now, &place);
        wake_holds(job, now, &place);
        seen.effective[kind as usize] += u64::from(*job != before);
        if job.state() != before.state() {
            seen.entered[job.state().number() as usize] += 1;
        }
    }
}

#[test]
fn whatever_happens_these_things_hold() {
    let mut seen = Seen::default();
    for seed in 0..HISTORIES {
        live(seed, &mut seen);
    }
    for kind in KINDS {
        let count = seen.effective[*kind as usize];
        assert!(count >= 500, "{kind:?} changed a job only {count} times");
    }
    for state in JobState::ALL {
        let count = seen.entered[state.number() as usize];
        let reached = *state != JobState::Connecting;
        assert_eq!(count >= 500, reached, "{state} was entered {count} times");
    }
}
