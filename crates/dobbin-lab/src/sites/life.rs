//! One scripted life of an agent, its death, and what comes after.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use dobbin_sdk::blocking::{Job, Manager};
use dobbin_sdk::{Error, JobFilter};
use dobbin_types::rest::{AddFile, CreateJob, JobInfo};
use dobbin_types::{JobId, JobState};

use super::survey::{CALLS, Part, Site, Target};
use crate::kill::agent::{Agent, Setup};
use crate::kill::trace::{Fault, Trace, kernels_name, lines};
use crate::origin::{Content, Origin, Plan};

/// The files of both jobs: more than one piece, a part of one, and next to nothing.
const SIZES: [u64; 3] = [2_500_000, 300_000, 3];

/// The job that is completed, and the one that is cancelled: their places in the story.
const KEPT: usize = 0;
const DROPPED: usize = 1;
const NAMES: [&str; 2] = ["kept", "dropped"];

/// How long an agent that is traced may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How soon another agent must answer on what a dead one left (reliability matrix, row 1).
const RESTART_MAX: Duration = Duration::from_secs(2);

/// How often a job or a log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What was asked of a job, and what was answered.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    is_created: bool,
    end_was_asked: bool,
    is_over: bool,
}

/// A folder with a store and destinations, an origin, and what their client knows.
#[derive(Debug)]
pub(super) struct Life {
    setup: Setup,
    origin: Origin,
    folder: tempfile::TempDir,
    /// The folder by the kernel's name.
    path: PathBuf,
    ids: Vec<JobId>,
    told: [Told; 2],
}

/// Whether the agent was alive to answer.
type Lived = Result<bool>;

impl Life {
    pub(super) fn new(program: &Path) -> Result<Life> {
        let folder = tempfile::Builder::new().prefix("dobbin-sites-").tempdir()?;
        let path = folder.path().canonicalize()?;
        fs::create_dir(path.join("out"))?;
        let plan = (1..).zip(SIZES).fold(Plan::new(), |plan, (number, size)| {
            plan.file(&format!("/{number}"), Content::new(number, size))
        });
        let setup = Setup::in_folder(program.to_path_buf(), &path);
        let origin = Origin::start(plan);
        Ok(Life { setup, origin, folder, path, ids: Vec::new(), told: Default::default() })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.path
    }

    pub(super) fn ids(&self) -> &[JobId] {
        &self.ids
    }

    pub(super) fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    /// Lives a whole life, and says which calls its agent made in one part of it.
    pub(super) fn watch(&mut self, part: Part) -> Result<Vec<String>> {
        let fault = Fault { calls: CALLS, ..Fault::default() };
        let log = self.path.join("agent.log.calls");
        let mut setup = self.setup.clone();
        if part == Part::Start {
            setup.under = fault.under(&log);
        }
        let (agent, manager, _) = Agent::start_within(&setup, PATIENCE)?;
        if part == Part::Start {
            agent.kill()?;
            return complete(&log);
        }
        let watching = |at: Part| (at == part).then(|| Trace::lay(agent.pid(), &fault)).transpose();
        let creating = watching(Part::Create)?;
        ensure!(self.create(&manager)?, "the agent is gone");
        if let Some(trace) = creating {
            return trace.end();
        }
        let working = watching(Part::Work)?.context("a part of life that nobody watches")?;
        ensure!(self.work(&manager)?, "the agent is gone");
        drop(manager);
        agent.stop_within(PATIENCE)?;
        working.end()
    }

