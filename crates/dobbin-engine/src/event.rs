//! Everything that can wake the loop.

use dobbin_core::access::Actor;
use dobbin_core::callback::Listener;
use dobbin_core::job::{Attempt, Facts, NewJob, Trouble, Wish as JobWish};
use dobbin_core::piece::PieceSet;
use dobbin_store::Intent;
use dobbin_types::rest::{
    CallNumber, CallbackInfo, EventKind, Failure, FileInfo, FileStats, FileWhy, JobFailure,
    JobInfo, JobList, JobStats, JobWhy, ListenerId, Outcome,
};
use dobbin_types::{ErrorCode, FileNumber, FileProperty, JobId, JobProperty, PropertyValue, Uid};
use tokio::sync::oneshot;

use crate::destination::Keep;
use crate::door::Offered;
use crate::download::DownloadCommand;
use crate::group::Settled;
use crate::handle::Wish;
use crate::handover::{Desk, Ticket};
use crate::list::{JobFilter, Page};
use crate::listen::Listening;
use crate::picture::{PartAsked, Portion};
use crate::tell::{Watcher, Watching};

/// How a caller gets the answer.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, Failure>>;

/// Events waiting for the loop. A caller beyond it is told to come back, never queued.
pub(crate) const INBOX_MAX: usize = 4_096;

/// Everything that can wake the loop. Closed: if it is not here, it cannot happen.
pub(crate) enum Event {
    /// A caller asks; the answer goes back on its own channel.
    Command(Actor, Command),
    /// Something came of a file's transfer.
    Transfer { job: JobId, file: FileNumber, attempt: Attempt, news: News },
    /// The transfer of a file is over: nothing of it touches the disk any more.
    TransferEnded { job: JobId, file: FileNumber },
    /// A file's transfer is done with the network: it waits for its last flush, which is about so many
    /// bytes. Where nobody was told yet what the origin says the file is, that comes along.
    Settling { job: JobId, file: FileNumber, attempt: Attempt, bytes: u64, facts: Option<Facts> },
    /// Transfers of small files have ended, each with the flush that they shared: what came of them,
    /// and nothing of them touches the disk any more.
    Settled(Vec<Settled>),
    /// These pieces of the file survive a power cut now.
    Flushed { job: JobId, file: FileNumber, generation: u64, set: PieceSet },
    /// Candidates for some files' destinations are ready: their intents are to be noted before the
    /// visible step. Whoever prepared them waits for the answer.
    PublishIntended {
        job: JobId,
        intents: Vec<(FileNumber, Intent)>,
        noted: std::sync::mpsc::SyncSender<bool>,
    },
    /// Files stand under their names.
    FilesPublished { job: JobId, files: Vec<FileNumber> },
    /// Publishing a job's files is over.
    PublishEnded { job: JobId, failed: Option<(FileNumber, Trouble)> },
    /// The journal has forgotten a job that is over: its files may go.
    Forgotten { job: JobId },
    /// Whoever handed a job over to its caller is done with it, or has given up.
    HandoverOver { job: JobId, number: u64 },
    /// Something that watchers are told only now, because it is durable only now.
    Tell { kind: EventKind, info: Box<JobInfo> },
    /// A watcher has read what it was shown of the jobs, and there may be more.
    CatchUp { watcher: Watcher },
    /// A write of the journal failed: what it was to say is not durable yet.
    NotDurable { job: JobId },
    /// What the job owes its program is durable, if this is still its attempt.
    CallOwed { job: JobId, attempt: Attempt },
    /// A program listens no more.
    HungUp { listener: Listener },
    /// Leave: stop everything, note what is flushed, close.
    Shutdown,
}

/// What a transfer reports of its file.
pub(crate) enum News {
    /// What the origin says the file is; told when that is durable. Nobody waits for that where the
    /// file is one piece: there is nothing of it to go on with after a crash.
    Known(Facts, Option<oneshot::Sender<bool>>),
    /// The file changed at the origin: forget what was had. The transfer goes on when this is
    /// durable; an answer of `false`, or none, means it must not.
    Restarted(oneshot::Sender<bool>),
    /// Every byte is here, checked and flushed.
    Finished,
    /// It cannot go on.
    Failed(Trouble),
}

/// What callers ask for.
pub(crate) enum Command {
    Create { new: Box<NewJob>, offered: Offered, reply: Reply<JobId> },
    AddFiles { job: JobId, offered: Offered, reply: Reply<Vec<FileNumber>> },
    Jobs { filter: JobFilter, page: Page, reply: Reply<JobList> },
    Job { job: JobId, reply: Reply<JobInfo> },
    Files { job: JobId, part: PartAsked, reply: Reply<Portion> },
    File { job: JobId, file: FileNumber, reply: Reply<FileInfo> },
    Error { job: JobId, reply: Reply<JobFailure> },
    Wish { job: JobId, wish: Wish, reply: Reply<Outcome> },
    Download(DownloadCommand),
    MayChange { job: JobId, reply: Reply<Uid> },
    HandOver { job: JobId, reply: Reply<Ticket> },
    Handover { job: JobId, number: u64, step: Desk },
    Subscribe { job: Option<JobId>, reply: Reply<Watching> },
    Callback(CallbackCommand),
    Property(PropertyCommand),
    Why(WhyCommand),
}

/// What programs ask that want to be called.
pub(crate) enum CallbackCommand {
    Listen { reply: Reply<Listening> },
    Set { job: JobId, listener: Option<ListenerId>, reply: Reply<Outcome> },
    Get { job: JobId, reply: Reply<CallbackInfo> },
    Answer { job: JobId, number: CallNumber, result: ErrorCode, reply: Reply<Outcome> },
}

/// What callers ask for reasons of.
pub(crate) enum WhyCommand {
    Job { job: JobId, reply: Reply<JobWhy> },
    File { job: JobId, file: FileNumber, reply: Reply<FileWhy> },
}

/// What callers ask of properties and figures.
pub(crate) enum PropertyCommand {
    /// Sets one, of a job or of a file.
    Set {
        job: JobId,
        wish: JobWish,
        /// Where a file is to be kept that gets a destination.
        keep: Keep,
        reply: Reply<Outcome>,
    },
    OfJob {
        job: JobId,
        property: JobProperty,
        reply: Reply<PropertyValue>,
    },
    OfFile {
        job: JobId,
        file: FileNumber,
        property: FileProperty,
        reply: Reply<PropertyValue>,
    },
    Stats {
        job: JobId,
        reply: Reply<JobStats>,
    },
    FileStats {
        job: JobId,
        file: FileNumber,
        reply: Reply<FileStats>,
    },
}
