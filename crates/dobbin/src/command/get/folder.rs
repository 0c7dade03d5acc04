//! The folders that a metalink wants below the chosen one.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::trouble::Trouble;

/// Where a file of this name goes below `base`, which exists; the folders on the way there that do not
/// exist yet are added to `folders`, outer ones first.
///
/// The name was let pass when the document was read. What stands on the way already must be folders:
/// a link may lead anywhere, also where its owner wants no stranger's files.
///
/// # Errors
///
/// Bad usage, when something else is in the way.
pub(super) fn below(
    base: &Path,
    name: &str,
    folders: &mut Vec<PathBuf>,
) -> Result<PathBuf, Trouble> {
    let mut path = base.to_owned();
    let mut parts = name.split('/').peekable();
    while let Some(part) = parts.next() {
        path.push(part);
        if parts.peek().is_some() && !is_folder(&path)? && !folders.contains(&path) {
            folders.push(path.clone());
        }
    }
    Ok(path)
}

/// Makes these folders, in their order.
pub(super) fn make(folders: &[PathBuf]) -> Result<(), Trouble> {
    for folder in folders {
        match fs::create_dir(folder) {
            Ok(()) => {}
            // Another command was faster, or somebody put something there since.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => _ = is_folder(folder)?,
            Err(error) => {
                let what = format!("cannot make the folder {}: {error}", folder.display());
                return Err(Trouble::failed(what));
            }
        }
    }
    Ok(())
}

/// Whether a folder stands here; an error if something else does.
fn is_folder(path: &Path) -> Result<bool, Trouble> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(true),
        Ok(_) => {
            let what = format!("the metalink wants a folder {}, which is none", path.display());
            Err(Trouble::usage(what).remedy("use --dir to name another folder"))
        }
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_folders_are_named_once_and_made() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("here")).unwrap();
        let mut folders = Vec::new();
        for name in ["a", "here/b", "here/new/c", "here/new/d", "x/y/z"] {
            assert_eq!(below(home.path(), name, &mut folders).unwrap(), home.path().join(name));
        }
        assert_eq!(folders, ["here/new", "x", "x/y"].map(|name| home.path().join(name)));
        make(&folders).unwrap();
        make(&folders).unwrap();
        assert!(folders.iter().all(|folder| folder.is_dir()));
    }

    #[test]
    fn what_is_no_folder_is_in_the_way() {
        let home = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(home.path().join("file"), "").unwrap();
        std::os::unix::fs::symlink(outside.path(), home.path().join("link")).unwrap();
        for name in ["file/a", "link/a", "link/sub/a"] {
            assert!(below(home.path(), name, &mut Vec::new()).is_err(), "{name}");
        }
        // Put there between the look and the making.
        assert!(make(&[home.path().join("link")]).is_err());
        assert!(make(&[home.path().join("none/a")]).is_err());
    }
}
