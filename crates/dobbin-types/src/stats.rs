//! Figures of jobs and files, and what they are counted by.

use serde::{Deserialize, Serialize};

use crate::job::interface_enum;

/// How far a job is (`BG_JOB_PROGRESS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobProgress {
    /// Sum over its files; nothing while any file's size is unknown. Files with ranges count the
    /// length of their ranges.
    pub bytes_total: Option<u64>,
    /// Bytes had so far, over all files.
    pub bytes_transferred: u64,
    /// Files in the job.
    pub files_total: u32,
    /// Files that are wholly here.
    pub files_transferred: u32,
}

interface_enum! {
    /// From whom a download may fetch (`DownloadMode`).
    pub enum DownloadMode {
        /// The origin and cache hosts, no peers.
        CdnOnly = 0, "cdn_only";
        /// Peers behind the same address too.
        Lan = 1, "lan";
        /// Peers of the same group too.
        Group = 2, "group";
        /// Peers anywhere too.
        Internet = 3, "internet";
        /// The origin alone, and nobody is asked who else has the file.
        Simple = 99, "simple";
        /// Not by this service at all.
        Bypass = 100, "bypass";
    }
}

interface_enum! {
    /// What goes on with a file (`SwarmStatus`).
    pub enum SwarmStatus {
        /// It is being fetched, or will be as soon as there is a slot for it.
        Downloading = 0, "downloading";
        /// It is wholly here.
        Complete = 1, "complete";
        /// It is wholly here and given to others.
        Caching = 2, "caching";
        /// It is not wholly here, and nothing is fetched for now.
        Paused = 3, "paused";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// conformance: enum DownloadMode, enum SwarmStatus
    #[test]
    fn modes_and_statuses_have_the_numbers_of_the_interface() {
        let modes: Vec<i32> = DownloadMode::ALL.iter().map(|mode| mode.number()).collect();
        assert_eq!(modes, [0, 1, 2, 3, 99, 100]);
        let statuses: Vec<i32> = SwarmStatus::ALL.iter().map(|status| status.number()).collect();
        assert_eq!(statuses, [0, 1, 2, 3]);
    }
}
