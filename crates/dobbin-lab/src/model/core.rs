//! Random sequences on core, compared with the oracle after every turn.

use std::time::Duration;

use dobbin_core::job::{
    Attempt, Effect, File, FileChange, Job, JobEvent, NewFile, NewJob, Notice, Now, Trouble, Wish,
    door, step,
};
use dobbin_core::time::Tick;
use dobbin_types::{
    Completion, CostFlags, ErrorCode, FileNumber, FileTime, JobId, JobState, JobType, NotifyFlags,
    Priority, Uid,
};

use super::oracle::{Happening, Oracle};
use super::shape::{Answer, Call, FILES_MAX};
use crate::chance::Chance;

/// Turns of a sequence.
const TURNS: u32 = 80;

/// Turns that a job which is over still gets.
const TURNS_AFTER_THE_END: u32 = 3;

/// The conditions that block jobs.
const BLOCKS: [ErrorCode; 6] = [
    ErrorCode::DO_E_BLOCKED_BY_NO_NETWORK,
    ErrorCode::DO_E_BLOCKED_BY_COST_TRANSFER_POLICY,
    ErrorCode::DO_E_BLOCKED_BY_CELLULAR_POLICY,
    ErrorCode::DO_E_BLOCKED_BY_POWER_STATE,
    ErrorCode::DO_E_BLOCKED_BY_VPN_POLICY,
    ErrorCode::DO_E_BLOCKED_BY_CRITICAL_MEMORY_USAGE,
];

/// What a turn may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Call(Call),
    Happen(Happening),
    /// The same, of an attempt that runs no more.
    Late(Happening),
    Wait(Duration),
    Restart,
}

/// How far a run of sequences came, and what it went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Turns made.
    pub turns: u64,
    /// Turns that changed a job's state.
    pub moves: u64,
    /// Calls that were refused.
    pub refusals: u64,
}

/// Runs the sequence of this seed.
///
/// Errors: what core did otherwise than the interface's tables say, with everything that led there.
pub fn sequence(seed: u64) -> Result<Tally, String> {
    let mut run = Run::new(seed);
    let mut tally = Tally::default();
    let mut history = Vec::new();
    let mut turns_after_the_end = 0;
    for _ in 0..TURNS {
        let turn = run.choose();
        let before = run.oracle.shape.state;
        history.push((before, turn));
        run.take(turn)
            .and_then(|refused| {
                tally.refusals += u64::from(refused);
                run.compare()
            })
            .map_err(|what| format!("seed {seed}: {what}, after:\n{}", told(&history)))?;
        tally.turns += 1;
        tally.moves += u64::from(run.oracle.shape.state != before);
        if run.oracle.shape.state.is_final() {
            turns_after_the_end += 1;
            if turns_after_the_end > TURNS_AFTER_THE_END {
                break;
            }
        }
    }
    Ok(tally)
}

/// A history, a line for each turn.
fn told(history: &[(JobState, Turn)]) -> String {
    history.iter().map(|(state, turn)| format!("  {state}: {turn:?}\n")).collect()
}

/// A job of core's and what it must be.
struct Run {
    chance: Chance,
    now: Duration,
    job: Job,
    oracle: Oracle,
}

impl Run {
    fn new(seed: u64) -> Run {
        let now = at(Duration::ZERO);
        let about = NewJob {
            id: JobId::from_bytes([7; 16]),
            owner: Uid(1_000),
            display_name: "model".to_owned(),
            job_type: JobType::Download,
            priority: Priority::Normal,
            no_progress_timeout: None,
            completion: Completion::Caller,
            headers: Vec::new(),
            bytes_per_second_max: None,
            download: None,
        };
        Run {
            chance: Chance::new(seed),
            now: Duration::ZERO,
            job: Job::create(about, now.tick, now.wall),
            oracle: Oracle::new(Duration::ZERO),
        }
    }

