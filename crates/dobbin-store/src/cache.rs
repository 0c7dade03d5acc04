//! Writing past the page cache, as far as the kernel lets us.
//!
//! Bytes that nobody is going to read soon should not push out of memory what other programs work
//! with. Since version 6.14 Linux takes a wish with each write: the pages are written back at once and
//! dropped behind that. Reading such bytes later asks the disk and is otherwise the same.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::{Errno, ReadWriteFlags};

/// What becomes of the memory that written bytes take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// They stay in the page cache as long as there is room: somebody waits for the file, and may
    /// use it at once.
    Keep,
    /// They leave it when they are on the disk: a background job's file. Where kernel or file system
    /// cannot do that they stay.
    Spare,
}

/// How one file is written.
#[derive(Debug)]
pub(crate) struct Written {
    spares: AtomicBool,
}

/// Bytes that one call writes at most. The kernel takes page-cache memory in pieces as large as the
/// write. In a virtual machine the largest free ones may have been given back to the host, which then
/// brings them page by page: writes of 512 KiB and more were seen to take ten times as long there, and
/// nowhere less than these.
const WRITE_BYTES_MAX: usize = 256 * 1024;

/// `RWF_DONTCACHE` (`linux/fs.h`), which rustix has no name for.
const DONT_CACHE: ReadWriteFlags = ReadWriteFlags::from_bits_retain(0x80);

impl Written {
    pub(crate) fn new(caching: Caching) -> Written {
        Written { spares: AtomicBool::new(caching == Caching::Spare) }
    }

    /// Writes from now on as `caching` says.
    pub(crate) fn set(&self, caching: Caching) {
        self.spares.store(caching == Caching::Spare, Ordering::Relaxed);
    }

    /// Whether every write begins the writing back by itself.
    pub(crate) fn spares(&self) -> bool {
        self.spares.load(Ordering::Relaxed)
    }

    /// Writes all of `bytes` at `offset`.
    pub(crate) fn write_all_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let places = (offset..).step_by(WRITE_BYTES_MAX);
        let mut parts = bytes.chunks(WRITE_BYTES_MAX).zip(places);
        parts.try_for_each(|(part, at)| self.write_part(file, part, at))
    }

    fn write_part(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while self.spares() && done < bytes.len() {
            let rest = [IoSlice::new(&bytes[done..])];
            match rustix::io::pwritev2(file, &rest, offset + done as u64, DONT_CACHE) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(Errno::INTR) => {}
                // An older kernel, or a file system that cannot: not asked again for this file.
                Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => self.set(Caching::Keep),
                Err(error) => return Err(error.into()),
            }
        }
        file.write_all_at(&bytes[done..], offset + done as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_the_same_whatever_becomes_of_the_memory() {
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect();
        for caching in [Caching::Keep, Caching::Spare] {
            let file = tempfile::tempfile().unwrap();
            let written = Written::new(caching);
            written.write_all_at(&file, &bytes[..700_001], 5).unwrap();
            written.write_all_at(&file, &bytes[700_001..], 700_006).unwrap();
            written.write_all_at(&file, &[], 0).unwrap();
            let mut read = vec![1; bytes.len() + 5];
            file.read_exact_at(&mut read, 0).unwrap();
            assert!(read[..5] == [0; 5] && read[5..] == bytes[..], "{caching:?}");
        }
    }

    #[test]
    fn a_file_that_cannot_spare_is_written_plainly_and_not_asked_again() {
        // A device is written through no page cache: the kernel refuses the wish there.
        let null = File::options().write(true).open("/dev/null").unwrap();
        let written = Written::new(Caching::Spare);
        written.write_all_at(&null, b"bytes", 0).unwrap();
        assert!(!written.spares());
    }

    #[test]
    fn errors_of_the_disk_are_not_taken_for_an_old_kernel() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        for caching in [Caching::Keep, Caching::Spare] {
            let error = Written::new(caching).write_all_at(&full, b"bytes", 0).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(Errno::NOSPC.raw_os_error()), "{caching:?}");
        }
    }
}
