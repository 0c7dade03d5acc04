//! The REST protocol of Microsoft's agent for Linux, for programs that were written for it.

use super::table;
use crate::conformance::row::Group;

/// Ports, connections, and what a request and a reply look like.
pub(super) fn transport() -> Group {
    table(
        "Existing programs: transport",
        &[
            ("rest port", "127.0.0.1, the first port that is free of those it may use"),
            ("rest port-file", "the port stands in a file that everybody may read; others go"),
            ("rest remote", "E_INVALIDARG for a caller whose address is no loopback one"),
            ("rest browsers", "E_ACCESSDENIED for a request of a page or to a foreign name (ours)"),
            ("rest reconnect", "programs find the agent again when it was started anew"),
            ("rest pipelining", "requests one behind the other, answered in their order"),
            ("rest slashless", "targets with a leading slash or without one"),
            (
                "rest superset",
                "all of RFC 3986 in a target, HTTP/1.0, empty lines before a request",
            ),
            ("rest body", "a body with a length is passed over"),
            ("rest malformed", "400 without a body for what is no request, and the end"),
            ("rest request-size", "requests of 16 KiB"),
            ("rest reply-bytes", "header fields, their order and their spelling; JSON of texts"),
            ("rest reply-statuses", "200, 400, 404, 500, 503 and their reasons"),
            ("rest reply-size", "no reply above 2,048 bytes; WIN32_BAD_LENGTH instead"),
            ("rest codes", "codes as signed decimals, statuses folded"),
        ],
    )
}

/// What may be asked, and how it is refused.
pub(super) fn requests() -> Group {
    table(
        "Existing programs: requests",
        &[
            ("rest query", "split at & or ;, each at its first =, then decoded; + is a plus"),
            ("rest parameters", "E_INVALIDARG for an unknown one, 500 for a broken escape"),
            ("rest paths", "E_UNSUPPORTED for another path or verb"),
            ("rest endpoints", "nine calls, each with its verb, in any case"),
            ("rest refusals", "the code of each refusal, byte for byte"),
            ("rest ids", "404 for an id that is missing, unknown or spelt otherwise"),
            ("rest create", "a new download, with a URL and a path or without"),
            ("rest getstatus", "state, bytes and two codes, as texts"),
            ("rest getproperty", "the name is looked at before the id; empty until it is set"),
            ("rest setproperty", "in its states, all or none; a timeout of 10 s at least"),
            ("rest owners", "who knows an id may everything, or the owner alone if so told"),
        ],
    )
}

/// What becomes of downloads.
pub(super) fn downloads() -> Group {
    table(
        "Existing programs: downloads",
        &[
            ("rest downloads", "create, start, status, finalize; 404 for what is over"),
            ("rest urls", "a URL with ?, &, =, %2F, + and a space reaches the origin as it is"),
            ("rest status", "six states, of which two are never seen"),
            (
                "rest transient",
                "what is tried again is Transferring with its code; blocked is Paused",
            ),
            ("rest resume", "pause and start go on with a range"),
            ("rest existing-target", "EEXIST, and the file stays; ENOENT without a folder"),
            ("rest not-found", "404 of the origin is a pause with its code; abort takes the file"),
            ("rest abort", "the file goes with the download, at any time"),
            ("rest no-progress", "DO_E_DOWNLOAD_NO_PROGRESS after the time that was set"),
            ("rest restart", "downloads outlive the agent, unlike with Microsoft's"),
        ],
    )
}

/// What stands around the protocol: files, signals, the program's other name, apt.
pub(super) fn surroundings() -> Group {
    table(
        "Existing programs: surroundings",
        &[
            ("rest version", "--version in the form of Microsoft's agent, under its name"),
            ("rest admin-config", "cache hosts and delays of the administrator's file"),
            ("rest remote-switch", "RestControllerValidateRemoteAddr"),
            ("rest gateway", "GatewayHostName of sdk-config.json is the cache host"),
            ("rest look-again", "files count anew after 60 s; a spoilt one changes nothing"),
            ("rest reload", "the administrator's file at once on SIGHUP"),
            ("rest units", "services, users and folders that systemd understands"),
            ("rest apt", "apt updates and fetches packages through the agent"),
        ],
    )
}
