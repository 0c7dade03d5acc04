//! Who asks: the user that the kernel names at the other end of a connection.
//!
//! The one place where an [`Actor`] comes from. Headers, paths, socket names and process ids are
//! never looked at. The user is the one who called `connect`: handing the connection to another
//! process does not change whom it speaks for, and its rights end with it.

use std::io;

use dobbin_engine::Actor;
use dobbin_platform::identity::peer_uid;
use tokio::net::UnixStream;

use super::seats::Seat;

/// The caller at the other end of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// For the engine, which decides what the caller may do.
    pub(crate) actor: Actor,
    /// The caller's place among the connections.
    pub(crate) seat: Seat,
}

/// The user at the other end of `stream`.
///
/// # Errors
///
/// The kernel's, for a connection that it does not know a user of. Such a caller gets no answer.
pub(crate) fn at_other_end(stream: &UnixStream) -> io::Result<Actor> {
    peer_uid(stream).map(Actor::from_kernel)
}
