//! What a service manager wants to hear from the agent, and what it hands over.
//!
//! All of it is harmless without a service manager: nobody is told, nothing was handed over.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod os;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod os;

use std::io;
use std::os::unix::net::UnixListener;
use std::time::Duration;

/// Says that callers are served from now on: the socket is bound and recovery is done.
///
/// # Errors
///
/// A manager is there, but cannot be told; it will then take the start for failed.
pub fn notify_ready() -> io::Result<()> {
    os::notify_ready()
}

/// Says that the end was asked for and has begun. Once is enough.
///
/// # Errors
///
/// A manager is there, but cannot be told; nothing follows from it.
pub fn notify_stopping() -> io::Result<()> {
    os::notify_stopping()
}

/// Says that the agent is alive, to be repeated every [`watchdog_interval`]. To be called by the
/// loop whose death the manager should notice, not by a timer that outlives it.
///
/// # Errors
///
/// A manager is there, but cannot be told; try again at the next turn.
pub fn notify_alive() -> io::Result<()> {
    os::notify_alive()
}

/// How often to call [`notify_alive`]: half of the manager's patience, so that one late call is
/// forgiven. `None` when nobody watches.
pub fn watchdog_interval() -> Option<Duration> {
    os::watchdog_patience().filter(|patience| !patience.is_zero()).map(|patience| patience / 2)
}

/// Takes over the sockets that the manager bound for the agent, in the order of its
/// configuration; none when it bound none.
///
/// They are blocking, as they came; what runs them asynchronously sets that. They are not
/// inherited by children.
///
/// Call it first in `main`, before any thread starts: it removes the variables that named the
/// sockets, and the environment is not safe to change beside other threads. A second call
/// returns none.
///
/// # Errors
///
/// `InvalidInput` if one of them is not a listening unix stream socket: a mistake in the
/// manager's configuration, after which the agent would listen elsewhere than its owner thinks.
pub fn sockets_from_activation() -> io::Result<Vec<UnixListener>> {
    os::sockets_from_activation()
}
