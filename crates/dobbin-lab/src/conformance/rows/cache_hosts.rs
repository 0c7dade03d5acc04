//! Cache hosts: what they are asked, and when origins are asked instead.

use super::table;
use crate::conformance::row::Group;

/// `DOCacheHost` and the delays beside it, as the open agent keeps them.
pub(super) fn cache_hosts() -> Group {
    table(
        "Cache hosts",
        &[
            (
                "cache-host rewrite",
                "the same URL at another host, with `cacheHostOrigin` at its end",
            ),
            ("cache-host choice", "the hosts and the delay are those of the last Start or Resume"),
            ("cache-host https", "https stays https; where that fails, the origin is asked"),
            ("cache-host fallback", "without a delay the origin is asked at once"),
            ("cache-host sides", "when both were tried, two tries without bytes change the side"),
            (
                "cache-host delay",
                "with a delay the origin is asked after it, and then for the rest",
            ),
            ("cache-host never", "with -1 the origin is never asked, and a 4xx is fatal"),
            (
                "cache-host bans",
                "15 minutes: the host where it cannot be reached, the pair with its origin after a 4xx",
            ),
            (
                "cache-host connect-timeout",
                "3 s for a connection to a cache host, 15 s to an origin",
            ),
            (
                "cache-host figures",
                "their bytes have a figure of their own, and count as HTTP's, too",
            ),
        ],
    )
}
