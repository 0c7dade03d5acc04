//! Completing a job: its finished files become the user's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use dobbin_core::access::Actor;
use dobbin_core::job::{Job, JobEvent, Trouble, Wish, step};
use dobbin_core::piece::{Layout, PieceSet};
use dobbin_store::publish::{
    Folders, PLACEHOLDER_MODE, commit_all, is_placeholder, mode_of_new_files, part_path, part_tag,
    prepare_in,
};
use dobbin_store::{Intent, Known, Place, Staging, Wanted};
use dobbin_types::rest::{Failure, Outcome};
use dobbin_types::{ErrorCode, FileNumber, FileTime, JobId, Uid};

use crate::commands::done;
use crate::destination::Keep;
use crate::entry::Entry;
use crate::event::{Event, Reply};
use crate::run::Loop;
use crate::transfer::{chain, fatal, of_disk};

/// Groups of files of one job that are published at once. Each waits for the disk (its files' bytes,
/// their intents, their folders), and those who wait together share the flushes of journal and file
/// system.
const PUBLISHING_MAX: usize = 8;

/// Files of such a group: one note of all intents, one flush of each folder.
const GROUP_FILES_MAX: usize = 64;

/// Bytes of the files of such a group, unless it has one file only: where files must be copied, the
/// first should not wait long for the last.
const GROUP_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// One file to publish.
struct Item {
    number: FileNumber,
    place: Place,
    size: u64,
    /// How it is cut, if its last flush was in this life of the process.
    layout: Option<Layout>,
    /// Nothing when the caller has taken the bytes itself.
    destination: Option<PathBuf>,
    replace: bool,
    /// Who has taken the name for it: then what stands there is to be replaced, if it is that still.
    taken_by: Option<Uid>,
    last_modified: Option<SystemTime>,
    tag: u64,
}

impl Loop {
    /// `Complete`. The caller is answered when it is over.
    ///
    /// The service gives files their names only where it, the owner and the caller are one user:
    /// else it would write where only it may, or in its own name (decision "who writes the user's
    /// file"; "Ownership of the result", §7.3). Where nothing is to be written anybody who may
    /// change the job may complete it.
    pub(crate) fn complete(&mut self, actor: Actor, job: JobId, reply: Reply<Outcome>) {
        let event = JobEvent::Wish(Wish::Complete);
        let Some(entry) = self.entries.get_mut(&job) else {
            return self.step(job, event, Vec::new(), move |outcome| {
                let _ = reply.send(outcome.map(|state| done(ErrorCode::S_OK, state)));
            });
        };
        if entry.job.is_in_place() && !entry.job.has_unpublished() {
            let answer = Box::new(|answer| drop(reply.send(answer)));
            return self.end_job(job, event, ErrorCode::S_OK, answer);
        }
        if has_unwritten(entry)
            && (actor.uid() != self.own_uid || !is_written_by(self.own_uid, &entry.job))
        {
            return self.answer(job, reply, Err(not_ours_to_write()));
        }
        entry.completing = Some(Box::new(|answer| drop(reply.send(answer))));
        self.step(job, event, Vec::new(), |_| {});
    }

    /// Gives the finished files to the disk threads.
    pub(crate) fn begin_publishing(&mut self, job: JobId) {
        let Some(entry) = self.entries.get(&job) else {
            return;
        };
        let numbered = entry.job.files().iter().zip((0_u32..).map(FileNumber));
        let mut items = numbered.filter(|(file, _)| file.finished && !file.published).peekable();
        // The service was to complete it by itself, or a file was finished since `complete` looked.
        if let Some((_, number)) = items.peek()
            && has_unwritten(entry)
            && !is_written_by(self.own_uid, &entry.job)
        {
            let Failure { code, message, .. } = not_ours_to_write();
            let failed = Some((*number, fatal(code, message)));
            return self.publish_ended(job, failed);
        }
        let items: Vec<Item> = items
            .filter_map(|(file, number)| {
                let live = entry.files.get(number.index())?;
                let size = file.local_size()?;
                let layout = live.flushed.as_ref().map(PieceSet::layout);
                Some(Item {
                    number,
                    place: live.place(&self.store, job, number),
                    size,
                    layout: layout.filter(|layout| layout.file_size() == size),
                    destination: (!file.streams).then(|| PathBuf::from(&file.local_name)),
                    replace: file.replace,
                    taken_by: entry.job.is_in_place().then_some(self.own_uid),
                    last_modified: file.facts.as_ref().and_then(|f| f.last_modified).map(on_disk),
                    tag: part_tag(job, number),
                })
            })
            .collect();
        let boot = Arc::clone(&self.boot);
        let inbox = self.inbox.clone();
        self.hands.give(move || {
            let failed = publish_all(job, &items, &boot, &inbox);
            // The loop may be gone: the intents tell the next one.
            let _ = inbox.send(Event::PublishEnded { job, failed });
        });
    }

