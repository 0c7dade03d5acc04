//! The agent dies before each of its steps on the disk, one after the other.
//!
//! One life is scripted: an agent starts on an empty store, two jobs are created, one is fetched and
//! completed and the other cancelled, and the agent leaves. First it is watched (`strace`), which gives
//! the sites: every call that writes, flushes, creates, renames, cuts or removes, by the file that it is
//! for and by its count. Then it is lived again for each site, and the agent is killed before that very
//! call. Another agent takes the store over; what was promised must be there, and the story must
//! come to its end.
//!
//! Calls are counted for each thread by itself, and a thread that makes fewer calls on a file than
//! another would hide behind it. So a life has three parts, each watched by a tracer of its own.

mod life;
mod survey;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use self::life::Life;
use self::survey::Site;
use crate::chance::Chance;
use crate::kill;
use crate::kill::trace::STRACE;

/// What to do.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub struct Options {
    /// Only so many of the sites, by chance; left out, all of them
    #[arg(long, value_name = "COUNT")]
    pub sample: Option<usize>,
    /// What the sample follows from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The program to kill; left out, `dobbin` beside this one
    #[arg(long, value_name = "PATH")]
    pub dobbin: Option<PathBuf>,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Sites of a whole life.
    pub sites: usize,
    /// Sites that were tried.
    pub tried: usize,
    /// Sites that the life did not come to this time: how much is done in one step depends on what
    /// else happens at that moment. It was led to its end all the same.
    pub missed: usize,
    /// The longest time in which an agent answered after a death.
    pub start_max: Duration,
    /// The whole run.
    pub time: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sites, {} tried, {} not come to, slowest start {} ms, {:.1} s",
            self.sites,
            self.tried,
            self.missed,
            self.start_max.as_millis(),
            self.time.as_secs_f64(),
        )
    }
}

/// Why nobody can be killed at a site here; `None` where that is possible.
pub fn obstacle() -> Option<String> {
    (!Path::new(STRACE).exists()).then(|| format!("there is no {STRACE}"))
}

/// Kills at every site, or at a sample of them.
///
/// # Errors
///
/// The first broken promise, with its site and the folder in which everything was left as it was; or
/// whatever keeps the harness itself from working: see [`obstacle`].
pub fn run(options: &Options) -> Result<Summary> {
    if let Some(why) = obstacle() {
        bail!("cannot kill at sites: {why}");
    }
    let began = Instant::now();
    let program = kill::program(options.dobbin.as_deref())?;
    let sites = survey::sites(&program).context("while a life was watched")?;
    let mut summary = Summary { sites: sites.len(), ..Summary::default() };
    for site in chosen(sites, options) {
        let mut life = Life::new(&program)?;
        let outcome = life.die_at(&site).and_then(|is_dead| {
            summary.tried += 1;
            summary.missed += usize::from(!is_dead);
            life.go_on()
        });
        match outcome {
            Ok(start) => summary.start_max = summary.start_max.max(start),
            Err(broken) => {
                let kept = life.keep();
                return Err(broken).context(format!("killed at {site}; kept: {}", kept.display()));
            }
        }
    }
    summary.time = began.elapsed();
    Ok(summary)
}

/// The sites to try.
fn chosen(mut sites: Vec<Site>, options: &Options) -> Vec<Site> {
    let Some(count) = options.sample else { return sites };
    let mut chance = Chance::new(options.seed);
    let mut chosen = Vec::new();
    while chosen.len() < count && !sites.is_empty() {
        let at = chance.within(0..sites.len() as u64) as usize;
        chosen.push(sites.swap_remove(at));
    }
    chosen
}
