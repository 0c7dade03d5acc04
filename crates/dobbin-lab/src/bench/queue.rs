//! `bench queue`: an agent with a long queue, and how soon it answers meanwhile.
//!
//! A real `dobbin serve`, spoken to through the Rust client over its socket, and an origin in this
//! process. First one job of many files, then many jobs of one file each; beside them, all the time,
//! a program that goes on creating, looking, listing and cancelling. Every call counts from the
//! request to the answer, which comes only when what it promises is durable.
//!
//! Last, in a store of its own, a queue of jobs at rest with some active ones: [`super::rest`].

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dobbin_sdk::JobFilter;
use dobbin_sdk::blocking::{Job, Manager};
use dobbin_types::rest::{AddFile, CreateJob};
use dobbin_types::{Completion, JobState};

use super::child;
use super::latency::Latencies;
use super::line::Report;
use super::machine::Machine;
use super::paper::Section;
use super::report::median;
use super::{rest, size};
use crate::kill::agent::{Agent, Setup};
use crate::origin::{Content, Origin, Plan};

/// What to measure, and where.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Files of the one large job.
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    files: u32,
    /// Jobs with one file each.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    jobs: u32,
    /// How often both are done, one after the other: times are medians, calls count together.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Size of each file.
    #[arg(long, value_name = "SIZE", default_value = "16KiB", value_parser = size::parse)]
    size: u64,
    /// Jobs with one file each that lie in the queue of another agent; 0 leaves that part out.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    rest: u32,
    /// Those of them that are resumed, with an origin so slow that they stay active.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    active: u32,
    /// Where the store and the files lie.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    dir: PathBuf,
    /// The dobbin to measure, if not the one beside this program.
    #[arg(long, value_name = "PROGRAM")]
    dobbin: Option<PathBuf>,
    /// The longest that one of the steps may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    patience: u64,
}

/// Files added with one call.
const FILES_PER_CALL: u32 = 500;

/// Between two calls of the program beside: a busy one, but not one that does nothing else.
const PAUSE: Duration = Duration::from_millis(2);

/// How often it is looked whether a step is over.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The one path of the origin.
const PATH: &str = "/file";

/// Its place in the paper.
pub(super) const SECTION: Section = Section {
    heading: "An agent with a long queue",
    about: "\
Starts a real `dobbin serve` and an origin on the same machine, gives the agent one job of many files and
then many jobs with one file each, and all the time a second program creates, looks, lists, adds, resumes,
suspends and cancels jobs. Every call counts from the request to the answer, and an answer comes only when
what it says is on the disk. Cancelling answers when the job's files are removed. Last, an agent of its own
has a long queue that hardly moves.

The goal is that calls are answered within 10 ms in 99 of 100 cases.",
    call: &["queue"],
    quick: &["queue", "--files", "500", "--jobs", "100", "--rounds", "1", "--rest", "1000", "--active", "10"],
};

/// Measures.
///
/// Errors: whatever keeps it from running; a step that takes too long; files that are not there in
/// the end. No child outlives it.
pub(super) fn report(options: &Options) -> Result<Report> {
    let scratch = tempfile::Builder::new()
        .prefix("dobbin-bench-")
        .tempdir_in(&options.dir)
        .with_context(|| format!("cannot make a folder in {}", options.dir.display()))?;
    let folder = scratch.path().canonicalize().context("cannot find the folder just made")?;
    let origin = Origin::start(Plan::new().file(PATH, Content::new(1, options.size)));
    let setup = Setup::in_folder(program(options)?, &folder);
    let (agent, manager, _) = Agent::start(&setup)?;
    let bench = Bench { options, url: origin.url(PATH), folder: folder.clone(), setup };
    let idle = child::resident(agent.pid()).unwrap_or(0);
    let mut large = Step::default();
    let mut many = Step::default();
    for round in 0..options.rounds {
        large.add(bench.beside(&manager, || bench.one_large_job(&manager, round))?);
        many.add(bench.beside(&manager, || bench.many_jobs(&manager, round))?);
    }
    let peak = child::peak(agent.pid()).unwrap_or(0);
    let cpu = child::cpu(agent.pid()).unwrap_or_default();
    let restart = bench.restart(agent, &manager)?;
    let mut report = bench.report(&large, &many, &restart, [idle, peak], cpu);
    if options.rest > 0 {
        let crowd = rest::Crowd { jobs: options.rest, active: options.active.min(options.rest) };
        let program = bench.setup.program.clone();
        report.push_str(&rest::measure(&crowd, program, &folder.join("rest"))?.markdown());
    }
    Ok(Report { text: report, failures: Vec::new() })
}

