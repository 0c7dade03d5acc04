//! Downloads on the wire.

use serde::{Deserialize, Serialize};

use super::page::Bookmark;
use crate::download::{DownloadState, PropertyValue};
use crate::error::ErrorCode;
use crate::file::ByteRange;
use crate::id::JobId;

/// A new download (`IDOManager::CreateDownload`), with what most callers set at once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateDownload {
    /// The property `uri`; left out, not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The property `local_path`; left out, not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_path: Option<String>,
}

/// The download that was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedDownload {
    /// Its id, which is also that of the job it is.
    pub id: JobId,
}

/// `IDODownload::Start`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartDownload {
    /// Parts of the remote file, put back to back; empty for the whole file. Left out: as at the last
    /// Start, and at the first one the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranges: Option<Vec<ByteRange>>,
}

/// How a download stands (`DO_DOWNLOAD_STATUS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DownloadStatus {
    /// Bytes of the local file when it is done; nothing while nobody has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<u64>,
    /// Bytes had so far.
    pub bytes_transferred: u64,
    /// Where it stands.
    pub state: DownloadState,
    /// Why it stopped for good; `S_OK` when it did not.
    pub error: ErrorCode,
    /// Why it stopped for now, when `error` is `S_OK`; else the code behind `error`.
    pub extended_error: ErrorCode,
}

impl DownloadStatus {
    /// Whether a fatal error stopped it.
    pub fn is_error(&self) -> bool {
        self.error != ErrorCode::S_OK
    }

    /// Whether an error that may pass stopped it: it goes on by itself.
    pub fn is_transient_error(&self) -> bool {
        self.state == DownloadState::Paused
            && !self.is_error()
            && self.extended_error != ErrorCode::S_OK
    }

    /// Whether everything that was asked for is here.
    pub fn is_complete(&self) -> bool {
        self.state == DownloadState::Transferred
    }
}

/// What marks a job as a download: how it stands in that interface's words, and how often its caller
/// wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DownloadMark {
    /// How it stands.
    pub status: DownloadStatus,
    /// The property `callback_freq_percent`.
    pub callback_freq_percent: u32,
    /// The property `callback_freq_seconds`.
    pub callback_freq_seconds: u32,
}

/// One download: what a list shows of it. Everything else is a property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DownloadInfo {
    /// Its id, which is also that of the job it is.
    pub id: JobId,
    /// Its name; nothing when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Where the file comes from; nothing when nobody has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Id of the content; nothing when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_id: Option<String>,
    /// Where the file goes; nothing when nobody has said it, or when the caller takes the bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_path: Option<String>,
    /// How it stands.
    pub status: DownloadStatus,
}

/// The caller's own downloads, oldest first (`IDOManager::EnumDownloads`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DownloadList {
    /// Downloads that are not over: of one page. A list without any is `DO_E_NO_DOWNLOADS`.
    pub downloads: Vec<DownloadInfo>,
    /// Where to go on, given back as `after`; left out on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub next: Option<Bookmark>,
}

/// What an operation on a download that succeeded says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DownloadOutcome {
    /// A success code.
    pub code: ErrorCode,
    /// Its name.
    pub symbol: String,
    /// The download's state after the call.
    pub state: DownloadState,
}

/// The value of a property of a download, a job or a file (`GetProperty`, `SetProperty`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PropertyBody {
    /// Text, number or boolean, as the property demands; null takes an object back.
    pub value: PropertyValue,
}
