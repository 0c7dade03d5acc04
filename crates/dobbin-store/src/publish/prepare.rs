//! Making a complete, flushed file on the destination's file system, not yet under its name.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use dobbin_types::{FileNumber, JobId};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::check::{check_free, check_name};
use super::copy::{Way, fill_file};
use super::error::PublishError;
use super::intent::Intent;
use crate::error::{Doing, FileError};
use crate::fnv::fnv1a;
use crate::staging::{Staging, beside, set_mode_and_time};
use crate::{durable, space};

/// How the user's file shall come out.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Where it shall appear: an absolute path.
    pub destination: &'a Path,
    /// Its permissions, as [`mode_of_new_files`] says for our own process.
    pub mode: u32,
    /// Whether a file of that name may be replaced.
    pub replace: bool,
    /// When the content was last changed, as the origin said (`Last-Modified`); nothing leaves the
    /// time at which it was written.
    pub last_modified: Option<SystemTime>,
    /// Which file this is, as [`part_tag`] says. It names the file beside the destination, so that
    /// what a crash left there is found and replaced by the next try.
    pub tag: u64,
}

/// Bytes that a name in a folder may have on Linux's file systems.
const NAME_BYTES_MAX: usize = 255;

/// Makes the finished file ready beside its destination, by the cheapest way that is right there, and
/// flushes it. Nothing is visible yet under its name; [`super::commit`] is the next step, after the
/// intent was written to the journal.
///
/// # Errors
///
/// [`PublishError::Incomplete`] unless every piece is had; and everything that can be known now of what
/// would keep `commit` from succeeding: see [`super::check_destination`].
pub fn prepare(staging: &Staging, wanted: &Wanted<'_>) -> Result<Intent, PublishError> {
    prepare_by(staging, wanted, Way::Rename).map(|(intent, _way)| intent)
}

/// [`prepare`] by no cheaper way than `cheapest`; says which way it was.
pub(super) fn prepare_by(
    staging: &Staging,
    wanted: &Wanted<'_>,
    cheapest: Way,
) -> Result<(Intent, Way), PublishError> {
    check_name(wanted.destination)?;
    check_free(wanted.destination, wanted.replace)?;
    let len = finished_len(staging)?;
    if cheapest == Way::Rename && can_rename(staging, wanted.destination)? {
        let path = staging.place().data();
        let intent = finish(staging.data(), path, wanted, false)?;
        return Ok((intent, Way::Rename));
    }
    let path = part_path(wanted.destination, wanted.tag);
    beside::note(staging.place().have(), &path)?;
    let part = create_part(&path)?;
    let copy = || -> Result<(Intent, Way), PublishError> {
        let way = fill_file(staging.data(), &part, len, cheapest).doing("write", &path)?;
        Ok((finish(&part, &path, wanted, true)?, way))
    };
    copy().inspect_err(|_| drop(fs::remove_file(&path)))
}

/// Flushes the staging file and returns its length, if all of it is there.
pub(super) fn finished_len(staging: &Staging) -> Result<u64, PublishError> {
    let flushed = staging.flush()?;
    if !flushed.is_full() {
        let missing_count = flushed.missing().count() as u32;
        return Err(PublishError::Incomplete { missing_count });
    }
    let path = staging.place().data();
    let len = staging.data().metadata().doing("look at", path)?.len();
    if len != staging.layout().file_size() {
        return Err(PublishError::Incomplete { missing_count: 0 });
    }
    Ok(len)
}

/// Whether the staging file itself may become the user's file: it can be renamed there, is still the
/// file of that name, and has no other one. Where the folder hands its group on to new files, a new
/// file it has to be.
fn can_rename(staging: &Staging, destination: &Path) -> Result<bool, PublishError> {
    const SET_GROUP_ID: u32 = 0o2000;
    let path = staging.place().data();
    let folder = durable::parent(destination);
    let open = staging.data().metadata().doing("look at", path)?;
    let named = fs::symlink_metadata(path).doing("look at", path)?;
    let same = (open.dev(), open.ino()) == (named.dev(), named.ino());
    if !same || open.nlink() != 1 {
        return Err(FileError::new("publish", path, Errno::STALE).into());
    }
    let folder_found = fs::metadata(folder).doing("write to", folder)?;
    let hands_on_group =
        folder_found.mode() & SET_GROUP_ID != 0 && folder_found.gid() != open.gid();
    Ok(!hands_on_group && space::same_mount(path, folder).doing("write to", folder)?)
}

