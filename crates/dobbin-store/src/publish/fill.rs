//! Filling a file that the caller opened with its own rights and passed to us.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use dobbin_types::Uid;
use rustix::fs::OFlags;

use super::copy::{Way, fill_file};
use super::error::PublishError;
use super::prepare::finished_len;
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
    let len = finished_len(staging)?;
    let passed = Path::new(PASSED);
    fill_file(staging.data(), target, len, Way::Reflink).doing("write", passed)?;
    durable::flush_all(target).doing("flush", passed)?;
    if target.metadata().doing("look at", passed)?.len() != len {
        return Err(PublishError::Target { why: "its length was changed meanwhile" });
    }
    Ok(())
}

fn check_target(target: &File, owner: Uid) -> Result<(), PublishError> {
    let refused = |why| Err(PublishError::Target { why });
    let found = target.metadata().doing("look at", Path::new(PASSED))?;
    if !found.is_file() {
        return refused("it is not a plain file");
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
