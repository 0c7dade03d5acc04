//! Files of a job on the wire.

use serde::{Deserialize, Serialize};

use crate::file::{ByteRange, FileProgress};
use crate::id::FileNumber;
use crate::time::FileTime;

/// One file to add to a job (`IDeliveryOptimizationJob::AddFileWithRanges`; without a local name
/// `IDeliveryOptimizationJob2::AddFile`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddFile {
    /// Where it comes from: an `http` or `https` URL of at most 2,200 characters. Empty is accepted;
    /// the job cannot be resumed before it has one.
    pub remote_name: String,
    /// Further URLs at which the same file can be had, best first: at most 64, each as `remote_name`. One
    /// that is named before counts once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<String>,
    /// Whether only public addresses may be asked for it, because it was somebody on the internet who
    /// named its URLs, as in a metalink. Left out, any address may.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub public_only: bool,
    /// Where it goes: an absolute path in a folder that exists. Left out, the job cannot be resumed
    /// before it has one (`DownloadSinkFilePath`); empty is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_name: Option<String>,
    /// Id of the published content, or any text that no other file of the job has. Left out, the
    /// service makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// Parts of the remote file, to be put back to back; empty for the whole file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<ByteRange>,
    /// Size of the remote file in bytes, if the caller knows it. A server that says otherwise is an
    /// error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// SHA-256 of the local file as 64 hexadecimal digits. A file that turns out otherwise is
    /// never shown under its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Whether Complete may replace a file that stands under the local name.
    #[serde(default)]
    pub replace: bool,
    /// How its pieces are checked while they come. The same can be said with the properties
    /// `integrity_check_info` and `integrity_check_mandatory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub piece_hashes: Option<PieceHashes>,
}

/// Longest [`PieceHashes::text`], in bytes: what a request has room for beside all else. Enough for
/// some 89,000 pieces.
pub const PHF_TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The hashes of a file's pieces: a piece-hash file, where it is or itself, and what it is known by.
/// Not for files of which only ranges are fetched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PieceHashes {
    /// Where the piece-hash file is: a URL as `remote_name`. Needs `sha256` or `hash_of_hashes`, because
    /// hashes that nothing vouches for prove nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The piece-hash file itself, of at most 4 MiB, instead of `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// SHA-256 of the piece-hash file as 64 hexadecimal digits (`PiecesHashFileDigest`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The hash over all of its hashes, 32 bytes in base64 (`HashOfHashes`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_of_hashes: Option<String>,
    /// Whether a file that cannot be checked is an error (`IntegrityCheckMandatory`); else it is
    /// fetched unchecked.
    #[serde(default)]
    pub mandatory: bool,
}

/// Files to add to a job: all of them or none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddFiles {
    /// At least one.
    pub files: Vec<AddFile>,
}

/// The numbers of the files that were added, in the order of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddedFiles {
    /// One for each file of the request.
    pub numbers: Vec<FileNumber>,
}

/// `IBackgroundCopyFile2::SetRemoteName`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetRemoteName {
    /// The new URL, of at most 2,200 characters. Survives a restart of the agent only once the job was
    /// resumed after it.
    pub remote_name: String,
}

impl core::fmt::Debug for SetRemoteName {
    /// Without the URL, which may hold a secret.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SetRemoteName").finish_non_exhaustive()
    }
}

/// One file of a job (`IBackgroundCopyFile`, `IBackgroundCopyFile2`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileInfo {
    /// Its place in the job.
    pub number: FileNumber,
    /// As given when it was added, or made by the service.
    pub file_id: String,
    /// Where it comes from; empty while that is not known.
    pub remote_name: String,
    /// Further URLs at which it can be had, as given when it was added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<String>,
    /// Whether only public addresses may be asked for it.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub public_only: bool,
    /// Whether what its URL led to last had a public address; nothing before the first reply since the
    /// agent was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_public: Option<bool>,
    /// Where it goes; empty while that is not known.
    pub local_name: String,
    /// As given when it was added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<ByteRange>,
    /// How far it is.
    pub progress: FileProgress,
    /// Whether it is wholly here, checked and safe.
    pub transferred: bool,
    /// The hash it must have, as 64 lower-case hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Whether Complete may replace a file that stands under the local name.
    #[serde(default)]
    pub replace: bool,
    /// When the origin last changed it, if it said so; the local file gets this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<FileTime>,
    /// How its pieces are checked, without the text of a piece-hash file that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub piece_hashes: Option<PieceHashes>,
}

/// The files of a job, in the order in which they were added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileList {
    /// Every file of the job.
    pub files: Vec<FileInfo>,
}