fn program(options: &Options) -> Result<PathBuf> {
    if let Some(program) = &options.dobbin {
        return Ok(program.clone());
    }
    let own = std::env::current_exe().context("cannot find this program")?;
    let beside = own.with_file_name("dobbin");
    if !beside.exists() {
        bail!("there is no {}; name one with --dobbin", beside.display());
    }
    Ok(beside)
}

/// A bench that is set up.
struct Bench<'a> {
    options: &'a Options,
    url: String,
    folder: PathBuf,
    setup: Setup,
}

/// What a step came to, in each of its rounds.
#[derive(Default)]
struct Step {
    /// From the first Resume until the last file was here.
    transfers: Vec<Duration>,
    /// Until all files stood under their names, from there on.
    publishes: Vec<Duration>,
    latencies: Latencies,
}

impl Step {
    fn add(&mut self, round: Step) {
        self.transfers.extend(round.transfers);
        self.publishes.extend(round.publishes);
        self.latencies.merge(round.latencies);
    }
}

/// What a restart came to.
struct Restart {
    jobs: u32,
    stop: Duration,
    start: Duration,
}

impl Bench<'_> {
    /// Does a step while the program beside goes on calling.
    fn beside(&self, manager: &Manager, step: impl FnOnce() -> Result<Step>) -> Result<Step> {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let beside = scope.spawn(|| self.call_until(manager, &is_over));
            let outcome = step();
            is_over.store(true, Ordering::Release);
            let calls =
                beside.join().map_err(|_| anyhow::anyhow!("the calling thread panicked"))?;
            let mut step = outcome?;
            step.latencies.merge(calls?);
            Ok(step)
        })
    }

    /// Creates, looks, lists, changes and cancels until told to end.
    fn call_until(&self, manager: &Manager, is_over: &AtomicBool) -> Result<Latencies> {
        let mut latencies = Latencies::default();
        let mut number = 0;
        while !is_over.load(Ordering::Acquire) {
            number += 1;
            let file = self.file(&format!("beside-{number}"));
            let body = CreateJob {
                display_name: "beside".to_owned(),
                files: vec![file],
                ..CreateJob::default()
            };
            let pause = || thread::sleep(PAUSE);
            let job = latencies.time("create", || manager.create_job(&body))?;
            pause();
            latencies.time("info", || job.info())?;
            pause();
            latencies.time("list of all jobs", || manager.jobs(&JobFilter::default()))?;
            pause();
            latencies.time("add a file", || {
                job.add_files(vec![self.file(&format!("beside-{number}-2"))])
            })?;
            pause();
            latencies.time("resume", || job.resume())?;
            latencies.time("suspend", || job.suspend())?;
            pause();
            latencies.time("cancel", || job.cancel())?;
            pause();
        }
        Ok(latencies)
    }

    /// One job with many files.
    fn one_large_job(&self, manager: &Manager, round: u32) -> Result<Step> {
        let mut latencies = Latencies::default();
        let body = CreateJob { display_name: "large".to_owned(), ..CreateJob::default() };
        let job = manager.create_job(&body)?;
        for first in (0..self.options.files).step_by(FILES_PER_CALL as usize) {
            let numbers = first..self.options.files.min(first + FILES_PER_CALL);
            let files =
                numbers.map(|number| self.file(&format!("large-{round}-{number}"))).collect();
            latencies.time("add 500 files at once", || job.add_files(files))?;
        }
        let began = Instant::now();
        job.resume()?;
        self.wait_for("the large job", || Ok(job.info()?.state == JobState::Transferred))?;
        let transfer = began.elapsed();
        latencies.time("list of the job's files", || job.files())?;
        let began = Instant::now();
        job.complete()?;
        let publish = began.elapsed();
        self.count(&format!("large-{round}-"), self.options.files)?;
        Ok(Step { transfers: vec![transfer], publishes: vec![publish], latencies })
    }

    /// Many jobs with one file each, completed by the agent.
    fn many_jobs(&self, manager: &Manager, round: u32) -> Result<Step> {
        let mut latencies = Latencies::default();
        let name = format!("many-{round}");
        let jobs = self.create(manager, &name, &mut latencies)?;
        let began = Instant::now();
        for job in &jobs {
            latencies.time("resume", || job.resume())?;
        }
        // The other program's jobs come and go; ours are the ones called so.
        let is_ours = |of: &str| of == name;
        self.wait_for("the many jobs", || {
            let jobs = manager.jobs(&JobFilter::default())?;
            Ok(!jobs.iter().any(|job| is_ours(&job.display_name)))
        })?;
        let transfer = began.elapsed();
        self.count(&format!("{name}-"), self.options.jobs)?;
        Ok(Step { transfers: vec![transfer], publishes: Vec::new(), latencies })
    }

    fn create(&self, manager: &Manager, name: &str, latencies: &mut Latencies) -> Result<Vec<Job>> {
        (0..self.options.jobs)
            .map(|number| {
                let body = CreateJob {
                    display_name: name.to_owned(),
                    completion: Some(Completion::Service),
                    files: vec![self.file(&format!("{name}-{number}"))],
                    ..CreateJob::default()
                };
                Ok(latencies.time("create", || manager.create_job(&body))?)
            })
            .collect()
    }

    /// Stops the agent with a full queue, and starts it again.
    fn restart(&self, agent: Agent, manager: &Manager) -> Result<Restart> {
        let jobs = self.create(manager, "kept", &mut Latencies::default())?;
        let began = Instant::now();
        agent.stop()?;
        let stop = began.elapsed();
        let (agent, manager, start) = Agent::start(&self.setup)?;
        let found = manager.jobs(&JobFilter::default())?.len();
        if found < jobs.len() {
            bail!("{found} of {} jobs are there after a restart", jobs.len());
        }
        agent.stop()?;
        Ok(Restart { jobs: self.options.jobs, stop, start })
    }

    fn file(&self, name: &str) -> AddFile {
        AddFile {
            remote_name: self.url.clone(),
            local_name: Some(self.folder.join(name).display().to_string()),
            ..AddFile::default()
        }
    }

    fn wait_for(&self, what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
        let began = Instant::now();
        while !is_so()? {
            if began.elapsed() > Duration::from_secs(self.options.patience) {
                bail!("{what}: not done within {} s", self.options.patience);
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// As many whole files as there should be.
    fn count(&self, prefix: &str, expect: u32) -> Result<()> {
        let is_whole = |path: &Path| fs::metadata(path).is_ok_and(|m| m.len() == self.options.size);
        let numbers = 0..expect;
        let there = numbers.filter(|n| is_whole(&self.folder.join(format!("{prefix}{n}"))));
        let there = there.count();
        if there != expect as usize {
            bail!("{there} of {expect} files `{prefix}` are there and whole");
        }
        Ok(())
    }

    fn report(
        &self,
        large: &Step,
        many: &Step,
        restart: &Restart,
        [idle, peak]: [u64; 2],
        cpu: Duration,
    ) -> String {
        let Options { files, jobs, size, .. } = self.options;
        let seconds = |times: &[Duration]| median(times.to_vec()).unwrap_or_default().as_secs_f64();
        let mib = |bytes: u64| bytes as f64 / f64::from(1_u32 << 20);
        let head = |what: &str| {
            format!(
                "\n{what}: calls in milliseconds.\n\n| Call | Count | Median | 99th percentile | \
                 Longest |\n|---|---|---|---|---|\n"
            )
        };
        format!(
            "{}. Medians of {} rounds.\n\n| What | |\n|---|---|\n\
             | one job of {files} files of {size} bytes: all here | {:.1} s |\n\
             | … all under their names (Complete) | {:.1} s |\n\
             | {jobs} jobs of one file each: all done | {:.1} s |\n\
             | restart with {} jobs: stopped in | {:.2} s |\n\
             | … answers again after | {:.2} s |\n\
             | agent's memory when idle, at most | {:.1} MiB, {:.1} MiB |\n\
             | agent's processor time | {:.1} s |\n{}{}{}{}",
            Machine::of(&self.folder),
            self.options.rounds,
            seconds(&large.transfers),
            seconds(&large.publishes),
            seconds(&many.transfers),
            restart.jobs,
            restart.stop.as_secs_f64(),
            restart.start.as_secs_f64(),
            mib(idle),
            mib(peak),
            cpu.as_secs_f64(),
            head(&format!("While one job of {files} files is added, fetched and completed")),
            large.latencies.rows(),
            head(&format!("While {jobs} jobs are created, fetched and completed")),
            many.latencies.rows(),
        )
    }
}
