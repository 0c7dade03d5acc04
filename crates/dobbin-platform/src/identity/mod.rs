//! Who is who: this process, the process at the other end of a socket, and what to call them.
//!
//! Identity is the kernel's word and comes as a number. No text, header or address that a peer
//! sends is ever looked at.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod os;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod os;
mod passwd;

use std::io;
use std::os::fd::AsFd;

use dobbin_types::Uid;

pub use passwd::user_name;

/// The user whose rights this process has: the one that its files belong to and that peers see.
pub fn own_uid() -> Uid {
    Uid(rustix::process::geteuid().as_raw())
}

/// The user at the other end of a connected unix socket, as of the moment of `connect`
/// (`unix(7)`, `SO_PEERCRED`).
///
/// Whatever happens to that process later (it ends, it changes its user, it hands the socket to
/// somebody weaker), the connection speaks for the user who made it. Asked of a client's end, the
/// answer is who called `listen`.
///
/// A user whom this process' user namespace does not know shows as the kernel's overflow user,
/// mostly 65534 "nobody": all of these are then one user to us.
///
/// # Errors
///
/// `NotConnected` for a socket that has no such peer (not connected, or no unix socket),
/// `Unsupported` where the system does not say; else what the kernel says of the descriptor.
pub fn peer_uid(socket: &impl AsFd) -> io::Result<Uid> {
    os::peer_uid(socket.as_fd()).map(Uid)
}

/// The user at the other end of a TCP connection within this machine: whose socket it is, as the
/// kernel lists it, at the moment of asking.
///
/// For connections over loopback: of one from another machine, this kernel has no other end to
/// list. `None` when it lists none, or none that a process still holds; the caller decides what
/// somebody unknown may do.
///
/// The socket's owner is who made it, whatever became of that process since. A socket that is
/// asked after its peer has gone names nobody, even when somebody else has the peer's address by
/// then. What [`peer_uid`] says of users from elsewhere holds here too. Blocks while the kernel
/// writes its tables, which takes it some milliseconds, and two more for each thousand connections of
/// the machine: ask once for each connection, and not on a thread that others wait for.
///
/// # Errors
///
/// `NotConnected` for a socket without a peer, `InvalidInput` for one that is not of TCP,
/// `Unsupported` where the system does not say; else what reading the kernel's tables gives.
pub fn tcp_peer_uid(socket: &impl AsFd) -> io::Result<Option<Uid>> {
    Ok(os::tcp_peer_uid(socket.as_fd())?.map(Uid))
}

/// The permission bits that this process takes away from files it creates; `None` when the system
/// does not say.
///
/// Unlike `umask(2)`, which can only be read by setting it, this changes nothing and is safe with
/// other threads creating files.
pub fn umask() -> Option<u32> {
    os::umask()
}
