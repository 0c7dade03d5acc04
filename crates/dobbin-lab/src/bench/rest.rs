//! An agent whose queue is long and hardly moves: what it costs, and how soon it answers.
//!
//! Many jobs of one file each, created over several connections; some of them are resumed, with an
//! origin so slow that they stay active. Then memory, processor time and wake-ups are read off the
//! process, calls are timed, and the agent is killed and started again on what it left.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dobbin_sdk::JobFilter;
use dobbin_sdk::blocking::{Job, Manager};
use dobbin_types::rest::{AddFile, CreateJob};
use dobbin_types::{JobId, JobState, Priority};

use super::child;
use super::latency::Latencies;
use crate::kill::agent::{Agent, Setup};
use crate::origin::{Content, Origin, Pace, Plan, Route};

/// How many jobs there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crowd {
    /// All of them.
    pub(super) jobs: u32,
    /// Those that want to run.
    pub(super) active: u32,
}

/// Programs that create jobs at the same time.
const CREATORS: u32 = 8;

/// For how long the process is watched while nothing is asked of it.
const WATCH: Duration = Duration::from_secs(10);

/// How often every kind of call is made.
const ROUNDS: u32 = 500;

/// Between two calls.
const PAUSE: Duration = Duration::from_millis(2);

/// A start that takes longer is a failure (design goal: 10 s).
const START_MAX: Duration = Duration::from_secs(60);

/// How long it may take until transfers run.
const BEGIN_MAX: Duration = Duration::from_secs(60);

/// A file of this size comes in portions of [`DRIP_BYTES`] a second: fast enough to count as alive,
/// and nowhere near its end when the bench is over.
const FILE_BYTES: u64 = 256 * 1024 * 1024;
const DRIP_BYTES: usize = 8 * 1024;

const PATH: &str = "/pub/releases/2026/november/images/image-x86_64.iso";

/// What the process costs over [`WATCH`].
#[derive(Debug, Clone, Copy)]
struct Cost {
    resident_bytes: u64,
    cpu: Duration,
    wakes_per_second: f64,
}

/// What was measured.
pub(super) struct Measured {
    crowd: Crowd,
    create: Duration,
    journal_bytes: u64,
    empty: Cost,
    active: Cost,
    at_rest: Cost,
    peak_bytes: u64,
    list: Duration,
    start: Duration,
    start_answer: Duration,
    stop: Duration,
    latencies: Latencies,
}

/// Measures in `folder`, which is made.
///
/// Errors: whatever keeps it from running. No child outlives it.
pub(super) fn measure(crowd: &Crowd, program: PathBuf, folder: &Path) -> Result<Measured> {
    fs::create_dir_all(folder).context("cannot make a folder")?;
    let slow = Route::honest(Content::new(1, FILE_BYTES))
        .always(Pace::Drip(DRIP_BYTES, Duration::from_secs(1)));
    let origin = Origin::start(Plan::new().route(PATH, slow));
    let setup = Setup::in_folder(program, folder);
    let (agent, manager, _) = Agent::start(&setup)?;
    let place = Place { url: origin.url(PATH), folder: folder.to_path_buf() };
    let empty = watch(&agent)?;

    let began = Instant::now();
    let ids = create_all(&place, &setup.socket, crowd.jobs)?;
    let create = began.elapsed();
    let actives = &ids[..crowd.active as usize];
    each(&manager, actives, |job| job.resume().map(drop))?;
    wait_for_transfers(&manager)?;
    let active = watch(&agent)?;
    let latencies = call(&manager, &place, &ids)?;
    let began = Instant::now();
    let found = manager.jobs(&JobFilter::default())?.len();
    let list = began.elapsed();
    if found < ids.len() {
        bail!("{found} of {} jobs are in the list", ids.len());
    }
    let peak_bytes = child::peak(agent.pid()).unwrap_or(0);
    let journal_bytes = ["journal.db", "journal.db-wal"]
        .iter()
        .filter_map(|name| Some(fs::metadata(setup.state.join(name)).ok()?.len()))
        .sum();

    // Without a farewell, as at a power cut: the start has the most to do then.
    drop(agent);
    let began = Instant::now();
    let (agent, manager, start) = Agent::start_within(&setup, START_MAX)?;
    manager.job(ids[ids.len() / 2])?.info()?;
    let start_answer = began.elapsed();
    each(&manager, actives, |job| job.suspend().map(drop))?;
    let at_rest = watch(&agent)?;
    let began = Instant::now();
    agent.stop()?;
    let stop = began.elapsed();
    Ok(Measured {
        crowd: *crowd,
        create,
        journal_bytes,
        empty,
        active,
        at_rest,
        peak_bytes,
        list,
        start,
        start_answer,
        stop,
        latencies,
    })
}

/// Where files come from and go to.
struct Place {
    url: String,
    folder: PathBuf,
}

impl Place {
    fn job(&self, name: &str) -> CreateJob {
        let file = AddFile {
            remote_name: format!("{}?{name}", self.url),
            local_name: Some(self.folder.join(format!("{name}.iso")).display().to_string()),
            ..AddFile::default()
        };
        CreateJob {
            display_name: format!("nightly image {name}"),
            files: vec![file],
            ..CreateJob::default()
        }
    }
}

