//! What must be true after every kill and every restart.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use dobbin_platform::clock::boot_id;
use dobbin_sdk::JobFilter;
use dobbin_sdk::blocking::Manager;
use dobbin_store::publish::{part_path, part_tag};
use dobbin_types::rest::{FileInfo, JobInfo};
use dobbin_types::{Completion, FileNumber, JobId, JobState};

use super::disk::{Staged, check_published, names};
use super::job::{Allowed, Job};
use super::stretches::Stretches;
use super::world::World;

/// What one life of the agent came to.
#[derive(Debug, Default)]
pub(super) struct Life {
    /// Bytes that the origin sent.
    pub(super) sent_bytes: u64,
    /// The most that a transfer fetched again because of the kill before.
    pub(super) again_bytes_max: u64,
}

/// The agent is dead: nothing wrong stands under any name, nothing on the disk claims what is not so,
/// and no more was fetched again than is allowed.
///
/// * `again_max`: bytes of one transfer that may have been fetched again because of the end before.
pub(super) fn after_kill(world: &mut World<'_>, again_max: u64) -> Result<Life> {
    let record = world.origin.requests_from(world.accounts.seen());
    let life = world.accounts.close(&record);
    let mut again_bytes_max = 0;
    for (target, bytes) in &life.again {
        again_bytes_max = again_bytes_max.max(*bytes);
        ensure!(*bytes <= again_max, "{bytes} bytes of {target} were fetched again");
    }
    for job in &world.jobs {
        destinations(job)?;
        staged(world, job)?;
    }
    for target in life.given {
        if let Some(written) = written(world, &target)? {
            world.accounts.died_with(target, written);
        }
    }
    Ok(Life { sent_bytes: life.sent_bytes, again_bytes_max })
}

/// What a transfer had written when the agent died; nothing for one whose bytes are not counted or
/// that is over.
fn written(world: &World<'_>, target: &str) -> Result<Option<Stretches>> {
    let Some((job, number, file)) = world.of_target(target) else { return Ok(None) };
    let (Some(id), true) = (job.id, file.counts && job.is_live()) else { return Ok(None) };
    let staged = Staged::read(&world.setup.state, id, number, &file.path)?;
    let version = file.results.first().context("a file without a version")?;
    Ok(staged.map(|staged| staged.written(version)))
}

/// Under the names of a job's files stands the right thing or nothing.
pub(crate) fn destinations(job: &Job) -> Result<()> {
    for file in &job.files {
        let is_there = check_published(&file.path, &file.results)?;
        ensure!(
            !is_there || job.may_be_published,
            "{} of {} appeared, although nobody completed it",
            file.path.display(),
            job.name
        );
    }
    Ok(())
}

/// No file's have bits claim what is not there.
fn staged(world: &World<'_>, job: &Job) -> Result<()> {
    let Some(id) = job.id.filter(|_| job.is_live()) else { return Ok(()) };
    let boot = boot_id().map(|id| id.as_str().to_owned()).unwrap_or_default();
    for (file, number) in job.files.iter().zip((0_u32..).map(FileNumber)) {
        // After a power cut one of an earlier run of the machine counts for nothing until it is begun anew.
        let counts = |staged: &Staged| !world.loses_unflushed() || staged.is_of_run(&boot);
        let staged = Staged::read(&world.setup.state, id, number, &file.path)?;
        if let Some(staged) = staged.filter(counts) {
            staged.check(&file.results).with_context(|| format!("{} file {number}", job.name))?;
        }
    }
    Ok(())
}

/// The agent is back: every promise is kept, and nothing is there that nobody asked for.
pub(super) fn after_start(world: &mut World<'_>, manager: &Manager) -> Result<()> {
    let list = manager.jobs(&JobFilter::default())?;
    listed(world, &list)?;
    for info in &list {
        let files = match manager.job(info.id).and_then(|job| job.files()) {
            Ok(files) => files,
            // It may have completed itself since.
            Err(_) if info.completion == Completion::Service => continue,
            Err(error) => return Err(error).context("a job that is listed cannot be read"),
        };
        held_to(world, info, &files).with_context(|| format!("of {}", info.display_name))?;
    }
    leftovers(world, &list)?;
    forget_finished(world)
}

/// Compares the agent's list with what it promised, and takes it as its new promise.
pub(super) fn listed(world: &mut World<'_>, list: &[JobInfo]) -> Result<()> {
    for info in list {
        let job = world.jobs.iter().find(|job| job.name == info.display_name);
        let job = job.with_context(|| format!("{} was never created", info.display_name))?;
        ensure!(job.id.is_none_or(|id| id == info.id), "{} is there twice", job.name);
    }
    for job in &mut world.jobs {
        let Some(info) = list.iter().find(|info| info.display_name == job.name) else {
            ensure!(
                job.allowed.has(Allowed::GONE),
                "{} {:?} is lost: it should be {}",
                job.name,
                job.id,
                job.allowed
            );
            job.allowed = Allowed::GONE;
            // Nobody else can have ended it.
            job.is_published_whole |=
                job.completes_itself && !job.end_was_asked && job.id.is_some();
            continue;
        };
        ensure!(
            job.allowed.has(Allowed::only(info.state)),
            "{} is {}, but should be {}",
            job.name,
            info.state,
            job.allowed
        );
        ensure!(
            job.priorities.contains(&info.priority),
            "{} has priority {}, but should have {:?}",
            job.name,
            info.priority,
            job.priorities
        );
        progress(info)?;
        job.id = Some(info.id);
        job.seen(info.state);
        job.priorities = BTreeSet::from([info.priority]);
        // It is still there, so completing it did not come to its end.
        job.is_published_whole = false;
    }
    Ok(())
}

