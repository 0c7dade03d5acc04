//! Open files that travel over a unix socket beside the bytes.
//!
//! What is received is somebody's open file and nothing more: what it is, whose it is and whether it
//! may be written is for the receiver to ask.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod os;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod os;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Open files that may travel together.
pub const DESCRIPTORS_MAX: usize = 4;

/// Bytes, and the open files that came with the first of them.
#[derive(Debug)]
pub struct Received {
    /// How many bytes; 0 is the end of the connection.
    pub bytes_count: usize,
    /// None of them is inherited by children.
    pub files: Vec<OwnedFd>,
}

/// Sends bytes, and `files` with the first of them; says how many bytes went.
///
/// # Errors
///
/// `InvalidInput` for more files than [`DESCRIPTORS_MAX`] or for files without a byte; else the
/// kernel's.
pub fn send(socket: &impl AsFd, bytes: &[u8], files: &[BorrowedFd<'_>]) -> io::Result<usize> {
    if files.len() > DESCRIPTORS_MAX || (bytes.is_empty() && !files.is_empty()) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    os::send(socket.as_fd(), bytes, files)
}

/// Receives some bytes into `buffer`, which must not be empty, and whatever open files came with
/// them. Bytes behind those files are left for the next call.
///
/// # Errors
///
/// `InvalidData` when more than [`DESCRIPTORS_MAX`] files were sent together: none is kept, and what
/// the sender meant is lost. Else the kernel's.
pub fn receive(socket: &impl AsFd, buffer: &mut [u8]) -> io::Result<Received> {
    os::receive(socket.as_fd(), buffer)
}
