//! Connections that are kept for the next request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use dobbin_core::schedule::TRANSFERS_PER_JOB_MAX;
use http_body_util::Empty;
use hyper_util::client::legacy::{self, Builder};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::connect::{Connector, Ways};
use super::dial::Scope;
use super::protocol::Protocol;

/// Idle connections kept for one host: as many as ask it at once.
pub(super) const IDLE_PER_HOST_MAX: usize = 8;

/// How long a connection is kept idle. Shorter than most servers keep theirs, so that few go stale.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Less than this and a reply's headers may not fit.
const READ_BUFFER_MIN: usize = 64 * 1024;

/// What an HTTP/2 origin may send of one reply before we have read it. Enough for 80 MB/s over 100 ms.
/// It is held in our memory rather than the kernel's when the reader is held back.
const H2_STREAM_WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// The same for all replies on one connection: the readers of a whole job may be held back by its
/// limit, with all their windows full, and those of another job still move.
const H2_CONNECTION_WINDOW_BYTES: u32 = H2_STREAM_WINDOW_BYTES * (TRANSFERS_PER_JOB_MAX as u32 + 1);

/// The longest frame that an HTTP/2 origin may send. Most send 8 or 16 KiB whatever is allowed; those
/// that would send more save work by it.
const H2_FRAME_BYTES_MAX: u32 = 256 * 1024;

// RFC 9113 §6.5.2 and §6.9.1: what these may be.
const _: () = assert!(H2_FRAME_BYTES_MAX >= 1 << 14 && H2_FRAME_BYTES_MAX < 1 << 24);
const _: () = assert!(H2_CONNECTION_WINDOW_BYTES < 1 << 31);

/// Connections of one kind.
pub(super) type Pool = legacy::Client<Connector, Empty<Bytes>>;

/// How long the machine has slept since some moment; never shrinks. Given by whoever has the clock.
pub type SleptSoFar = Arc<dyn Fn() -> Duration + Send + Sync>;

/// A sleep that ends all connections. Shorter ones outlast neither a server's patience nor the memory
/// of a router on the way.
const SLEEP_MIN: Duration = Duration::from_secs(10);

/// The connections of one client, as long as the machine is awake.
///
/// A clock that stands still while the machine sleeps takes a connection for fresh whose other end is
/// long gone. Asking on it would cost the time of a stall, so after a sleep nobody does.
pub(super) struct Kept {
    ways: Arc<Ways>,
    read_buffer: usize,
    slept: SleptSoFar,
    /// The pools, and how long the machine had slept when they were made.
    awake: Mutex<(Duration, Pools)>,
}

impl Kept {
    pub(super) fn new(ways: &Arc<Ways>, read_buffer: usize, slept: &SleptSoFar) -> Kept {
        let pools = Pools::new(ways, read_buffer);
        let (ways, slept) = (Arc::clone(ways), Arc::clone(slept));
        let awake = Mutex::new((slept(), pools));
        Kept { ways, read_buffer, slept, awake }
    }

    /// Where to find, or make, a connection of this kind.
    pub(super) fn pool(&self, scope: Scope, protocol: Protocol) -> Pool {
        let slept = (self.slept)();
        let mut awake = self.awake.lock().unwrap_or_else(PoisonError::into_inner);
        if slept.saturating_sub(awake.0) >= SLEEP_MIN {
            tracing::debug!("connections from before a sleep are given up");
            *awake = (slept, Pools::new(&self.ways, self.read_buffer));
        }
        awake.1.pool(scope, protocol).clone()
    }
}

/// The connections themselves.
struct Pools {
    /// Connections to any address.
    any: Pair,
    /// Connections that were allowed to lead to public addresses only. Kept apart, so that what
    /// follows a public reply never travels on a connection that a caller's own URL has opened.
    public_only: Pair,
}

/// A pool for either version: one hands out a connection to each request, the other makes one and
/// shares it.
struct Pair {
    http1: Pool,
    http2: Pool,
}

impl Pools {
    fn new(ways: &Arc<Ways>, read_buffer: usize) -> Pools {
        let pair = |scope| {
            let connector = |protocol| Connector { ways: Arc::clone(ways), scope, protocol };
            Pair {
                http1: http1(read_buffer).build(connector(Protocol::Http1)),
                http2: http2(read_buffer).build(connector(Protocol::Http2)),
            }
        };
        Pools { any: pair(Scope::Any), public_only: pair(Scope::PublicOnly) }
    }

    fn pool(&self, scope: Scope, protocol: Protocol) -> &Pool {
        let pair = match scope {
            Scope::Any => &self.any,
            Scope::PublicOnly => &self.public_only,
        };
        match protocol {
            Protocol::Http1 => &pair.http1,
            Protocol::Http2 => &pair.http2,
        }
    }
}

fn http1(read_buffer: usize) -> Builder {
    let mut builder = any();
    builder.http1_read_buf_exact_size(read_buffer.max(READ_BUFFER_MIN));
    builder
}

fn http2(read_buffer: usize) -> Builder {
    let frame = u32::try_from(read_buffer.max(READ_BUFFER_MIN)).unwrap_or(u32::MAX);
    let mut builder = any();
    builder
        .http2_only(true)
        .http2_initial_stream_window_size(H2_STREAM_WINDOW_BYTES)
        .http2_initial_connection_window_size(H2_CONNECTION_WINDOW_BYTES)
        .http2_max_frame_size(frame.min(H2_FRAME_BYTES_MAX))
        .http2_max_header_list_size(READ_BUFFER_MIN as u32);
    builder
}

fn any() -> Builder {
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(IDLE_PER_HOST_MAX);
    builder
}
