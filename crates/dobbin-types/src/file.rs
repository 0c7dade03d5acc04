//! What is said of one file of a job: the ranges asked for and how far it is.

use serde::{Deserialize, Serialize};

/// "To the end of the file", and "size unknown", in every 64-bit field of the interface
/// (`BG_LENGTH_TO_EOF`, `DO_LENGTH_TO_EOF`, `BG_SIZE_UNKNOWN`, `DO_UNKNOWN_FILE_SIZE`).
///
/// Only the interface's edges use it; inside, both are an `Option`.
pub const UNKNOWN: u64 = u64::MAX;

/// Longest URL that is accepted, in characters (`IBackgroundCopyFile2::SetRemoteName`).
pub const URL_CHARS_MAX: usize = 2_200;

/// Further URLs that a file may have, so that a record stays below the size of a page of text and a
/// transfer's list of sources short.
pub const MIRRORS_MAX: usize = 64;

/// Longest display name that is accepted, in characters (`IBackgroundCopyManager::CreateJob`).
pub const DISPLAY_NAME_CHARS_MAX: usize = 256;

/// Longest local name that is accepted, in bytes: `PATH_MAX` without its terminator.
pub const LOCAL_NAME_BYTES_MAX: usize = 4_095;

/// A part of the remote file (`BG_FILE_RANGE`).
///
/// The local file is its ranges back to back, in the order in which they were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ByteRange {
    /// First byte, from 0.
    pub offset: u64,
    /// How many bytes, at least 1; nothing means to the end of the remote file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
}

/// How far a file is (`BG_FILE_PROGRESS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileProgress {
    /// Size of the local file when it is done; nothing while the origin has not said it.
    pub bytes_total: Option<u64>,
    /// Bytes had so far.
    pub bytes_transferred: u64,
    /// Whether the file stands under its name, which is so only after Complete.
    pub completed: bool,
}
