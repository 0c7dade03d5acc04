//! Where one file goes: created beside its name, filled by the agent, and then named.
//!
//! Everything happens in one open folder, by names in it: a folder that is swapped for a link
//! meanwhile changes nothing. Nothing is done with more than this process's own rights.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use dobbin_types::rest::{Failure, GivenFile};
use dobbin_types::{FileNumber, JobId, Uid};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, Stat, StatxFlags};
use rustix::io::Errno;

use super::failure;

/// Bytes that a name in a folder may have on Linux's file systems.
const NAME_BYTES_MAX: usize = 255;

/// The permission bit with which anybody may put files into a folder.
const ANYBODY_MAY_WRITE: u32 = 0o002;

/// The folder of a file, and the file's names in it.
pub(super) struct Place {
    folder: OwnedFd,
    /// The kernel lets this process flush the folder: it may read it.
    can_flush: bool,
    path: PathBuf,
    name: OsString,
    part_name: OsString,
    /// Whose file may be replaced: of another one's job only the owner's own.
    replaced_owner: Option<u32>,
}

/// A file that is created and waits for its bytes and its name. Dropping it removes it.
pub(super) struct Part {
    place: Place,
    file: File,
    given: GivenFile,
    /// As the kernel knows it: device, number, and when it was born.
    identity: String,
    is_named: bool,
}

impl Place {
    /// Opens the folder.
    ///
    /// `EACCES` also when the job is somebody else's and its owner could not have put a file there:
    /// whoever has more rights must not lend them to the job's owner.
    pub(super) fn open(job: JobId, owner: Uid, given: &GivenFile) -> Result<Place, Failure> {
        let path = PathBuf::from(&given.local_name);
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(failure("write to", &path, Errno::ISDIR));
        };
        let open = |access| {
            let flags = access | OFlags::DIRECTORY | OFlags::CLOEXEC;
            rustix::fs::openat(CWD, parent, flags, Mode::empty())
        };
        // A folder that may be written and not read can be used, but not flushed.
        let (folder, can_flush) = match open(OFlags::RDONLY) {
            Err(Errno::ACCESS) => (open(OFlags::PATH), false),
            folder => (folder, true),
        };
        let folder = folder.map_err(|error| failure("write to", parent, error))?;
        let is_lent = rustix::process::geteuid().as_raw() != owner.0;
        if is_lent {
            let found = stat(&folder).map_err(|error| failure("write to", parent, error))?;
            if found.st_uid != owner.0 && found.st_mode & ANYBODY_MAY_WRITE == 0 {
                let refused = failure("write to", parent, Errno::ACCESS);
                return Err(refused.remedy("only the job's owner can save this file there"));
            }
        }
        let (name, part_name) = (name.to_owned(), part_name(name, job, given.number));
        let replaced_owner = is_lent.then_some(owner.0);
        Ok(Place { folder, can_flush, path, name, part_name, replaced_owner })
    }

    /// Creates the file beside its name; `None` when it stands there since an earlier try.
    pub(super) fn create(self, given: GivenFile) -> Result<Option<Part>, Failure> {
        let cannot = |what, error| failure(what, &self.path, error);
        if let Some(identity) = &given.identity
            && identity_of(&self.folder, &self.name).is_ok_and(|found| found == *identity)
        {
            self.flush().map_err(|error| cannot("save", error))?;
            return Ok(None);
        }
        self.check_free(given.replace)?;
        let file = self.create_part().map_err(|error| cannot("create a file beside", error))?;
        let identity =
            identity_of(&file, "").map_err(|error| cannot("look at the file beside", error));
        let mut part = Part { place: self, file, given, identity: String::new(), is_named: false };
        part.identity = identity?;
        Ok(Some(part))
    }

    /// Whether nothing is in the way that may not be replaced.
    fn check_free(&self, replace: bool) -> Result<(), Failure> {
        match self.found() {
            Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::Directory => {
                Err(failure("replace", &self.path, Errno::ISDIR))
            }
            Ok(_) if !replace => Err(failure("create", &self.path, Errno::EXIST)),
            Ok(found) if self.replaced_owner.is_some_and(|owner| owner != found.st_uid) => {
                Err(failure("replace", &self.path, Errno::ACCESS))
            }
            Ok(_) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(failure("look at", &self.path, error)),
        }
    }

    /// A new file for us alone. One that an earlier try left there is removed first; anything else of
    /// that name is not touched.
    fn create_part(&self) -> Result<File, Errno> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let create = || {
            let mode = Mode::RUSR | Mode::WUSR;
            rustix::fs::openat(&self.folder, &self.part_name, flags, mode).map(File::from)
        };
        match create() {
            Err(Errno::EXIST) if self.is_leftover() => {
                rustix::fs::unlinkat(&self.folder, &self.part_name, AtFlags::empty())?;
                create()
            }
            outcome => outcome,
        }
    }

    fn is_leftover(&self) -> bool {
        let own = rustix::process::geteuid().as_raw();
        rustix::fs::statat(&self.folder, &self.part_name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(
            |found| {
                let kind = FileType::from_raw_mode(found.st_mode);
                kind == FileType::RegularFile && found.st_uid == own && found.st_nlink == 1
            },
        )
    }

    fn found(&self) -> Result<Stat, Errno> {
        rustix::fs::statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW)
    }

    fn flush(&self) -> Result<(), Errno> {
        if !self.can_flush {
            return Ok(());
        }
        match rustix::fs::fsync(&self.folder) {
            // Some file systems cannot flush folders; they have nothing to flush, either.
            Err(Errno::INVAL) => Ok(()),
            outcome => outcome,
        }
    }
}