    /// Half of the turns are what usually comes next: chance alone hardly ever finishes a file.
    fn choose(&mut self) -> Turn {
        if self.chance.one_in(2) {
            let unfinished = self.oracle.shape.unfinished().next().unwrap_or(0);
            match self.oracle.shape.state {
                JobState::Suspended if self.oracle.shape.files_count < 2 => {
                    return Turn::Call(Call::AddFile);
                }
                JobState::Suspended | JobState::Error => return Turn::Call(Call::Resume),
                JobState::Queued => return Turn::Happen(Happening::SlotFree),
                JobState::Transferring if self.chance.one_in(2) => {
                    return Turn::Happen(Happening::Finished(unfinished));
                }
                JobState::TransientError => return Turn::Happen(Happening::TimePassed),
                JobState::Transferring
                | JobState::Connecting
                | JobState::Transferred
                | JobState::Acknowledged
                | JobState::Cancelled => {}
            }
        }
        self.any_turn()
    }

    fn any_turn(&mut self) -> Turn {
        let file = self.chance.within(0..u64::from(FILES_MAX)) as u32;
        let block = self.chance.within(0..BLOCKS.len() as u64) as usize;
        let passing = ErrorCode::WIN32_NAME_NOT_RESOLVED;
        let missing = ErrorCode::from_http_status(404);
        let happening = self.chance.weighted(&[
            (10, Happening::SlotFree),
            (1, Happening::SlotNeeded),
            (3, Happening::Bytes),
            (6, Happening::Finished(file)),
            (2, Happening::Fatal(missing)),
            (4, Happening::Transient(passing)),
            (2, Happening::Blocked(BLOCKS[block])),
            (3, Happening::Unblocked(BLOCKS[block])),
            (1, Happening::Changed(file)),
            (4, Happening::TimePassed),
        ]);
        let is_full = self.oracle.shape.files_count == FILES_MAX;
        let adding = if is_full { Call::Resume } else { Call::AddFile };
        // What ends a job is rare, or no job would live to see much.
        let is_finished = self.oracle.shape.is_finished(file);
        let failing = if is_finished { Call::CompleteBut(file) } else { Call::Suspend };
        let end = self.chance.weighted(&[
            (12, Call::Suspend),
            (2, Call::Complete),
            (1, Call::CompleteBut(file)),
            (1, Call::Cancel),
        ]);
        let call = self.chance.weighted(&[
            (6, Call::Resume),
            (3, Call::Suspend),
            (4, end),
            (2, failing),
            (5, adding),
            (1, Call::SetPriority),
            (1, Call::SetNoProgressTimeout),
            (1, Call::SetNotifyFlags),
            (1, Call::SetJobProperty),
            (1, Call::SetRemoteName),
            (1, Call::SetFileProperty),
        ]);
        let wait = self.wait();
        self.chance.weighted(&[
            (20, Turn::Call(call)),
            (24, Turn::Happen(happening)),
            (3, Turn::Late(happening)),
            (4, Turn::Wait(wait)),
            (1, Turn::Restart),
        ])
    }

    /// A little, a lot, or right up to what comes next.
    fn wait(&mut self) -> Duration {
        let seconds = |count| Duration::from_secs(count);
        let next = self.job.next_wake().map(|tick| tick.since(at(self.now).tick));
        let due = next.unwrap_or_default();
        let almost = due.saturating_sub(Duration::from_millis(1));
        self.chance.weighted(&[
            (4, Duration::from_millis(700)),
            (4, seconds(5)),
            (2, seconds(700)),
            (2, seconds(4_000)),
            (1, seconds(90_000)),
            (4, due.min(seconds(86_400))),
            (2, almost.min(seconds(86_400))),
        ])
    }

    /// Takes one turn on both sides; whether it was a call that was refused.
    fn take(&mut self, turn: Turn) -> Result<bool, String> {
        match turn {
            Turn::Call(call) => return self.call(call),
            Turn::Happen(happening) => {
                self.oracle.happen(happening, self.now);
                let Attempt(attempt) = self.job.attempt();
                self.report(happening, attempt)?;
            }
            Turn::Late(happening) => self.late(happening)?,
            Turn::Wait(wait) => self.now += wait,
            Turn::Restart => {
                let now = at(self.now);
                let job = &self.job;
                // What is over is not in the journal any more.
                if !job.state().is_final() {
                    let (about, files) = (job.about().clone(), job.files().to_vec());
                    self.job = Job::restore(about, job.saved(now), files, now);
                    self.oracle.restart(self.now);
                }
            }
        }
        Ok(false)
    }

