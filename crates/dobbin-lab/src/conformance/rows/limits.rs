//! Limits and defaults.

use super::table;
use crate::conformance::row::Group;

/// How much, how long, and what holds where nothing was said.
pub(super) fn limits() -> Group {
    table(
        "Limits and defaults",
        &[
            ("limit display-name", "at most 256 characters"),
            (
                "limit url",
                "http or https, at most 2,200 characters, nothing escaped for the caller; else E_INVALIDARG",
            ),
            ("limit local-name", "absolute, no NUL, no longer than a path may be"),
            ("limit retention", "a job is removed 30 days after its creation"),
            ("limit jobs-per-machine", "off by default; BG_E_TOO_MANY_JOBS_PER_MACHINE beyond it"),
            ("limit jobs-per-user", "off by default; BG_E_TOO_MANY_JOBS_PER_USER beyond it"),
            ("limit files-per-job", "off by default; BG_E_TOO_MANY_FILES_IN_JOB beyond it"),
            ("limit ranges-per-file", "off by default; BG_E_TOO_MANY_RANGES_IN_FILE beyond it"),
            ("default priority", "NORMAL"),
            (
                "default no-progress-timeout",
                "3,600 s in the foreground, 86,400 s in the background; follows the priority until it is set",
            ),
            ("limit no-progress-zero", "0 makes every error fatal"),
            ("default notify-flags", "JOB_TRANSFERRED and JOB_ERROR"),
            ("default cost-flags", "ALWAYS in the foreground, else STANDARD"),
            ("default state", "SUSPENDED"),
            ("default persistence", "jobs survive a restart; who is told does not, the class does"),
        ],
    )
}
