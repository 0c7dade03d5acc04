//! The loop's side: which job is being handed over, to whom, and what became of it.

use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread;

use dobbin_core::access::{Act, Actor};
use dobbin_core::job::{JobEvent, Trouble, Wish as JobWish};
use dobbin_store::Place;
use dobbin_types::phf::digest_to_hex;
use dobbin_types::rest::{FailedFile, Failure, GivenFile, HANDOVER_FILES_MAX, Outcome};
use dobbin_types::{ErrorCode, FileNumber, JobId, Uid};

use crate::event::{Command, Event, Reply};
use crate::handle::leaving;
use crate::run::Loop;
use crate::transfer::fatal;

/// What a handover asks of the loop.
pub(crate) enum Desk {
    /// The next files, or the end.
    Give { reply: Reply<Given> },
    /// These files are filled and flushed, and bear these identities.
    Filled { identities: Vec<(FileNumber, String)>, reply: Reply<()> },
    /// These files have their names; this one cannot have it.
    Named { files: Vec<FileNumber>, failed: Option<FailedFile>, reply: Reply<()> },
}

/// Answer to [`Desk::Give`].
pub(crate) enum Given {
    Files(Vec<GivenItem>),
    Done(Outcome),
}

/// A file that is given, and where its bytes are.
pub(crate) struct GivenItem {
    pub(crate) file: GivenFile,
    pub(crate) place: Place,
    pub(crate) sha256: Option<String>,
}

/// That a job is being handed over. Whoever has it must end it; dropping it does.
pub(crate) struct Ticket {
    pub(crate) job: JobId,
    pub(crate) number: u64,
    inbox: SyncSender<Event>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let over = Event::HandoverOver { job: self.job, number: self.number };
        // The loop itself may be the one who drops it, so waiting here for room is not possible. A
        // loop that is gone has nothing to be told.
        if let Err(TrySendError::Full(over)) = self.inbox.try_send(over) {
            let inbox = self.inbox.clone();
            thread::spawn(move || drop(inbox.send(over)));
        }
    }
}

impl Loop {
    /// Whether the actor may change the job; says whose it is.
    pub(crate) fn may_change(&self, actor: Actor, job: JobId) -> Result<Uid, Failure> {
        self.entry(actor, Act::Change, job).map(|entry| entry.job.owner())
    }

    /// Begins to hand a job over.
    pub(crate) fn hand_over(&mut self, actor: Actor, job: JobId, reply: Reply<Ticket>) {
        let parked = |reply| Command::HandOver { job, reply };
        let Some(reply) = self.park(actor, job, reply, parked) else {
            return;
        };
        if let Err(failure) = self.entry(actor, Act::Change, job) {
            return self.answer(job, reply, Err(failure));
        }
        if self.leave_by.is_some() {
            return drop(reply.send(Err(leaving())));
        }
        self.handovers_count += 1;
        let ticket = Ticket { job, number: self.handovers_count, inbox: self.inbox.clone() };
        if let Some(entry) = self.entries.get_mut(&job) {
            entry.handover = Some(ticket.number);
        }
        // A caller who has hung up drops the ticket, and with it what begins here.
        self.step(job, JobEvent::Wish(JobWish::HandOver), Vec::new(), move |outcome| {
            let _ = reply.send(outcome.map(|_state| ticket));
        });
        if let Some(entry) = self.entries.get_mut(&job)
            && !entry.job.is_publishing()
        {
            entry.handover = None;
        }
    }

    /// One step of a handover.
    pub(crate) fn desk(&mut self, job: JobId, number: u64, step: Desk) {
        let entry = self.entries.get(&job);
        let is_on = entry.is_some_and(|entry| entry.handover == Some(number));
        match step {
            Desk::Give { reply } if is_on => self.give(job, reply),
            Desk::Filled { identities, reply } if is_on => self.filled(job, identities, reply),
            Desk::Named { files, failed, reply } if is_on => {
                self.named(job, &files, failed, reply);
            }
            Desk::Give { reply } => drop(reply.send(Err(over(job)))),
            Desk::Filled { reply, .. } | Desk::Named { reply, .. } => {
                let _ = reply.send(Err(over(job)));
            }
        }
    }

    /// A handover is over, however it ended.
    pub(crate) fn handover_over(&mut self, job: JobId, number: u64) {
        if self.entries.get(&job).is_some_and(|entry| entry.handover == Some(number)) {
            self.end_handover(job);
        }
    }

