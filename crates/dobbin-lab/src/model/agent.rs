//! Random sequences on a running agent, spoken to as any program speaks to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dobbin_sdk::{Error, Job, Manager};
use dobbin_types::rest::{AddFile, CreateJob, Outcome};
use dobbin_types::{ErrorCode, JobState, NotifyFlags, Priority};

use super::shape::{Answer, Call, FILES_MAX};
use super::worlds::{Kind, World, Worlds};
use crate::chance::Chance;
use crate::origin::{Answer as Reply, Content, End, Plan, Route, When};

/// Turns of a sequence before the restart, and as many after it.
const TURNS: u32 = 9;

/// The largest file, in bytes: more than one read of a socket, little enough that thousands of
/// sequences end soon.
const BYTES_MAX: u64 = 150_000;

/// The longest pause between two turns, in milliseconds: enough for a file or a failure.
const PAUSE_MILLIS_MAX: u64 = 6;

/// One job, what may be true of it, and what was done with it.
pub(super) struct Sequence {
    seed: u64,
    chance: Chance,
    folder: PathBuf,
    urls: Vec<String>,
    contents: Vec<Content>,
    worlds: Worlds,
    files_count: u32,
    /// Files that an unfinished Complete may have put in their places.
    may_stand: u32,
    job: Option<Job>,
    history: Vec<String>,
    /// Turns that came to an answer.
    pub(super) calls: u64,
}

/// What a sequence's origin serves.
pub(super) fn routes(mut plan: Plan, seed: u64) -> Plan {
    let mut chance = Chance::new(seed);
    let (kinds, contents) = (kinds(&mut chance), contents(seed, &mut chance));
    for (number, (kind, content)) in kinds.into_iter().zip(contents).enumerate() {
        let route = Route::honest(content);
        let route = match kind {
            Kind::Good => route,
            Kind::Missing => route.always(Reply::Status(404)),
            Kind::Busy => route.always(Reply::Status(503)),
            Kind::Cut => route.when(When::First(1), End::FinAfter(content.size() / 2)),
            Kind::Silent => route.always(End::StallAfter(content.size() / 3)),
        };
        plan = plan.route(&path(seed, number), route);
    }
    plan
}

fn path(seed: u64, number: usize) -> String {
    format!("/{seed}/{number}")
}

/// Most files are good, or hardly a job would come to its end.
fn kinds(chance: &mut Chance) -> Vec<Kind> {
    let among = [
        (8, Kind::ALL[0]),
        (1, Kind::ALL[1]),
        (1, Kind::ALL[2]),
        (3, Kind::ALL[3]),
        (1, Kind::ALL[4]),
    ];
    (0..FILES_MAX).map(|_| chance.weighted(&among)).collect()
}

fn contents(seed: u64, chance: &mut Chance) -> Vec<Content> {
    let numbers = 0..u64::from(FILES_MAX);
    numbers.map(|number| Content::new(seed * 8 + number, chance.within(2..BYTES_MAX))).collect()
}

impl Sequence {
    /// The sequence of this seed, whose files go into `folder`.
    pub(super) fn new(seed: u64, folder: &Path, url: impl Fn(&str) -> String) -> Sequence {
        let mut chance = Chance::new(seed);
        let kinds = kinds(&mut chance);
        let contents = contents(seed, &mut chance);
        Sequence {
            seed,
            folder: folder.to_path_buf(),
            urls: (0..kinds.len()).map(|number| url(&path(seed, number))).collect(),
            contents,
            worlds: Worlds::new(kinds),
            chance,
            files_count: 0,
            may_stand: 0,
            job: None,
            history: Vec::new(),
            calls: 0,
        }
    }

    /// Takes some turns.
    ///
    /// Errors: what the agent did otherwise than the tables allow, with everything that led there.
    pub(super) async fn run(&mut self, manager: &Manager) -> Result<(), String> {
        let outcome = self.turns(manager).await;
        self.told(outcome)
    }

    /// A disagreement with all that led there.
    fn told(&self, outcome: Result<(), String>) -> Result<(), String> {
        let Sequence { seed, history, .. } = self;
        outcome.map_err(|what| format!("seed {seed}: {what}, after:\n  {}", history.join("\n  ")))
    }

    /// The agent ended and another one took over.
    pub(super) async fn restarted(&mut self, manager: &Manager) -> Result<(), String> {
        self.history.push("restart".to_owned());
        self.worlds.restarted();
        if let Some(job) = self.job.take() {
            let found = manager.job(job.id()).await;
            self.job = Some(found.map_err(|error| format!("the job is lost: {error}"))?);
        }
        Ok(())
    }

