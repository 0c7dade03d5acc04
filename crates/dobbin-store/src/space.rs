//! Questions about file systems: how much is free, and whether two paths share one.

use std::io;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, StatxFlags};

/// Bytes that a user without privileges may still write to the file system that holds `path`.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let figures = rustix::fs::statvfs(path)?;
    Ok(figures.f_bavail.saturating_mul(figures.f_frsize))
}

/// Whether a file can be renamed from one of these existing paths to the other: they lie on the same
/// file system, reached through the same mount. A bind mount of one file system counts as another
/// one, because the kernel refuses renames across it.
pub fn same_mount(one: &Path, other: &Path) -> io::Result<bool> {
    Ok(mount_of(one)? == mount_of(other)?)
}

/// Device numbers and, where the kernel tells it, the number of the mount.
fn mount_of(path: &Path) -> io::Result<(u32, u32, Option<u64>)> {
    let found = rustix::fs::statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID)?;
    let told = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::MNT_ID);
    Ok((found.stx_dev_major, found.stx_dev_minor, told.then_some(found.stx_mnt_id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_that_of_the_file_system_that_holds_the_path() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(folder.path()).unwrap() > 0);
        let missing = free_bytes(&folder.path().join("missing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_folder_shares_the_mount_of_its_files_but_not_that_of_another_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(same_mount(folder.path(), &file).unwrap());
        assert!(!same_mount(folder.path(), Path::new("/proc")).unwrap());
        assert!(same_mount(folder.path(), &folder.path().join("missing")).is_err());
    }
}
