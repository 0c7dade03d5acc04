//! Error codes: each with where it surfaces, how failures become codes, and which of them pass.

use dobbin_types::error::TABLE;

use super::table;
use crate::conformance::row::{Group, Row, Standing, kept};

/// Codes that are in the table of numbers and that nothing here answers with; why.
const REFUSED: &[(&str, &str)] = &[
    ("E_POINTER", "a missing argument is E_INVALIDARG everywhere"),
    ("E_ABORT", "no call is called off by the service"),
    ("E_NOT_VALID_STATE", "internal to the open agent; callers get DO_E_INVALID_STATE"),
    ("WININET_E_HEADER_NOT_FOUND", "unused by the open agent too"),
    ("WEB_E_JSON_VALUE_NOT_FOUND", "unused by the open agent too"),
    (
        "DO_E_FILE_SIZE_UNKNOWN_HTTP_2XX",
        "any success but 200 and 206 is DO_E_UNEXPECTED_HTTP_STATUS_2XX and may pass",
    ),
    ("DO_E_NETWORK_ACCESS_CONSENT_NEEDED", "there is no such consent on Linux"),
    ("DO_E_NO_DOWNLOAD_PARTICIPATION", "no cloud decides who takes part"),
    ("DO_E_CLOUD_SERVICES_UNREACHABLE", "there is no cloud service to reach"),
    ("DO_E_DOWNLOADMODE_SET_FOR_UNREG_CALLER", "no caller needs to be registered"),
    (
        "DO_E_DOWNLOAD_NO_CONTENT_ID",
        "an address always suffices: no service knows content by its id alone",
    ),
    ("DO_E_SERVICES_RESPONSE_EMPTY", "there is no cloud service to answer"),
];

/// Every named code but those that only say an HTTP status.
pub(super) fn codes() -> Group {
    let rows = TABLE.iter().filter(|row| !row.symbol.starts_with("HTTP_E_")).map(|row| {
        let refused = REFUSED.iter().find(|(symbol, _)| *symbol == row.symbol);
        let standing = refused.map_or(Standing::Kept, |(_, why)| Standing::Refused(why));
        Row { standing, ..kept(format!("code {}", row.symbol), row.text) }
    });
    Group { title: "Codes", rows: rows.collect() }
}

/// How a failure becomes a code.
pub(super) fn mappings() -> Group {
    table(
        "How failures become codes",
        &[
            (
                "hresult transient-zone",
                "failures of facility 208 whose number is 0x3800 to 0x3FFF may pass",
            ),
            ("hresult signed", "read and written as signed decimals and as hexadecimal digits"),
            (
                "hresult aliases",
                "DO_E_NOT_FOUND is DO_E_JOB_NOT_FOUND, DO_E_EMPTY is DO_E_JOB_EMPTY",
            ),
            ("http-status straight", "0x80190000 and the status, for every status from 400 on"),
            ("http-status context", "the remote file is to blame for 403 alone"),
            ("http-status folded *", "the table of the open agent, for existing programs"),
            ("system-code errno", "0xC0D00000 and the number"),
            (
                "system-code transfer",
                "the numbers that scripts know: 18 cut short, 47 redirects, 35 and 60 TLS, 52 no reply, 56 reset",
            ),
            ("system-code windows", "0x80070000 and the number"),
        ],
    )
}

/// What passes and what does not.
pub(super) fn classes() -> Group {
    table(
        "What stops a job and what it waits for",
        &[
            (
                "class disk",
                "a disk that refuses: ERROR; one that is full: TRANSIENT_ERROR, until there is room",
            ),
            ("class client-error", "4xx: ERROR, but 408 and 429 may pass"),
            ("class server-error", "5xx and leftovers of 3xx may pass"),
            ("class connection", "names, connections, timeouts and resets may pass"),
            ("class bad-url", "a redirect to what is no web address: ERROR"),
            (
                "class bad-hash",
                "bytes with another hash than the caller's: DO_E_BAD_PIECE_HASH, and nothing is shown",
            ),
            (
                "class odd-success",
                "204 and other odd successes may pass: DO_E_UNEXPECTED_HTTP_STATUS_2XX",
            ),
            (
                "class whole-for-part",
                "200 to a request for a part is taken where the needed bytes begin at 0, else DO_E_INSUFFICIENT_RANGE_SUPPORT",
            ),
            (
                "class no-size",
                "200 without a length: DO_E_FILE_SIZE_UNKNOWN_HTTP_200; 206 without a total: DO_E_FILE_SIZE_UNKNOWN_HTTP_206",
            ),
            (
                "class certificate",
                "a certificate that is not right, or TLS too old for one to count: DO_E_HTTP_CERT_VALIDATION",
            ),
        ],
    )
}
