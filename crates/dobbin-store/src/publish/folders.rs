//! What is asked of folders: once for all files that are handled together.
//!
//! Everything here is a hint, as old as the value that keeps it. What it is kept for must not outlast
//! the handling of one group of files: the steps themselves, which the kernel judges, come after it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD};
use rustix::io::Errno;

use super::error::PublishError;
use crate::error::{Doing, FileError};
use crate::space;

/// What was found out of folders. Made anew for each group of files.
#[derive(Debug, Default)]
pub struct Folders {
    writable: BTreeSet<PathBuf>,
    /// From which folder, to which, and how.
    ways: Vec<(PathBuf, PathBuf, Link)>,
}

/// How a file may go from one folder to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    /// A rename leads there.
    is_one_mount: bool,
    /// The group that the folder hands on to new files in it.
    group: Option<u32>,
}

impl Link {
    /// Whether a file of this group may be renamed. Where the folder hands its group on to new files,
    /// a new file it has to be.
    pub(super) fn lets_rename(self, group: u32) -> bool {
        self.is_one_mount && self.group.is_none_or(|handed_on| handed_on == group)
    }
}

impl Folders {
    /// Whether we may make files in the folder.
    ///
    /// # Errors
    ///
    /// See [`super::check_destination`]. What is refused is asked again the next time.
    pub(super) fn check_writable(&mut self, folder: &Path) -> Result<(), PublishError> {
        if self.writable.contains(folder) {
            return Ok(());
        }
        let found = fs::metadata(folder).doing("write to", folder)?;
        if !found.is_dir() {
            return Err(FileError::new("write to", folder, Errno::NOTDIR).into());
        }
        rustix::fs::accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
            .doing("write to", folder)?;
        self.writable.insert(folder.to_path_buf());
        Ok(())
    }

    /// How files go from the folder `from` to the folder `to`.
    pub(super) fn link(&mut self, from: &Path, to: &Path) -> Result<Link, FileError> {
        let known = self.ways.iter().find(|(start, end, _)| start == from && end == to);
        if let Some((_, _, link)) = known {
            return Ok(*link);
        }
        let link = ask(from, to).doing("write to", to)?;
        self.ways.push((from.to_path_buf(), to.to_path_buf(), link));
        Ok(link)
    }
}

fn ask(from: &Path, to: &Path) -> std::io::Result<Link> {
    const SET_GROUP_ID: u32 = 0o2000;
    let found = fs::metadata(to)?;
    let group = (found.mode() & SET_GROUP_ID != 0).then(|| found.gid());
    Ok(Link { is_one_mount: space::same_mount(from, to)?, group })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_is_asked_once_as_long_as_it_is_fit() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("folder");
        let mut folders = Folders::default();
        assert!(folders.check_writable(&folder).is_err());
        fs::create_dir(&folder).unwrap();
        folders.check_writable(&folder).unwrap();
        assert!(folders.link(root.path(), &folder).unwrap().is_one_mount);
        fs::remove_dir(&folder).unwrap();
        folders.check_writable(&folder).unwrap();
        assert!(folders.link(root.path(), &folder).unwrap().is_one_mount);
        assert!(Folders::default().check_writable(&folder).is_err());
        assert!(Folders::default().link(root.path(), &folder).is_err());
    }

    #[test]
    fn a_file_is_renamed_within_one_mount_and_not_past_a_group_that_is_handed_on() {
        let root = tempfile::tempdir().unwrap();
        let link = |to: &Path| Folders::default().link(root.path(), to).unwrap();
        let own = fs::metadata(root.path()).unwrap().gid();
        assert!(link(root.path()).lets_rename(own) && link(root.path()).lets_rename(own + 1));
        assert!(!link(Path::new("/proc")).lets_rename(own));
        let shared = root.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o2755)).unwrap();
        assert!(link(&shared).lets_rename(own));
        assert!(!link(&shared).lets_rename(own + 1));
    }
}
