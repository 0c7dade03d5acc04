//! Space kept back on the journal's disk, so that a full disk can still be recorded.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use rustix::fs::FallocateFlags;

use crate::{durable, space};

/// Bytes kept back: enough for some thousand changes of state.
const RESERVE_BYTES: u64 = 1024 * 1024;

/// Bytes that must be free before the reserve is taken anew, so that it does not at once fill a disk
/// that has only just been given some room.
const RESTORE_FREE_BYTES_MIN: u64 = 8 * RESERVE_BYTES;

/// A file that takes up space until it is needed. Losing it is no error: it is a courtesy to
/// ourselves, and every step is tried without a word.
#[derive(Debug)]
pub(crate) struct Reserve {
    path: PathBuf,
    held: bool,
    /// Set when taking it failed although there was space: this file system cannot, and is not asked
    /// with every commit.
    given_up: bool,
}

impl Reserve {
    /// Takes the space, unless it was taken in an earlier life or there is too little of it.
    pub(crate) fn open(path: PathBuf) -> Reserve {
        let held = fs::metadata(&path).is_ok_and(|found| found.len() == RESERVE_BYTES);
        let mut reserve = Reserve { path, held, given_up: false };
        reserve.restore();
        reserve
    }

    /// Gives the space back to the file system: the next writes are going to need it.
    pub(crate) fn release(&mut self) {
        if std::mem::take(&mut self.held) && fs::remove_file(&self.path).is_ok() {
            tracing::warn!(bytes = RESERVE_BYTES, "disk full, reserve released");
        }
    }

    /// Takes the space again when it was given back and there is plenty now.
    pub(crate) fn restore(&mut self) {
        if self.held || self.given_up {
            return;
        }
        let free = space::free_bytes(durable::parent(&self.path)).unwrap_or(0);
        if free >= RESTORE_FREE_BYTES_MIN {
            self.held = self.allocate().is_ok();
            self.given_up = !self.held;
        }
    }

    fn allocate(&self) -> std::io::Result<()> {
        let file: File = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.path)?;
        rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, RESERVE_BYTES)
            .inspect_err(|_| drop(fs::remove_file(&self.path)))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_held_until_released_and_taken_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reserve");
        let mut reserve = Reserve::open(path.clone());
        if !reserve.held {
            eprintln!("skipped: no space, or a file system without fallocate");
            return;
        }
        assert_eq!(fs::metadata(&path).unwrap().len(), RESERVE_BYTES);
        reserve.release();
        reserve.release();
        assert!(!path.exists());
        reserve.restore();
        assert!(path.exists());
        drop(reserve);
        assert!(Reserve::open(path).held);
    }
}
