//! What a program is told: errors and callbacks.

use super::table;
use crate::conformance::row::Group;

/// `IBackgroundCopyError`.
pub(super) fn error() -> Group {
    table(
        "Error objects",
        &[
            (
                "Error::GetError",
                "the code, and what it has to do with: the remote file exactly when the server said 403, else nothing",
            ),
            ("Error::GetFile", "the file it happened to"),
            ("Error::GetFile none", "DO_E_FILE_NOT_AVAILABLE for an error that is tied to no file"),
            ("Error none-of-calls", "a call that is refused makes no error object"),
        ],
    )
}

/// `IBackgroundCopyCallback`.
pub(super) fn callback() -> Group {
    table(
        "Callbacks",
        &[
            ("Callback::JobTransferred", "told once all files are here, when flag 0x01 is set"),
            (
                "Callback::JobError",
                "told on entry to ERROR and never for what may pass, when flag 0x02 is set",
            ),
            (
                "Callback::JobError repeats",
                "again until it is taken: after 5 s, doubling to 5 min, ten times at most",
            ),
            (
                "Callback::JobModification",
                "bytes, files, properties and states, when flag 0x08 is set; at most one a second",
            ),
            ("Callback::JobModification not-at-ends", "not for the entry to ERROR or TRANSFERRED"),
            ("Callback FILE_TRANSFERRED", "flag 0x10 is accepted, and told as a modification"),
            ("Callback DISABLE", "flag 0x04 mutes whatever else is set"),
            ("Callback concurrency", "at most four at once to one user"),
            ("Callback registration", "ends with the program that made it, and with the service"),
        ],
    )
}
