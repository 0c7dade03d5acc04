//! Who asks: the user that the kernel names at the other end of a connection.
//!
//! The one place where an [`Actor`] comes from. Headers, paths, socket names and process ids are
//! never looked at. The user is the one who called `connect`: handing the connection to another
//! process does not change whom it speaks for, and its rights end with it.

use std::io;

use dobbin_engine::Actor;
use dobbin_platform::identity::{peer_uid, tcp_peer_uid};
use dobbin_types::Uid;
use tokio::net::{TcpStream, UnixStream};

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

/// The user at the other end of `stream`, which must lie on this machine: whose socket it is. Nothing
/// when the kernel does not say. Reads the kernel's tables: not for a thread that must not wait.
///
/// # Errors
///
/// The kernel's.
pub(crate) fn at_other_end_of_tcp(stream: &TcpStream) -> io::Result<Option<Actor>> {
    Ok(tcp_peer_uid(stream)?.map(Actor::from_kernel))
}

/// The owner of a download, for whom a call is made by somebody who need not be the owner: the
/// interface for programs written for Microsoft's agent takes an id that nobody can guess for leave.
/// The owner, too, was once named by the kernel.
pub(crate) fn in_the_name_of(owner: Uid) -> Actor {
    Actor::from_kernel(owner)
}

/// Whoever the kernel does not know: owns nothing, and takes up a place of one user. `chown(2)` calls
/// this number no user.
pub(crate) fn nobody() -> Actor {
    Actor::from_kernel(Uid(u32::MAX))
}
