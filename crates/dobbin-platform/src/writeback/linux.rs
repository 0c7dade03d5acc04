//! Linux: `sync_file_range(2)`.

use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};

/// `sync_file_range(2)` with `SYNC_FILE_RANGE_WRITE`.
///
/// Not `posix_fadvise(2)` with `POSIX_FADV_DONTNEED`, for which rustix has a safe wrapper: that drops
/// clean pages too, and waits for every processor while pages are on their way to the disk.
#[expect(unsafe_code, reason = "no safe wrapper for this call")]
pub(super) fn start_writeback(file: BorrowedFd<'_>, range: Range<u64>) -> io::Result<()> {
    if range.is_empty() {
        // The kernel takes a length of 0 for "to the end of the file".
        return Ok(());
    }
    let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let (start, len) = (signed(range.start), signed(range.end) - signed(range.start));
    // SAFETY: the descriptor is open as long as it is borrowed; the call takes plain numbers and
    // touches no memory of ours.
    let result =
        unsafe { libc::sync_file_range(file.as_raw_fd(), start, len, libc::SYNC_FILE_RANGE_WRITE) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
