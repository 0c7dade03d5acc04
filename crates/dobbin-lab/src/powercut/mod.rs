//! The power-cut harness: as the kill harness, but with the agent dies the machine.
//!
//! The store and all destinations lie on volumes whose power is cut when the agent is dead: whatever
//! was not flushed is gone. The agent that comes next finds itself in another run of the machine (the
//! kernel's boot id is another one), so that it must not believe what only the have files say.
//!
//! Beyond what holds after a kill, this is looked for: the journal opens; a piece that it calls
//! flushed has its bytes; a file that it calls finished is whole; an intent names a file that is there,
//! whole, under the old name or the new one; at most 64 MiB of a transfer are fetched again.
//!
//! Everything happens in a mount namespace of its own, so that nothing is left mounted, whatever
//! becomes of the harness.

mod check;
mod volume;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use self::volume::Volume;
use crate::chance::Chance;
use crate::kill::{self, Blow, Ground, Summary, World};

pub use self::volume::FileSystem;

/// Bytes of one transfer that may be fetched again for one power cut (design, "power cut").
const AGAIN_MAX: u64 = 64 * 1024 * 1024;

/// Set where the namespace has been made.
const INSIDE: &str = "DOBBIN_LAB_INSIDE";

/// Where the kernel says in which run of the machine we are.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// What to do.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub struct Options {
    #[command(flatten)]
    kill: kill::Options,
    /// The file system whose power is cut
    #[arg(long, value_enum, default_value_t = FileSystem::Ext4)]
    fs: FileSystem,
}

/// Cuts the power as often as the options say.
///
/// The process is started anew in a mount namespace of its own for it, so call this first.
///
/// # Errors
///
/// The first broken promise, with the seed, the cycle and where everything was left as it was; or
/// whatever keeps the harness itself from working: see [`obstacle`].
pub fn run(options: &Options) -> Result<Summary> {
    if let Some(why) = obstacle(options.fs) {
        bail!("cannot cut the power: {why}");
    }
    if std::env::var_os(INSIDE).is_none() {
        return Err(enter()).context("cannot enter a mount namespace");
    }
    let program = kill::program(options.kill.dobbin.as_deref())?;
    let mut power = Power::new(options.kill.dir.as_deref(), options.fs)?;
    kill::run_with(&options.kill, &program, &mut power)
}

/// Why the power cannot be cut here; `None` where it can.
pub fn obstacle(kind: FileSystem) -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root may mount".into());
    }
    let (maker, _) = kind.maker();
    let folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];
    let is_there = |name: &str| folders.iter().any(|folder| Path::new(folder).join(name).exists());
    let missing = [maker, "mount", "umount", "unshare", "perl"].into_iter().find(|n| !is_there(n));
    if let Some(missing) = missing {
        return Some(format!("there is no {missing}"));
    }
    if !Path::new("/dev/loop-control").exists() {
        return Some("there are no loop devices".into());
    }
    None
}

/// Starts the process anew, with the same words, where its mounts are nobody else's.
fn enter() -> anyhow::Error {
    let outcome = std::env::current_exe().map(|program| {
        Command::new("unshare")
            .args(["--mount", "--propagation", "private", "--"])
            .arg(program)
            .args(std::env::args_os().skip(1))
            .env(INSIDE, "yes")
            .exec()
    });
    match outcome {
        Ok(error) | Err(error) => error.into(),
    }
}

/// The volumes, and the run of the machine that goes with them.
#[derive(Debug)]
struct Power {
    /// The store and most destinations.
    here: Volume,
    /// The others.
    elsewhere: Volume,
    boot: PathBuf,
    // Declared last, so that it is removed only after the volumes are unmounted.
    folder: tempfile::TempDir,
}

impl Power {
    fn new(dir: Option<&Path>, kind: FileSystem) -> Result<Power> {
        // In memory where there is room: the disk below the volumes adds nothing but time.
        let dir = dir.unwrap_or(Path::new("/dev/shm"));
        let folder = tempfile::Builder::new().prefix("dobbin-powercut-").tempdir_in(dir)?;
        let boot = folder.path().join("boot");
        fs::write(&boot, fs::read_to_string(BOOT_ID)?)?;
        let bound = Command::new("mount").arg("--bind").arg(&boot).arg(BOOT_ID).status()?;
        if !bound.success() {
            bail!("cannot put another boot id in place of the kernel's: {bound}");
        }
        Ok(Power {
            here: Volume::make(folder.path(), "here", kind)?,
            elsewhere: Volume::make(folder.path(), "elsewhere", kind)?,
            boot,
            folder,
        })
    }

    /// The machine starts anew: from now on the kernel gives another id.
    fn start_anew(&self, chance: &mut Chance) -> Result<()> {
        let digits =
            format!("{:016x}{:016x}", chance.within(1..u64::MAX), chance.within(1..u64::MAX));
        // In place: the kernel's name for it is bound to this very file.
        Ok(fs::write(&self.boot, format!("{digits}\n"))?)
    }
}

impl Blow for Power {
    fn ground(&mut self) -> Result<Ground> {
        let folder =
            |volume: &Volume| tempfile::Builder::new().prefix("world-").tempdir_in(volume.path());
        Ok(Ground {
            here: folder(&self.here)?,
            elsewhere: Some(folder(&self.elsewhere)?),
            log: self.folder.path().join("agent.log"),
            loses_unflushed: true,
        })
    }

    fn fall(&mut self, world: &World<'_>, chance: &mut Chance) -> Result<()> {
        self.here.cut()?;
        self.elsewhere.cut()?;
        self.start_anew(chance)?;
        check::after_cut(world, self.folder.path())
    }

    fn again_max(&self) -> u64 {
        AGAIN_MAX
    }

    fn keep(&mut self) -> Vec<PathBuf> {
        self.folder.disable_cleanup(true);
        vec![self.folder.path().to_path_buf()]
    }
}
