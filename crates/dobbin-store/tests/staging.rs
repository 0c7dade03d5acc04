//! What is had after reopening a staging file, in every state in which a crash may leave it.

// Helpers unwrap too: whatever fails here is the test's own failure.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use dobbin_core::piece::{Layout, PieceIndex, PieceSet};
use dobbin_store::{Known, Place, Staging, StagingError};
use dobbin_types::{ErrorCode, FileNumber};
use rustix::io::Errno;

const BOOT: &str = "0d9b1f0e-2f0e-4b3a-9c55-8f7c2b1a0e11";

/// Ten pieces of 100 bytes, the last one of 50.
fn layout() -> Layout {
    Layout::new(950, 100).unwrap()
}

fn piece(number: u32) -> PieceIndex {
    layout().index(number).unwrap()
}

fn set_of(numbers: &[u32]) -> PieceSet {
    let mut set = PieceSet::empty(layout());
    numbers.iter().for_each(|number| assert!(set.insert(piece(*number))));
    set
}

fn place_in(folder: &Path) -> Place {
    Place::in_folder(&folder.join("job"), FileNumber(3))
}

fn put(staging: &Staging, numbers: &[u32]) {
    for number in numbers {
        let range = layout().byte_range(piece(*number));
        let bytes = vec![*number as u8 + 1; (range.end - range.start) as usize];
        staging.write_at(&bytes, range.start).unwrap();
        staging.mark_have(piece(*number)).unwrap();
    }
}

fn reopen(folder: &Path, boot: &str, flushed: Option<&PieceSet>) -> Result<Staging, StagingError> {
    Staging::reopen(place_in(folder), layout(), &Known { boot, flushed })
}

fn code_of(errno: Errno) -> ErrorCode {
    ErrorCode::from_file_error(&errno.into())
}

/// Pieces 1, 4 and 9 are had; then `spoil` happens to the files, and they are opened again in the run
/// of the machine that `boot` names, by a journal that knows piece 1 as flushed.
#[track_caller]
fn check(what: &str, boot: &str, spoil: impl FnOnce(&Place), expect: &[u32]) {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::create(place_in(folder.path()), layout(), BOOT).unwrap();
    put(&staging, &[1, 4, 9]);
    drop(staging);
    spoil(&place_in(folder.path()));
    let flushed = set_of(&[1]);
    let staging = reopen(folder.path(), boot, Some(&flushed)).unwrap();
    assert_eq!(staging.have(), set_of(expect), "{what}");
    // The have file is whole again, whatever it was: another piece is remembered beside these.
    put(&staging, &[2]);
    drop(staging);
    let staging = reopen(folder.path(), boot, Some(&flushed)).unwrap();
    if boot.is_empty() || boot.len() > 64 {
        assert_eq!(staging.have(), set_of(expect), "{what}, again");
    } else {
        let mut all = set_of(expect);
        all.insert(piece(2));
        assert_eq!(staging.have(), all, "{what}, again");
    }
}

#[test]
fn the_have_file_is_believed_only_in_the_run_of_the_machine_that_wrote_it() {
    let long = "x".repeat(65);
    for (boot, expect) in
        [(BOOT, &[1, 4, 9][..]), ("another", &[1]), ("", &[1]), (&BOOT[..35], &[1]), (&long, &[1])]
    {
        check(&format!("boot {boot:?}"), boot, |_| {}, expect);
    }
}

#[test]
fn a_have_file_that_is_not_whole_says_nothing() {
    let spoiled = |change: fn(&mut Vec<u8>)| {
        move |place: &Place| {
            let mut bytes = fs::read(place.have()).unwrap();
            change(&mut bytes);
            fs::write(place.have(), bytes).unwrap();
        }
    };
    check("empty", BOOT, spoiled(Vec::clear), &[1]);
    check("header only", BOOT, spoiled(|bytes| bytes.truncate(bytes.len() - 2)), &[1]);
    check("one byte short", BOOT, spoiled(|bytes| bytes.truncate(bytes.len() - 1)), &[1]);
    check("one byte long", BOOT, spoiled(|bytes| bytes.push(0)), &[1]);
    check("zeros", BOOT, spoiled(|bytes| bytes.fill(0)), &[1]);
    check(
        "a bit behind the last piece",
        BOOT,
        spoiled(|bytes| *bytes.last_mut().unwrap() |= 1),
        &[1],
    );
    check("missing", BOOT, |place| fs::remove_file(place.have()).unwrap(), &[1]);
    check("another file", BOOT, |place| fs::write(place.have(), "#!/bin/sh\n").unwrap(), &[1]);
}

