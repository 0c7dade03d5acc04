//! The kill harness: a real agent is killed (SIGKILL) at random moments while a client works with it,
//! and whatever it has promised is looked for afterwards.
//!
//! What is looked for: every job whose creation was answered is there, in a state that its answered
//! wishes allow; a suspended job does not move; what was completed stands under its names, byte for
//! byte; under the name of a file never stands anything else than one whole version of it; no have
//! file claims a piece that is not right; at most 8 MiB of a transfer are fetched again for one kill;
//! the agent answers again within 2 s; and in the end nothing is left in the store or beside the
//! files.
//!
//! Everything random follows from the seed, except for the moments at which things happen: those are
//! the machine's. A run that failed fails again after a few tries, not always at once.

pub mod agent;
mod blow;
mod check;
mod deed;
mod disk;
mod job;
mod refetch;
mod served;
mod stretches;
pub mod trace;
mod world;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dobbin_sdk::JobFilter;
use dobbin_sdk::blocking::Manager;
use dobbin_types::JobState;
use dobbin_types::rest::EventKind;

use self::agent::Agent;
use self::blow::Kill;
pub(crate) use self::blow::{Blow, Ground};
pub(crate) use self::check::destinations;
use self::deed::Client;
pub(crate) use self::disk::Staged;
pub(crate) use self::job::Job;
use self::served::Library;
pub(crate) use self::world::World;
use crate::chance::Chance;

/// How many kills one store goes through before its jobs are led to their ends and it is looked at
/// for the last time.
const KILLS_PER_WORLD: u64 = 25;

/// How long an agent lives, in microseconds.
const LIFE_MICROS: std::ops::Range<u64> = 5_000..150_000;

/// How long all jobs together may take to their ends once the origin is well.
const END_MAX: Duration = Duration::from_secs(60);

/// What to do.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// How often the agent is killed
    #[arg(long, default_value_t = 1_000)]
    pub cycles: u64,
    /// What everything random follows from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The program to kill; left out, `dobbin` beside this one
    #[arg(long, value_name = "PATH")]
    pub dobbin: Option<PathBuf>,
    /// Where stores are made; left out, the system's folder for such things, and for power cuts its
    /// folder in memory
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// What everything random followed from.
    pub seed: u64,
    /// Kills.
    pub cycles: u64,
    /// Jobs created.
    pub jobs: u64,
    /// Files that came under their names.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that the origin sent for them and for all others.
    pub sent_bytes: u64,
    /// The most that one transfer fetched again because of one kill, in bytes.
    pub again_bytes_max: u64,
    /// The longest time in which an agent answered after its start.
    pub start_max: Duration,
    /// The whole run.
    pub time: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
        write!(
            f,
            "seed {}: {} cycles, {} jobs, {} files with {:.0} MiB delivered, {:.0} MiB sent, at most \
             {:.2} MiB fetched again, slowest start {} ms, {:.1} s ({:.1} cycles/s)",
            self.seed,
            self.cycles,
            self.jobs,
            self.files,
            mib(self.bytes),
            mib(self.sent_bytes),
            mib(self.again_bytes_max),
            self.start_max.as_millis(),
            self.time.as_secs_f64(),
            self.cycles as f64 / self.time.as_secs_f64().max(f64::MIN_POSITIVE),
        )
    }
}

/// Kills as often as the options say.
///
/// # Errors
///
/// The first broken promise, with the seed, the cycle and the folder in which everything was left as
/// it was; or whatever keeps the harness itself from working.
pub fn run(options: &Options) -> Result<Summary> {
    let program = program(options.dobbin.as_deref())?;
    run_with(options, &program, &mut Kill { dir: options.dir.clone() })
}

/// The program to kill: the one that is named, else `dobbin` beside this one.
pub(crate) fn program(named: Option<&Path>) -> Result<PathBuf> {
    let program = match named {
        Some(program) => program.to_path_buf(),
        None => std::env::current_exe()?.with_file_name("dobbin"),
    };
    if !program.is_file() {
        bail!("there is no {}; build it, or name it with --dobbin", program.display());
    }
    Ok(program)
}

