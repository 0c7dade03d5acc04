//! A name that is taken before its file is whole.
//!
//! Programs that speak the interface of Microsoft's agent for Linux find a file at its path from the
//! first Start on, and are refused where one stands already. The placeholder is an empty file; publishing
//! replaces it.

use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use dobbin_types::Uid;

use super::check::{check_name, look};
use super::error::PublishError;
use crate::error::{Doing, FileError};

/// The permissions of such a file, less what the umask takes: that agent's.
pub const PLACEHOLDER_MODE: u32 = 0o664;

/// Takes a name for which nothing stands yet.
///
/// # Errors
///
/// [`PublishError::Name`], `EEXIST` for anything that stands there, links included, and what the
/// operating system says to making a file in its folder.
pub fn put_placeholder(destination: &Path) -> Result<(), PublishError> {
    check_name(destination)?;
    let made =
        OpenOptions::new().write(true).create_new(true).mode(PLACEHOLDER_MODE).open(destination);
    made.doing("create", destination)?;
    Ok(())
}

/// Whether the placeholder stands there still: an empty file that `owner` made.
pub fn is_placeholder(destination: &Path, owner: Uid) -> bool {
    let found = look(destination).ok().flatten();
    found.is_some_and(|found| is_file_of(&found, owner) && found.len() == 0)
}

/// Whether anything stands there, once a placeholder did.
///
/// # Errors
///
/// `ENOENT` when not.
pub fn check_placeholder(destination: &Path) -> Result<(), PublishError> {
    fs::symlink_metadata(destination).doing("go on with", destination)?;
    Ok(())
}

/// Removes a placeholder, or the file that took its place. What is no file of `owner` is left alone: it is
/// somebody else's.
pub fn remove_placeholder(destination: &Path, owner: Uid) -> Result<(), FileError> {
    if !look(destination)?.is_some_and(|found| is_file_of(&found, owner)) {
        return Ok(());
    }
    match fs::remove_file(destination) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FileError::new("remove", destination, error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn is_file_of(found: &Metadata, owner: Uid) -> bool {
    found.is_file() && found.uid() == owner.0
}

#[cfg(test)]
mod tests {
    use dobbin_types::ErrorCode;
    use rustix::io::Errno;

    use super::*;

    fn own() -> Uid {
        Uid(rustix::process::getuid().as_raw())
    }

    #[test]
    fn a_name_is_taken_once_and_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let code = |outcome: Result<(), PublishError>| outcome.map_err(|error| error.code());
        let errno = |errno: Errno| Err(ErrorCode::from_errno(errno.raw_os_error()));
        assert_eq!(code(check_placeholder(&path)), errno(Errno::NOENT));
        assert_eq!(code(put_placeholder(&path)), Ok(()));
        assert!(is_placeholder(&path, own()) && !is_placeholder(&path, Uid(own().0 + 1)));
        assert_eq!(code(check_placeholder(&path)), Ok(()));
        assert_eq!(code(put_placeholder(&path)), errno(Errno::EXIST));
        remove_placeholder(&path, own()).unwrap();
        remove_placeholder(&path, own()).unwrap();
        assert!(!path.exists());
        assert_eq!(code(put_placeholder(&folder.path().join("no/file"))), errno(Errno::NOENT));
    }

    #[test]
    fn what_is_somebody_elses_is_no_placeholder_and_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("written"), "something").unwrap();
        fs::create_dir(at("folder")).unwrap();
        std::os::unix::fs::symlink(at("nowhere"), at("link")).unwrap();
        for name in ["written", "folder", "link", "missing"] {
            assert!(!is_placeholder(&at(name), own()), "{name}");
        }
        remove_placeholder(&at("written"), Uid(own().0 + 1)).unwrap();
        remove_placeholder(&at("folder"), own()).unwrap();
        remove_placeholder(&at("link"), own()).unwrap();
        assert!(at("written").exists() && at("folder").exists() && at("link").is_symlink());
        // The file that took the place of the placeholder goes with it.
        remove_placeholder(&at("written"), own()).unwrap();
        assert!(!at("written").exists());
    }
}