#[test]
fn no_byte_of_the_header_may_differ() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    put(&Staging::create(place.clone(), layout(), BOOT).unwrap(), &[1, 4, 9]);
    let whole = fs::read(place.have()).unwrap();
    for at in 0..whole.len() - 2 {
        let mut torn = whole.clone();
        torn[at] ^= 0x01;
        fs::write(place.have(), torn).unwrap();
        let staging = reopen(folder.path(), BOOT, None).unwrap();
        assert!(staging.have().is_empty(), "byte {at}");
    }
    fs::write(place.have(), whole).unwrap();
    assert_eq!(reopen(folder.path(), BOOT, None).unwrap().have(), set_of(&[1, 4, 9]));
}

#[test]
fn a_have_file_of_another_layout_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    put(&Staging::create(place_in(folder.path()), layout(), BOOT).unwrap(), &[1, 4, 9]);
    for other in [Layout::new(950, 101).unwrap(), Layout::new(951, 100).unwrap()] {
        let flushed = set_of(&[1]);
        let known = Known { boot: BOOT, flushed: Some(&flushed) };
        let staging = Staging::reopen(place_in(folder.path()), other, &known).unwrap();
        assert!(staging.have().is_empty(), "{other:?}");
        fs::remove_file(place_in(folder.path()).have()).unwrap();
    }
}

#[test]
fn pieces_that_the_data_file_is_too_short_for_are_not_had() {
    for (data_len, kept) in
        [(950, &[1, 4, 9][..]), (949, &[1, 4]), (500, &[1, 4]), (499, &[1]), (0, &[])]
    {
        let cut = |place: &Place| {
            fs::OpenOptions::new()
                .write(true)
                .open(place.data())
                .unwrap()
                .set_len(data_len)
                .unwrap();
        };
        check(&format!("{data_len} bytes, same boot"), BOOT, cut, kept);
        let flushed: Vec<u32> = kept.iter().copied().filter(|number| *number == 1).collect();
        check(&format!("{data_len} bytes, other boot"), "other", cut, &flushed);
    }
}

#[test]
fn a_flushed_piece_that_turned_out_wrong_stays_dropped_in_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::create(place_in(folder.path()), layout(), BOOT).unwrap();
    put(&staging, &[1, 4]);
    let flushed = staging.flush().unwrap();
    assert_eq!(flushed, set_of(&[1, 4]));
    staging.drop_have(piece(4)).unwrap();
    assert_eq!((staging.have(), staging.flushed()), (set_of(&[1]), set_of(&[1])));
    drop(staging);
    let staging = reopen(folder.path(), BOOT, Some(&flushed)).unwrap();
    assert_eq!((staging.have(), staging.flush().unwrap()), (set_of(&[1]), set_of(&[1])));
}

#[test]
fn a_flush_covers_what_was_had_when_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::create(place_in(folder.path()), layout(), BOOT).unwrap();
    assert_eq!(staging.flush().unwrap(), set_of(&[]));
    put(&staging, &[0, 9]);
    assert_eq!(staging.flushed(), set_of(&[]));
    assert_eq!(staging.flush().unwrap(), set_of(&[0, 9]));
    put(&staging, &[5]);
    assert_eq!(staging.flushed(), set_of(&[0, 9]));
    assert_eq!(staging.flush().unwrap(), set_of(&[0, 5, 9]));
}

