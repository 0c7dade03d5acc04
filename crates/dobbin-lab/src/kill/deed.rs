//! What a client does while the agent lives: wishes at random, and what the answers promise.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, bail};
use dobbin_sdk::blocking::{self, Manager};
use dobbin_sdk::{Error, JobFilter};
use dobbin_types::rest::{CreateJob, Outcome};
use dobbin_types::{Completion, ErrorCode, JobState, Priority};

use super::agent::Doom;
use super::job::{Allowed, Job};
use super::world::World;
use crate::chance::Chance;

/// Jobs at once: more would share the time of one life.
const JOBS_MAX: usize = 5;

/// Files that a job is created with, or gets at a time, at most.
const FILES_AT_ONCE_MAX: u64 = 4;

/// How long an ambush is laid at most.
const AMBUSH_MAX: Duration = Duration::from_millis(20);

/// What the client can do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Create,
    AddFiles,
    Resume,
    Suspend,
    Complete,
    Cancel,
    SetPriority,
    Look,
    Wait,
    /// Wait for a new request at the origin, and then not long.
    Ambush,
}

/// A client at work during one life of the agent.
pub(super) struct Client<'a, 'w> {
    pub(super) world: &'a mut World<'w>,
    pub(super) manager: &'a Manager,
    pub(super) doom: &'a Doom,
    pub(super) chance: &'a mut Chance,
}

/// What an answer came to.
enum Answer<T> {
    Done(T),
    /// The agent says no, and nothing changed.
    Refused,
    /// The agent died first. Whether it did it is unknown.
    Unknown,
    /// The agent was dead before it was asked.
    Unasked,
}

impl Client<'_, '_> {
    /// Does one thing after the other until the agent is dead.
    ///
    /// # Errors
    ///
    /// An answer that breaks a promise.
    pub(super) fn work(&mut self) -> Result<()> {
        while !self.doom.has_struck() {
            let deed = self.next();
            let changes = !matches!(deed, Deed::Wait | Deed::Ambush | Deed::Look);
            if changes && self.chance.one_in(12) {
                // Right into what is being done.
                self.doom.hurry(Duration::from_micros(self.chance.within(0..3_000)));
            }
            self.perform(deed)?;
        }
        Ok(())
    }

    fn next(&mut self) -> Deed {
        let live_count = self.world.jobs.iter().filter(|job| job.is_live()).count();
        if live_count == 0 {
            return Deed::Create;
        }
        let room = if live_count < JOBS_MAX { 3 } else { 0 };
        self.chance.weighted(&[
            (room, Deed::Create),
            (1, Deed::AddFiles),
            (6, Deed::Resume),
            (2, Deed::Suspend),
            (4, Deed::Complete),
            (1, Deed::Cancel),
            (1, Deed::SetPriority),
            (4, Deed::Look),
            (12, Deed::Wait),
            (1, Deed::Ambush),
        ])
    }

    fn perform(&mut self, deed: Deed) -> Result<()> {
        match deed {
            Deed::Create => return self.create(),
            Deed::Look => return self.look(),
            Deed::Wait => {
                let time = self.chance.within(1..12);
                self.doom.linger(Duration::from_millis(time));
                return Ok(());
            }
            Deed::Ambush => {
                self.ambush();
                return Ok(());
            }
            Deed::AddFiles
            | Deed::Resume
            | Deed::Suspend
            | Deed::Complete
            | Deed::Cancel
            | Deed::SetPriority => {}
        }
        let Some(index) = self.some_job(deed) else { return Ok(()) };
        let Some(id) = self.world.jobs[index].id else { return Ok(()) };
        let job = match self.understand(index, self.manager.job(id))? {
            Answer::Done(job) => job,
            Answer::Refused | Answer::Unknown | Answer::Unasked => return Ok(()),
        };
        match deed {
            Deed::AddFiles => self.add_files(index, &job),
            Deed::SetPriority => self.set_priority(index, &job),
            Deed::Resume => {
                let then = Allowed::resumed(self.world.jobs[index].completes_itself);
                self.wish(index, then, job.resume())
            }
            Deed::Suspend => {
                let at_rest = [JobState::Suspended, JobState::Error, JobState::Transferred];
                let then = at_rest.map(Allowed::only).into_iter().reduce(Allowed::or);
                self.wish(index, then.unwrap_or(Allowed::GONE), job.suspend())
            }
            Deed::Complete => self.complete(index, &job),
            Deed::Cancel => {
                self.world.jobs[index].end_was_asked = true;
                self.wish(index, Allowed::GONE, job.cancel())
            }
            Deed::Create | Deed::Look | Deed::Wait | Deed::Ambush => Ok(()),
        }
    }

    /// Has the agent killed soon after its next request: while it learns what a file is.
    fn ambush(&mut self) {
        let asked_count = self.world.origin.requests_from(self.world.accounts.seen()).len()
            + self.world.accounts.seen();
        let is_asked = self.world.origin.wait(AMBUSH_MAX, |record| record.len() > asked_count);
        if is_asked {
            self.doom.hurry(Duration::from_micros(self.chance.within(0..10_000)));
        }
    }

    /// A job that the deed suits: those that are transferred are mostly completed, others mostly not.
    fn some_job(&mut self, deed: Deed) -> Option<usize> {
        let jobs = &self.world.jobs;
        let live: Vec<usize> = (0..jobs.len()).filter(|index| jobs[*index].is_live()).collect();
        let is_done = |index: &usize| jobs[*index].told == Some(JobState::Transferred);
        let wants_done = deed == Deed::Complete;
        if wants_done && self.world.completes_early {
            return self.chance.pick(&live).copied();
        }
        let suited: Vec<usize> =
            live.iter().copied().filter(|index| is_done(index) == wants_done).collect();
        if suited.is_empty() && wants_done && !self.chance.one_in(10) {
            return None;
        }
        let among = if suited.is_empty() { &live } else { &suited };
        self.chance.pick(among).copied()
    }

