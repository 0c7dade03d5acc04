//! Making a complete, flushed file on the destination's file system, not yet under its name.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use dobbin_types::{FileNumber, JobId};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::check::{check_free, check_name, look};
use super::copy::{Way, fill_file};
use super::error::PublishError;
use super::folders::Folders;
use super::intent::Intent;
use crate::durable;
use crate::error::{Doing, FileError};
use crate::fnv::fnv1a;
use crate::staging::{Staging, beside, set_mode_and_time};

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
    prepare_in(&mut Folders::default(), staging, wanted)
}

/// [`prepare`] for one of many files that are made ready together: their folders are asked once.
pub fn prepare_in(
    folders: &mut Folders,
    staging: &Staging,
    wanted: &Wanted<'_>,
) -> Result<Intent, PublishError> {
    prepare_by(folders, staging, wanted, Way::Rename).map(|(intent, _way)| intent)
}

/// [`prepare_in`] by no cheaper way than `cheapest`; says which way it was.
pub(super) fn prepare_by(
    folders: &mut Folders,
    staging: &Staging,
    wanted: &Wanted<'_>,
    cheapest: Way,
) -> Result<(Intent, Way), PublishError> {
    check_name(wanted.destination)?;
    let replaced = look(wanted.destination)?;
    check_free(wanted.destination, replaced.as_ref(), wanted.replace)?;
    let mode = wanted.mode & 0o777 & replaced.map_or(0o777, |found| mode_to_keep(&found));
    let found = finished(staging)?;
    if cheapest == Way::Rename && can_rename(folders, staging, &found, wanted.destination)? {
        let path = staging.place().data();
        if !has_mode_and_time(&found, mode, wanted.last_modified) {
            settle(staging.data(), path, &found, mode, wanted)?;
        }
        return Ok((intent(path, wanted, &found, false), Way::Rename));
    }
    let path = part_path(wanted.destination, wanted.tag);
    beside::note(staging.place().have(), &path)?;
    let part = create_part(&path)?;
    let copy = || -> Result<(Intent, Way), PublishError> {
        let way = fill_file(staging.data(), &part, found.len(), cheapest).doing("write", &path)?;
        let found = part.metadata().doing("look at", &path)?;
        settle(&part, &path, &found, mode, wanted)?;
        Ok((intent(&path, wanted, &found, true), way))
    };
    copy().inspect_err(|_| drop(fs::remove_file(&path)))
}

/// Flushes the staging file and says what it is, if all of it is there.
pub(super) fn finished(staging: &Staging) -> Result<Metadata, PublishError> {
    let flushed = staging.flush()?;
    if !flushed.is_full() {
        let missing_count = flushed.missing().count() as u32;
        return Err(PublishError::Incomplete { missing_count });
    }
    let path = staging.place().data();
    let found = staging.data().metadata().doing("look at", path)?;
    if found.len() != staging.layout().file_size() {
        return Err(PublishError::Incomplete { missing_count: 0 });
    }
    Ok(found)
}

/// Whether the staging file itself may become the user's file: it can be renamed there, and has one
/// name. That this is still the name it was opened by is seen to by `commit`, in the last moment.
fn can_rename(
    folders: &mut Folders,
    staging: &Staging,
    found: &Metadata,
    destination: &Path,
) -> Result<bool, PublishError> {
    let path = staging.place().data();
    if found.nlink() != 1 {
        return Err(FileError::new("publish", path, Errno::STALE).into());
    }
    let link = folders.link(durable::parent(path), durable::parent(destination))?;
    Ok(link.lets_rename(found.gid()))
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

/// Gives the file its mode and time and flushes it. A staging file mostly had both before its last
/// flush ([`Staging::seal`]), and needs no other one.
fn settle(
    file: &File,
    path: &Path,
    found: &Metadata,
    mode: u32,
    wanted: &Wanted<'_>,
) -> Result<(), FileError> {
    set_mode_and_time(file, found.mode(), mode, wanted.last_modified)
        .doing("set mode and time of", path)?;
    durable::flush_all(file).doing("flush", path)
}

/// That the file at `path`, which is ready, is to appear.
fn intent(path: &Path, wanted: &Wanted<'_>, found: &Metadata, copied: bool) -> Intent {
    Intent {
        from: path.to_path_buf(),
        to: wanted.destination.to_path_buf(),
        device: found.dev(),
        inode: found.ino(),
        replace: wanted.replace,
        copied,
    }
}

/// Whether a file has this mode and, if one is wanted, this time already.
fn has_mode_and_time(found: &Metadata, mode: u32, modified: Option<SystemTime>) -> bool {
    found.mode() & 0o7777 == mode
        && modified.is_none_or(|time| found.modified().is_ok_and(|t| t == time))
}

/// What the file that is going to be replaced lets people do: its successor lets them do no more
/// (a file that somebody closed to others does not open to them by being fetched anew).
fn mode_to_keep(replaced: &Metadata) -> u32 {
    if replaced.is_file() { replaced.mode() & 0o777 } else { 0o777 }
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