#[test]
fn after_a_failed_flush_nothing_unflushed_is_had_and_nothing_is_tried_again() {
    // A plain file of our own whose file system refuses to flush: one that the kernel makes up.
    let refusing = Path::new("/proc/self/comm");
    if !refusing.exists() {
        eprintln!("skipped: needs a file that cannot be flushed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = Place::beside(&folder.path().join("job"), FileNumber(0), refusing.to_path_buf());
    let known = Known { boot: BOOT, flushed: None };
    let staging = Staging::reopen(place.clone(), layout(), &known).unwrap();
    staging.mark_have(piece(3)).unwrap();
    assert!(matches!(staging.flush(), Err(StagingError::Lost(_))));
    assert_eq!((staging.have(), staging.flushed()), (set_of(&[]), set_of(&[])));
    assert!(matches!(staging.flush(), Err(StagingError::Lost(_))));
    assert!(matches!(staging.mark_have(piece(3)), Err(StagingError::Lost(_))));
    drop(staging);
    let staging = Staging::reopen(place, layout(), &known).unwrap();
    assert!(staging.have().is_empty());
}

#[test]
fn many_threads_may_mark_pieces_that_share_a_byte() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(800, 1).unwrap();
    let staging = Staging::create(place_in(folder.path()), layout, BOOT).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let staging = &staging;
            scope.spawn(move || {
                for number in (0..800).filter(|number| number % 8 == thread) {
                    staging.write_at(&[1], u64::from(number)).unwrap();
                    staging.mark_have(layout.index(number).unwrap()).unwrap();
                }
            });
        }
    });
    assert!(staging.have().is_full());
    drop(staging);
    let known = Known { boot: BOOT, flushed: None };
    assert!(Staging::reopen(place_in(folder.path()), layout, &known).unwrap().have().is_full());
}

#[test]
fn bytes_outside_the_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::create(place_in(folder.path()), layout(), BOOT).unwrap();
    for (offset, len, allowed) in [
        (0, 950, true),
        (949, 1, true),
        (950, 0, true),
        (949, 2, false),
        (950, 1, false),
        (u64::MAX, 1, false),
    ] {
        let outcome = staging.write_at(&vec![7; len], offset);
        assert_eq!(outcome.is_ok(), allowed, "{len} bytes at {offset}: {outcome:?}");
        let outcome = staging.read_at(&mut vec![0; len], offset);
        assert_eq!(outcome.is_ok(), allowed, "{len} bytes at {offset}: {outcome:?}");
    }
    assert!(staging.have().is_empty());
}

#[test]
fn a_data_file_that_may_be_somebody_elses_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let victim = folder.path().join("victim");
    let place = place_in(folder.path());
    fs::create_dir(folder.path().join("job")).unwrap();
    let check = |what: &str, made: &dyn Fn(), reopened: Errno| {
        fs::write(&victim, "precious").unwrap();
        made();
        let error = reopen(folder.path(), BOOT, None).unwrap_err();
        assert_eq!(error.code(), code_of(reopened), "{what}: {error}");
        let error = Staging::create(place.clone(), layout(), BOOT).unwrap_err();
        assert_eq!(error.code(), code_of(Errno::EXIST), "{what}: {error}");
        assert_eq!(fs::read(&victim).unwrap(), b"precious", "{what}");
        fs::remove_file(place.data()).unwrap();
    };
    check("a link", &|| symlink(&victim, place.data()).unwrap(), Errno::LOOP);
    check("a second name", &|| fs::hard_link(&victim, place.data()).unwrap(), Errno::PERM);
    let fifo = || rustix::fs::mkfifoat(rustix::fs::CWD, place.data(), 0o600.into()).unwrap();
    check("a pipe", &fifo, Errno::PERM);
    assert!(reopen(folder.path(), BOOT, None).unwrap_err().is_missing());
}

#[test]
fn a_link_in_place_of_the_have_file_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let place = place_in(folder.path());
    drop(Staging::create(place.clone(), layout(), BOOT).unwrap());
    fs::remove_file(place.have()).unwrap();
    symlink(&victim, place.have()).unwrap();
    let error = reopen(folder.path(), BOOT, None).unwrap_err();
    assert_eq!(error.code(), code_of(Errno::LOOP));
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn discarding_removes_both_files_and_leaves_the_folder_to_the_jobs_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let job_folder = folder.path().join("job");
    let places = [0, 1].map(|number| Place::in_folder(&job_folder, FileNumber(number)));
    let [first, second] =
        places.each_ref().map(|place| Staging::create(place.clone(), layout(), BOOT).unwrap());
    first.discard().unwrap();
    assert!(!places[0].data().exists() && !places[0].have().exists());
    assert!(places[1].data().exists() && places[1].have().exists());
    // Its data was renamed to its destination meanwhile.
    fs::remove_file(places[1].data()).unwrap();
    second.discard().unwrap();
    assert_eq!(fs::read_dir(&job_folder).unwrap().count(), 0);
    Staging::discard_at(&places[0]).unwrap();
}

