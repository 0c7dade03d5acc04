//! Enumerations, sentinels and structures.

use super::table;
use crate::conformance::row::Group;

/// Numbers with names.
pub(super) fn enumerations() -> Group {
    table(
        "Enumerations and sentinels",
        &[
            ("enum BG_JOB_STATE", "QUEUED 0 to CANCELLED 8, in the interface's order"),
            (
                "enum BG_JOB_STATE connecting",
                "CONNECTING 1 has its number and no job is ever in it",
            ),
            (
                "enum BG_JOB_PRIORITY",
                "FOREGROUND 0 to LOW 3; HIGH, NORMAL and LOW are all background",
            ),
            ("enum BG_JOB_TYPE", "DOWNLOAD 0 and nothing else"),
            ("enum BG_ERROR_CONTEXT", "NONE 0 and REMOTE_FILE 5"),
            ("enum notify-flags", "0x01, 0x02, 0x04, 0x08 and 0x10 are accepted; 0x20 is not"),
            ("enum BITS_JOB_PROPERTY_ID", "COST_FLAGS 1 and NOTIFICATION_CLSID 2"),
            (
                "enum BITS_JOB_TRANSFER_POLICY",
                "the five named masks of cost bits, and the bits themselves",
            ),
            ("enum BITS_FILE_PROPERTY_ID", "HTTP_RESPONSE_HEADERS 1"),
            ("enum DOFilePropertyId", "DecryptionInfo 0 to TotalSizeBytes 6"),
            ("enum DOJobPropertyId", "ExtendedErrorInfo 0"),
            ("enum DownloadMode", "CdnOnly 0, Lan 1, Group 2, Internet 3, Simple 99, Bypass 100"),
            ("enum SwarmStatus", "Downloading 0, Complete 1, Caching 2, Paused 3"),
            ("enum DODownloadState", "Created 0 to Paused 5"),
            ("enum DODownloadCostPolicy", "Always 0 to NoCellular 5"),
            ("sentinel size-unknown", "2^64 − 1 in the interface; absent in REST bodies"),
            ("sentinel to-eof", "2^64 − 1 in the interface; no length in REST bodies"),
        ],
    )
}

/// What calls take and give.
pub(super) fn structures() -> Group {
    table(
        "Structures",
        &[
            ("struct BG_FILE_RANGE", "offset and length"),
            (
                "struct BG_FILE_PROGRESS",
                "the size, or the sum of the ranges; bytes here; completed once it stands under its name",
            ),
            (
                "struct BG_FILE_PROGRESS completed",
                "stays true for each file that reached its place when Complete fails midway",
            ),
            (
                "struct BG_JOB_PROGRESS",
                "unknown in all while any file's size is unknown; ranges count by their length",
            ),
            (
                "struct BG_JOB_TIMES",
                "ticks of 100 ns since 1601; TransferCompletionTime is 0 until the first TRANSFERRED",
            ),
            (
                "struct BG_JOB_TIMES modification",
                "moves with bytes, files, properties, states and calls",
            ),
            (
                "struct DOSwarmStats",
                "id, URL, sizes, bytes by source, connections, duration in milliseconds, mode, status",
            ),
            ("struct DO_DOWNLOAD_RANGE", "offset and length, at least 1 or to the end"),
            ("struct DO_DOWNLOAD_STATUS", "bytes in all and here, state, error, extended error"),
            (
                "struct DO_DOWNLOAD_ENUM_CATEGORY",
                "Id, Uri, ContentId, DisplayName or LocalPath; DO_E_UNKNOWN_PROPERTY_ID for any other",
            ),
        ],
    )
}
