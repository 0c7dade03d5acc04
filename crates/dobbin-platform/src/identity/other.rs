//! Systems nobody has written yet.

use std::io;
use std::os::fd::BorrowedFd;

/// The system does not say, so nobody is let in by this.
pub(super) fn peer_uid(_socket: BorrowedFd<'_>) -> io::Result<u32> {
    Err(io::ErrorKind::Unsupported.into())
}

/// As for [`peer_uid`].
pub(super) fn tcp_peer_uid(_socket: BorrowedFd<'_>) -> io::Result<Option<u32>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The system does not say without changing it.
pub(super) fn umask() -> Option<u32> {
    None
}