    /// Notes intents; the disk thread waits until all are durable.
    pub(crate) fn publish_intended(
        &mut self,
        job: JobId,
        intents: Vec<(FileNumber, Intent)>,
        noted: SyncSender<bool>,
    ) {
        let numbers: Vec<FileNumber> = intents.iter().map(|(number, _)| *number).collect();
        for (number, intent) in intents {
            self.set_intent(job, number, Some(intent));
        }
        let changes = self.records(job, false, numbers);
        self.write(job, changes, move |outcome| {
            let _ = noted.send(outcome.is_ok());
        });
    }

    /// Files stand under their names: their records, written now, need no intents any more.
    pub(crate) fn files_published(&mut self, job: JobId, files: Vec<FileNumber>) {
        let now = self.now();
        let mut effects = Vec::with_capacity(2 * files.len());
        for number in files {
            self.set_intent(job, number, None);
            if let Some(entry) = self.entries.get_mut(&job) {
                // Never refused: an outcome.
                let published = step(&mut entry.job, JobEvent::FilePublished(number), now);
                effects.extend(published.unwrap_or_default());
            }
        }
        self.carry_out(job, effects, |_| {});
        self.refresh(job);
    }

    fn set_intent(&mut self, job: JobId, number: FileNumber, intent: Option<Intent>) {
        let live = self.entries.get_mut(&job).and_then(|e| e.files.get_mut(number.index()));
        if let Some(live) = live {
            live.extras.intent = intent;
        }
    }

    /// Completing is over: core decides what that means, the caller is answered, and those who
    /// waited meanwhile get their turn.
    pub(crate) fn publish_ended(&mut self, job: JobId, failed: Option<(FileNumber, Trouble)>) {
        let Some(entry) = self.entries.get_mut(&job) else {
            return;
        };
        if failed.is_none() && entry.job.has_unpublished() {
            // A file was finished meanwhile, and is published too. Nobody is answered before that.
            return self.outcome(job, JobEvent::PublishEnded(None));
        }
        let partial = !entry.job.all_finished();
        let answer = entry.completing.take().unwrap_or_else(|| Box::new(|_nobody_waits| {}));
        let parked = std::mem::take(&mut entry.parked);
        entry.handover = None;
        match failed {
            None if entry.job.is_in_place() => {
                self.step(job, JobEvent::PublishEnded(None), Vec::new(), move |outcome| {
                    answer(outcome.map(|state| done(ErrorCode::S_OK, state)));
                });
            }
            None => {
                let code = if partial { ErrorCode::BG_S_PARTIAL_COMPLETE } else { ErrorCode::S_OK };
                self.end_job(job, JobEvent::PublishEnded(None), code, answer);
            }
            Some((number, trouble)) => {
                let message = trouble.message.clone();
                let failure = Failure::new(trouble.code, message).at(format!("files[{number}]"));
                tracing::warn!(%job, code = %failure.code, "job could not be completed");
                let event = JobEvent::PublishEnded(Some((number, trouble)));
                self.step(job, event, Vec::new(), move |_outcome| answer(Err(failure)));
            }
        }
        for (actor, command) in parked {
            self.command(actor, command);
        }
    }

    /// Completes a job found transferred that the service itself is to complete.
    pub(crate) fn complete_unattended(&mut self, job: JobId) {
        if self.entries.get(&job).is_some_and(|entry| entry.job.is_to_be_completed()) {
            self.step(job, JobEvent::Wish(Wish::Complete), Vec::new(), |_| {});
        }
    }

    /// Where the bytes of a file go that are kept beside its destination: only where the file will be
    /// ours to rename; else they are kept in the store.
    pub(crate) fn beside(
        &self,
        job: &Job,
        number: FileNumber,
        local_name: &str,
        keep: Keep,
    ) -> Option<PathBuf> {
        let is_ours = keep == Keep::Beside && is_written_by(self.own_uid, job);
        is_ours.then(|| part_path(Path::new(local_name), part_tag(job.id(), number)))
    }
}

/// Whether the service gives the job's files their names: its own jobs', and those that it writes in its
/// own name whoever asked for them.
fn is_written_by(own_uid: Uid, job: &Job) -> bool {
    job.owner() == own_uid || job.is_in_place()
}

/// Whether finished files are to be written under their names yet.
fn has_unwritten(entry: &Entry) -> bool {
    entry.job.files().iter().any(|file| file.finished && !file.published && !file.streams)
}

/// Why the service does not write a file.
fn not_ours_to_write() -> Failure {
    Failure::new(
        ErrorCode::DO_E_FILE_DOWNLOADSINK_UNSPECIFIED,
        "this agent runs as another user and cannot write your files by their paths",
    )
    .remedy("pass it the open files, as `dobbin jobs complete` and the client libraries do")
}

