//! What callers hold of the engine.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

use dobbin_core::access::Actor;
use dobbin_core::cache::Settings as CacheSettings;
use dobbin_types::rest::{
    AddFile, AddFiles, CallNumber, CallbackInfo, CreateJob, Failure, FileInfo, FileList,
    JobFailure, JobInfo, JobList, ListenerId, Outcome,
};
use dobbin_types::{ErrorCode, FileNumber, JobId, NotifyFlags, Priority, Uid};
use tokio::sync::oneshot;

use crate::cache_hosts::CacheDesk;
use crate::door::Door;
use crate::event::{CallbackCommand, Command, Event, Reply};
use crate::handover::Handover;
use crate::list::{JobFilter, Page};
use crate::listen::Listening;
use crate::picture::PartAsked;
use crate::tell::Watching;

/// What a caller asks of a job, beyond looking at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// `Resume`.
    Resume,
    /// `Suspend`.
    Suspend,
    /// `Complete`: answered when the files stand under their names.
    Complete,
    /// `Cancel`.
    Cancel,
    /// `SetPriority`.
    SetPriority(Priority),
    /// `SetNoProgressTimeout`, in seconds.
    SetNoProgressTimeout(u32),
    /// `SetNotifyFlags`.
    SetNotifyFlags(NotifyFlags),
    /// The most the job may fetch, in bytes a second; `None` lifts the limit.
    SetRateLimit(Option<NonZeroU64>),
}

/// A way to the engine. Cheap to clone; every call names who asks.
///
/// Errors carry the interface's code. Common to all calls: `DO_E_JOB_NOT_FOUND` for a job that does
/// not exist, `E_ACCESSDENIED` for another user's, `DO_E_NO_SERVICE` when the engine is leaving or
/// has more to do than it can queue. Nothing is answered before it is durable.
#[derive(Clone)]
pub struct Handle {
    inbox: SyncSender<Event>,
    pub(crate) door: Door,
    boot: Arc<str>,
    cache_hosts: CacheDesk,
}

impl Handle {
    pub(crate) fn new(
        inbox: SyncSender<Event>,
        door: Door,
        boot: Arc<str>,
        cache_hosts: CacheDesk,
    ) -> Handle {
        Handle { inbox, door, boot, cache_hosts }
    }

    /// The cache hosts from now on, for whatever is begun or resumed (`DOCacheHost`,
    /// `DODelayCacheServerFallback…`); with none, files come from their origins. What is under way keeps
    /// to those with which it was begun.
    pub fn set_cache_hosts(&self, settings: CacheSettings) {
        self.cache_hosts.set(settings);
    }

    /// `IBackgroundCopyManager::CreateJob`, with the job's first files: all of it or nothing.
    ///
    /// `E_INVALIDARG` and the codes of [`Handle::add_files`], naming the field.
    pub async fn create(&self, actor: Actor, body: CreateJob) -> Result<JobId, Failure> {
        let door = self.door.clone();
        let brings_files = body.files.iter().any(brings_text);
        let (new, offered) = on_disk_thread(move || door.job(actor, body)).await?;
        let (job, door) = (new.id, self.door.clone());
        let command = |reply| Command::Create { new: Box::new(new), offered, reply };
        let answer = self.ask(actor, command).await;
        if answer.is_err() && brings_files {
            // Whatever comes of it, the refusal is the answer; what stays is swept at the next start.
            let take_back = move || {
                door.take_back(job);
                Ok(())
            };
            let _ = on_disk_thread(take_back).await;
        }
        answer
    }

    /// `IDeliveryOptimizationJob::AddFileWithRanges` for several files: all or none.
    ///
    /// `E_INVALIDARG`, `DO_E_INVALID_RANGE`, `DO_E_OVERLAPPING_RANGES`, and for a destination that
    /// cannot be written the operating system's reason (`E_ACCESSDENIED` without the right to).
    pub async fn add_files(
        &self,
        actor: Actor,
        job: JobId,
        body: AddFiles,
    ) -> Result<Vec<FileNumber>, Failure> {
        let door = self.door.clone();
        let keeper = door.clone();
        let (offered, given) = on_disk_thread(move || door.files(actor, body.files)).await?;
        if !given.is_empty() {
            // Nothing is written for a job that is not theirs, or is over.
            self.may_change(actor, job).await?;
            on_disk_thread(move || keeper.keep(job, &given)).await?;
        }
        self.ask(actor, |reply| Command::AddFiles { job, offered, reply }).await
    }

    /// The caller's jobs that are not over, oldest first: one page of them.
    pub async fn jobs(
        &self,
        actor: Actor,
        filter: JobFilter,
        page: Page,
    ) -> Result<JobList, Failure> {
        self.ask(actor, |reply| Command::Jobs { filter, page, reply }).await
    }

    /// One job, for a while also after it is over.
    pub async fn job(&self, actor: Actor, job: JobId) -> Result<JobInfo, Failure> {
        self.ask(actor, |reply| Command::Job { job, reply }).await
    }

    /// `EnumFiles`: the files that the job has now. They are looked at in portions, so that what each
    /// is at may be a moment later than what those before it are at.
    pub async fn files(&self, actor: Actor, job: JobId) -> Result<FileList, Failure> {
        let mut files: Vec<FileInfo> = Vec::new();
        let mut part = PartAsked::default();
        while part.count.is_none_or(|count| files.len() < count) {
            let portion = self.ask(actor, |reply| Command::Files { job, part, reply }).await?;
            files.extend(portion.files);
            part = PartAsked { first: files.len(), count: Some(portion.count) };
        }
        Ok(FileList { files })
    }

