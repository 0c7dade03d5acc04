//! Waits, timeouts and counts.

use super::table;
use crate::conformance::row::Group;

/// Numbers that a program may notice.
pub(super) fn numbers() -> Group {
    table(
        "Numbers",
        &[
            (
                "number retry-delay",
                "2 s, doubling to 30 s in the foreground and 600 s in the background; anew after a byte",
            ),
            ("number retry-after", "a server's wish for patience is kept, within bounds"),
            ("number connect-timeout", "15 s to an origin, for every request anew"),
            ("number stall-timeout", "slower than 4,000 bytes a second over 20 s is a timeout"),
            ("number redirects", "ten are followed; 301, 302, 303, 307 and 308 alike"),
            (
                "number no-progress-clock",
                "no wall clock moves the no-progress timeout, and it rests while a condition blocks the job or it waits for a slot",
            ),
            (
                "number download-no-progress",
                "at least 60 s for IDODownload, else E_INVALIDARG; cleared by Start",
            ),
            ("number single-range", "one range per request, never several"),
        ],
    )
}
