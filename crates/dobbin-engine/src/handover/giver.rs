//! What whoever serves the caller holds: one job being handed over.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use dobbin_core::access::Actor;
use dobbin_core::piece::PieceSet;
use dobbin_store::{Known, Staging, publish};
use dobbin_types::rest::{
    FailedFile, Failure, FilledFile, GivenFile, HANDOVER_FILES_MAX, HANDOVER_IDENTITY_BYTES_MAX,
    OpenedFile, Outcome,
};
use dobbin_types::{ErrorCode, FileNumber};
use tokio::sync::oneshot;

use super::desk::{Desk, Given, GivenItem, Ticket};
use crate::event::{Command, Event, Reply};
use crate::handle::leaving;
use crate::transfer::chain;

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// These files are to be created, filled and named.
    Files(Vec<GivenFile>),
    /// Every finished file has its name: the job is completed.
    Done(Outcome),
}

/// One job being handed over. Until it is dropped the job waits for it; dropping it early leaves the
/// job as it was, with the files named so far completed.
///
/// Its methods block, on the loop and on the caller's files: not for threads that run async code.
pub struct Handover {
    actor: Actor,
    inbox: SyncSender<Event>,
    boot: Arc<str>,
    ticket: Ticket,
    /// Given last, and not filled yet.
    given: Vec<GivenItem>,
}

impl Handover {
    pub(crate) fn new(
        actor: Actor,
        inbox: SyncSender<Event>,
        boot: Arc<str>,
        ticket: Ticket,
    ) -> Handover {
        Handover { actor, inbox, boot, ticket, given: Vec::new() }
    }

    /// The next files, at most [`HANDOVER_FILES_MAX`]; or the end.
    ///
    /// `DO_E_INVALID_STATE` when somebody cancelled the job meanwhile.
    pub fn advance(&mut self) -> Result<Next, Failure> {
        match self.ask(|reply| Desk::Give { reply })? {
            Given::Files(items) => {
                let files = items.iter().map(|item| item.file.clone()).collect();
                self.given = items;
                Ok(Next::Files(files))
            }
            Given::Done(outcome) => Ok(Next::Done(outcome)),
        }
    }

    /// Fills files that were given last, each into the open file of the same place, and flushes them.
    /// Each may be filled once.
    ///
    /// `E_INVALIDARG` for files that were not given, or another number of open files; the store's
    /// codes for an open file that may not be filled (`EACCES`) or cannot be (`EDQUOT`, `ENOSPC`, …).
    pub fn fill(
        &mut self,
        opened: &[OpenedFile],
        files: Vec<File>,
    ) -> Result<Vec<FilledFile>, Failure> {
        let invalid = |why: &str| Err(Failure::new(ErrorCode::E_INVALIDARG, why));
        if opened.is_empty() || opened.len() > HANDOVER_FILES_MAX {
            return invalid("one to four files are filled at a time");
        }
        if opened.len() != files.len() {
            return invalid("one open file must come with each file to fill");
        }
        if opened.iter().any(|file| file.identity.len() > HANDOVER_IDENTITY_BYTES_MAX) {
            return invalid("an identity has at most 128 bytes");
        }
        let mut filled = Vec::with_capacity(opened.len());
        for (opened, file) in opened.iter().zip(files) {
            let given = self.given.iter().position(|item| item.file.number == opened.number);
            let Some(index) = given else {
                return invalid("only files that were given last are filled, and each once");
            };
            let item = self.given.swap_remove(index);
            self.fill_one(&item, &file)?;
            filled.push(FilledFile {
                number: item.file.number,
                size: item.file.size,
                sha256: item.sha256,
            });
        }
        // Durable before the caller names anything: after a crash the identity tells whether it did.
        let identities = opened.iter().map(|file| (file.number, file.identity.clone())).collect();
        self.ask(|reply| Desk::Filled { identities, reply })?;
        Ok(filled)
    }

    /// Notes that files stand under their names, and, for the end of it, which of them cannot.
    ///
    /// With `failed` the answer is always an error: that failure, when all is noted.
    pub fn named(
        &mut self,
        files: Vec<FileNumber>,
        failed: Option<FailedFile>,
    ) -> Result<(), Failure> {
        self.ask(|reply| Desk::Named { files, failed, reply })
    }

    fn fill_one(&self, item: &GivenItem, file: &File) -> Result<(), Failure> {
        let at = |code: ErrorCode, error: &dyn std::error::Error| {
            Failure::new(code, chain(error)).at(format!("files[{}]", item.file.number))
        };
        let layout = Staging::layout_of(&item.place, item.file.size)
            .ok_or_else(|| Failure::of(ErrorCode::DO_E_FATAL_CORE_ERROR))?;
        // A finished file was flushed as a whole before it was called finished.
        let flushed = PieceSet::full(layout);
        let known = Known { boot: &self.boot, flushed: Some(&flushed) };
        let staging = Staging::reopen(item.place.clone(), layout, &known)
            .map_err(|error| at(error.code(), &error))?;
        publish::fill(&staging, file, self.actor.uid()).map_err(|error| at(error.code(), &error))
    }

    fn ask<T>(&self, step: impl FnOnce(Reply<T>) -> Desk) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        let command = Command::Handover {
            job: self.ticket.job,
            number: self.ticket.number,
            step: step(reply),
        };
        // The loop always drains its inbox, and this thread may wait.
        self.inbox.send(Event::Command(self.actor, command)).map_err(|_gone| leaving())?;
        answer.blocking_recv().unwrap_or_else(|_gone| Err(leaving()))
    }
}
