//! Following a job to its end, whatever happens to the agent meanwhile.

use std::path::Path;
use std::time::Duration;

use dobbin_sdk::{Error, Events, Job};
use dobbin_types::rest::{EventKind, JobInfo};
use dobbin_types::{ErrorCode, JobState};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::claim::Claim;
use super::plan::Plan;
use super::signals::Signals;
use crate::reach::{self, Agent, Place};
use crate::render::screen::Screen;
use crate::trouble::Trouble;

/// How often in a row another agent is looked for while no byte arrives. Commands that end one after
/// the other hand their jobs on as often.
const AGENTS_LOST_MAX: u32 = 20;

/// How long the last word about a job is waited for that somebody else has ended.
const LAST_WORD_MAX: Duration = Duration::from_secs(2);

/// How long an interrupted command tries to suspend its job.
const SUSPEND_MAX: Duration = Duration::from_secs(5);

/// How it ended.
#[derive(Debug)]
pub(super) enum End {
    /// All files are under their names.
    Completed,
    /// A fatal error stopped the job, which looks like this.
    Failed(Box<JobInfo>),
    /// All files are here, but could not be put under their names.
    Unsaved(Error),
    /// Somebody else suspended the job.
    Suspended,
    /// Somebody else cancelled the job.
    Gone,
    /// A signal came.
    Interrupted,
}