impl Part {
    pub(super) fn number(&self) -> FileNumber {
        self.given.number
    }

    pub(super) fn identity(&self) -> String {
        self.identity.clone()
    }

    pub(super) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Gives the file its mode, its time and its name, and makes them durable. `filled_size`: what
    /// the agent says it filled.
    ///
    /// The mode is that of any new file of this process, and no wider than that of a file which it
    /// replaces.
    pub(super) fn name(mut self, filled_size: Option<u64>) -> Result<(), Failure> {
        let path = self.place.path.clone();
        self.finish(filled_size).map_err(|error| failure("save", &path, error))?;
        self.place.check_free(self.given.replace)?;
        self.rename().map_err(|error| failure("create", &path, error))?;
        self.is_named = true;
        // Whoever may write to the folder may have put another file in this one's place.
        let is_ours =
            identity_of(&self.place.folder, &self.place.name).as_ref() == Ok(&self.identity);
        if !is_ours {
            return Err(failure("keep", &path, Errno::STALE));
        }
        self.place.flush().map_err(|error| failure("save", &path, error))
    }

    fn finish(&self, filled_size: Option<u64>) -> Result<(), Errno> {
        let io = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
        let found = self.file.metadata().map_err(io)?;
        if filled_size != Some(found.len()) || found.len() != self.given.size {
            return Err(Errno::IO);
        }
        let mode = Permissions::from_mode(mode_of_new_files() & self.replaced_mode());
        self.file.set_permissions(mode).map_err(io)?;
        if let Some(time) = self.given.last_modified {
            let since = Duration::from_millis(time.unix_millis());
            self.file.set_modified(SystemTime::UNIX_EPOCH + since).map_err(io)?;
        }
        self.file.sync_all().map_err(io)
    }

    fn replaced_mode(&self) -> u32 {
        match self.place.found() {
            Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::RegularFile => {
                found.st_mode & 0o777
            }
            Ok(_) | Err(_) => 0o777,
        }
    }

    fn rename(&self) -> Result<(), Errno> {
        let Place { folder, name, part_name, .. } = &self.place;
        if self.given.replace {
            return rustix::fs::renameat(folder, part_name, folder, name);
        }
        match rustix::fs::renameat_with(folder, part_name, folder, name, RenameFlags::NOREPLACE) {
            // Not every file system can refuse in a rename; a hard link does the same in two steps.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                rustix::fs::linkat(folder, part_name, folder, name, AtFlags::empty())?;
                rustix::fs::unlinkat(folder, part_name, AtFlags::empty())
            }
            outcome => outcome,
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_named {
            // What cannot be removed now is found and replaced by the next try.
            let _ =
                rustix::fs::unlinkat(&self.place.folder, &self.place.part_name, AtFlags::empty());
        }
    }
}

/// `.NAME.<16 hex>.part`, with as much of the name as fits; always the same for the same file of a
/// job, so that the next try finds what a crash left.
fn part_name(name: &OsStr, job: JobId, number: FileNumber) -> OsString {
    let (high, low) = job.0.as_u64_pair();
    let tag = (high ^ low).wrapping_add(u64::from(number.0));
    let suffix = format!(".{tag:016x}.part");
    let kept_len = name.len().min(NAME_BYTES_MAX - 1 - suffix.len());
    let mut part = Vec::with_capacity(NAME_BYTES_MAX);
    part.push(b'.');
    part.extend_from_slice(&name.as_bytes()[..kept_len]);
    part.extend_from_slice(suffix.as_bytes());
    OsString::from_vec(part)
}

/// Which file has this name in the folder (an empty name: the open file itself), whatever becomes of
/// its name: its device, its number there and, because numbers are given out again, when it was born
/// as far as the file system remembers.
fn identity_of(folder: &impl AsFd, name: impl AsRef<Path>) -> Result<String, Errno> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::EMPTY_PATH;
    let wanted = StatxFlags::INO | StatxFlags::BTIME;
    let found = rustix::fs::statx(folder, name.as_ref(), flags, wanted)?;
    let born = found.stx_btime;
    Ok(format!(
        "{}:{}:{}:{}.{}",
        found.stx_dev_major, found.stx_dev_minor, found.stx_ino, born.tv_sec, born.tv_nsec
    ))
}

fn stat(file: &impl AsFd) -> Result<Stat, Errno> {
    rustix::fs::statat(file, "", AtFlags::EMPTY_PATH)
}

/// The permissions that this process gives to new files: read and write for everybody, less what its
/// umask takes. Where the system does not tell the umask, for the user alone.
fn mode_of_new_files() -> u32 {
    // Asking for it with umask(2) would change it for a moment, for every thread.
    let told = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let text = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
        u32::from_str_radix(text.trim(), 8).ok()
    });
    0o666 & !told.unwrap_or(0o077)
}