    /// Lives until the agent is killed at the site; says whether it came to that. It is dead in any
    /// case.
    pub(super) fn die_at(&mut self, site: &Site) -> Result<bool> {
        let mut setup = self.setup.clone();
        let log = self.path.join("agent.log.calls");
        let inject = Some(format!("{}:signal=KILL:when={}", site.call, site.nth));
        let on = match &site.target {
            Target::At(below) => Some(self.path.join(below)),
            Target::Of(..) => None,
        };
        let fault = Fault { calls: &site.call, inject: inject.clone(), on: on.as_deref() };
        if site.part == Part::Start {
            setup.under = fault.under(&log);
        }
        let (agent, manager) = match Agent::start_within(&setup, PATIENCE) {
            Ok((agent, manager, _)) => (agent, manager),
            // It did not come to answer: that was the site.
            Err(_) if site.part == Part::Start => return Ok(true),
            Err(error) => return Err(error),
        };
        let mut trace = None;
        if site.part == Part::Create {
            trace = Some(Trace::lay(agent.pid(), &fault)?);
        }
        let mut lives = self.create(&manager)?;
        if lives && site.part == Part::Work {
            let on = match &site.target {
                Target::At(below) => self.path.join(below),
                Target::Of(place, rest) => self.job_folder(*place)?.join(rest),
            };
            let on = kernels_name(&on)?;
            let fault = Fault { calls: &site.call, inject, on: Some(&on) };
            trace = Some(Trace::lay(agent.pid(), &fault)?);
        }
        lives = lives && self.work(&manager)?;
        drop(manager);
        // It may also die while it leaves.
        let is_dead = !lives || agent.leave(PATIENCE)?;
        drop(trace);
        Ok(is_dead)
    }

    fn job_folder(&self, place: usize) -> Result<PathBuf> {
        let id = self.ids.get(place).context("a job that was not created")?;
        Ok(self.setup.state.join("staging").join(id.to_string()))
    }

    fn destination(&self, place: usize, number: usize) -> PathBuf {
        self.path.join("out").join(format!("{}-{number}", NAMES[place]))
    }

    fn body(&self, place: usize) -> CreateJob {
        let file = |number: usize| AddFile {
            remote_name: self.origin.url(&format!("/{}", number + 1)),
            local_name: Some(self.destination(place, number).display().to_string()),
            ..AddFile::default()
        };
        CreateJob {
            display_name: NAMES[place].to_owned(),
            files: (0..SIZES.len()).map(file).collect(),
            ..CreateJob::default()
        }
    }

    /// The second part of a life.
    fn create(&mut self, manager: &Manager) -> Lived {
        for place in [KEPT, DROPPED] {
            let Some(job) = answered(manager.create_job(&self.body(place)))? else {
                return Ok(false);
            };
            self.ids.push(job.id());
            self.told[place].is_created = true;
        }
        Ok(true)
    }

