//! Figures of files on the wire.

use serde::{Deserialize, Serialize};

use crate::stats::{DownloadMode, SwarmStatus};

/// Where a file's bytes came from and went to (`DOSwarmStats`, of
/// `IDeliveryOptimizationFile::GetStats`).
///
/// Bytes are those of bodies as they came over the network since the file was added: what had to be
/// fetched twice counts twice. After a power cut the figures may miss the last seconds before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileStats {
    /// The file's id, as given when it was added or made by the service.
    pub file_id: String,
    /// The URL in force.
    pub source_url: String,
    /// Size of the remote file in bytes; nothing while nobody has said it.
    pub file_size: Option<u64>,
    /// From everybody: the sum of `bytes_from_http` and of those from peers.
    pub total_bytes_downloaded: u64,
    /// From peers behind the same address.
    pub bytes_from_lan_peers: u64,
    /// From peers of the same group.
    pub bytes_from_group_peers: u64,
    /// From other peers.
    pub bytes_from_internet_peers: u64,
    /// From origins, mirrors and cache hosts.
    pub bytes_from_http: u64,
    /// Of `bytes_from_http`, those from cache hosts (decision "DOINC is the cache host").
    pub bytes_from_doinc: u64,
    /// To peers behind the same address.
    pub bytes_to_lan_peers: u64,
    /// To peers of the same group.
    pub bytes_to_group_peers: u64,
    /// To other peers.
    pub bytes_to_internet_peers: u64,
    /// Connections that carry a request for the file now, peers aside.
    pub http_connection_count: u32,
    /// Of these, those to cache hosts.
    pub doinc_connection_count: u32,
    /// The same, to peers behind the same address.
    pub lan_connection_count: u32,
    /// The same, to peers of the same group.
    pub group_connection_count: u32,
    /// The same, to other peers.
    pub internet_connection_count: u32,
    /// How long it has been fetched in all, in milliseconds; at most 2^32 - 1.
    pub download_duration_ms: u32,
    /// From whom it may be fetched.
    pub download_mode: DownloadMode,
    /// What goes on with it.
    pub status: SwarmStatus,
    /// Whether its job is of the background class.
    pub is_background: bool,
}

/// The figures of all files of a job, in the order in which they were added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobStats {
    /// One for every file.
    pub files: Vec<FileStats>,
}