/// Creates the file beside the destination, for us alone until it is finished. One that an earlier try
/// left there is removed first; anything else of that name is not touched.
fn create_part(path: &Path) -> Result<File, FileError> {
    let create = || {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)
    };
    match create() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && beside::is_ours(path) => {
            fs::remove_file(path).doing("remove", path)?;
            create()
        }
        outcome => outcome,
    }
    .doing("create", path)
}

/// Gives the file its mode and time and flushes it, unless it is a staging file that had both before
/// its last flush ([`Staging::seal`]).
fn finish(
    file: &File,
    path: &Path,
    wanted: &Wanted<'_>,
    copied: bool,
) -> Result<Intent, PublishError> {
    let mode = wanted.mode & 0o777 & replaced_mode(wanted);
    let found = file.metadata().doing("look at", path)?;
    if copied || !has_mode_and_time(&found, mode, wanted.last_modified) {
        set_mode_and_time(file, mode, wanted.last_modified).doing("set mode and time of", path)?;
        durable::flush_all(file).doing("flush", path)?;
    }
    Ok(Intent {
        from: path.to_path_buf(),
        to: wanted.destination.to_path_buf(),
        device: found.dev(),
        inode: found.ino(),
        replace: wanted.replace,
        copied,
    })
}

/// Whether a file has this mode and, if one is wanted, this time already.
fn has_mode_and_time(found: &fs::Metadata, mode: u32, modified: Option<SystemTime>) -> bool {
    found.mode() & 0o7777 == mode
        && modified.is_none_or(|time| found.modified().is_ok_and(|t| t == time))
}

/// What the file that is going to be replaced lets people do: its successor lets them do no more
/// (a file that somebody closed to others does not open to them by being fetched anew).
fn replaced_mode(wanted: &Wanted<'_>) -> u32 {
    match fs::symlink_metadata(wanted.destination) {
        Ok(found) if wanted.replace && found.is_file() => found.mode() & 0o777,
        Ok(_) | Err(_) => 0o777,
    }
}

/// The path beside `destination` under which the file is made ready: `.NAME.<16 hex>.part`, with as
/// much of the name as fits.
pub fn part_path(destination: &Path, tag: u64) -> PathBuf {
    let suffix = format!(".{tag:016x}.part");
    let name = destination.file_name().unwrap_or_default().as_bytes();
    let kept_len = name.len().min(NAME_BYTES_MAX - 1 - suffix.len());
    let mut part = Vec::with_capacity(NAME_BYTES_MAX);
    part.push(b'.');
    part.extend_from_slice(&name[..kept_len]);
    part.extend_from_slice(suffix.as_bytes());
    destination.with_file_name(OsString::from_vec(part))
}

/// A number for a file of a job, always the same for the same file, and different for different ones
/// as far as 64 bits allow.
pub fn part_tag(job: JobId, file: FileNumber) -> u64 {
    fnv1a(job.as_bytes().iter().copied().chain(file.0.to_le_bytes()))
}

/// The permissions that this process gives to new files: read and write for everybody, less what its
/// umask takes. Where the system does not tell the umask, for the user alone. Asked for once: nothing
/// in this process changes its umask.
pub fn mode_of_new_files() -> u32 {
    static MODE: OnceLock<u32> = OnceLock::new();
    *MODE.get_or_init(ask_for_mode)
}

fn ask_for_mode() -> u32 {
    // Asking for it with umask(2) would change it for a moment, for every thread.
    let told = fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let text = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
        u32::from_str_radix(text.trim(), 8).ok()
    });
    0o666 & !told.unwrap_or(0o077)
}
