//! A full disk: nothing that was acknowledged is lost, the failure itself can be recorded, and work
//! goes on when there is room again.

// Helpers unwrap too: whatever fails here is the test's own failure.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use dobbin_core::piece::Layout;
use dobbin_store::{Change, JournalErrorKind, OpenError, Staging, StagingError, Store};
use dobbin_types::{ErrorCode, FileNumber, JobId};
use rustix::io::Errno;

/// A file system of 24 MiB in memory, unmounted at the end.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// `None`, with a word about it, where we may not mount.
    fn mount() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = rustix::process::geteuid().is_root()
            && Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs"])
                .arg(folder.path())
                .status()
                .is_ok_and(|status| status.success());
        if !mounted {
            eprintln!("skipped: needs the right to mount a small file system");
        }
        mounted.then_some(SmallDisk { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all the space that is left.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut filler = File::create(&path).unwrap();
        for piece_len in [64 * 1024, 512] {
            while filler.write_all(&vec![1; piece_len]).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).status();
    }
}

fn put_job(number: u32, record: String) -> Change {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Change::PutJob { id: JobId::from_bytes(bytes), record }
}

/// Opens a store that was just closed. A process that another test begins at this moment, to mount
/// something, has our lock too until it becomes the other program.
fn open_again(root: &Path) -> Store {
    let began = Instant::now();
    loop {
        match Store::open(root) {
            Err(OpenError::InUse { .. }) if began.elapsed() < Duration::from_secs(30) => {
                std::thread::yield_now();
            }
            outcome => return outcome.unwrap(),
        }
    }
}

fn no_space() -> ErrorCode {
    ErrorCode::from_errno(Errno::NOSPC.raw_os_error())
}

#[test]
fn a_full_disk_can_still_be_recorded_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    let root = disk.path().join("store");
    let store = Store::open(&root).unwrap();
    let filler = disk.fill();

    let mut acknowledged = 0;
    let error = loop {
        let change = put_job(acknowledged, "x".repeat(20_000));
        match store.journal().write_and_wait(vec![change]) {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
        assert!(acknowledged < 10_000, "the disk does not get full");
    };
    assert_eq!((error.kind, error.code()), (JournalErrorKind::Full, no_space()));
    // What was kept back is free now: the failure can be noted.
    store.journal().write_and_wait(vec![put_job(acknowledged, "disk full".into())]).unwrap();
    store.close().unwrap();

    let store = open_again(&root);
    assert_eq!(store.quarantined(), None);
    let jobs = store.journal().load().unwrap().jobs;
    assert_eq!(jobs.len() as u32, acknowledged + 1);
    assert_eq!(jobs.last().unwrap().record, "disk full");

    fs::remove_file(filler).unwrap();
    store.journal().write_and_wait(vec![put_job(9_999, "x".repeat(500_000))]).unwrap();
    assert_eq!(store.journal().load().unwrap().jobs.len() as u32, acknowledged + 2);
}

#[test]
fn a_piece_that_found_no_room_is_not_had_and_may_be_written_later() {
    let Some(disk) = SmallDisk::mount() else { return };
    let store = Store::open(&disk.path().join("store")).unwrap();
    let layout = Layout::new(4 << 20, 1 << 20).unwrap();
    let place = store.place(JobId::from_bytes([1; 16]), FileNumber(0));
    let staging = Staging::create(place, layout, "boot").unwrap();
    let filler = disk.fill();

    let bytes = vec![7; 1 << 20];
    // A file system that counts its space per processor may still find room for a piece or so.
    let mut starts = layout.pieces().map(|piece| layout.byte_range(piece).start);
    let error = starts.find_map(|start| staging.write_at(&bytes, start).err()).expect("no room");
    assert!(matches!(error, StagingError::File(_)), "{error}");
    assert_eq!(error.code(), no_space());
    assert!(staging.have().is_empty());

    fs::remove_file(filler).unwrap();
    for piece in layout.pieces() {
        staging.write_at(&bytes, layout.byte_range(piece).start).unwrap();
        staging.mark_have(piece).unwrap();
    }
    assert!(staging.flush().unwrap().is_full());
}