/// [`run`] with a blow of the caller's.
pub(crate) fn run_with(options: &Options, program: &Path, blow: &mut dyn Blow) -> Result<Summary> {
    let began = Instant::now();
    let mut chance = Chance::new(options.seed);
    let library = Library::new(&mut chance);
    let mut summary = Summary { seed: options.seed, ..Summary::default() };
    while summary.cycles < options.cycles {
        let mut world = World::new(program, blow.ground()?, &library, &mut chance)?;
        let kills = KILLS_PER_WORLD.min(options.cycles - summary.cycles);
        if let Err(broken) = live(&mut world, kills, blow, &mut chance, &mut summary) {
            let mut kept = world.keep();
            kept.extend(blow.keep());
            return Err(broken).with_context(|| {
                format!("seed {}, cycle {}; kept: {kept:?}", options.seed, summary.cycles)
            });
        }
        summary.jobs += world.jobs_count;
        summary.files += world.delivered.len() as u64;
        summary.bytes += world.delivered_bytes;
    }
    summary.time = began.elapsed();
    Ok(summary)
}

/// The whole story of one store.
fn live(
    world: &mut World<'_>,
    kills: u64,
    blow: &mut dyn Blow,
    chance: &mut Chance,
    summary: &mut Summary,
) -> Result<()> {
    for _ in 0..kills {
        summary.cycles += 1;
        let (agent, manager) = start(world, summary)?;
        let doom = agent.doom(life(chance))?;
        Client { world, manager: &manager, doom: &doom, chance }.work()?;
        agent.bury(doom)?;
        let life = check::after_kill(world, blow.again_max()).context("after the kill")?;
        blow.fall(world, chance).context("after the blow")?;
        summary.sent_bytes += life.sent_bytes;
        summary.again_bytes_max = summary.again_bytes_max.max(life.again_bytes_max);
    }
    let (agent, manager) = start(world, summary)?;
    world.heal();
    end_all(&manager).context("at the end")?;
    check::at_end(world, &manager).context("at the end")?;
    drop(manager);
    agent.stop()?;
    check::after_leaving(world).context("after the agent has left")
}

/// Starts the agent on what the last one left, and checks that nothing is missing.
fn start(world: &mut World<'_>, summary: &mut Summary) -> Result<(Agent, Manager)> {
    let (agent, manager, time) = Agent::start(&world.setup)?;
    summary.start_max = summary.start_max.max(time);
    check::after_start(world, &manager).context("after the restart")?;
    Ok((agent, manager))
}

/// How long the next agent lives: short lives more often than long ones.
fn life(chance: &mut Chance) -> Duration {
    let one = chance.within(LIFE_MICROS);
    let other = chance.within(LIFE_MICROS);
    Duration::from_micros(one.min(other))
}

/// Leads every job to its end: all of them are fetched and completed.
fn end_all(manager: &Manager) -> Result<()> {
    let began = Instant::now();
    let mut events = manager.events(None)?;
    loop {
        let jobs = manager.jobs(&JobFilter::default())?;
        for info in &jobs {
            // One that completes itself may be over by now.
            let Ok(job) = manager.job(info.id) else { continue };
            match info.state {
                JobState::Suspended | JobState::Error | JobState::TransientError => {
                    job.resume().map(drop)?;
                }
                JobState::Transferred if info.completion == dobbin_types::Completion::Caller => {
                    job.complete().map(drop)?;
                }
                _ => {}
            }
        }
        if jobs.is_empty() {
            return Ok(());
        }
        if began.elapsed() > END_MAX {
            bail!("jobs do not come to an end: {jobs:?}");
        }
        // Whatever happens next, but no longer than what no event tells at once.
        while let Some(event) = events.next_within(Duration::from_millis(20))? {
            if event.kind != EventKind::Modified {
                break;
            }
        }
    }
}

/// Where the program lies that tests of this workspace kill: beside the folder of the test itself.
/// Built if it is not there.
///
/// # Errors
///
/// It is not there and cannot be built.
pub fn built_program() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(Path::parent).context("a test outside a target folder")?;
    let program = folder.join("dobbin");
    if !program.is_file() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = std::process::Command::new(cargo);
        build.args(["build", "-p", "dobbin"]);
        if folder.file_name().is_some_and(|name| name == "release") {
            build.arg("--release");
        }
        let status = build.status().context("cannot run cargo")?;
        if !status.success() || !program.is_file() {
            bail!("cargo could not build {}: {status}", program.display());
        }
    }
    Ok(program)
}
