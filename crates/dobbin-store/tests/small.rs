//! Small files: what lies on the disk for them, what is had of them after a crash, and flushing many of
//! them together.

// Helpers unwrap too: whatever fails here is the test's own failure.
#![allow(clippy::unwrap_used)]

use std::fs::{self, File};
use std::io::IoSliceMut;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use dobbin_core::piece::{Layout, PieceSet};
use dobbin_store::{Caching, Known, Place, Staging, StagingError, flush_together};
use dobbin_types::FileNumber;
use rustix::io::{Errno, ReadWriteFlags};

const BOOT: &str = "0d9b1f0e-2f0e-4b3a-9c55-8f7c2b1a0e11";

const SIZE: u64 = 300;

/// One piece.
fn layout() -> Layout {
    Layout::new(SIZE, 1_000).unwrap()
}

fn place(folder: &Path, number: u32) -> Place {
    Place::in_folder(folder, FileNumber(number))
}

/// A file that is wholly written and not flushed.
fn written(place: Place) -> Staging {
    let staging = Staging::create(place, layout(), BOOT).unwrap();
    fill(&staging);
    staging
}

fn fill(staging: &Staging) {
    staging.write_at(&[7; SIZE as usize], 0).unwrap();
    layout().pieces().for_each(|piece| staging.mark_have(piece).unwrap());
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A file whose flush the kernel refuses: one that it makes up. `None` where there is no such file.
fn refusing(folder: &Path, number: u32) -> Option<Staging> {
    let made_up = Path::new("/proc/self/comm");
    if !made_up.exists() {
        eprintln!("skipped: needs a file that cannot be flushed");
        return None;
    }
    let place = Place::beside(folder, FileNumber(number), made_up.to_path_buf());
    let staging = Staging::reopen(place, layout(), &Known { boot: BOOT, flushed: None }).unwrap();
    layout().pieces().for_each(|piece| staging.mark_have(piece).unwrap());
    Some(staging)
}

#[test]
fn a_file_of_one_piece_is_one_file_on_the_disk() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("job");
    let small = written(place(&folder, 0));
    small.flush().unwrap();
    assert_eq!(names(&folder), ["0"]);
    let pieces = Layout::new(SIZE, 100).unwrap();
    let large = Staging::create(place(&folder, 1), pieces, BOOT).unwrap();
    assert_eq!(names(&folder), ["0", "1", "1.have"]);
    drop(large);
    let empty = Layout::new(0, 100).unwrap();
    drop(Staging::create(place(&folder, 2), empty, BOOT).unwrap());
    assert_eq!(names(&folder), ["0", "1", "1.have", "2"]);
}

#[test]
fn of_a_file_of_one_piece_the_journal_alone_is_believed() {
    let whole = PieceSet::full(layout());
    for (flushed, is_had) in [(None, false), (Some(&whole), true)] {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("job");
        drop(written(place(&folder, 0)));
        // Whatever an older program left there says nothing.
        fs::write(folder.join("0.have"), "dobbinhv").unwrap();
        let known = Known { boot: BOOT, flushed };
        let again = Staging::reopen(place(&folder, 0), layout(), &known).unwrap();
        assert_eq!(again.have().is_full(), is_had, "{flushed:?}");
        fill(&again);
        assert!(again.flush().unwrap().is_full());
        again.discard().unwrap();
        assert!(names(&folder).is_empty());
    }
}

#[test]
fn of_a_hundred_files_only_the_one_whose_flush_fails_suffers() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("job");
    for bad in [0, 57, 99] {
        let job = folder.join(bad.to_string());
        let files: Option<Vec<Staging>> = (0..100)
            .map(|number| match number == bad {
                true => refusing(&job, number),
                false => Some(written(place(&job, number))),
            })
            .collect();
        let Some(files) = files else { return };
        let files: Vec<&Staging> = files.iter().collect();
        let begun = Mutex::new(0);
        let outcomes = flush_together(&files, |_| *begun.lock().unwrap() += 1);
        assert_eq!((outcomes.len(), *begun.lock().unwrap()), (100, 100));
        for ((number, outcome), file) in (0..).zip(&outcomes).zip(&files) {
            if number == bad {
                assert!(matches!(outcome, Err(StagingError::Lost(_))), "{outcome:?}");
                assert!(file.have().is_empty() && file.flushed().is_empty());
                assert!(matches!(file.flush(), Err(StagingError::Lost(_))), "not tried again");
            } else {
                assert!(outcome.as_ref().is_ok_and(PieceSet::is_full), "{number}: {outcome:?}");
                assert!(file.flushed().is_full(), "{number}");
            }
        }
    }
}

