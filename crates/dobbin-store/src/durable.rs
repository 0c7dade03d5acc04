//! The order of durable steps: data, flush, record, rename, flush the folder.
//!
//! No other file of the house flushes or renames. What can fail comes before the visible step; what
//! comes after it can be repeated.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

/// Replaces the file at `path` with `bytes`, or leaves it as it was; mode 0600.
///
/// The data is written beside the target (`NAME.new`) and flushed before the rename, and the folder
/// after it: without the first the new name could show an empty file after a power cut, without the
/// second the old one.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    flush_parent(path)
}

/// Waits until the bytes of the file, and what is needed to read them back, survive a power cut.
///
/// After an error the data must be taken for lost: the kernel may have dropped it, and the next call
/// on this descriptor may succeed all the same.
pub fn flush_data(file: &File) -> io::Result<()> {
    file.sync_data()
}

/// As [`flush_data`], with the times, the mode and the owner of the file.
pub fn flush_all(file: &File) -> io::Result<()> {
    file.sync_all()
}

/// Waits until the names in a folder survive a power cut: after creating, renaming or removing.
pub fn flush_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some file systems cannot flush folders; they have nothing to flush, either.
        Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => Ok(()),
        outcome => outcome,
    }
}

/// Folders, each of which is flushed when it is first asked for and not again: many names in one
/// folder survive by one flush. What it says holds for names that were there before that.
#[derive(Debug, Default)]
pub struct FlushedFolders<'a> {
    outcomes: BTreeMap<&'a Path, Result<(), Errno>>,
}

impl<'a> FlushedFolders<'a> {
    /// [`flush_folder`], at most once; later askers hear what the first one heard.
    pub fn flush(&mut self, folder: &'a Path) -> Result<(), Errno> {
        *self.outcomes.entry(folder).or_insert_with(|| {
            let outcome = flush_folder(folder);
            outcome.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
        })
    }
}

/// [`flush_folder`] for the folder that holds `path`.
pub fn flush_parent(path: &Path) -> io::Result<()> {
    flush_folder(parent(path))
}

/// The folder that holds `path`.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    }
}

/// Creates a folder for us alone (mode 0700) and the folders above it, and makes their names durable.
/// A folder that exists is left as it is.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    create_folder_with(folder, 0o700)
}

/// [`create_folder`] for the user's own files: with the mode that every other program would give it.
pub fn create_shared_folder(folder: &Path) -> io::Result<()> {
    create_folder_with(folder, 0o777)
}

fn create_folder_with(folder: &Path, mode: u32) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    create_folder_with(above, mode)?;
    match DirBuilder::new().mode(mode).create(folder) {
        Ok(()) => flush_folder(above),
        // Somebody else was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Shows `from` under the name `to`, in place of whatever file has it, and makes that durable.
///
/// A symbolic link at `to` is replaced and never followed. Both must lie on one file system.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    rename_unflushed(from, to)?;
    flush_parent(to)
}

/// The visible step of [`rename`] alone: the caller flushes the folder when more files have been
/// shown in it, and tells nobody before.
pub fn rename_unflushed(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Shows `from` under the name `to`, which must be free, and makes that durable.
///
/// # Errors
///
/// `EEXIST` when anything at all has that name; nothing has changed then. On file systems that
/// cannot refuse in a rename, a hard link does the same in two steps.
pub fn rename_noreplace(from: &Path, to: &Path) -> io::Result<()> {
    rename_noreplace_unflushed(from, to)?;
    flush_parent(to)
}

/// The visible step of [`rename_noreplace`] alone, as [`rename_unflushed`] is that of [`rename`].
pub fn rename_noreplace_unflushed(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        for bytes in [&b"long first version"[..], b"short", b""] {
            replace(&path, bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_the_plain_rename_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        fs::write(&from, "new").unwrap();
        fs::write(&to, "old").unwrap();
        let refused = rename_noreplace(&from, &to).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&to).unwrap(), b"old");
        rename(&from, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"new");
        let free = folder.path().join("free");
        rename_noreplace(&to, &free).unwrap();
        assert_eq!(fs::read(&free).unwrap(), b"new");
        assert!(!to.exists());
    }

    #[test]
    fn a_folder_is_flushed_once_and_everybody_hears_the_same_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let mut folders = FlushedFolders::default();
        assert_eq!(folders.flush(folder.path()), Ok(()));
        assert_eq!(folders.flush(&missing), Err(Errno::NOENT));
        // Asked again it would answer otherwise: it is not asked again.
        fs::create_dir(&missing).unwrap();
        assert_eq!(folders.flush(&missing), Err(Errno::NOENT));
        assert_eq!(FlushedFolders::default().flush(&missing), Ok(()));
    }

    #[test]
    fn folders_are_created_with_those_above_them_for_us_alone() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a/b/c");
        create_folder(&deep).unwrap();
        create_folder(&deep).unwrap();
        for folder in [&deep, deep.parent().unwrap()] {
            let mode = fs::metadata(folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o700, "{}", folder.display());
        }
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(create_folder(&file.join("below")).is_err());
        assert!(create_folder(&file).is_err());
    }
}
