//! Filling one file with the bytes of another, as cheaply as the file systems allow.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::io::Errno;

/// How the bytes get to the destination's file system, cheapest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Not at all: the staging file is on it and becomes the user's file.
    Rename,
    /// The new file shares the old one's blocks.
    Reflink,
    /// The kernel copies.
    InKernel,
    /// We read and write.
    ReadWrite,
}

/// Bytes read and written at a time.
const BUFFER_BYTES: usize = 1024 * 1024;

/// Most bytes that one call asks the kernel to copy; it may do less.
const KERNEL_COPY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Fills `to`, which is empty, with the first `len` bytes of `from`, by the cheapest way that works
/// and is not cheaper than `cheapest`. Returns the way.
///
/// # Errors
///
/// `UnexpectedEof` when `from` is shorter, and whatever the operating system says. `to` may hold a part
/// of the bytes then.
pub(super) fn fill_file(from: &File, to: &File, len: u64, cheapest: Way) -> io::Result<Way> {
    if cheapest <= Way::Reflink && from.metadata()?.len() == len && reflink(from, to)? {
        return Ok(Way::Reflink);
    }
    if cheapest <= Way::InKernel && copy_in_kernel(from, to, len)? {
        return Ok(Way::InKernel);
    }
    copy_by_hand(from, to, len)?;
    Ok(Way::ReadWrite)
}

/// False when these files cannot share blocks.
fn reflink(from: &File, to: &File) -> io::Result<bool> {
    match rustix::fs::ioctl_ficlone(to, from) {
        Ok(()) => Ok(true),
        Err(error) if is_unsupported(error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// False when the kernel cannot copy between these files.
fn copy_in_kernel(from: &File, to: &File, len: u64) -> io::Result<bool> {
    let mut done = 0;
    while done < len {
        let (mut from_offset, mut to_offset) = (done, done);
        let wanted = (len - done).min(KERNEL_COPY_BYTES_MAX) as usize;
        let outcome = rustix::fs::copy_file_range(
            from,
            Some(&mut from_offset),
            to,
            Some(&mut to_offset),
            wanted,
        );
        match outcome {
            Err(Errno::INTR) => {}
            // By hand, from the start: what is done is done again, and nothing is assumed of it.
            Err(error) if is_unsupported(error) => return Ok(false),
            Err(error) => return Err(error.into()),
            // Some kernels copy nothing from some file systems and call it success, so that this is
            // not proof of a short file. Reading is.
            Ok(0) => return Ok(false),
            Ok(copied) => done += copied as u64,
        }
    }
    Ok(true)
}

fn copy_by_hand(from: &File, to: &File, len: u64) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES.min(usize::try_from(len).unwrap_or(BUFFER_BYTES))];
    let mut done = 0;
    while done < len {
        let wanted = (len - done).min(buffer.len() as u64) as usize;
        from.read_exact_at(&mut buffer[..wanted], done)?;
        to.write_all_at(&buffer[..wanted], done)?;
        done += wanted as u64;
    }
    Ok(())
}

/// What the kernel says when it or a file system cannot do this at all, or not between these two.
fn is_unsupported(error: Errno) -> bool {
    matches!(
        error,
        Errno::NOTSUP | Errno::XDEV | Errno::INVAL | Errno::NOTTY | Errno::NOSYS | Errno::PERM
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_way_copies_every_byte() {
        let folder = tempfile::tempdir().unwrap();
        for len in [0, 1, BUFFER_BYTES - 1, BUFFER_BYTES, 2 * BUFFER_BYTES + 12_345] {
            let bytes: Vec<u8> = (0..len).map(|at| (at * 7 + at / 251) as u8).collect();
            let source = folder.path().join("source");
            fs::write(&source, &bytes).unwrap();
            for cheapest in [Way::Reflink, Way::InKernel, Way::ReadWrite] {
                let target = folder.path().join(format!("{cheapest:?}"));
                let (from, to) = (File::open(&source).unwrap(), File::create(&target).unwrap());
                let way = fill_file(&from, &to, len as u64, cheapest).unwrap();
                assert!(way >= cheapest, "{way:?}");
                assert!(fs::read(&target).unwrap() == bytes, "{len} bytes, {cheapest:?}");
            }
        }
    }

    #[test]
    fn a_source_that_is_too_short_is_an_error_by_every_way() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        fs::write(&source, [1; 1000]).unwrap();
        for cheapest in [Way::Reflink, Way::InKernel, Way::ReadWrite] {
            let to = File::create(folder.path().join("target")).unwrap();
            let error = fill_file(&File::open(&source).unwrap(), &to, 1001, cheapest).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{cheapest:?}");
        }
    }
}