/// One job, as this command sees it.
pub(super) struct Follower<'a> {
    place: &'a Place,
    agent: &'a mut Agent,
    job: Job,
    plan: &'a Plan,
    continued: bool,
    screen: &'a mut dyn Screen,
    /// The last picture of the job.
    last: Option<JobInfo>,
    /// Bytes that were here before this command.
    bytes_before: u64,
    /// Complete was called, so that a job that is gone may have been completed.
    completing: bool,
    /// Agents that went while no byte arrived.
    agents_lost: u32,
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        place: &'a Place,
        agent: &'a mut Agent,
        plan: &'a Plan,
        claim: &Claim,
        screen: &'a mut dyn Screen,
    ) -> Follower<'a> {
        Follower {
            place,
            agent,
            job: claim.job.clone(),
            plan,
            continued: claim.continued,
            screen,
            last: None,
            bytes_before: 0,
            completing: false,
            agents_lost: 0,
        }
    }

    /// The job, at whichever agent has it now.
    pub(super) fn job(&self) -> &Job {
        &self.job
    }

    /// The last picture of the job, if there was one.
    pub(super) fn last(&self) -> Option<&JobInfo> {
        self.last.as_ref()
    }

    /// Bytes that arrived since this command began.
    pub(super) fn bytes_fetched(&self) -> u64 {
        let have = self.last.as_ref().map_or(0, |job| job.progress.bytes_transferred);
        have.saturating_sub(self.bytes_before)
    }

    /// Resumes the job and waits until it has ended one way or another.
    pub(super) async fn follow(&mut self, signals: &mut Signals) -> Result<End, Trouble> {
        let end = tokio::select! {
            biased;
            () = signals.next() => None,
            end = self.with_any_agent() => Some(end?),
        };
        match end {
            Some(end) => Ok(end),
            None => Ok(self.interrupted(signals).await),
        }
    }

    /// The first signal has come: suspends the job. The second one ends the program on the spot.
    async fn interrupted(&mut self, signals: &mut Signals) -> End {
        let suspended = tokio::select! {
            biased;
            () = signals.next() => std::process::exit(130),
            suspended = timeout(SUSPEND_MAX, self.job.suspend()) => suspended,
        };
        match suspended {
            Ok(Err(error)) if is_over(&error) && self.completing && self.files_are_here() => {
                return End::Completed;
            }
            // How far it is, for the last sentence.
            Ok(Ok(_)) => {
                if let Ok(Ok(job)) = timeout(LAST_WORD_MAX, self.job.info()).await {
                    self.see(&job);
                }
            }
            // A job that could not be suspended stops with its agent, or goes on in it; either way
            // the same command finds it again.
            Ok(Err(_)) | Err(_) => {}
        }
        End::Interrupted
    }

    async fn with_any_agent(&mut self) -> Result<End, Trouble> {
        loop {
            match self.with_this_agent().await {
                Ok(end) => return Ok(end),
                Err(error) if error.is_disconnected() => self.agents_lost += 1,
                Err(error) => return Err(error.into()),
            }
            if self.agent.is_embedded() || self.agents_lost > AGENTS_LOST_MAX {
                let what = "the agent ended while it was fetching";
                return Err(Trouble::failed(what)
                    .code(ErrorCode::DO_E_NO_SERVICE)
                    .remedy("nothing is lost: the same command goes on"));
            }
            if let Some(end) = self.find_another_agent().await? {
                return Ok(end);
            }
        }
    }

    /// The agent is gone: it was restarted, or was part of a command that ended. Finds the job at
    /// the one that comes next, which may be one inside this command.
    async fn find_another_agent(&mut self) -> Result<Option<End>, Trouble> {
        if self.agents_lost == 1 {
            self.screen.note("the agent ended; going on with another one");
        }
        *self.agent = reach::next_agent(self.place, self.agent).await?;
        match self.agent.manager.job(self.job.id()).await {
            Ok(job) => {
                self.job = job;
                Ok(None)
            }
            Err(error) if is_over(&error) => Ok(Some(self.vanished())),
            // It was about to leave, too. The next call sees that, and counts it.
            Err(error) if error.is_disconnected() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Resumes and follows the job for as long as this agent lives.
    async fn with_this_agent(&mut self) -> Result<End, Error> {
        let mut events = match self.job.events().await {
            Err(error) if is_over(&error) => return Ok(self.vanished()),
            events => events?,
        };
        // Read before Resume: what the picture says of a failure is then known to be old.
        let current = events.next().await?;
        self.begin(&current.job);
        self.screen.event(&current);
        match self.job.resume().await {
            Ok(outcome) if outcome.state == JobState::Transferred => {
                return self.complete(&mut events).await;
            }
            Ok(_) => {}
            Err(error) if is_over(&error) => return self.last_word(&mut events).await,
            Err(error) => return Err(error),
        }

        let period = self.screen.period();
        let mut pictures = interval_at(Instant::now() + period, period);
        pictures.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let (kind, job) = tokio::select! {
                event = events.next() => {
                    let event = event?;
                    self.screen.event(&event);
                    (event.kind, event.job)
                }
                _ = pictures.tick() => match self.job.info().await {
                    Err(error) if is_over(&error) => return self.last_word(&mut events).await,
                    job => {
                        let job = job?;
                        self.screen.picture(&job);
                        (EventKind::Current, job)
                    }
                },
            };
            self.see(&job);
            if let Some(end) = self.consider(kind, job, &mut events).await? {
                return Ok(end);
            }
        }
    }

    /// Whether the job has come to rest, and what follows from that.
    async fn consider(
        &mut self,
        kind: EventKind,
        job: JobInfo,
        events: &mut Events,
    ) -> Result<Option<End>, Error> {
        Ok(match job.state {
            JobState::Queued
            | JobState::Connecting
            | JobState::Transferring
            | JobState::TransientError => None,
            JobState::Transferred => Some(self.complete(events).await?),
            JobState::Acknowledged => Some(End::Completed),
            JobState::Cancelled => Some(End::Gone),
            JobState::Error | JobState::Suspended if kind == EventKind::Modified => {
                // A modification may have been on its way since before Resume: ask how it is now.
                let now = match self.job.info().await {
                    Err(error) if is_over(&error) => return self.last_word(events).await.map(Some),
                    now => now?,
                };
                self.see(&now);
                at_rest(now)
            }
            JobState::Error | JobState::Suspended => at_rest(job),
        })
    }

    /// Puts the files under their names.
    async fn complete(&mut self, events: &mut Events) -> Result<End, Error> {
        self.completing = true;
        if self.last.as_ref().is_none_or(|last| last.state != JobState::Transferred) {
            // Resume itself said so: the last picture is older, and the figures are in the next.
            match self.job.info().await {
                Err(error) if is_over(&error) => return self.last_word(events).await,
                job => self.see(&job?),
            }
        }
        match self.job.complete().await {
            Ok(_) => Ok(End::Completed),
            // Another command, or the agent by itself, was faster.
            Err(error) if is_over(&error) => self.last_word(events).await,
            Err(error) if error.is_disconnected() => Err(error),
            Err(error) => Ok(End::Unsaved(error)),
        }
    }

    /// The job is over, by somebody else's doing: what the events say of how.
    async fn last_word(&mut self, events: &mut Events) -> Result<End, Error> {
        let last = timeout(LAST_WORD_MAX, async {
            loop {
                let event = events.next().await?;
                self.screen.event(&event);
                self.see(&event.job);
                if event.kind == EventKind::Ended {
                    return Ok::<JobState, Error>(event.job.state);
                }
            }
        });
        match last.await {
            Ok(Ok(JobState::Acknowledged)) => Ok(End::Completed),
            Ok(Ok(_)) => Ok(End::Gone),
            Ok(Err(_)) | Err(_) => Ok(self.vanished()),
        }
    }

    /// The job is over and nobody says how: the files tell.
    fn vanished(&self) -> End {
        if self.files_are_here() { End::Completed } else { End::Gone }
    }

    /// Whether every file stands where it should and did not stand there before, or Complete was
    /// called.
    fn files_are_here(&self) -> bool {
        self.plan
            .items
            .iter()
            .all(|item| Path::new(&item.local_name).is_file() && (self.completing || !item.exists))
    }

    fn begin(&mut self, job: &JobInfo) {
        if self.last.is_none() {
            self.bytes_before = job.progress.bytes_transferred;
            self.screen.begin(&self.plan.title(), job, self.continued);
        }
        self.see(job);
    }

    fn see(&mut self, job: &JobInfo) {
        let had = self.last.as_ref().map_or(0, |last| last.progress.bytes_transferred);
        if job.progress.bytes_transferred > had {
            self.agents_lost = 0;
        }
        self.last = Some(job.clone());
    }
}

fn at_rest(job: JobInfo) -> Option<End> {
    match job.state {
        JobState::Error => Some(End::Failed(Box::new(job))),
        JobState::Suspended => Some(End::Suspended),
        // It moved on while we asked; its next event says where to.
        JobState::Queued
        | JobState::Connecting
        | JobState::Transferring
        | JobState::TransientError
        | JobState::Transferred
        | JobState::Acknowledged
        | JobState::Cancelled => None,
    }
}

/// Whether a call was refused because its job has ended.
fn is_over(error: &Error) -> bool {
    [ErrorCode::DO_E_JOB_NOT_FOUND, ErrorCode::DO_E_INVALID_STATE].contains(&error.code())
}
