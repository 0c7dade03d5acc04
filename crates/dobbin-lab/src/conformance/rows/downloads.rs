//! `IDOManager` and `IDODownload`.

use dobbin_types::ErrorCode;

use super::table;
use crate::conformance::row::{Group, Row, kept};

/// Methods.
pub(super) fn interface() -> Group {
    table(
        "Downloads",
        &[
            (
                "IDOManager::CreateDownload",
                "a new download: Created, every property at its default",
            ),
            (
                "IDOManager::EnumDownloads",
                "the caller's own, all or by one property; DO_E_NO_DOWNLOADS when there is none",
            ),
            (
                "IDOManager::EnumDownloads property",
                "DO_E_UNKNOWN_PROPERTY_ID for a property that cannot be asked by",
            ),
            ("IDODownload::Start", "fetches, or goes on"),
            ("IDODownload::Pause", "stops; what was fetched is kept"),
            ("IDODownload::Abort", "stops; what was fetched is deleted"),
            ("IDODownload::Finalize", "the file stands under its name; no further Start"),
            ("IDODownload::GetStatus", "bytes in all and here, state, error, extended error"),
            (
                "IDODownload::GetStatus transient",
                "Paused with Error 0 and a failing ExtendedError; goes on by itself",
            ),
            ("IDODownload::GetStatus fatal", "Paused with a failing Error"),
            (
                "IDODownload::GetProperty",
                "DO_E_UNKNOWN_PROPERTY_ID, DO_E_WRITE_ONLY_PROPERTY, or E_NOT_SET for one never set",
            ),
            (
                "IDODownload::SetProperty",
                "DO_E_UNKNOWN_PROPERTY_ID, DO_E_READ_ONLY_PROPERTY for Id, DO_E_INVALID_STATE when it is too late",
            ),
            (
                "IDODownloadStatusCallback::OnStatusChange",
                "told of states and of progress; what it returns is ignored",
            ),
            (
                "IDODownload jobs",
                "a download is a job with one file: both interfaces see the same queue",
            ),
        ],
    )
}

/// The properties, by name: type, access, default, and when they may be set.
pub(super) fn properties() -> Group {
    table(
        "Properties of downloads",
        &[
            ("download-property Id", "read only: the GUID as text"),
            ("download-property Uri", "Created, Paused"),
            ("download-property ContentId", "Created"),
            ("download-property DisplayName", "until the end"),
            (
                "download-property LocalPath",
                "Created; missing folders are made with the caller's rights",
            ),
            (
                "download-property HttpCustomHeaders",
                "Created, Paused; lines ended by LF or CR LF; those that the service sets itself are E_INVALIDARG",
            ),
            (
                "download-property CostPolicy",
                "until the end; Always in the foreground, else Standard",
            ),
            (
                "download-property SecurityFlags",
                "Created, written only; loosening TLS is E_ACCESSDENIED",
            ),
            ("download-property CallbackFreqPercent", "until the end; 0 is off"),
            ("download-property CallbackFreqSeconds", "until the end; 1"),
            ("download-property NoProgressTimeoutSeconds", "until the end; at least 60"),
            ("download-property ForegroundPriority", "until the end; false"),
            (
                "download-property BlockingMode",
                "Created, Paused; Start returns at Transferred or at an error",
            ),
            ("download-property CallbackInterface", "until the end; none clears it"),
            (
                "download-property StreamInterface",
                "Created, instead of LocalPath (DO_E_FILE_DOWNLOADSINK_ALREADY_SET); needs ranges (DO_E_DOWNLOAD_RANGES_EXPECTED)",
            ),
            (
                "download-property SecurityContext",
                "Created, written only: a client certificate; CRYPT_E_FILE_ERROR for what is none",
            ),
            ("download-property NetworkToken", "Created; accepted, without effect here"),
            ("download-property CorrelationVector", "until the end; sent as MS-CV"),
            ("download-property DecryptionInfo", "Created, written only; E_NOTIMPL until it is"),
            (
                "download-property IntegrityCheckInfo",
                "Created, written only; E_INVALIDARG for what is no such JSON",
            ),
            ("download-property IntegrityCheckMandatory", "Created; false"),
            ("download-property TotalSizeBytes", "Created; above 0"),
            ("download-property DisallowOnCellular", "until the end; false"),
            (
                "download-property HttpCustomAuthHeaders",
                "Created, Paused; sent only after 401 or 407",
            ),
            ("download-property HttpAllowSecureToNonSecureRedirect", "Created; false"),
            (
                "download-property NonVolatile",
                "Created; false, true for what the job interface made",
            ),
        ],
    )
}

/// What `Start` makes of its argument.
pub(super) fn starting() -> Group {
    table(
        "Starting a download",
        &[
            ("Start whole", "no ranges: the whole file"),
            ("Start ranges", "these parts, back to back in the order given"),
            ("Start null", "as before; the whole file the first time"),
            ("Start again", "in Transferred with other ranges: the next portion, behind the first"),
            ("Start zero-length", "DO_E_INVALID_RANGE"),
            ("Start overlap", "DO_E_OVERLAPPING_RANGES"),
        ],
    )
}

/// The columns of the downloads' table.
const STATES: [&str; 8] = [
    "Created",
    "Transferring",
    "Paused",
    "Paused-transient",
    "Paused-fatal",
    "Transferred",
    "Finalized",
    "Aborted",
];

/// Every call in every state.
pub(super) fn states() -> Group {
    const IS: &str = "DO_E_INVALID_STATE";
    let table: [(&str, [&str; 8]); 6] = [
        (
            "Start",
            [
                "Transferring; DO_E_DOWNLOAD_NO_URI, DO_E_FILE_DOWNLOADSINK_UNSPECIFIED and what the \
                 system says of the destination leave it Created",
                "S_OK, nothing changes",
                "Transferring",
                "Transferring, at once",
                "Transferring, the error is cleared",
                "nothing without new ranges; with them Transferring",
                IS,
                IS,
            ],
        ),
        (
            "Pause",
            [
                "S_OK, nothing changes",
                "Paused, both errors 0",
                "S_OK, nothing changes",
                "Paused, the extended error cleared: a wait becomes the user's pause",
                "S_OK, nothing changes",
                "S_OK, nothing changes",
                IS,
                IS,
            ],
        ),
        ("Finalize", [IS, IS, IS, IS, IS, "Finalized", "S_OK, nothing changes", IS]),
        (
            "Abort",
            [
                "Aborted",
                "Aborted",
                "Aborted",
                "Aborted",
                "Aborted",
                "Aborted",
                IS,
                "S_OK, nothing changes",
            ],
        ),
        ("SetProperty", ["as the property says"; 8]),
        ("GetStatus", ["S_OK"; 8]),
    ];
    let rows = table.into_iter().flat_map(|(operation, cells)| {
        STATES
            .into_iter()
            .zip(cells)
            .map(move |(state, says)| kept(format!("download-table {operation} × {state}"), says))
    });
    let events = [
        ("all-bytes × Transferring", "Transferred"),
        (
            "transient-block × Transferring",
            "Paused, Error 0, a failing ExtendedError; goes on by itself",
        ),
        ("fatal × Transferring", "Paused, a failing Error"),
        ("age-limit × Created", "Aborted after 30 days, as in every state before the end"),
    ];
    let events = events.map(|(event, says)| kept(format!("download-table {event}"), says));
    let rows: Vec<Row> = rows.chain(events).collect();
    debug_assert!(ErrorCode::from_symbol(IS).is_some());
    Group { title: "State table: downloads", rows }
}