    /// What a stopped attempt still reports: nothing changes.
    fn late(&mut self, happening: Happening) -> Result<(), String> {
        let is_of_attempt = matches!(
            happening,
            Happening::Bytes
                | Happening::Finished(_)
                | Happening::Fatal(_)
                | Happening::Transient(_)
                | Happening::Changed(_)
        );
        match self.job.attempt() {
            Attempt(current) if is_of_attempt && current > 0 => {
                let late = self.chance.within(0..current);
                self.report(happening, late)
            }
            _ => Ok(()),
        }
    }

    /// Reports something to core, and holds what it tells against where the job went.
    fn report(&mut self, happening: Happening, attempt: u64) -> Result<(), String> {
        let attempt = Attempt(attempt);
        let first = Some(FileNumber(0));
        let event = match happening {
            Happening::SlotFree => JobEvent::SlotGiven,
            Happening::SlotNeeded => JobEvent::SlotTaken,
            Happening::Bytes => JobEvent::BytesArrived(attempt),
            Happening::Finished(number) => JobEvent::FileFinished(attempt, FileNumber(number)),
            Happening::Fatal(code) => JobEvent::AttemptFailed(attempt, first, trouble(code, false)),
            Happening::Transient(code) => {
                JobEvent::AttemptFailed(attempt, first, trouble(code, true))
            }
            Happening::Blocked(code) => JobEvent::Blocked(code),
            Happening::Unblocked(code) => JobEvent::Unblocked(code),
            Happening::Changed(number) => JobEvent::FileRestarted(attempt, FileNumber(number)),
            Happening::TimePassed => JobEvent::TimePassed,
        };
        self.step(event).map_err(|code| format!("an outcome was refused: {code:?}"))?
    }

    /// One step of core. Outside: a refusal's code. Inside: what was told that must not be, or was
    /// not told that must.
    fn step(&mut self, event: JobEvent) -> Result<Result<(), String>, ErrorCode> {
        let before = self.job.state();
        let effects = step(&mut self.job, event, at(self.now))?;
        let after = self.job.state();
        let tells = |notice| effects.contains(&Effect::Tell(notice));
        for (state, notice) in
            [(JobState::Error, Notice::Error), (JobState::Transferred, Notice::Transferred)]
        {
            let is_entry = before != state && after == state;
            if tells(notice) != is_entry {
                return Ok(Err(format!("{notice:?} told: {}, {before} to {after}", !is_entry)));
            }
        }
        Ok(Ok(()))
    }

    fn call(&mut self, call: Call) -> Result<bool, String> {
        let is_placed = |n| self.job.file(FileNumber(n)).is_some_and(|file| file.published);
        let call = match call {
            // Nothing is in the way of a file that stands in its place already.
            Call::CompleteBut(number) if is_placed(number) => Call::Complete,
            call => call,
        };
        // A file that is the user's already takes no change, which the tables do not say.
        let numbers = (0_u32..).map(FileNumber).zip(self.job.files());
        let file = numbers.filter(|(_, file)| !file.published).map(|(number, _)| number).next();
        if matches!(call, Call::SetRemoteName | Call::SetFileProperty) && file.is_none() {
            return Ok(false);
        }
        let wish = self.wish(call, file.unwrap_or(FileNumber(0)));
        let expected = self.oracle.call(call);
        let got = match self.step(JobEvent::Wish(wish)) {
            Ok(told) => {
                told?;
                self.publish(call)?
            }
            Err(code) => Answer::Refused(code),
        };
        if got == expected {
            Ok(matches!(got, Answer::Refused(_)))
        } else {
            Err(format!("{call:?} answered {got:?} instead of {expected:?}"))
        }
    }

