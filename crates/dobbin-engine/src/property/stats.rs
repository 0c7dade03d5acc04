//! Where the bytes of files came from (`DOSwarmStats`).

use dobbin_core::job::{File, Job};
use dobbin_core::time::Tick;
use dobbin_types::rest::{FileStats, JobStats};
use dobbin_types::{DownloadMode, FileNumber, JobState, SwarmStatus};

use crate::entry::Entry;

/// The figures of all files of a job.
pub(super) fn of_job(entry: &Entry, now: Tick) -> JobStats {
    let numbers = (0_u32..).map(FileNumber).take(entry.job.files().len());
    JobStats { files: numbers.filter_map(|number| of_file(entry, number, now)).collect() }
}

/// The figures of one file of a job. Origins, mirrors and cache hosts are fetched from, so far.
pub(super) fn of_file(entry: &Entry, number: FileNumber, now: Tick) -> Option<FileStats> {
    let (file, live) = entry.job.file(number).zip(entry.files.get(number.index()))?;
    let figures = live.figures(now);
    Some(FileStats {
        file_id: file.file_id.clone(),
        source_url: file.remote_name.clone(),
        file_size: file.remote_size(),
        total_bytes_downloaded: figures.http_bytes,
        bytes_from_lan_peers: 0,
        bytes_from_group_peers: 0,
        bytes_from_internet_peers: 0,
        bytes_from_http: figures.http_bytes,
        bytes_from_doinc: figures.cache_bytes,
        bytes_to_lan_peers: 0,
        bytes_to_group_peers: 0,
        bytes_to_internet_peers: 0,
        http_connection_count: live.gauge.connections(),
        doinc_connection_count: live.gauge.connections_to_cache(),
        lan_connection_count: 0,
        group_connection_count: 0,
        internet_connection_count: 0,
        download_duration_ms: u32::try_from(figures.fetching.as_millis()).unwrap_or(u32::MAX),
        download_mode: DownloadMode::Simple,
        status: status(&entry.job, file),
        is_background: !entry.job.priority().is_foreground(),
    })
}

fn status(job: &Job, file: &File) -> SwarmStatus {
    match job.state() {
        _ if file.finished => SwarmStatus::Complete,
        JobState::Queued | JobState::Connecting | JobState::Transferring => {
            SwarmStatus::Downloading
        }
        JobState::Suspended
        | JobState::Error
        | JobState::TransientError
        | JobState::Transferred
        | JobState::Acknowledged
        | JobState::Cancelled => SwarmStatus::Paused,
    }
}