/// Publishes files, several at once, until there are no more or one fails: the first of those that
/// did, by their numbers. What was published before stays so.
fn publish_all(
    job: JobId,
    items: &[Item],
    boot: &str,
    inbox: &SyncSender<Event>,
) -> Option<(FileNumber, Trouble)> {
    let groups = groups(items);
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(BTreeMap::new());
    let lock = || failures.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || {
        while lock().is_empty()
            && let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed))
        {
            let failed = publish_group(job, group, boot, inbox);
            lock().extend(failed);
        }
    };
    thread::scope(|scope| {
        for _ in 1..groups.len().min(PUBLISHING_MAX) {
            // Without a thread to give the work takes longer, nothing worse.
            let _ = thread::Builder::new().name("publish".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.pop_first()
}

/// Cuts a job's files into groups, in their order: as many groups as can be published at once, if the
/// files are few.
fn groups(items: &[Item]) -> Vec<&[Item]> {
    let files_max = items.len().div_ceil(PUBLISHING_MAX).clamp(1, GROUP_FILES_MAX);
    let mut groups = Vec::new();
    let mut rest = items;
    while !rest.is_empty() {
        let mut bytes = 0_u64;
        let fits = |item: &&Item| {
            bytes = bytes.saturating_add(item.size);
            bytes <= GROUP_BYTES_MAX
        };
        let count = rest.iter().take(files_max).take_while(fits).count().max(1);
        let (group, later) = rest.split_at(count);
        groups.push(group);
        rest = later;
    }
    groups
}

/// Publishes files together: makes them ready, has their intents noted, gives them their names.
/// Returns those that could not be published; what stands before the first of them was.
fn publish_group(
    job: JobId,
    items: &[Item],
    boot: &str,
    inbox: &SyncSender<Event>,
) -> Vec<(FileNumber, Trouble)> {
    let mut failed = Vec::new();
    let mut published = Vec::new();
    let mut numbers = Vec::new();
    let mut intents = Vec::new();
    let mut folders = Folders::default();
    for item in items {
        let Some(destination) = &item.destination else {
            published.push(item.number);
            continue;
        };
        match make_ready(&mut folders, item, destination, boot) {
            Ok(intent) => {
                numbers.push(item.number);
                intents.push(intent);
            }
            Err(trouble) => {
                failed.push((item.number, trouble));
                break;
            }
        }
    }
    match note(job, &numbers, &intents, inbox) {
        Ok(()) => {
            for (number, outcome) in numbers.into_iter().zip(commit_all(&intents)) {
                match outcome {
                    Ok(()) => published.push(number),
                    Err(error) => failed.push((number, of_disk(error.code(), &error))),
                }
            }
        }
        Err(trouble) => failed.extend(numbers.first().map(|number| (*number, trouble))),
    }
    if !published.is_empty() {
        // The loop may be gone: the intents tell the next one.
        let _ = inbox.send(Event::FilesPublished { job, files: published });
    }
    failed
}

/// Makes one file ready beside its destination.
fn make_ready(
    folders: &mut Folders,
    item: &Item,
    destination: &Path,
    boot: &str,
) -> Result<Intent, Trouble> {
    let layout = item
        .layout
        .or_else(|| Staging::layout_of(&item.place, item.size))
        .ok_or_else(|| of_disk(ErrorCode::DO_E_FATAL_CORE_ERROR, &std::fmt::Error))?;
    // A finished file was flushed as a whole before it was called finished.
    let flushed = PieceSet::full(layout);
    let known = Known { boot, flushed: Some(&flushed) };
    let staging = Staging::reopen(item.place.clone(), layout, &known)
        .map_err(|error| of_disk(error.code(), &error))?;
    let is_taken = item.taken_by.is_some_and(|own_uid| is_placeholder(destination, own_uid));
    let mode_max = item.taken_by.map_or(0o777, |_| PLACEHOLDER_MODE);
    let wanted = Wanted {
        destination,
        mode: mode_of_new_files() & mode_max,
        replace: item.replace || is_taken,
        last_modified: item.last_modified,
        tag: item.tag,
    };
    prepare_in(folders, &staging, &wanted).map_err(|error| of_disk(error.code(), &error))
}

/// Has intents noted, and waits until they are durable.
fn note(
    job: JobId,
    numbers: &[FileNumber],
    intents: &[Intent],
    inbox: &SyncSender<Event>,
) -> Result<(), Trouble> {
    let Some(first) = intents.first() else {
        return Ok(());
    };
    let (noted, answer) = sync_channel(1);
    let numbered = numbers.iter().copied().zip(intents.iter().cloned()).collect();
    let event = Event::PublishIntended { job, intents: numbered, noted };
    if inbox.send(event).is_ok() && answer.recv().unwrap_or(false) {
        return Ok(());
    }
    let error = std::io::Error::other("the journal could not be written");
    Err(Trouble {
        message: format!("cannot publish {}: {}", first.to.display(), chain(&error)),
        ..of_disk(ErrorCode::E_FAIL, &error)
    })
}

/// A moment as file systems keep it.
pub(crate) fn on_disk(time: FileTime) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(time.unix_millis())
}

#[cfg(test)]
mod tests;