    /// The call in core's words; what it carries is drawn and told to the oracle.
    fn wish(&mut self, call: Call, file_to_change: FileNumber) -> Wish {
        let is_over = self.job.state().is_final();
        match call {
            Call::Resume => Wish::Resume,
            Call::Suspend => Wish::Suspend,
            Call::Cancel => Wish::Cancel,
            Call::Complete | Call::CompleteBut(_) if self.chance.one_in(4) => Wish::HandOver,
            Call::Complete | Call::CompleteBut(_) => Wish::Complete,
            Call::AddFile => Wish::AddFiles(vec![file(self.job.files().len())]),
            Call::SetPriority => {
                let is_foreground = self.chance.one_in(2);
                if !is_over {
                    self.oracle.is_foreground = is_foreground;
                }
                let background = [Priority::High, Priority::Normal, Priority::Low];
                let background = self.chance.pick(&background).copied().unwrap_or_default();
                Wish::SetPriority(if is_foreground { Priority::Foreground } else { background })
            }
            Call::SetNoProgressTimeout => {
                let seconds = self.chance.weighted(&[(1, 0), (3, 30), (2, 5_000), (1, u32::MAX)]);
                if !is_over {
                    self.oracle.timeout = Some(Duration::from_secs(u64::from(seconds)));
                }
                Wish::SetNoProgressTimeout(seconds)
            }
            Call::SetNotifyFlags => {
                Wish::SetNotifyFlags(NotifyFlags(self.chance.within(0..0x20) as u32))
            }
            Call::SetJobProperty => Wish::SetCostFlags(CostFlags::UNRESTRICTED),
            Call::SetRemoteName => {
                Wish::SetRemoteName(file_to_change, "http://other.example/f".to_owned())
            }
            Call::SetFileProperty => {
                Wish::SetFile(file_to_change, FileChange::CheckMandatory(false))
            }
        }
    }

    /// Plays the engine for a job that is being completed, up to the file that cannot be placed.
    fn publish(&mut self, call: Call) -> Result<Answer, String> {
        if !self.job.is_publishing() {
            return Ok(Answer::Ok(ErrorCode::S_OK));
        }
        let is_partial = !self.job.all_finished();
        let numbers = (0_u32..).map(FileNumber).take(self.job.files().len());
        let finished: Vec<FileNumber> =
            numbers.filter(|n| self.job.file(*n).is_some_and(|file| file.finished)).collect();
        for number in finished {
            if call == Call::CompleteBut(number.0) {
                let failed = Some((number, trouble(ErrorCode::EEXIST, false)));
                self.step(JobEvent::PublishEnded(failed)).map_err(|c| format!("{c:?}"))??;
                return Ok(Answer::System);
            }
            self.step(JobEvent::FilePublished(number)).map_err(|c| format!("{c:?}"))??;
        }
        self.step(JobEvent::PublishEnded(None)).map_err(|c| format!("{c:?}"))??;
        let code = if is_partial { ErrorCode::BG_S_PARTIAL_COMPLETE } else { ErrorCode::S_OK };
        Ok(Answer::Ok(code))
    }

    /// What core shows against what must be.
    fn compare(&self) -> Result<(), String> {
        let (job, must) = (&self.job, &self.oracle);
        let files = job.files().iter().zip(0_u32..);
        let finished = files.filter(|(file, _)| file.finished).fold(0, |all, (_, n)| all | 1 << n);
        let error = job.error_object().map(|error| (error.code, error.extended));
        let got = (job.state(), job.files().len() as u32, finished, error);
        let shape = must.shape;
        let expected = (shape.state, shape.files_count, shape.finished, must.error());
        if got == expected { Ok(()) } else { Err(format!("{got:?} instead of {expected:?}")) }
    }
}

fn at(since_start: Duration) -> Now {
    let millis = u64::try_from(since_start.as_millis()).unwrap_or(u64::MAX);
    Now {
        tick: Tick(millis),
        wall: FileTime::from_unix_millis(1_700_000_000_000 + millis),
        slept: Duration::ZERO,
    }
}

fn file(number: usize) -> File {
    let offered = NewFile {
        file_id: Some(format!("f{number}")),
        remote_name: "http://origin.example/f".to_owned(),
        local_name: Some(format!("/f{number}")),
        ..NewFile::default()
    };
    door(&[offered], |_| Ok(())).expect("the model's files are in order").remove(0)
}

fn trouble(code: ErrorCode, transient: bool) -> Trouble {
    Trouble {
        code,
        transient,
        extended: None,
        http_status: None,
        message: String::new(),
        retry_after: None,
        spread_thousandths: 0,
    }
}