/// Creates jobs over several connections at once.
fn create_all(place: &Place, socket: &Path, count: u32) -> Result<Vec<JobId>> {
    let create = |first: u32| -> Result<Vec<JobId>> {
        let manager = Manager::connect(dobbin_sdk::Address::Socket(socket.to_path_buf()))?;
        let numbers = (first..count).step_by(CREATORS as usize);
        numbers.map(|n| Ok(manager.create_job(&place.job(&format!("job-{n}")))?.id())).collect()
    };
    thread::scope(|scope| {
        let creators: Vec<_> =
            (0..CREATORS).map(|first| scope.spawn(move || create(first))).collect();
        let mut ids = Vec::new();
        for creator in creators {
            ids.extend(creator.join().map_err(|_| anyhow::anyhow!("a creator panicked"))??);
        }
        Ok(ids)
    })
}

fn each(
    manager: &Manager,
    ids: &[JobId],
    wish: impl Fn(&Job) -> Result<(), dobbin_sdk::Error>,
) -> Result<()> {
    for id in ids {
        wish(&manager.job(*id)?)?;
    }
    Ok(())
}

fn wait_for_transfers(manager: &Manager) -> Result<()> {
    let moving = JobFilter { state: Some(JobState::Transferring), ..JobFilter::default() };
    let began = Instant::now();
    while !manager.jobs(&moving)?.iter().any(|job| job.progress.bytes_transferred > 0) {
        if began.elapsed() > BEGIN_MAX {
            bail!("no job moves after {BEGIN_MAX:?}");
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// What the process costs while nobody asks it anything.
fn watch(agent: &Agent) -> Result<Cost> {
    // What went before settles: connections are closed, the last flushes done.
    thread::sleep(Duration::from_secs(2));
    let look = || {
        let cpu = child::cpu(agent.pid()).context("cannot read what the agent has cost")?;
        let sleeps = child::Sleeps::of(agent.pid()).context("cannot count its wake-ups")?;
        anyhow::Ok((cpu, sleeps))
    };
    let (cpu_before, sleeps_before) = look()?;
    thread::sleep(WATCH);
    let (cpu, sleeps) = look()?;
    Ok(Cost {
        resident_bytes: child::resident(agent.pid()).unwrap_or(0),
        cpu: cpu.saturating_sub(cpu_before),
        wakes_per_second: sleeps.since(&sleeps_before) as f64 / WATCH.as_secs_f64(),
    })
}

/// A program that does all that programs do, on jobs of its own and on those at rest.
fn call(manager: &Manager, place: &Place, ids: &[JobId]) -> Result<Latencies> {
    let mut latencies = Latencies::default();
    let pause = || thread::sleep(PAUSE);
    for round in 0..ROUNDS {
        // Spread over all jobs, in no order that a cache would like.
        let other = ids[(round as usize).wrapping_mul(7_919) % ids.len()];
        let other = manager.job(other)?;
        let body = place.job(&format!("beside-{round}"));
        let job = latencies.time("create", || manager.create_job(&body))?;
        pause();
        latencies.time("info", || other.info())?;
        pause();
        latencies.time("files", || other.files())?;
        pause();
        latencies.time("set the priority", || job.set_priority(Priority::High))?;
        pause();
        latencies.time("resume", || job.resume())?;
        pause();
        latencies.time("suspend", || job.suspend())?;
        pause();
        latencies.time("cancel", || job.cancel())?;
        pause();
    }
    Ok(latencies)
}

impl Measured {
    /// As a part of the report.
    pub(super) fn markdown(&self) -> String {
        let Crowd { jobs, active } = self.crowd;
        let mib = |bytes: u64| bytes as f64 / f64::from(1_u32 << 20);
        let seconds = Duration::as_secs_f64;
        let mut text = format!(
            "\n{jobs} jobs of one file each in a store of their own, {active} of them resumed, from an \
             origin that sends each {DRIP_BYTES} bytes a second.\n\n| What | |\n|---|---|\n\
             | all created, over {CREATORS} connections | {:.1} s |\n\
             | the journal on the disk | {:.1} MiB |\n\
             | most memory ever | {:.1} MiB |\n\
             | the list of all of them, read to its end | {:.2} s |\n\
             | killed and started again: the agent answers after | {:.2} s |\n\
             | … and a question about a job is answered after | {:.2} s |\n\
             | asked to leave, it is gone after | {:.2} s |\n",
            seconds(&self.create),
            mib(self.journal_bytes),
            mib(self.peak_bytes),
            seconds(&self.list),
            seconds(&self.start),
            seconds(&self.start_answer),
            seconds(&self.stop),
        );
        let _ = write!(
            text,
            "\nThe agent when nobody asks it anything, over {} s.\n\n\
             | With | Resident memory | Processor time | Wake-ups a second |\n|---|---|---|---|\n",
            WATCH.as_secs()
        );
        for (name, cost) in [
            ("no job", self.empty),
            ("all jobs, some active", self.active),
            ("all jobs at rest, after a restart", self.at_rest),
        ] {
            // Writing to a text cannot fail.
            let _ = writeln!(
                text,
                "| {name} | {:.1} MiB | {:.2} s | {:.1} |",
                mib(cost.resident_bytes),
                seconds(&cost.cpu),
                cost.wakes_per_second
            );
        }
        let head = "| Call | Count | Median | 99th percentile | Longest |\n|---|---|---|---|---|\n";
        let _ = write!(
            text,
            "\nCalls with this queue, in milliseconds.\n\n{head}{}",
            self.latencies.rows()
        );
        text
    }
}
