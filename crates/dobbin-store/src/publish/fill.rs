//! Filling a file that the caller opened with its own rights and passed to us.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use dobbin_types::Uid;
use rustix::fs::OFlags;

use super::copy::{Way, fill_file};
use super::error::PublishError;
use super::prepare::finished;
use crate::durable;
use crate::error::Doing;
use crate::staging::Staging;

/// What errors about the caller's file say in place of a path, which we do not know.
const PASSED: &str = "the caller's file";

/// Fills `target` with the finished file and flushes it. The caller then renames it, flushes its
/// folder and acknowledges.
///
/// `owner` is who passed it, as the kernel says. The file must be a plain one, of that owner, empty,
/// with one name, and open for writing but not for appending: then filling it gives the caller nothing
/// that it did not have (decision "who writes the user's file").
///
/// # Errors
///
/// [`PublishError::Target`] for a file that is not like that, also when somebody truncated or lengthened
/// it while it was filled. What is in it then is worth nothing.
pub fn fill(staging: &Staging, target: &File, owner: Uid) -> Result<(), PublishError> {
    check_target(target, owner)?;
    let len = finished(staging)?.len();
    let passed = Path::new(PASSED);
    fill_file(staging.data(), target, len, Way::Reflink).doing("write", passed)?;
    durable::flush_all(target).doing("flush", passed)?;
    if target.metadata().doing("look at", passed)?.len() != len {
        return Err(PublishError::Target { why: "its length was changed meanwhile" });
    }
    Ok(())
}

/// Whether it lies on a file system whose files are the kernel's own switches. They look like empty
/// plain files, but writing there acts with the rights of whoever writes.
fn is_of_the_kernel(target: &File) -> io::Result<bool> {
    // `statfs(2)`: proc, sysfs, debugfs, tracefs, securityfs, cgroup, cgroup2, bpf, selinuxfs,
    // efivarfs, configfs.
    const SWITCHES: [u32; 11] = [
        0x9fa0,
        0x6265_6572,
        0x6462_6720,
        0x7472_6163,
        0x7363_6673,
        0x0027_e0eb,
        0x6367_7270,
        0xcafe_4a11,
        0xf97c_ff8c,
        0xde5e_81e4,
        0x6265_6570,
    ];
    // The kernel's word is as long as a machine word; its numbers have 32 bits.
    Ok(SWITCHES.contains(&(rustix::fs::fstatfs(target)?.f_type as u32)))
}

fn check_target(target: &File, owner: Uid) -> Result<(), PublishError> {
    let refused = |why| Err(PublishError::Target { why });
    let found = target.metadata().doing("look at", Path::new(PASSED))?;
    if !found.is_file() {
        return refused("it is not a plain file");
    }
    if is_of_the_kernel(target).doing("look at", Path::new(PASSED))? {
        return refused("it is a door into the kernel and no file");
    }
    if found.uid() != owner.0 {
        return refused("it belongs to another user than who passed it");
    }
    if found.len() != 0 {
        return refused("it is not empty");
    }
    if found.nlink() > 1 {
        return refused("it has more than one name");
    }
    let flags = rustix::fs::fcntl_getfl(target).doing("look at", Path::new(PASSED))?;
    if flags.contains(OFlags::APPEND) {
        return refused("it is open for appending");
    }
    if !flags.intersects(OFlags::WRONLY | OFlags::RDWR) {
        return refused("it is not open for writing");
    }
    Ok(())
}