    /// Completes a job that is not over yet, so that its files are looked at.
    ///
    /// Errors: as [`Sequence::run`].
    pub(super) async fn finish(&mut self) -> Result<(), String> {
        match self.job.clone() {
            Some(job) => {
                let outcome = self.take(&job, Call::Complete).await;
                self.told(outcome)
            }
            None => Ok(()),
        }
    }

    /// Whether the job is over.
    pub(super) fn is_over(&self) -> bool {
        self.job.is_none() && self.calls > 0
    }

    async fn turns(&mut self, manager: &Manager) -> Result<(), String> {
        if self.calls == 0 {
            let body = CreateJob { display_name: self.seed.to_string(), ..CreateJob::default() };
            let job = manager.create_job(&body).await.map_err(|error| said(&error))?;
            self.job = Some(job);
        }
        for _ in 0..TURNS {
            let Some(job) = self.job.clone() else {
                return Ok(());
            };
            let call = self.choose();
            self.take(&job, call).await?;
            let pause = Duration::from_millis(self.chance.within(0..PAUSE_MILLIS_MAX));
            tokio::time::sleep(pause).await;
            if self.job.is_some() {
                self.look(&job).await?;
            }
        }
        Ok(())
    }

    fn choose(&mut self) -> Call {
        let file = self.chance.within(0..u64::from(FILES_MAX)) as u32;
        let adding = match self.files_count {
            FILES_MAX => Call::Resume,
            0 if !self.chance.one_in(4) => return Call::AddFile,
            _ => Call::AddFile,
        };
        // What ends a job is rare, or no job would live to see much.
        self.chance.weighted(&[
            (20, Call::Resume),
            (8, Call::Suspend),
            (6, adding),
            (1, Call::Complete),
            (1, Call::CompleteBut(file)),
            (1, Call::Cancel),
            (1, Call::SetPriority),
            (1, Call::SetNoProgressTimeout),
            (1, Call::SetNotifyFlags),
        ])
    }

    /// Calls, and holds the answer against what may be.
    async fn take(&mut self, job: &Job, call: Call) -> Result<(), String> {
        let call = match call {
            Call::CompleteBut(number) if !self.block(number) => Call::Complete,
            call => call,
        };
        let answer = match call {
            Call::Resume => job.resume().await.map(seen),
            Call::Suspend => job.suspend().await.map(seen),
            Call::Cancel => job.cancel().await.map(seen),
            Call::Complete | Call::CompleteBut(_) => job.complete().await.map(seen),
            Call::AddFile => {
                job.add_files(vec![self.next_file()]).await.map(|_numbers| (ErrorCode::S_OK, None))
            }
            Call::SetNoProgressTimeout => {
                let seconds = self.chance.within(100..10_000) as u32;
                job.set_no_progress_timeout(seconds).await.map(seen)
            }
            Call::SetNotifyFlags => {
                let flags = NotifyFlags(self.chance.within(0..0x20) as u32);
                job.set_notify_flags(flags).await.map(seen)
            }
            // The others are core's alone: they need no agent to be told apart.
            _ => {
                let priority = self.chance.pick(Priority::ALL).copied().unwrap_or_default();
                job.set_priority(priority).await.map(seen)
            }
        };
        self.history.push(format!("{call:?}: {answer:?}"));
        let (answer, state) = match answer {
            Ok((code, state)) => (Answer::Ok(code), state),
            Err(Error::Refused(failure)) if failure.code == ErrorCode::EEXIST => {
                (Answer::System, None)
            }
            Err(Error::Refused(failure)) => (Answer::Refused(failure.code), None),
            Err(error) => return Err(said(&error)),
        };
        self.worlds.called(call, answer, state)?;
        self.calls += 1;
        match (call, answer) {
            (Call::AddFile, Answer::Ok(_)) => self.files_count += 1,
            (Call::CompleteBut(number), Answer::System) => self.unblock(number),
            (Call::Complete | Call::CompleteBut(_), Answer::Ok(_)) => {
                return self.completed(job, call).await;
            }
            (Call::Cancel, Answer::Ok(_)) => return self.cancelled(job).await,
            _ => {}
        }
        Ok(())
    }

