//! Hashing the pieces of a local file, by as many threads as there are cores.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256, digest};
use dobbin_types::phf::Digest;

/// Threads at most. Few disks are faster than eight cores hash.
const THREADS_MAX: usize = 8;

/// Bytes that each thread reads at a time; with [`THREADS_MAX`] it bounds the memory.
const READ_BYTES: usize = 1024 * 1024;

/// How often whoever waits is told how far it is.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// What is hashed: a file's first bytes, cut into pieces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pieces {
    /// Bytes from the start of the file on.
    pub(super) length: u64,
    /// Bytes of each piece but the last.
    pub(super) piece_size: u32,
}

impl Pieces {
    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.length.div_ceil(u64::from(self.piece_size))
    }

    /// The bytes `[start, end)` of a piece.
    fn range(&self, number: u64) -> (u64, u64) {
        let start = number * u64::from(self.piece_size);
        (start, (start + u64::from(self.piece_size)).min(self.length))
    }
}

/// The digests of the pieces, in order.
///
/// Memory: 1 MiB for each thread and 32 bytes for each piece, however large the file is.
///
/// * `tell`: called now and then with the bytes that are hashed.
///
/// # Errors
///
/// The first of the system's; `UnexpectedEof` for a file that became shorter meanwhile.
pub(super) fn hash(file: &File, pieces: Pieces, tell: impl Fn(u64)) -> io::Result<Vec<Digest>> {
    let count = usize::try_from(pieces.count()).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let work = Work {
        file,
        pieces,
        next: AtomicU64::new(0),
        hashed_bytes: AtomicU64::new(0),
        has_failed: AtomicBool::new(false),
        digests: Mutex::new(vec![[0; 32]; count]),
    };
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads_count = cores.min(THREADS_MAX).min(count.max(1));
    let (done, outcomes) = sync_channel(threads_count);
    let mut first_error = None;
    thread::scope(|scope| {
        for _ in 0..threads_count {
            let (work, done) = (&work, done.clone());
            scope.spawn(move || {
                // Nobody listens only when another thread has panicked.
                let _ = done.send(work.run());
            });
        }
        drop(done);
        loop {
            match outcomes.recv_timeout(TELL_EVERY) {
                Ok(outcome) => first_error = first_error.take().or(outcome.err()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            tell(work.hashed_bytes.load(Ordering::Relaxed));
        }
    });
    match first_error {
        Some(error) => Err(error),
        None => Ok(work.digests.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// SHA-256 of bytes in memory.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    as_digest(digest(&SHA256, bytes).as_ref())
}

/// What the threads share.
struct Work<'a> {
    file: &'a File,
    pieces: Pieces,
    /// The next piece that nobody has taken.
    next: AtomicU64,
    hashed_bytes: AtomicU64,
    /// One thread could not read: the others need not go on.
    has_failed: AtomicBool,
    // Held for a moment, once for each piece.
    digests: Mutex<Vec<Digest>>,
}

impl Work<'_> {
    fn run(&self) -> io::Result<()> {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match self.step(&mut buffer) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return Ok(()),
                Err(error) => {
                    self.has_failed.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
    }

    /// Hashes one piece.
    fn step(&self, buffer: &mut [u8]) -> io::Result<ControlFlow<()>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number >= self.pieces.count() || self.has_failed.load(Ordering::Relaxed) {
            return Ok(ControlFlow::Break(()));
        }
        let (mut at, end) = self.pieces.range(number);
        let mut context = Context::new(&SHA256);
        while at < end {
            let take = usize::try_from(end - at).unwrap_or(READ_BYTES).min(READ_BYTES);
            self.file.read_exact_at(&mut buffer[..take], at)?;
            context.update(&buffer[..take]);
            at += take as u64;
            self.hashed_bytes.fetch_add(take as u64, Ordering::Relaxed);
        }
        let digest = as_digest(context.finish().as_ref());
        let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = usize::try_from(number).ok().and_then(|at| digests.get_mut(at)) {
            *place = digest;
        }
        Ok(ControlFlow::Continue(()))
    }
}

fn as_digest(bytes: &[u8]) -> Digest {
    let mut digest = [0; 32];
    digest.copy_from_slice(bytes);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_has_its_own_digest_however_many_threads_there_are() {
        let bytes: Vec<u8> = (0..1_000_003_u32).map(|n| (n % 251) as u8).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, &bytes).unwrap();
        let file = File::open(&path).unwrap();
        for (length, piece_size) in
            [(1_000_003, 65_536), (1_000_003, 1 << 26), (7, 65_536), (0, 65_536)]
        {
            let pieces = Pieces { length, piece_size };
            let expect: Vec<Digest> =
                bytes[..length as usize].chunks(piece_size as usize).map(sha256).collect();
            assert_eq!(hash(&file, pieces, |_| ()).unwrap(), expect, "{pieces:?}");
        }
        let told = AtomicU64::new(0);
        hash(&file, Pieces { length: 1_000_003, piece_size: 65_536 }, |bytes| {
            told.store(bytes, Ordering::Relaxed);
        })
        .unwrap();
        assert_eq!(told.into_inner(), 1_000_003);
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error_and_no_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [7; 100]).unwrap();
        let file = File::open(&path).unwrap();
        let error = hash(&file, Pieces { length: 200_000, piece_size: 65_536 }, |_| ());
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
