//! What must be true of the disk after a power cut, before any agent has touched it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use dobbin_store::record;
use dobbin_store::{Intent, Store, StoredFile, StoredJob};

use crate::kill::{Job, Staged, World, destinations};

/// The journal's files: the database and what was not folded into it yet. The third one, the index of
/// the log, is made anew.
const JOURNAL: [&str; 2] = ["journal.db", "journal.db-wal"];

/// The power is back: what stands under its name is right, and what the journal says is so.
///
/// * `scratch`: a folder for a copy of the journal, which is read in place of it: opening it would
///   repair what the agent is to repair.
pub(super) fn after_cut(world: &World<'_>, scratch: &Path) -> Result<()> {
    for job in &world.jobs {
        destinations(job)?;
    }
    let Some(jobs) = journal(&world.setup.state, scratch)? else { return Ok(()) };
    for stored in &jobs {
        let (about, _) = record::read_job(&stored.record).context("a job's record")?;
        let job = world.jobs.iter().find(|job| job.name == about.display_name);
        let job = job.with_context(|| format!("{} was never created", about.display_name))?;
        for file in &stored.files {
            is_as_said(world, job, stored, file)
                .with_context(|| format!("{} {} file {}", job.name, stored.id, file.number))?;
        }
    }
    Ok(())
}

/// Reads a copy of the journal; `None` where there is none yet.
fn journal(state: &Path, scratch: &Path) -> Result<Option<Vec<StoredJob>>> {
    let folder = tempfile::Builder::new().prefix("journal-").tempdir_in(scratch)?;
    for name in JOURNAL {
        match fs::copy(state.join(name), folder.path().join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            outcome => drop(outcome?),
        }
    }
    if !folder.path().join(JOURNAL[0]).exists() {
        return Ok(None);
    }
    let store = Store::open(folder.path()).context("the journal does not open")?;
    ensure!(store.quarantined().is_none(), "the journal is damaged");
    Ok(Some(store.journal().load()?.jobs))
}

/// What the journal says of a file's bytes is so.
fn is_as_said(world: &World<'_>, job: &Job, stored: &StoredJob, row: &StoredFile) -> Result<()> {
    let (file, extras) = record::read_file(&row.record)?;
    let ours = job.files.get(row.number.index()).context("nobody added it")?;
    if file.published {
        ensure!(ours.path.exists(), "it is called published and is not there");
        return Ok(());
    }
    if let Some(intent) = &extras.intent {
        let bytes = intended(intent)?;
        ensure!(
            ours.results.iter().any(|version| **version == bytes),
            "the intent is of another file"
        );
        return Ok(());
    }
    let staged = Staged::read(&world.setup.state, stored.id, row.number, &ours.path)?;
    if file.finished {
        let is_whole = staged.is_some_and(|staged| staged.is_whole(&ours.results));
        ensure!(is_whole, "it is called finished and is not whole");
        return Ok(());
    }
    let Some(flushed) = row.flushed.clone().filter(|flushed| !flushed.is_empty()) else {
        return Ok(());
    };
    let staged = staged.context("pieces are called flushed, and there is no file")?;
    staged.called_had(flushed).check(&ours.results)
}

/// The bytes of the file that is about to get its name, or has it.
fn intended(intent: &Intent) -> Result<Vec<u8>> {
    for path in [&intent.to, &intent.from] {
        match fs::symlink_metadata(path) {
            Ok(found) if (found.dev(), found.ino()) == (intent.device, intent.inode) => {
                return Ok(fs::read(path)?);
            }
            Ok(_) | Err(_) => {}
        }
    }
    bail!("the file of {intent:?} is under neither name")
}