    /// The third part.
    fn work(&mut self, manager: &Manager) -> Lived {
        for place in [KEPT, DROPPED] {
            let Some(job) = answered(manager.job(self.ids[place]))? else { return Ok(false) };
            if answered(job.resume())?.is_none() || !is_fetched(&job)? {
                return Ok(false);
            }
            if !self.end(place, &job)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Ends a job as its story says.
    fn end(&mut self, place: usize, job: &Job) -> Lived {
        self.told[place].end_was_asked = true;
        let answer = if place == KEPT { job.complete() } else { job.cancel() };
        self.told[place].is_over = answered(answer)?.is_some();
        Ok(self.told[place].is_over)
    }

    /// Another agent takes over: every promise is kept, and the story comes to its end.
    ///
    /// * Returns: how long that agent took to answer.
    pub(super) fn go_on(&mut self) -> Result<Duration> {
        self.shown(false).context("after the death")?;
        let (agent, manager, start) = Agent::start_within(&self.setup, RESTART_MAX)?;
        let list = manager.jobs(&JobFilter::default())?;
        for place in [KEPT, DROPPED] {
            let info = list.iter().find(|info| info.display_name == NAMES[place]);
            self.is_kept(place, info)?;
            let job = match info {
                Some(info) => manager.job(info.id)?,
                None if self.told[place].end_was_asked => continue,
                None => manager.create_job(&self.body(place))?,
            };
            // One that is transferred stays so.
            job.resume()?;
            ensure!(is_fetched(&job)?, "the agent died by itself");
            ensure!(self.end(place, &job)?, "the agent died by itself");
        }
        ensure!(manager.jobs(&JobFilter::default())?.is_empty(), "jobs are left");
        drop(manager);
        agent.stop()?;
        self.shown(true).context("at the end")?;
        self.is_clean()?;
        Ok(start)
    }

    /// What was promised of a job is so.
    fn is_kept(&self, place: usize, info: Option<&JobInfo>) -> Result<()> {
        let (name, told) = (NAMES[place], self.told[place]);
        ensure!(!told.is_over || info.is_none(), "{name} is over, and is back");
        let is_promised = told.is_created && !told.end_was_asked;
        ensure!(!is_promised || info.is_some(), "{name} was created, and is lost");
        if let (Some(info), Some(id)) = (info, self.ids.get(place)) {
            ensure!(info.id == *id, "{name} is another job");
        }
        Ok(())
    }

    /// Under their names stand whole files or none, and in the end all those of the job that is kept.
    fn shown(&self, is_end: bool) -> Result<()> {
        for (number, size) in SIZES.into_iter().enumerate() {
            let dropped = self.destination(DROPPED, number);
            ensure!(!dropped.exists(), "{} was never completed", dropped.display());
            let kept = self.destination(KEPT, number);
            if !kept.exists() {
                ensure!(!is_end && !self.told[KEPT].is_over, "{} is missing", kept.display());
                continue;
            }
            ensure!(self.told[KEPT].end_was_asked, "{} came too early", kept.display());
            let bytes = fs::read(&kept)?;
            let content = Content::new(number as u64 + 1, size);
            let is_right = bytes.len() as u64 == content.size()
                && content.first_difference(0, &bytes).is_none();
            ensure!(is_right, "{} is not what it should be", kept.display());
        }
        Ok(())
    }

    /// Nothing is left of any death.
    fn is_clean(&self) -> Result<()> {
        let out = names(&self.path.join("out"))?;
        ensure!(out.len() == SIZES.len(), "beside the files: {out:?}");
        let staging = names(&self.setup.state.join("staging"))?;
        ensure!(staging.is_empty(), "in the store: {staging:?}");
        let state = names(&self.setup.state)?;
        let known = ["journal.db", "lock", "reserve", "staging"];
        ensure!(state.iter().all(|name| known.contains(&name.as_str())), "in the store: {state:?}");
        Ok(())
    }
}

/// Whether a job comes to be transferred; `false` when the agent is gone.
fn is_fetched(job: &Job) -> Lived {
    let began = Instant::now();
    loop {
        let Some(info) = answered(job.info())? else { return Ok(false) };
        match info.state {
            JobState::Transferred => return Ok(true),
            JobState::Error => bail!("{} stopped: {:?}", info.display_name, info.error),
            _ if began.elapsed() > PATIENCE => {
                bail!("{} does not move: {info:?}", info.display_name)
            }
            _ => thread::sleep(LOOK_EVERY),
        }
    }
}

/// What the agent said; `None` when it was gone before it had said it.
fn answered<T>(answer: Result<T, Error>) -> Result<Option<T>> {
    match answer {
        Ok(said) => Ok(Some(said)),
        Err(Error::NoService { .. } | Error::Lost { .. } | Error::Protocol { .. }) => Ok(None),
        Err(error) => Err(error).context("refused"),
    }
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// The log of a tracer that nobody waits for, when its last line is there.
fn complete(log: &Path) -> Result<Vec<String>> {
    let began = Instant::now();
    loop {
        let calls = lines(log)?;
        if calls.last().is_some_and(|line| line.contains("+++")) {
            return Ok(calls);
        }
        ensure!(began.elapsed() < PATIENCE, "the tracer does not end");
        thread::sleep(LOOK_EVERY);
    }
}
