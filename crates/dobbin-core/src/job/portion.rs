//! What only downloads are asked: a portion to fetch, a property to set.
//!
//! Whether that is allowed in the state the download is in was decided by `crate::download`; here the
//! job changes.

use alloc::string::String;
use alloc::vec::Vec;

use dobbin_types::{ByteRange, CostPolicy, ErrorCode, FileNumber, JobState, Priority};

use super::effect::{Effect, Notice};
use super::model::Job;
use super::wish;
use crate::download::{Download, Setting, flags_of};

/// The only file of a download.
const FILE: FileNumber = FileNumber(0);

/// `IDODownload::Start` with these ranges: the first ones, or more behind those that are here.
pub(super) fn begin(job: &mut Job, ranges: Vec<ByteRange>) -> Result<Vec<Effect>, ErrorCode> {
    let (Some(download), Some(mut file)) = (&mut job.new.download, job.files.edit(FILE)) else {
        return Err(ErrorCode::DO_E_INVALID_STATE);
    };
    match job.state {
        JobState::Suspended if !download.started => file.ranges = ranges,
        JobState::Transferred => {
            file.earlier_ranges_count = file.ranges.len();
            file.ranges.extend(ranges);
            file.finished = false;
        }
        JobState::Suspended
        | JobState::Queued
        | JobState::Connecting
        | JobState::Transferring
        | JobState::Error
        | JobState::TransientError
        | JobState::Acknowledged
        | JobState::Cancelled => return Err(ErrorCode::DO_E_INVALID_STATE),
    }
    drop(file);
    download.started = true;
    job.quiet.reset();
    let mut effects = alloc::vec![Effect::PersistFile(FILE)];
    effects.extend(wish::enqueue(job));
    Ok(effects)
}

/// `IDODownload::SetProperty`.
pub(super) fn set(job: &mut Job, setting: Setting) -> Result<Vec<Effect>, ErrorCode> {
    if job.state.is_final() || job.new.download.is_none() || job.files.is_empty() {
        return Err(ErrorCode::DO_E_INVALID_STATE);
    }
    match setting {
        Setting::Uri(uri) => set_uri(job, uri),
        Setting::DisplayName(name) => job.new.display_name = name,
        Setting::Headers(headers) => job.new.headers = headers,
        Setting::NoProgressTimeout(seconds) => job.new.no_progress_timeout = Some(seconds),
        Setting::Foreground(true) => job.new.priority = Priority::Foreground,
        // One of the background class keeps its place in it.
        Setting::Foreground(false) if !job.new.priority.is_foreground() => {}
        Setting::Foreground(false) => job.new.priority = Priority::Normal,
        Setting::LocalPath(path) => each_file(job, |file| file.local_name = path.clone()),
        Setting::TotalSize(bytes) => each_file(job, |file| file.declared_size = Some(bytes)),
        Setting::ContentId(id) => {
            each_file(job, |file| file.file_id = id.clone());
            own(job, |download| download.content_id = Some(id));
        }
        Setting::NetworkToken => {}
        Setting::CostPolicy(policy) => {
            job.cost_flags = Some(flags_of(policy));
            own(job, |download| download.no_cellular = policy == CostPolicy::NoCellular);
        }
        Setting::SecurityFlags(flags) => own(job, |download| download.security_flags = flags),
        Setting::CallbackPercent(percent) => own(job, |own| own.callback_percent = percent),
        Setting::CallbackSeconds(seconds) => own(job, |own| own.callback_seconds = Some(seconds)),
        Setting::Blocking(blocking) => own(job, |download| download.blocking = blocking),
        Setting::Callback(callback) => own(job, |download| download.callback = callback),
        Setting::Streams(streams) => each_file(job, |file| file.streams = streams),
        Setting::CorrelationVector(vector) => own(job, |own| own.correlation_vector = Some(vector)),
        Setting::IntegrityInfo(info) => each_file(job, |file| file.check.info = Some(info.clone())),
        Setting::IntegrityMandatory(value) => {
            each_file(job, |file| file.check.mandatory = Some(value));
        }
        Setting::DisallowCellular(value) => own(job, |own| own.disallow_cellular = value),
        Setting::AuthHeaders(headers) => own(job, |download| download.auth_headers = headers),
        Setting::AllowDowngrade(value) => own(job, |download| download.allow_downgrade = value),
        Setting::NonVolatile(value) => own(job, |download| download.non_volatile = value),
    }
    Ok(alloc::vec![Effect::Persist, Effect::PersistFile(FILE), Effect::Tell(Notice::Modified)])
}

/// Another address gets its own chance: failures of the old one are forgotten.
fn set_uri(job: &mut Job, uri: String) {
    each_file(job, |file| {
        file.remote_name = uri.clone();
        // Durable at once, unlike `SetRemoteName`.
        file.recorded_name = None;
    });
    job.failures_count = 0;
    job.quiet.reset();
}

fn each_file(job: &mut Job, set: impl Fn(&mut super::file::File)) {
    job.files.edit_all(|_, file| set(file));
}

fn own(job: &mut Job, set: impl FnOnce(&mut Download)) {
    if let Some(download) = &mut job.new.download {
        set(download);
    }
}
