//! What a caller may take up: connections, bytes and time.

use std::time::Duration;

use dobbin_types::rest::REQUEST_BYTES_MAX;

/// The limits of one agent. [`Limits::PRODUCT`] is what ships; tests shrink single values, so that
/// none of them has to wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at once, over all users.
    pub(crate) connections_max: usize,
    /// Connections at once of one user, so that nobody can lock the others out.
    pub(crate) connections_per_user_max: usize,
    /// Bytes of one request's body.
    pub(crate) request_bytes_max: usize,
    /// From the first byte of a request to the end of its header.
    pub(crate) head: Duration,
    /// From the end of the header to the end of the body, however many bytes it has.
    pub(crate) body: Duration,
    /// How long a connection may be silent between requests.
    pub(crate) idle: Duration,
    /// How long a caller may leave the bytes of a reply in its socket unread.
    pub(crate) write: Duration,
    /// Between two signs of life on an event stream, which is how a dead subscriber is noticed.
    pub(crate) keep_alive: Duration,
}

impl Limits {
    /// The limits of the product.
    pub(crate) const PRODUCT: Limits = Limits {
        connections_max: 1_024,
        connections_per_user_max: 64,
        request_bytes_max: REQUEST_BYTES_MAX,
        head: Duration::from_secs(10),
        body: Duration::from_secs(10),
        idle: Duration::from_secs(60),
        write: Duration::from_secs(30),
        keep_alive: Duration::from_secs(15),
    };
}

/// Bytes of a request's line and header fields together.
pub(crate) const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Header fields of a request.
pub(crate) const HEADER_FIELDS_MAX: usize = 64;

/// Bodies up to this size, in bytes, are read at once; larger ones take turns.
pub(crate) const SMALL_BODY_BYTES_MAX: usize = 64 * 1024;

/// Large bodies of one user that are read at the same time.
pub(crate) const LARGE_BODIES_PER_USER_MAX: usize = 2;

/// Connections that the kernel keeps for us until we accept them.
pub(crate) const BACKLOG: u32 = 128;

/// How long to wait after a failed `accept`: with no descriptor left, trying at once again would
/// only burn the processor until some other connection ends.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

// What bodies of one user can hold in memory at once: the figure in the manual.
const _: () = assert!(
    LARGE_BODIES_PER_USER_MAX * Limits::PRODUCT.request_bytes_max
        + Limits::PRODUCT.connections_per_user_max * SMALL_BODY_BYTES_MAX
        <= 20 * 1024 * 1024
);

// One user must leave room for others.
const _: () =
    assert!(Limits::PRODUCT.connections_per_user_max * 4 <= Limits::PRODUCT.connections_max);
