//! What the journal says at start, made live again.

use std::collections::BTreeSet;

use dobbin_core::job::{File, Job, Now};
use dobbin_store::publish::recover as recover_intent;
use dobbin_store::record::{self, FileExtras, RecordError};
use dobbin_store::{Change, JournalError, Place, Recovered, Staging, Store, StoredJob};
use dobbin_types::{FileNumber, JobId, JobState};

use crate::engine::Recover;
use crate::entries::Entries;
use crate::entry::{Entry, LiveFile};
use crate::live::LiveFiles;
use crate::survey::{self, Survey};
use crate::transfer::chain;

/// What is to be done because of what stands in the journal.
#[derive(Default)]
struct Found {
    /// One write for all jobs.
    changes: Vec<Change>,
    surveys: Vec<Survey>,
}

/// Reads the journal, finishes what a crash interrupted, removes what belongs to no job, and returns
/// the jobs, live.
///
/// A job whose record this program cannot read is left out; it and its files stay where they are,
/// for the program that can.
pub(crate) fn recover(
    store: &Store,
    boot: &str,
    how: Recover,
    now: Now,
) -> Result<Entries, JournalError> {
    let mut entries = Entries::default();
    let mut unreadable = BTreeSet::new();
    let mut found = Found::default();
    store.journal().for_each_job(|stored| {
        let id = stored.id;
        match revive(store, stored, now, &mut found) {
            Ok(entry) if is_volatile(&entry.job) => {
                drop_volatile(store, &entry);
                found.changes.push(Change::RemoveJob(id));
            }
            Ok(mut entry) => {
                let waits = matches!(
                    entry.job.state(),
                    JobState::Queued | JobState::TransientError
                );
                entry.held = how == Recover::Hold && waits;
                entry.was_here_before = true;
                entries.insert(entry);
            }
            Err(error) => {
                tracing::error!(job = %id, error = %chain(&error), "a job's record is not readable");
                unreadable.insert(id);
            }
        }
    })?;
    let Found { mut changes, surveys } = found;
    changes.push(Change::SetBoot(boot.to_owned()));
    store.journal().write_and_wait(changes)?;
    survey::run(surveys, boot);
    let files_count = |job: JobId| match entries.get(&job) {
        Some(entry) => Some(entry.job.files().len()),
        // Whatever files it may have.
        None => unreadable.contains(&job).then_some(usize::MAX),
    };
    match store.sweep(files_count) {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "removed files of jobs that are gone"),
        Err(error) => tracing::warn!(error = %chain(&error), "cannot sweep the staging folder"),
    }
    Ok(entries)
}

/// Whether a job is a download whose caller did not ask for it to outlive a restart (`NonVolatile`).
fn is_volatile(job: &Job) -> bool {
    job.about().download.as_ref().is_some_and(|download| !download.non_volatile)
}

/// Removes what a volatile download left outside the store; what lies inside is swept.
fn drop_volatile(store: &Store, entry: &Entry) {
    let job = entry.job.id();
    tracing::info!(%job, "a volatile download ended with the service");
    for (live, number) in entry.files.iter().zip((0_u32..).map(FileNumber)) {
        if let Err(error) = Staging::discard_at(&live.place(store, job, number)) {
            tracing::warn!(%job, error = %chain(&error), "a staging file was left behind");
        }
    }
}

fn revive(
    store: &Store,
    stored: StoredJob,
    now: Now,
    found: &mut Found,
) -> Result<Entry, RecordError> {
    let (about, saved) = record::read_job(&stored.record)?;
    let saved = saved.aged(now.wall);
    let mut files = Vec::with_capacity(stored.files.len());
    let mut live = LiveFiles::default();
    for row in stored.files {
        let (mut file, mut extras) = record::read_file(&row.record)?;
        if settle_intent(&mut file, &mut extras) {
            let record = record::write_file(&file, &extras);
            found.changes.push(Change::PutFile { job: stored.id, number: row.number, record });
        }
        live.extend([LiveFile::new(extras, row.flushed)]);
        if !file.finished
            && file.facts.is_some()
            && let Some(begun) = live.get_mut(files.len())
        {
            let place = begun.place(store, stored.id, row.number);
            found.surveys.extend(survey(&file, begun, place));
        }
        files.push(file);
    }
    Ok(Entry::new(Job::restore(about, saved, files, now), live))
}

/// Finds out what a crash made of a file that was being published. Returns whether its record is to
/// be written again.
fn settle_intent(file: &mut File, extras: &mut FileExtras) -> bool {
    let Some(intent) = &extras.intent else {
        return false;
    };
    match recover_intent(intent) {
        Ok(Recovered::Published) => file.published = true,
        Ok(Recovered::NotPublished) => {}
        // Its folder cannot be looked at now. The intent stays for the next start.
        Err(error) => {
            tracing::warn!(error = %chain(&error), "cannot tell whether a file was published");
            return false;
        }
    }
    extras.intent = None;
    true
}

/// What there is to look at of a file that was begun. Of a long queue most files were not.
fn survey(file: &File, live: &LiveFile, place: Place) -> Option<Survey> {
    let (gauge, flushed) = (live.gauge.clone(), live.flushed.clone());
    Some(Survey { gauge, place, size: file.local_size()?, flushed })
}
