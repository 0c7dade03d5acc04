//! What befalls the agent at the end of each of its lives, and where it lives until then.

use std::path::PathBuf;

use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::world::World;
use crate::chance::Chance;

/// A file system that is another one than that of most temporary folders.
const OTHER_FILE_SYSTEM: &str = "/dev/shm";

/// Bytes of one transfer that may be fetched again for one kill (design, "crash").
const KILL_AGAIN_MAX: u64 = 8 * 1024 * 1024;

/// Where a world is made. Its folders go with it, unless they are kept.
#[derive(Debug)]
pub(crate) struct Ground {
    /// For the store and most destinations.
    pub(crate) here: tempfile::TempDir,
    /// For destinations on another file system; `None` where there is none.
    pub(crate) elsewhere: Option<tempfile::TempDir>,
    /// For the agent's log, which is wanted most when everything else is gone.
    pub(crate) log: PathBuf,
    /// What was not flushed is lost with the agent.
    pub(crate) loses_unflushed: bool,
}

/// The end of a life of the agent. Its process is killed in any case; this is what comes with it.
pub(crate) trait Blow {
    /// A new place to live in.
    fn ground(&mut self) -> Result<Ground>;

    /// The process is dead: takes away what is to be lost with it, and looks at what is left.
    ///
    /// # Errors
    ///
    /// A broken promise, or the blow could not be dealt.
    fn fall(&mut self, world: &World<'_>, chance: &mut Chance) -> Result<()>;

    /// Bytes of one transfer that may be fetched again for one blow.
    fn again_max(&self) -> u64;

    /// Leaves everything where it is, for somebody to look at; says where that is.
    fn keep(&mut self) -> Vec<PathBuf>;
}

/// The process is killed, and nothing else happens: what it wrote is there.
#[derive(Debug)]
pub(super) struct Kill {
    /// Where worlds are made; the system's folder for such things if left out.
    pub(super) dir: Option<PathBuf>,
}

impl Blow for Kill {
    fn ground(&mut self) -> Result<Ground> {
        let here = match &self.dir {
            Some(folder) => tempfile::Builder::new().prefix("kill-").tempdir_in(folder),
            None => tempfile::Builder::new().prefix("dobbin-kill-").tempdir(),
        }?;
        let elsewhere = folder_elsewhere(here.path())?;
        let log = here.path().join("agent.log");
        Ok(Ground { here, elsewhere, log, loses_unflushed: false })
    }

    fn fall(&mut self, _world: &World<'_>, _chance: &mut Chance) -> Result<()> {
        Ok(())
    }

    fn again_max(&self) -> u64 {
        KILL_AGAIN_MAX
    }

    fn keep(&mut self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// A folder on another file system; nothing where there is none.
fn folder_elsewhere(folder: &Path) -> Result<Option<tempfile::TempDir>> {
    let (here, there) = (fs::metadata(folder)?, fs::metadata(OTHER_FILE_SYSTEM));
    if there.is_ok_and(|there| there.dev() != here.dev()) {
        let made = tempfile::Builder::new().prefix("dobbin-lab-").tempdir_in(OTHER_FILE_SYSTEM);
        return made.map(Some).context("cannot make a folder on another file system");
    }
    Ok(None)
}
