//! Properties of jobs and files that callers may set, and when.
//!
//! One function for each row of "explicit operations" that sets something of a file, and for the
//! job's own properties beyond those of `wish.rs`.

use alloc::string::String;
use alloc::vec::Vec;

use dobbin_types::{Clsid, CostFlags, ErrorCode, FileNumber, JobState};

use super::effect::{Effect, Notice};
use super::file::{self, File};
use super::model::Job;
use super::ranges;
use super::wish::{Answer, over, stay, unless_over};

/// What may be set of a file (`IDeliveryOptimizationFile2::SetProperty`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// `DownloadSinkFilePath`: where it goes.
    LocalName(String),
    /// `TotalSizeBytes`: the size of the remote file, at least 1.
    TotalSize(u64),
    /// `IntegrityCheckInfo`: where its piece hashes are, as JSON text that was checked.
    CheckInfo(String),
    /// `IntegrityCheckMandatory`: whether a file that cannot be checked is an error.
    CheckMandatory(bool),
}

impl Job {
    /// `COST_FLAGS`: as set, or by the priority.
    pub fn cost_flags(&self) -> CostFlags {
        self.cost_flags.unwrap_or(CostFlags::default_of(self.new.priority))
    }

    /// `NOTIFICATION_CLSID`; [`Clsid::NULL`] for none.
    pub fn notify_clsid(&self) -> Clsid {
        self.notification_clsid
    }
}

/// `COST_FLAGS`: applies at once; `E_INVALIDARG` for bits that nobody knows.
pub(super) fn set_cost_flags(job: &mut Job, flags: CostFlags) -> Answer {
    if !job.state.is_final() && !flags.are_accepted() {
        return Err(ErrorCode::E_INVALIDARG);
    }
    unless_over(job, |job| job.cost_flags = Some(flags))
}

/// `NOTIFICATION_CLSID`: kept and given back; [`Clsid::NULL`] clears it.
pub(super) fn set_notify_clsid(job: &mut Job, clsid: Clsid) -> Answer {
    unless_over(job, |job| job.notification_clsid = clsid)
}

/// `SetRemoteName`. A file that is wholly here is left alone. What runs uses the new URL from its
/// next request on; whether its bytes go on or start anew is decided by what the new origin says
/// (`facts::judge`). A restart of the service forgets the new URL unless Resume came after it.
pub(super) fn set_remote_name(job: &mut Job, number: FileNumber, url: String) -> Answer {
    match job.state {
        JobState::Acknowledged | JobState::Cancelled => return over(),
        JobState::Queued
        | JobState::Connecting
        | JobState::Transferring
        | JobState::Suspended
        | JobState::Error
        | JobState::TransientError
        | JobState::Transferred => {}
    }
    let mut file = job.files.edit(number).ok_or(ErrorCode::DO_E_FILE_NOT_AVAILABLE)?;
    if file.finished || file.remote_name == url {
        return stay();
    }
    let before = core::mem::replace(&mut file.remote_name, url);
    let recorded = file.recorded_name.take().unwrap_or(before);
    file.recorded_name = (recorded != file.remote_name).then_some(recorded);
    Ok(alloc::vec![Effect::Tell(Notice::Modified)])
}

/// Resume makes new URLs durable: the records that change with it.
pub(super) fn confirm_remote_names(job: &mut Job) -> Vec<Effect> {
    let mut effects = Vec::new();
    job.files.edit_all(|number, file| {
        if file.recorded_name.take().is_some() {
            effects.push(Effect::PersistFile(number));
        }
    });
    effects
}

/// `IDeliveryOptimizationFile2::SetProperty`: only while nothing of the job runs or will by itself
/// (decision "settable at rest"; a transferred job has nothing left to set), and never for a file
/// that is the user's already.
pub(super) fn set_file(job: &mut Job, number: FileNumber, change: FileChange) -> Answer {
    match job.state {
        JobState::Suspended | JobState::Error | JobState::TransientError => {}
        JobState::Queued
        | JobState::Connecting
        | JobState::Transferring
        | JobState::Transferred
        | JobState::Acknowledged
        | JobState::Cancelled => return over(),
    }
    let file = job.files.get(number.index()).ok_or(ErrorCode::DO_E_FILE_NOT_AVAILABLE)?;
    if file.published {
        return over();
    }
    check(&job.files, file, number, &change)?;
    let mut file = job.files.edit(number).ok_or(ErrorCode::DO_E_FILE_NOT_AVAILABLE)?;
    match change {
        FileChange::LocalName(name) => file.local_name = name,
        FileChange::TotalSize(size) => file.declared_size = Some(size),
        FileChange::CheckInfo(info) => file.check.info = Some(info),
        FileChange::CheckMandatory(mandatory) => file.check.mandatory = Some(mandatory),
    }
    // Lists show it with the job, and wait for records of jobs only.
    let effects = [Effect::Persist, Effect::PersistFile(number), Effect::Tell(Notice::Modified)];
    Ok(effects.into())
}

fn check(
    files: &[File],
    file: &File,
    number: FileNumber,
    change: &FileChange,
) -> Result<(), ErrorCode> {
    match change {
        FileChange::LocalName(_) if file.streams => {
            Err(ErrorCode::DO_E_FILE_DOWNLOADSINK_ALREADY_SET)
        }
        FileChange::LocalName(name) => {
            file::check_local_name(name).map_err(|_why| ErrorCode::E_INVALIDARG)?;
            let mut others = files.iter().zip((0_u32..).map(FileNumber));
            let is_taken = others.any(|(other, at)| at != number && other.local_name == *name);
            if is_taken { Err(ErrorCode::E_INVALIDARG) } else { Ok(()) }
        }
        FileChange::TotalSize(0) => Err(ErrorCode::E_INVALIDARG),
        FileChange::TotalSize(size) => {
            ranges::check(&file.ranges, Some(*size)).map_err(|(code, _why)| code)
        }
        FileChange::CheckInfo(_) | FileChange::CheckMandatory(_) => Ok(()),
    }
}