#[test]
fn nothing_is_flushed_whose_name_is_not() {
    let root = tempfile::tempdir().unwrap();
    let [kept, gone] = ["kept", "gone"].map(|name| root.path().join(name));
    let files: Vec<Staging> = (0..6)
        .map(|number| written(place(if number % 2 == 0 { &kept } else { &gone }, number)))
        .collect();
    // Without the folder its names cannot be flushed, although the open files can.
    fs::remove_dir_all(&gone).unwrap();
    let files: Vec<&Staging> = files.iter().collect();
    for (number, outcome) in (0..).zip(flush_together(&files, |_| {})) {
        match outcome {
            Ok(set) => assert!(set.is_full() && number % 2 == 0, "{number}"),
            Err(error) => assert!(error.is_missing() && number % 2 == 1, "{number}: {error}"),
        }
        let is_flushed = files[number].flushed().is_full();
        assert_eq!(is_flushed, number % 2 == 0, "{number}");
        // The bytes are had still: it is their name that may be tried once more.
        assert!(files[number].have().is_full(), "{number}");
    }
}

#[test]
fn a_file_is_sealed_in_the_folder_that_nobody_else_can_enter_and_nowhere_else() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("job");
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_234_567_890_123);
    let beside = Place::beside(&folder, FileNumber(1), root.path().join(".a.part"));
    for (place, is_sealed) in [(place(&folder, 0), true), (beside, false)] {
        let staging = written(place);
        staging.flush().unwrap();
        staging.seal(0o4644, Some(time)).unwrap();
        assert!(staging.flush().unwrap().is_full());
        let found = fs::metadata(staging.place().data()).unwrap();
        let mode = found.permissions().mode() & 0o7777;
        assert_eq!(mode, if is_sealed { 0o644 } else { 0o600 });
        assert_eq!(found.modified().unwrap() == time, is_sealed);
    }
    let mode = fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o700, "what makes sealing safe");
}

/// Whether the first bytes of a file are in the page cache; `None` where the file system cannot say.
fn is_resident(path: &Path) -> Option<bool> {
    let file = File::open(path).unwrap();
    let mut buffer = [0; 4_096];
    let mut slices = [IoSliceMut::new(&mut buffer)];
    match rustix::io::preadv2(&file, &mut slices, 0, ReadWriteFlags::NOWAIT) {
        Ok(_) => Some(true),
        Err(Errno::AGAIN) => Some(false),
        Err(_) => None,
    }
}

#[test]
fn what_a_background_job_wrote_does_not_stay_in_memory() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("job");
    let bytes: Vec<u8> = (0..2_000_000_u32).map(|at| (at % 251) as u8).collect();
    let layout = Layout::new(bytes.len() as u64, 1 << 20).unwrap();
    for (number, caching) in [(0, Caching::Keep), (1, Caching::Spare)] {
        let staging = Staging::create(place(&folder, number), layout, BOOT).unwrap();
        staging.set_caching(caching);
        staging.write_at(&bytes[..1_000_000], 0).unwrap();
        staging.write_at(&bytes[1_000_000..], 1_000_000).unwrap();
        if caching == Caching::Spare && !staging.writes_back_by_itself() {
            eprintln!("skipped: this kernel or file system keeps what is written");
            return;
        }
        layout.pieces().for_each(|piece| staging.mark_have(piece).unwrap());
        assert!(staging.flush().unwrap().is_full());
        let path = staging.place().data().to_path_buf();
        let Some(resident) = is_resident(&path) else {
            eprintln!("skipped: this file system does not say what is in memory");
            return;
        };
        assert_eq!(resident, caching == Caching::Keep, "{caching:?}");
        let mut read = vec![0; bytes.len()];
        staging.read_at(&mut read, 0).unwrap();
        assert!(read == bytes, "{caching:?}");
    }
}
