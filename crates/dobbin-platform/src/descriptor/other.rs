//! Systems nobody has written yet.

use std::io;
use std::os::fd::BorrowedFd;

use super::Received;

pub(super) fn send(_: BorrowedFd<'_>, _: &[u8], _: &[BorrowedFd<'_>]) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn receive(_: BorrowedFd<'_>, _: &mut [u8]) -> io::Result<Received> {
    Err(io::ErrorKind::Unsupported.into())
}