    /// One file; `DO_E_FILE_NOT_AVAILABLE` for a number the job does not have.
    pub async fn file(
        &self,
        actor: Actor,
        job: JobId,
        file: FileNumber,
    ) -> Result<FileInfo, Failure> {
        self.ask(actor, |reply| Command::File { job, file, reply }).await
    }

    /// `GetError`; `DO_E_ERROR_INFORMATION_UNAVAILABLE` for a job that is in no error.
    pub async fn error(&self, actor: Actor, job: JobId) -> Result<JobFailure, Failure> {
        self.ask(actor, |reply| Command::Error { job, reply }).await
    }

    /// Changes a job; `DO_E_INVALID_STATE` and the wish's own codes.
    pub async fn wish(&self, actor: Actor, job: JobId, wish: Wish) -> Result<Outcome, Failure> {
        self.ask(actor, |reply| Command::Wish { job, wish, reply }).await
    }

    /// Sets the most that a job may fetch, in bytes a second, at once; `None` lifts the limit.
    /// `E_INVALIDARG` for 0.
    pub async fn set_rate_limit(
        &self,
        actor: Actor,
        job: JobId,
        bytes_per_second_max: Option<u64>,
    ) -> Result<Outcome, Failure> {
        let rate = Door::rate_limit(bytes_per_second_max)?;
        self.wish(actor, job, Wish::SetRateLimit(rate)).await
    }

    /// Whether the caller may change the job; says who owns it. `DO_E_INVALID_STATE` for one that is
    /// over.
    pub async fn may_change(&self, actor: Actor, job: JobId) -> Result<Uid, Failure> {
        self.ask(actor, |reply| Command::MayChange { job, reply }).await
    }

    /// `Complete` by a caller who creates and names the files itself. Waits while the job is being
    /// completed by somebody else; Cancel ends it.
    pub async fn hand_over(&self, actor: Actor, job: JobId) -> Result<Handover, Failure> {
        let ticket = self.ask(actor, |reply| Command::HandOver { job, reply }).await?;
        Ok(Handover::new(actor, self.inbox.clone(), Arc::clone(&self.boot), ticket))
    }

    /// What happens to the caller's jobs, or to one of them, from now on: first how each of them
    /// stands. It ends when its reader falls too far behind or the engine leaves.
    pub async fn subscribe(&self, actor: Actor, job: Option<JobId>) -> Result<Watching, Failure> {
        self.ask(actor, |reply| Command::Subscribe { job, reply }).await
    }

    /// A program listens for calls (`IBackgroundCopyCallback`) from now on, for as long as it keeps
    /// what this returns. The first event says as whom.
    pub async fn listen(&self, actor: Actor) -> Result<Listening, Failure> {
        self.ask(actor, |reply| Command::Callback(CallbackCommand::Listen { reply })).await
    }

    /// `SetNotifyInterface`; without a listener, with `NULL`. `E_INVALIDARG` for a listener that is
    /// not the caller's own.
    pub async fn set_callback(
        &self,
        actor: Actor,
        job: JobId,
        listener: Option<ListenerId>,
    ) -> Result<Outcome, Failure> {
        let command = |reply| CallbackCommand::Set { job, listener, reply };
        self.ask(actor, |reply| Command::Callback(command(reply))).await
    }

    /// `GetNotifyInterface`.
    pub async fn callback(&self, actor: Actor, job: JobId) -> Result<CallbackInfo, Failure> {
        self.ask(actor, |reply| Command::Callback(CallbackCommand::Get { job, reply })).await
    }

    /// What a callback returned; `S_FALSE` when nobody waits for it any more.
    pub async fn answer_call(
        &self,
        actor: Actor,
        job: JobId,
        number: CallNumber,
        result: ErrorCode,
    ) -> Result<Outcome, Failure> {
        let command = |reply| CallbackCommand::Answer { job, number, result, reply };
        self.ask(actor, |reply| Command::Callback(command(reply))).await
    }

    pub(crate) async fn ask<T>(
        &self,
        actor: Actor,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        let event = Event::Command(actor, command(reply));
        self.inbox.try_send(event).map_err(|error| match error {
            TrySendError::Full(_) => Failure::new(
                ErrorCode::DO_E_NO_SERVICE,
                "the agent has more to do than it can queue",
            )
            .remedy("try again in a moment"),
            TrySendError::Disconnected(_) => leaving(),
        })?;
        answer.await.unwrap_or_else(|_gone| Err(leaving()))
    }
}

fn brings_text(file: &AddFile) -> bool {
    file.piece_hashes.as_ref().is_some_and(|hashes| hashes.text.is_some())
}

pub(crate) fn leaving() -> Failure {
    Failure::new(ErrorCode::DO_E_NO_SERVICE, "the agent is shutting down")
}

/// Runs what looks at the disk where it may wait: a folder on a dead network share must hold up only
/// the caller who named it.
pub(crate) async fn on_disk_thread<T: Send + 'static>(
    look: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(look).await.unwrap_or_else(|_panicked_or_cancelled| {
        Err(Failure::new(ErrorCode::E_UNEXPECTED, "the request could not be checked"))
    })
}
