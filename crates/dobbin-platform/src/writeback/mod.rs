//! Asking the system to begin writing a file's bytes to the disk.
//!
//! A hint, so that a flush finds little left to wait for. Nothing is promised by it, and nothing that
//! was written is dropped from memory.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod os;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod os;

use std::io;
use std::ops::Range;
use std::os::fd::AsFd;

/// Begins writing the bytes in `range` of the file that are not on the disk yet, without waiting.
///
/// # Errors
///
/// `Unsupported` where the system has no such call; else the kernel's. Neither says anything of the
/// bytes: a flush is still to come, and tells.
pub fn start_writeback(file: &impl AsFd, range: Range<u64>) -> io::Result<()> {
    os::start_writeback(file.as_fd(), range)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_was_written_is_still_there_and_what_is_no_file_is_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[7; 100_000]).unwrap();
        for range in [0..100_000, 0..0, 50_000..u64::MAX, 4_096..8_192] {
            match start_writeback(&file, range) {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    eprintln!("skipped: this system cannot be asked");
                    return;
                }
                outcome => outcome.unwrap(),
            }
        }
        assert!(std::fs::read(file.path()).unwrap() == [7; 100_000]);
        let (reader, _writer) = io::pipe().unwrap();
        assert!(start_writeback(&reader, 0..1).is_err());
    }
}