    /// Tells an agent's no from its death, and its death from a crash.
    fn understand<T>(&self, index: usize, answer: Result<T, Error>) -> Result<Answer<T>> {
        let code = match answer {
            Ok(done) => return Ok(Answer::Done(done)),
            Err(Error::Refused(failure)) => failure.code,
            Err(Error::NoService { .. }) if self.doom.has_struck() => return Ok(Answer::Unasked),
            Err(Error::Lost { .. }) if self.doom.has_struck() => return Ok(Answer::Unknown),
            // Half an answer.
            Err(Error::Protocol { .. }) if self.doom.has_struck() => return Ok(Answer::Unknown),
            Err(error) => bail!("the agent lives, but: {error}: {:?}", error.code()),
        };
        let is_over = [ErrorCode::DO_E_INVALID_STATE, ErrorCode::DO_E_JOB_NOT_FOUND];
        let job = self.world.jobs.get(index);
        if job.is_some_and(|job| job.allowed.has(Allowed::GONE)) && is_over.contains(&code) {
            return Ok(Answer::Refused);
        }
        bail!("{:?} is refused with {code:?}", job.map(|job| &job.name))
    }

    fn create(&mut self) -> Result<()> {
        let count = self.chance.within(1..FILES_AT_ONCE_MAX + 1);
        let files: Vec<_> = (0..count).map(|_| self.world.want(self.chance)).collect();
        self.world.jobs_count += 1;
        let name = format!("job-{}", self.world.jobs_count);
        let completes_itself = self.chance.one_in(4);
        let body = CreateJob {
            display_name: name.clone(),
            completion: completes_itself.then_some(Completion::Service),
            files: files.iter().map(|file| file.add.clone()).collect(),
            ..CreateJob::default()
        };
        self.world.jobs.push(Job {
            name,
            id: None,
            files_promised: files.len(),
            files,
            allowed: Allowed::GONE,
            priorities: BTreeSet::from([Priority::default()]),
            completes_itself,
            end_was_asked: false,
            may_be_published: completes_itself,
            is_published_whole: false,
            told: None,
        });
        let index = self.world.jobs.len() - 1;
        let answer = self.understand(usize::MAX, self.manager.create_job(&body))?;
        let job = &mut self.world.jobs[index];
        let suspended = Allowed::only(JobState::Suspended);
        match answer {
            Answer::Done(created) => {
                job.id = Some(created.id());
                job.seen(JobState::Suspended);
            }
            Answer::Unknown => job.maybe(suspended),
            Answer::Refused | Answer::Unasked => {}
        }
        Ok(())
    }

    fn add_files(&mut self, index: usize, job: &blocking::Job) -> Result<()> {
        let files = vec![self.world.want(self.chance)];
        let body = files.iter().map(|file| file.add.clone()).collect();
        let answer = self.understand(index, job.add_files(body))?;
        let job = &mut self.world.jobs[index];
        // A transferred job is suspended by it.
        let suspended = if job.allowed.has(Allowed::only(JobState::Transferred)) {
            Allowed::only(JobState::Suspended)
        } else {
            job.allowed
        };
        match answer {
            Answer::Done(_) => {
                job.files.extend(files);
                job.files_promised = job.files.len();
                let was_done = job.allowed == Allowed::only(JobState::Transferred);
                job.allowed = if was_done { suspended } else { job.allowed.or(suspended) };
            }
            Answer::Unknown => {
                job.files.extend(files);
                job.maybe(suspended);
            }
            Answer::Refused | Answer::Unasked => {}
        }
        Ok(())
    }

    fn set_priority(&mut self, index: usize, job: &blocking::Job) -> Result<()> {
        let Some(priority) = self.chance.pick(Priority::ALL).copied() else { return Ok(()) };
        let answer = self.understand(index, job.set_priority(priority))?;
        let job = &mut self.world.jobs[index];
        match answer {
            Answer::Done(_) => job.priorities = BTreeSet::from([priority]),
            Answer::Unknown => {
                job.priorities.insert(priority);
            }
            Answer::Refused | Answer::Unasked => {}
        }
        Ok(())
    }

    fn complete(&mut self, index: usize, job: &blocking::Job) -> Result<()> {
        let was_whole = {
            let job = &mut self.world.jobs[index];
            job.may_be_published = true;
            job.end_was_asked = true;
            job.allowed == Allowed::only(JobState::Transferred)
        };
        self.wish(index, Allowed::GONE, job.complete())?;
        let job = &mut self.world.jobs[index];
        // Gone, although only completing was unanswered: then all of it was completed.
        job.is_published_whole |= was_whole && job.allowed.has(Allowed::GONE);
        Ok(())
    }

    fn wish(&mut self, index: usize, then: Allowed, answer: Result<Outcome, Error>) -> Result<()> {
        let answer = self.understand(index, answer)?;
        let job = &mut self.world.jobs[index];
        match answer {
            Answer::Done(outcome) => job.promised(&outcome),
            Answer::Unknown => job.maybe(then),
            Answer::Refused => job.allowed = Allowed::GONE,
            Answer::Unasked => {}
        }
        Ok(())
    }

    /// Reads the list, and holds the agent to it.
    fn look(&mut self) -> Result<()> {
        let list = self.manager.jobs(&JobFilter::default());
        let list = match self.understand(usize::MAX, list)? {
            Answer::Done(list) => list,
            Answer::Refused | Answer::Unknown | Answer::Unasked => return Ok(()),
        };
        super::check::listed(self.world, &list)
    }
}