    /// Ends whatever handover the job is in, as if its caller had hung up.
    pub(crate) fn end_handover(&mut self, job: JobId) {
        let number = self.entries.get(&job).filter(|entry| entry.handover.is_some()).map(|entry| {
            let mut numbered = entry.job.files().iter().zip((0_u32..).map(FileNumber));
            numbered.find(|(file, _)| !file.published).map_or(FileNumber(0), |(_, number)| number)
        });
        if let Some(number) = number {
            let why = "the caller left before every file had its name";
            self.publish_ended(
                job,
                Some((
                    number,
                    fatal(ErrorCode::DO_E_FILE_DOWNLOADSINK_UNSPECIFIED, why.to_owned()),
                )),
            );
        }
    }

    fn give(&mut self, job: JobId, reply: Reply<Given>) {
        let items = self.waiting_items(job);
        if !items.is_empty() {
            return self.answer(job, reply, Ok(Given::Files(items)));
        }
        self.publish_streams(job);
        if let Some(entry) = self.entries.get_mut(&job) {
            entry.completing = Some(Box::new(move |answer: Result<Outcome, Failure>| {
                let _ = reply.send(answer.map(Given::Done));
            }));
        }
        self.publish_ended(job, None);
    }

    /// Finished files that were read as they came have no name to get.
    fn publish_streams(&mut self, job: JobId) {
        let Some(entry) = self.entries.get(&job) else {
            return;
        };
        let numbered = entry.job.files().iter().zip((0_u32..).map(FileNumber));
        let streams = numbered.filter(|(file, _)| file.finished && file.streams);
        let streams: Vec<FileNumber> = streams.map(|(_, number)| number).collect();
        for number in streams {
            self.outcome(job, JobEvent::FilePublished(number));
        }
    }

    /// The first finished files that have no name yet.
    fn waiting_items(&self, job: JobId) -> Vec<GivenItem> {
        let Some(entry) = self.entries.get(&job) else {
            return Vec::new();
        };
        let numbered = entry.job.files().iter().zip((0_u32..).map(FileNumber));
        let waiting =
            numbered.filter(|(file, _)| file.finished && !file.published && !file.streams);
        let items = waiting.filter_map(|(file, number)| {
            let live = entry.files.get(number.index())?;
            Some(GivenItem {
                file: GivenFile {
                    number,
                    local_name: file.local_name.clone(),
                    replace: file.replace,
                    size: file.local_size()?,
                    last_modified: file.facts.as_ref().and_then(|facts| facts.last_modified),
                    identity: live.extras.identity.clone(),
                },
                place: live.place(&self.store, job, number),
                sha256: file.sha256.as_ref().map(digest_to_hex),
            })
        });
        items.take(HANDOVER_FILES_MAX).collect()
    }

    fn filled(&mut self, job: JobId, identities: Vec<(FileNumber, String)>, reply: Reply<()>) {
        let numbers = identities.iter().map(|(number, _)| *number).collect();
        for (number, identity) in identities {
            let live = self.entries.get_mut(&job).and_then(|e| e.files.get_mut(number.index()));
            if let Some(live) = live {
                live.extras.identity = Some(identity);
            }
        }
        let changes = self.records(job, false, numbers);
        self.write(job, changes, move |outcome| drop(reply.send(outcome)));
    }

    fn named(
        &mut self,
        job: JobId,
        files: &[FileNumber],
        failed: Option<FailedFile>,
        reply: Reply<()>,
    ) {
        let is_filled = |number: &FileNumber| {
            let entry = self.entries.get(&job);
            entry
                .and_then(|e| e.files.get(number.index()))
                .is_some_and(|f| f.extras.identity.is_some())
        };
        if !files.iter().all(is_filled) {
            let why = "only a file that was filled can have got its name";
            return self.answer(job, reply, Err(Failure::new(ErrorCode::E_INVALIDARG, why)));
        }
        let named = files.iter().map(|number| JobEvent::FilePublished(*number));
        let Some(FailedFile { number, failure }) = failed else {
            return self.outcomes(job, named, move |outcome| drop(reply.send(outcome)));
        };
        self.outcomes(job, named, |_| {});
        let trouble: Trouble = fatal(failure.code, failure.message.clone());
        if let Some(entry) = self.entries.get_mut(&job) {
            entry.completing = Some(Box::new(move |_outcome: Result<Outcome, Failure>| {
                let _ = reply.send(Err(failure));
            }));
        }
        self.publish_ended(job, Some((number, trouble)));
    }
}

/// What a handover hears when its job has gone on without it.
fn over(job: JobId) -> Failure {
    let why = format!("the job {job} is not being handed over any more");
    Failure::new(ErrorCode::DO_E_INVALID_STATE, why).remedy("look at the job, and complete it anew")
}