/// What a job's figures say fits together.
fn progress(info: &JobInfo) -> Result<()> {
    let progress = &info.progress;
    let (bytes, total) = (progress.bytes_transferred, progress.bytes_total);
    ensure!(
        total.is_none_or(|total| bytes <= total),
        "{} has {bytes} of {total:?} bytes",
        info.display_name
    );
    if info.state == JobState::Transferred {
        ensure!(
            total == Some(bytes) && progress.files_transferred == progress.files_total,
            "{} is transferred with {progress:?}",
            info.display_name
        );
    }
    Ok(())
}

/// A job has the files that it was given, and no more of them than it says.
fn held_to(world: &mut World<'_>, info: &JobInfo, files: &[FileInfo]) -> Result<()> {
    let state = world.setup.state.clone();
    let loses_unflushed = world.loses_unflushed();
    let boot = boot_id().map(|id| id.as_str().to_owned()).unwrap_or_default();
    let Some(job) = world.jobs.iter_mut().find(|job| job.id == Some(info.id)) else {
        return Ok(());
    };
    ensure!(
        (job.files_promised..=job.files.len()).contains(&files.len()),
        "{} files, but {} were promised",
        files.len(),
        job.files_promised
    );
    job.files.truncate(files.len());
    job.files_promised = files.len();
    for (ours, theirs) in job.files.iter_mut().zip(files) {
        ensure!(
            ours.add.remote_name == theirs.remote_name
                && ours.add.local_name.as_ref() == Some(&theirs.local_name),
            "file {} is another one",
            theirs.number
        );
        let claimed = theirs.progress.bytes_transferred;
        if theirs.transferred && !ours.found_finished {
            let is_published = check_published(&ours.path, &ours.results)?;
            let staged = Staged::read(&state, info.id, theirs.number, &ours.path)?;
            let is_whole = staged.is_some_and(|staged| staged.is_whole(&ours.results));
            ensure!(is_published || is_whole, "file {} is not what it should be", theirs.number);
            ours.found_finished = true;
        } else if !theirs.transferred && info.state == JobState::Suspended {
            let staged = Staged::read(&state, info.id, theirs.number, &ours.path)?;
            // After a power cut only the journal counts, and that was looked at when it was fresh.
            let is_of_run = |staged: &Staged| staged.is_of_run(&boot);
            if loses_unflushed && !staged.as_ref().is_some_and(is_of_run) {
                continue;
            }
            let had = staged.map_or(0, |staged| staged.had_bytes(&ours.results));
            ensure!(claimed <= had, "file {} has {had} bytes, not {claimed}", theirs.number);
        }
    }
    Ok(())
}

/// What lies in the store and beside the destinations belongs to jobs that are there.
fn leftovers(world: &World<'_>, list: &[JobInfo]) -> Result<()> {
    // One that completes itself may have come to its end a moment before the list was made; what it
    // leaves is on its way out.
    let unlisted = world.jobs.iter().filter(|job| job.completes_itself).filter_map(|job| job.id);
    let ids: BTreeSet<JobId> = list.iter().map(|info| info.id).chain(unlisted).collect();
    for path in names(&world.setup.state.join("staging"))? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_known = name.parse().is_ok_and(|id| ids.contains(&id));
        ensure!(is_known, "{} belongs to no job", path.display());
    }
    let mut expected: BTreeSet<PathBuf> = BTreeSet::new();
    for job in &world.jobs {
        for (file, number) in job.files.iter().zip((0_u32..).map(FileNumber)) {
            expected.insert(file.path.clone());
            let live = job.id.filter(|id| ids.contains(id));
            expected.extend(live.map(|id| part_path(&file.path, part_tag(id, number))));
        }
    }
    for folder in &world.folders {
        for path in names(folder)? {
            ensure!(
                expected.contains(&path)
                    || world.delivered.contains(&path)
                    || world.may_stay(&path),
                "{} was left behind",
                path.display()
            );
        }
    }
    Ok(())
}

/// Jobs that are over are looked at once more, and then only their names are kept.
fn forget_finished(world: &mut World<'_>) -> Result<()> {
    let (live, over): (Vec<Job>, Vec<Job>) =
        std::mem::take(&mut world.jobs).into_iter().partition(|job| job.allowed != Allowed::GONE);
    world.jobs = live;
    for job in over {
        destinations(&job)?;
        for (index, file) in job.files.iter().enumerate() {
            let is_there = file.path.exists();
            // A file whose addition was not answered may never have been part of the job.
            let is_promised = job.is_published_whole && index < job.files_promised;
            ensure!(
                is_there || !is_promised,
                "{} was completed, but {} is not there",
                job.name,
                file.path.display()
            );
            if is_there {
                world.delivered_bytes += file.path.metadata()?.len();
                world.delivered.insert(file.path.clone());
            }
        }
    }
    Ok(())
}

/// The end: no job, no staging, nothing beside the files that were delivered.
pub(super) fn at_end(world: &mut World<'_>, manager: &Manager) -> Result<()> {
    let list = manager.jobs(&JobFilter::default())?;
    ensure!(list.is_empty(), "jobs are left: {list:?}");
    // Whatever was there when the last life began was completed whole.
    for job in &mut world.jobs {
        job.allowed = Allowed::GONE;
        job.is_published_whole = true;
        job.may_be_published = true;
    }
    listed(world, &list)?;
    forget_finished(world)
}

/// After the agent has left: what the last jobs left behind is removed by then.
pub(super) fn after_leaving(world: &World<'_>) -> Result<()> {
    leftovers(world, &[])
}
