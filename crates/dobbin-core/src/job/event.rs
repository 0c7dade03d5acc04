//! Everything that can happen to a job.

use alloc::string::String;
use alloc::vec::Vec;
use core::num::NonZeroU64;

use dobbin_types::{ByteRange, Clsid, CostFlags, ErrorCode, FileNumber, NotifyFlags, Priority};

use super::facts::Facts;
use super::file::File;
use super::model::Attempt;
use super::property::FileChange;
use super::trouble::Trouble;
use crate::download::Setting;

/// What a caller asks of a job: the methods that change it or its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// `Resume`.
    Resume,
    /// `Suspend`.
    Suspend,
    /// `Complete`.
    Complete,
    /// `Complete`, where the caller itself puts the files in their places and says so: the engine
    /// reports each and the end as for [`Wish::Complete`].
    HandOver,
    /// `Cancel`.
    Cancel,
    /// `AddFileWithRanges`, for any number of files at once: all or none.
    AddFiles(Vec<File>),
    /// `SetPriority`.
    SetPriority(Priority),
    /// `SetNoProgressTimeout`, in seconds.
    SetNoProgressTimeout(u32),
    /// `SetNotifyFlags`.
    SetNotifyFlags(NotifyFlags),
    /// The most it may fetch a second; `None` lifts the limit.
    SetRateLimit(Option<NonZeroU64>),
    /// `IBackgroundCopyJob5::SetProperty`, `COST_FLAGS`.
    SetCostFlags(CostFlags),
    /// `IBackgroundCopyJob5::SetProperty`, `NOTIFICATION_CLSID`.
    SetNotificationClsid(Clsid),
    /// `IBackgroundCopyFile2::SetRemoteName`, with a URL that was checked.
    SetRemoteName(FileNumber, String),
    /// `IDeliveryOptimizationFile2::SetProperty`.
    SetFile(FileNumber, FileChange),
    /// `IDODownload::Start` of a download that was never started, with its ranges, or of one that is
    /// transferred, with more. As `View::decide` allows it.
    Portion(Vec<ByteRange>),
    /// `IDODownload::SetProperty`, as `View::setting` allows it.
    SetProperty(Setting),
}

/// Which wish, without what it carries: for tables and logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WishKind {
    /// [`Wish::Resume`].
    Resume,
    /// [`Wish::Suspend`].
    Suspend,
    /// [`Wish::Complete`].
    Complete,
    /// [`Wish::HandOver`].
    HandOver,
    /// [`Wish::Cancel`].
    Cancel,
    /// [`Wish::AddFiles`].
    AddFiles,
    /// [`Wish::SetPriority`].
    SetPriority,
    /// [`Wish::SetNoProgressTimeout`].
    SetNoProgressTimeout,
    /// [`Wish::SetNotifyFlags`].
    SetNotifyFlags,
    /// [`Wish::SetRateLimit`].
    SetRateLimit,
    /// [`Wish::SetCostFlags`].
    SetCostFlags,
    /// [`Wish::SetNotificationClsid`].
    SetNotificationClsid,
    /// [`Wish::SetRemoteName`].
    SetRemoteName,
    /// [`Wish::SetFile`].
    SetFile,
    /// [`Wish::Portion`].
    Portion,
    /// [`Wish::SetProperty`].
    SetProperty,
}

impl Wish {
    /// Which wish it is.
    pub fn kind(&self) -> WishKind {
        match self {
            Wish::Resume => WishKind::Resume,
            Wish::Suspend => WishKind::Suspend,
            Wish::Complete => WishKind::Complete,
            Wish::HandOver => WishKind::HandOver,
            Wish::Cancel => WishKind::Cancel,
            Wish::AddFiles(_) => WishKind::AddFiles,
            Wish::SetPriority(_) => WishKind::SetPriority,
            Wish::SetNoProgressTimeout(_) => WishKind::SetNoProgressTimeout,
            Wish::SetNotifyFlags(_) => WishKind::SetNotifyFlags,
            Wish::SetRateLimit(_) => WishKind::SetRateLimit,
            Wish::SetCostFlags(_) => WishKind::SetCostFlags,
            Wish::SetNotificationClsid(_) => WishKind::SetNotificationClsid,
            Wish::SetRemoteName(..) => WishKind::SetRemoteName,
            Wish::SetFile(..) => WishKind::SetFile,
            Wish::Portion(_) => WishKind::Portion,
            Wish::SetProperty(_) => WishKind::SetProperty,
        }
    }
}

/// Everything that can happen to a job. Closed: if it is not here, it cannot happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEvent {
    /// A caller asks for something.
    Wish(Wish),
    /// The schedule gives the job a slot.
    SlotGiven,
    /// The schedule needs the slot for another job.
    SlotTaken,
    /// The origin's first reply for a file of this attempt said what the file is.
    FileKnown(Attempt, FileNumber, Facts),
    /// The origin's file is another one than before: what was had of it is dropped.
    FileRestarted(Attempt, FileNumber),
    /// Bytes arrived since this was last said.
    BytesArrived(Attempt),
    /// Every byte of the file is here, checked and flushed.
    FileFinished(Attempt, FileNumber),
    /// The attempt cannot go on.
    AttemptFailed(Attempt, Option<FileNumber>, Trouble),
    /// Time passed: whatever is due now happens.
    TimePassed,
    /// A condition forbids the job to run: no network (`DO_E_BLOCKED_BY_NO_NETWORK`), cost, power.
    Blocked(ErrorCode),
    /// That condition is over.
    Unblocked(ErrorCode),
    /// A file of a job that is being completed now stands under its name.
    FilePublished(FileNumber),
    /// Completing is over: everything was published, or this file could not be.
    PublishEnded(Option<(FileNumber, Trouble)>),
    /// The owner's program took the call that the job owed it ([`super::Job::owed_call`]).
    CallAcknowledged,
}
