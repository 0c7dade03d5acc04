//! A small model of the interface, and random sequences that hold core and a running agent to it.
//!
//! The model knows the tables of [`crate::conformance::tables`] and the timers beside them, and
//! nothing of our code: no attempts, no records, no schedule. On core every turn is compared with the
//! one thing that must be; a running agent moves by itself, so that its answers are compared with
//! everything that may be. Everything random of a sequence follows from its seed, which a
//! disagreement names; what a running agent does meanwhile is the machine's.

mod agent;
pub mod core;
mod oracle;
mod shape;
mod worlds;

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dobbin_agent::{AgentOptions, Embedded};
use dobbin_platform::Scope;
use dobbin_sdk::{Address, Manager};
use dobbin_types::rest::AgentMode;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use self::agent::Sequence;
use crate::origin::{Origin, Plan};

/// Sequences that one agent goes through at once.
const BATCH: u64 = 24;

/// What is held to the model.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// How many random sequences, on core and on a running agent each.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub sequences: u64,
    /// The first seed; the others follow it.
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
}

/// What a run on agents came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Sequences that agreed.
    pub sequences: u64,
    /// Calls whose answers agreed.
    pub calls: u64,
    /// Jobs that were led to their ends, and whose files were compared.
    pub ended: u64,
    /// How often an agent was stopped in the middle of them and another one took over.
    pub restarts: u64,
    /// How long it took.
    pub wall: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { sequences, calls, ended, restarts, wall } = self;
        write!(
            f,
            "{sequences} sequences on running agents agree with the model: {calls} calls, {ended} \
             jobs led to their ends, {restarts} restarts, {} s",
            wall.as_secs()
        )
    }
}

/// Runs the sequences on core, then on agents, and says what they came to.
///
/// Errors: the first disagreement, with its seed and everything that led there.
pub fn run(options: &Options) -> Result<String> {
    let began = Instant::now();
    let mut all = core::Tally::default();
    for seed in options.seed..options.seed + options.sequences {
        match core::sequence(seed) {
            Ok(tally) => {
                all.turns += tally.turns;
                all.moves += tally.moves;
                all.refusals += tally.refusals;
            }
            Err(disagreement) => bail!("{disagreement}"),
        }
    }
    let core = format!(
        "{} sequences on core agree with the model: {} turns, {} moves, {} refusals, {} s",
        options.sequences,
        all.turns,
        all.moves,
        all.refusals,
        began.elapsed().as_secs()
    );
    let agents = on_agents(options)?;
    Ok(format!("{core}\n{agents} (seeds from {})", options.seed))
}

/// Runs the sequences on agents.
///
/// Errors: as [`run`].
pub fn on_agents(options: &Options) -> Result<Report> {
    let began = Instant::now();
    let runtime = Runtime::new().context("cannot start a runtime")?;
    let mut report = Report::default();
    let mut seed = options.seed;
    let end = options.seed + options.sequences;
    while seed < end {
        let next = end.min(seed + BATCH);
        batch(&runtime, seed..next, &mut report)?;
        seed = next;
    }
    report.wall = began.elapsed();
    Ok(report)
}

/// Some sequences at once on one store, whose agent is stopped in the middle.
fn batch(runtime: &Runtime, seeds: std::ops::Range<u64>, report: &mut Report) -> Result<()> {
    let home = tempfile::tempdir().context("cannot make a folder")?;
    let plan = seeds.clone().fold(Plan::new(), agent::routes);
    let origin = Origin::start(plan);
    let sequence = |seed| Sequence::new(seed, home.path(), |path| origin.url(path));
    let mut sequences: Vec<Sequence> = seeds.map(sequence).collect();
    for is_second in [false, true] {
        let agent = start(home.path())?;
        let socket = Address::Socket(agent.socket().to_path_buf());
        sequences = runtime.block_on(async {
            let manager = Manager::connect(socket).await?;
            phase(sequences, manager, is_second).await
        })?;
        agent.stop();
        report.restarts += u64::from(is_second);
    }
    report.sequences += sequences.len() as u64;
    report.calls += sequences.iter().map(|sequence| sequence.calls).sum::<u64>();
    report.ended += sequences.iter().filter(|sequence| sequence.is_over()).count() as u64;
    Ok(())
}

/// Lets every sequence take its turns, all at once.
async fn phase(
    sequences: Vec<Sequence>,
    manager: Manager,
    is_second: bool,
) -> Result<Vec<Sequence>> {
    let mut tasks: JoinSet<Result<Sequence, String>> = JoinSet::new();
    for mut sequence in sequences {
        let manager = manager.clone();
        tasks.spawn(async move {
            if sequence.is_over() {
                return Ok(sequence);
            }
            if is_second {
                sequence.restarted(&manager).await?;
            }
            sequence.run(&manager).await?;
            if is_second {
                sequence.finish().await?;
            }
            Ok(sequence)
        });
    }
    let mut done = Vec::new();
    while let Some(outcome) = tasks.join_next().await {
        match outcome.context("a sequence panicked")? {
            Ok(sequence) => done.push(sequence),
            Err(disagreement) => bail!("{disagreement}"),
        }
    }
    Ok(done)
}

fn start(home: &Path) -> Result<Embedded> {
    let options = AgentOptions::at(
        Scope::User,
        AgentMode::Embedded,
        home.join("state"),
        home.join("run/api.sock"),
    );
    Embedded::start(options).context("cannot start an agent")
}
