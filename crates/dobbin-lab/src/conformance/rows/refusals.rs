//! What the interface has and we have not: on purpose, or not yet.

use super::table;
use crate::conformance::row::{Group, refused};

const ABSENT: &str = "not part of Delivery Optimization either";
const OF_WINDOWS: &str = "a matter of Windows; there is no counterpart on Linux";
const DEPRECATED: &str = "deprecated by Microsoft";
const EVERYBODY_RUNS: &str = "jobs of all users run, logged on or not";

/// Row, what it says, why not.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "Manager::EnumJobs",
        "lists jobs",
        "not part of Delivery Optimization either; our own list is `Manager list`",
    ),
    (
        "Manager::GetErrorDescription",
        "text of a code",
        "not part of Delivery Optimization either; error bodies carry a text of ours",
    ),
    ("Job::AddFile of-BITS", "AddFile and AddFileSet of BITS", ABSENT),
    ("Job::TakeOwnership", "gives a job to an administrator", ABSENT),
    ("Job::SetDisplayName", "description and name after creation", ABSENT),
    ("Job::SetMinimumRetryDelay", "the wait between tries", ABSENT),
    ("Job::SetProxySettings", "a proxy for one job", ABSENT),
    ("enum BG_JOB_TYPE upload", "uploads", "Delivery Optimization only downloads; E_INVALIDARG"),
    (
        "enum FILE_RANGES_TRANSFERRED",
        "flag 0x20",
        "not supported by Delivery Optimization; E_NOTIMPL",
    ),
    (
        "limit url-segment",
        "no part of a URL longer than 260 characters",
        "a limit of old Windows paths",
    ),
    ("event owner-logs-off", "a running job is queued", EVERYBODY_RUNS),
    ("event owner-logs-on", "its jobs may run", EVERYBODY_RUNS),
    ("transport smb", "SMB addresses", "http and https only; E_INVALIDARG"),
    ("activation impersonation", "the caller's blanket on every proxy", OF_WINDOWS),
    ("IDODownloadInternal", "GetPropertyEx and SetPropertyEx", DEPRECATED),
    ("download-property-ex", "the properties of IDODownloadInternal", DEPRECATED),
    (
        "http HEAD",
        "a HEAD request before each file",
        "the first GET says the same and saves a round trip",
    ),
    (
        "http multi-range",
        "several ranges in one request",
        "one range a request is understood by every server",
    ),
];

/// On purpose.
pub(super) fn refusals() -> Group {
    let rows = REFUSED.iter().map(|(id, says, why)| refused(id, says, why));
    Group { title: "Refused", rows: rows.collect() }
}

/// Later packages.
pub(super) fn later() -> Group {
    table(
        "Later",
        &[
            ("component activation", "the class DeliveryOptimization gives both managers"),
            (
                "component interfaces",
                "the interfaces by their numbers, in C and C++, with the methods in the published order",
            ),
            (
                "component absent-methods",
                "E_NOTIMPL for what BITS has and Delivery Optimization has not",
            ),
            ("component no-interface", "E_NOINTERFACE for any other interface"),
            ("component null", "E_INVALIDARG for a missing out-pointer"),
            ("component strings", "strings and arrays freed by the caller"),
            ("component variants", "properties as VARIANT, with their types"),
            ("sdk classes", "Microsoft's C++ classes, unchanged, on our agent"),
            ("sdk property-numbers", "the numbers of the open SDK beside those of the interface"),
            ("peer sources", "bytes from peers in DOSwarmStats"),
            ("peer hashes", "piece hash files and their errors"),
            ("policy limits", "rates, hours and modes of the owner"),
            ("policy conditions", "cost, power, VPN and memory seen on the machine"),
        ],
    )
}
