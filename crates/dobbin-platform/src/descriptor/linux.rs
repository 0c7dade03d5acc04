//! Linux: `SCM_RIGHTS` (`unix(7)`).

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use super::{DESCRIPTORS_MAX, Received};

const SPACE: usize = rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX));

pub(super) fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    files: &[BorrowedFd<'_>],
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // Whoever hung up is an error here and not the end of this process.
    let flags = SendFlags::NOSIGNAL;
    Ok(sendmsg(socket, &[IoSlice::new(bytes)], &mut control, flags)?)
}

pub(super) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(buffer)];
    let got = recvmsg(socket, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let files = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        // Credentials and the like, which nobody asked for.
        _ => None,
    });
    let files: Vec<_> = files.flatten().collect();
    // The kernel closed those that found no room; the others go with the refusal. Room is made in
    // whole words, so that one too many may have found some.
    if got.flags.contains(ReturnFlags::CTRUNC) || files.len() > DESCRIPTORS_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "too many open files at once"));
    }
    Ok(Received { bytes_count: got.bytes, files })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::{Read, Seek, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::super::{DESCRIPTORS_MAX, receive, send};
    use super::*;

    fn files(count: usize) -> Vec<File> {
        (0..count).map(|_| tempfile::tempfile().unwrap()).collect()
    }

    fn borrowed(files: &[File]) -> Vec<BorrowedFd<'_>> {
        files.iter().map(AsFd::as_fd).collect()
    }

    /// Descriptors of this process that lead to this file.
    fn open_count(file: &File) -> usize {
        let same = |entry: fs::DirEntry| {
            use std::os::unix::fs::MetadataExt;
            let (one, other) = (fs::metadata(entry.path()).ok()?, file.metadata().ok()?);
            ((one.dev(), one.ino()) == (other.dev(), other.ino())).then_some(())
        };
        fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| same(entry.ok()?)).count()
    }

    #[test]
    fn a_file_arrives_open_beside_its_bytes_and_is_closed_to_children() {
        let (one, other) = UnixStream::pair().unwrap();
        let sent = files(1);
        assert_eq!(send(&one, b"word\n", &borrowed(&sent)).unwrap(), 5);
        let mut buffer = [0; 64];
        let got = receive(&other, &mut buffer).unwrap();
        assert_eq!(&buffer[..got.bytes_count], b"word\n");
        let [file] = <[_; 1]>::try_from(got.files).unwrap();
        let flags = rustix::io::fcntl_getfd(&file).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        File::from(file).write_all(b"through").unwrap();
        let mut text = String::new();
        let mut sent = &sent[0];
        sent.rewind().unwrap();
        sent.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    }

    #[test]
    fn files_stay_with_their_own_bytes() {
        let (one, other) = UnixStream::pair().unwrap();
        let sent = files(3);
        send(&one, b"a", &borrowed(&sent[..1])).unwrap();
        send(&one, b"b", &borrowed(&sent[1..])).unwrap();
        send(&one, b"c", &[]).unwrap();
        let mut seen = Vec::new();
        let mut buffer = [0; 64];
        while seen.len() < 3 {
            let got = receive(&other, &mut buffer).unwrap();
            seen.push((buffer[..got.bytes_count].to_vec(), got.files.len()));
        }
        assert_eq!(seen, [(b"a".to_vec(), 1), (b"b".to_vec(), 2), (b"c".to_vec(), 0)]);
        drop(one);
        assert_eq!(receive(&other, &mut buffer).unwrap().bytes_count, 0);
    }

    #[test]
    fn more_files_than_may_travel_are_refused_and_none_of_them_stays_open() {
        let (one, other) = UnixStream::pair().unwrap();
        let sent = files(1);
        let many = vec![sent[0].as_fd(); DESCRIPTORS_MAX + 1];
        assert_eq!(send(&one, b"x", &many).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(send(&one, b"", &many[..1]).unwrap_err().kind(), io::ErrorKind::InvalidInput);

        // A sender without our manners.
        let mut space =
            [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX + 1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&many)));
        sendmsg(&one, &[IoSlice::new(b"x")], &mut control, SendFlags::empty()).unwrap();
        let refused = receive(&other, &mut [0; 8]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
        assert_eq!(open_count(&sent[0]), 1, "only the test's own");
    }
}
