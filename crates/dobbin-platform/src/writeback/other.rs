//! Systems without such a call, or whose call nobody has written down yet.

use std::io;
use std::ops::Range;
use std::os::fd::BorrowedFd;

pub(super) fn start_writeback(_file: BorrowedFd<'_>, _range: Range<u64>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
