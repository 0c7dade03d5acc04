//! How a client behaves, whatever it is asked for.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::network::{Network, SystemNetwork};
use super::pools::SleptSoFar;
use super::proxy::ProxyRules;

/// How a client behaves, whatever it is asked for.
#[derive(Clone)]
pub struct HttpSettings {
    /// Sent as `User-Agent` unless the request carries its own. Must be a valid header value; one
    /// that is not is left out.
    pub user_agent: String,
    /// From the first look at the name to the end of the TLS handshake, proxy included. Each hop of a
    /// redirect has its own, and so has the second try of an origin that speaks the other HTTP.
    pub connect_timeout: Duration,
    /// When a connected server counts as dead. Its [`StallRule::over`] also bounds the wait for a
    /// reply's headers.
    pub stall: StallRule,
    /// How many redirects are followed for one request.
    pub redirects_max: u32,
    /// Which hosts are reached through which proxy.
    pub proxy: ProxyRules,
    /// Authorities trusted besides the system's: the owner's configuration, or a test's.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Bytes asked of the kernel at a time; frames are at most this long. Larger means less work per
    /// byte up to about 1 MiB; a slow limit is smoother with less. Also bounds a reply's headers, so
    /// at least 64 KiB are used.
    pub read_buffer: usize,
    /// How long the machine has slept so far. Connections are not kept across a long sleep.
    pub slept: SleptSoFar,
    /// Names and sockets: the system's, unless a test stands in for it.
    pub network: Arc<dyn Network>,
}

impl HttpSettings {
    /// What the product uses. The figures are those of the open agent, except where noted at the
    /// field, and proxies are those of the environment as it is now.
    pub fn product(user_agent: &str) -> HttpSettings {
        HttpSettings {
            user_agent: user_agent.to_owned(),
            connect_timeout: Duration::from_secs(15),
            stall: StallRule { min_bytes_per_second: 4_000, over: Duration::from_secs(20) },
            redirects_max: 10,
            proxy: ProxyRules::from_environment(),
            extra_roots: Vec::new(),
            read_buffer: 1024 * 1024,
            // Whoever has a clock that knows puts it here.
            slept: Arc::new(|| Duration::ZERO),
            network: Arc::new(SystemNetwork),
        }
    }
}

/// A server is stalled when, over the last [`StallRule::over`] of waiting for it, it sent less than
/// [`StallRule::min_bytes_per_second`] on average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StallRule {
    /// The slowest average that is still alive.
    pub min_bytes_per_second: u64,
    /// The time over which the average is taken. Only time spent waiting counts: a reader that is
    /// held back by a limit blames nobody.
    pub over: Duration,
}
