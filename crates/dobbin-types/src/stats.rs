//! Figures of a job as a whole.

use serde::{Deserialize, Serialize};

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