/// Reliability matrix, row 14: a write that never came to the disk.
#[test]
fn a_stretch_that_was_never_stored_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(4 << 20, 1 << 20).unwrap();
    let staging = Staging::create(place_in(folder.path()), layout, BOOT).unwrap();
    let bytes = vec![7; 1 << 20];
    for piece in layout.pieces().filter(|piece| piece.number() != 2) {
        staging.write_at(&bytes, layout.byte_range(piece).start).unwrap();
    }
    if !staging.may_have_a_hole() {
        eprintln!("skipped: this file system keeps no holes");
        return;
    }
    staging.write_at(&bytes, 2 << 20).unwrap();
    assert!(!staging.may_have_a_hole());
}

/// Doubted: nothing counts that the journal does not call flushed, until every piece was compared; then
/// what was found is had, also after the next start, which may come at any moment before.
#[test]
fn what_is_doubted_counts_only_once_somebody_has_looked() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    let staging = Staging::create(place.clone(), layout(), BOOT).unwrap();
    put(&staging, &[1, 4, 8]);
    drop(staging);
    assert!(Staging::is_believed(&place, layout(), BOOT));
    assert!(!Staging::is_believed(&place, layout(), "another run"));
    assert!(!Staging::is_believed(&place, Layout::new(950, 50).unwrap(), BOOT));

    let flushed = set_of(&[1]);
    let open = || Staging::reopen_doubted(place.clone(), layout(), Some(&flushed)).unwrap();
    let doubted = open();
    assert_eq!(doubted.have(), flushed);
    // By the length of the data: all but the last, which ends behind it.
    assert_eq!(doubted.written().unwrap(), set_of(&[0, 1, 2, 3, 4, 5, 6, 7, 8]));
    doubted.mark_have(piece(4)).unwrap();
    drop(doubted);
    assert!(!Staging::is_believed(&place, layout(), BOOT), "killed while looking");
    let looked = open();
    looked.mark_have(piece(4)).unwrap();
    looked.drop_have(piece(1)).unwrap();
    looked.believe(BOOT).unwrap();
    drop(looked);
    assert_eq!(reopen(folder.path(), BOOT, Some(&flushed)).unwrap().have(), set_of(&[4]));
}

#[test]
fn a_file_is_cut_as_when_it_was_begun_whoever_asks() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    let by_size = Layout::without_manifest(950);
    assert_eq!(Staging::layout_of(&place, 950), by_size, "nothing tells");
    drop(Staging::create(place.clone(), layout(), BOOT).unwrap());
    assert_eq!(Staging::layout_of(&place, 950), Some(layout()));
    assert_eq!(Staging::layout_of(&place, 951), Layout::without_manifest(951), "another file");
    let mut have = fs::read(place.have()).unwrap();
    have[13] ^= 1;
    fs::write(place.have(), have).unwrap();
    assert_eq!(Staging::layout_of(&place, 950), by_size, "torn");
}

#[test]
fn counting_what_is_had_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = place_in(folder.path());
    let had = |boot, flushed: Option<&PieceSet>| {
        Staging::had_bytes(&place, layout(), &Known { boot, flushed })
    };
    assert_eq!(had(BOOT, None), None, "there is no file");
    let staging = Staging::create(place.clone(), layout(), BOOT).unwrap();
    put(&staging, &[1, 4]);
    drop(staging);
    let before = fs::read(place.have()).unwrap();
    assert_eq!(had(BOOT, None), Some(200));
    assert_eq!(had("another run", None), None);
    assert_eq!(had("another run", Some(&set_of(&[1, 9]))), Some(100), "as far as the data goes");
    assert_eq!(fs::read(place.have()).unwrap(), before);
}