    /// Looks at the job from several sides.
    async fn look(&mut self, job: &Job) -> Result<(), String> {
        let files = job.files().await.map_err(|error| said(&error))?;
        let numbered = files.iter().zip(0_u32..);
        let finished = numbered.filter(|(file, _)| file.transferred).map(|(_, number)| 1 << number);
        let (count, finished) = (files.len() as u32, finished.sum::<u32>());
        self.history.push(format!("finished: {finished:#b} of {count}"));
        let what = format!("files {finished:#b} of {count} are here");
        self.worlds.see(&what, |world| {
            (world.shape.files_count, world.shape.finished) == (count, finished)
        })?;
        let info = job.info().await.map_err(|error| said(&error))?;
        self.history.push(format!("{}", info.state));
        let code = info.error.as_ref().map(|error| (error.code, error.message.clone()));
        let what = format!("the job is {} with {:?} {code:?}", info.state, info.progress);
        self.worlds.see(&what, |world| {
            world.shape.state == info.state
                && world.shape.finished.count_ones() == info.progress.files_transferred
        })?;
        let error = match job.error().await {
            Ok(failure) => Some(failure.code),
            Err(error) if error.code() == ErrorCode::DO_E_ERROR_INFORMATION_UNAVAILABLE => None,
            Err(error) => return Err(said(&error)),
        };
        self.history.push(format!("{error:?}"));
        self.worlds.see(&format!("the error object has {error:?}"), |world| world.error == error)
    }

    /// The files that were finished stand under their names, whole, and no other does.
    async fn completed(&mut self, job: &Job, call: Call) -> Result<(), String> {
        let blocker = match call {
            Call::CompleteBut(number) => 1 << number,
            _ => 0,
        };
        let standing = self.standing()? & !blocker;
        let what = format!("{standing:#b} stand under their names");
        self.worlds.see(&what, |world| world.shape.finished == standing)?;
        self.over(job, JobState::Acknowledged).await
    }

    /// Nothing stands under any name but what an earlier Complete put there.
    async fn cancelled(&mut self, job: &Job) -> Result<(), String> {
        let standing = self.standing()?;
        if standing & !self.may_stand != 0 {
            return Err(format!("{standing:#b} stand under their names, though cancelled"));
        }
        self.over(job, JobState::Cancelled).await
    }

    /// The job is over: it says so, and takes nothing more.
    async fn over(&mut self, job: &Job, state: JobState) -> Result<(), String> {
        let info = job.info().await.map_err(|error| said(&error))?;
        self.worlds.see(&format!("the job is {}", info.state), |world: &World| {
            world.shape.state == info.state && info.state == state
        })?;
        for call in [Call::Resume, Call::Suspend, Call::Cancel] {
            let answer = match call {
                Call::Resume => job.resume().await,
                Call::Suspend => job.suspend().await,
                _ => job.cancel().await,
            };
            let answer = match answer {
                Ok(outcome) => Answer::Ok(outcome.code),
                Err(error) => Answer::Refused(error.code()),
            };
            self.worlds.called(call, answer, None)?;
        }
        self.job = None;
        Ok(())
    }

    /// Which files stand under their names; each is whole.
    fn standing(&self) -> Result<u32, String> {
        let mut standing = 0;
        for (number, content) in (0_u32..).zip(&self.contents) {
            match fs::read(self.place(number)) {
                Ok(bytes) if bytes == BLOCKER => standing |= 1 << number,
                Ok(bytes) if bytes == content.all() => standing |= 1 << number,
                Ok(_) => return Err(format!("file {number} has other bytes than its origin's")),
                Err(_absent) => {}
            }
        }
        Ok(standing)
    }

    fn place(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{}-{number}", self.seed))
    }

    fn next_file(&self) -> AddFile {
        AddFile {
            remote_name: self.urls[self.files_count as usize].clone(),
            local_name: Some(self.place(self.files_count).display().to_string()),
            ..AddFile::default()
        }
    }

    /// Puts something in the way of a file. Whether there was room for it: where the file itself
    /// stands already nothing can be in its way.
    fn block(&self, number: u32) -> bool {
        let place = self.place(number);
        number < self.files_count && !place.exists() && fs::write(place, BLOCKER).is_ok()
    }

    /// Takes it away again. Every other file that was here may be in its place by now.
    fn unblock(&mut self, number: u32) {
        self.may_stand |= !(1 << number);
        // Should it still be there, the next Complete says so.
        let _ = fs::remove_file(self.place(number));
    }
}

/// What stands in the way of a file: shorter than any of them.
const BLOCKER: &[u8] = b"!";

fn seen(outcome: Outcome) -> (ErrorCode, Option<JobState>) {
    (outcome.code, Some(outcome.state))
}

fn said(error: &Error) -> String {
    format!("the agent says {:?}: {error}", error.code())
}
