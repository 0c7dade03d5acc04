//! What the operating system refuses to a user without privileges. Run as root, the test runs itself
//! again as such a user; as anybody else it is one already.

// Helpers unwrap too: whatever fails here is the test's own failure.
#![allow(clippy::unwrap_used)]

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use dobbin_core::piece::Layout;
use dobbin_store::publish::{self, Wanted};
use dobbin_store::{Known, OpenError, Staging, Store};
use dobbin_types::{ErrorCode, FileNumber, JobId};
use rustix::io::Errno;

const CHILD: &str = "DOBBIN_TEST_UNPRIVILEGED_CHILD";
const NOBODY: u32 = 65_534;

#[test]
fn what_may_not_be_written_is_refused_and_left_alone() {
    if !rustix::process::geteuid().is_root() {
        return check_all();
    }
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "what_may_not_be_written_is_refused_and_left_alone", "--nocapture"])
        .env(CHILD, "1")
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output();
    match child {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => eprintln!("skipped: cannot run as another user: {error}"),
    }
}

fn check_all() {
    let folder = tempfile::tempdir().unwrap();
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::write(locked.join("old"), "old").unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let staging = finished(&store, b"new content");
    let denied = ErrorCode::from_errno(Errno::ACCESS.raw_os_error());

    // Ready, and then the folder is closed to us.
    let to = locked.join("old");
    let wanted = wanted_at(&to);
    let intent = publish::prepare(&staging, &wanted).unwrap();
    fs::set_permissions(&locked, Permissions::from_mode(0o500)).unwrap();
    assert_eq!(publish::check_destination(&to, true).unwrap_err().code(), denied);
    assert_eq!(publish::commit(&intent).unwrap_err().code(), denied);
    assert_eq!(fs::read(&to).unwrap(), b"old");
    assert!(!intent.copied, "one file system");
    // Nothing is lost: with the right to write it works after all.
    fs::set_permissions(&locked, Permissions::from_mode(0o700)).unwrap();
    publish::check_destination(&to, true).unwrap();
    publish::commit(&intent).unwrap();
    assert_eq!(fs::read(&to).unwrap(), b"new content");

    fs::set_permissions(&locked, Permissions::from_mode(0o000)).unwrap();
    assert_eq!(publish::check_destination(&to, true).unwrap_err().code(), denied);
    match Store::open(&locked.join("store")) {
        Err(OpenError::File(error)) => assert_eq!(error.code(), denied),
        other => panic!("{other:?}"),
    }
    fs::set_permissions(&locked, Permissions::from_mode(0o700)).unwrap();

    // A data file that we may not read.
    let place = store.place(JobId::from_bytes([1; 16]), FileNumber(7));
    fs::create_dir_all(place.data().parent().unwrap()).unwrap();
    fs::write(place.data(), "").unwrap();
    fs::set_permissions(place.data(), Permissions::from_mode(0o000)).unwrap();
    let known = Known { boot: "boot", flushed: None };
    let layout = Layout::new(10, 10).unwrap();
    assert_eq!(Staging::reopen(place, layout, &known).unwrap_err().code(), denied);
}

fn wanted_at(destination: &Path) -> Wanted<'_> {
    Wanted { destination, mode: 0o644, replace: true, last_modified: None, tag: 1 }
}

fn finished(store: &Store, bytes: &[u8]) -> Staging {
    let layout = Layout::new(bytes.len() as u64, 4).unwrap();
    let place = store.place(JobId::from_bytes([1; 16]), FileNumber(0));
    let staging = Staging::create(place, layout, "boot").unwrap();
    staging.write_at(bytes, 0).unwrap();
    layout.pieces().for_each(|piece| staging.mark_have(piece).unwrap());
    staging
}
