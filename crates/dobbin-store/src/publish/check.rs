//! Whether a destination can be published to, asked before a byte is fetched.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use dobbin_types::file::LOCAL_NAME_BYTES_MAX;
use rustix::io::Errno;

use super::error::PublishError;
use super::folders::Folders;
use crate::durable;
use crate::error::FileError;

/// Says whether a file may be published at `destination` as things stand: the name is a usable one,
/// its folder exists and we may write to it, and nothing is in the way.
///
/// A hint to fail early. Everything may change until the file is published, and is checked again then.
///
/// # Errors
///
/// [`PublishError::Name`] for what can be no file's name; else what the operating system would say to
/// publishing there: `ENOENT` and `ENOTDIR` for the folder, `EACCES` and `EROFS` for the right to
/// write, `EISDIR` for a folder with that name, `EEXIST` for anything else unless `replace`.
pub fn check_destination(destination: &Path, replace: bool) -> Result<(), PublishError> {
    check_destination_in(&mut Folders::default(), destination, replace)
}

/// [`check_destination`] for one of many files that are asked about together: each folder is looked at
/// once.
pub fn check_destination_in(
    folders: &mut Folders,
    destination: &Path,
    replace: bool,
) -> Result<(), PublishError> {
    check_name(destination)?;
    folders.check_writable(durable::parent(destination))?;
    check_free(destination, look(destination)?.as_ref(), replace)
}

/// The part of [`check_destination`] that needs no disk.
pub(super) fn check_name(destination: &Path) -> Result<(), PublishError> {
    let bytes = destination.as_os_str().as_bytes();
    let refused = |why| Err(PublishError::Name { path: destination.to_path_buf(), why });
    if bytes.is_empty() {
        return refused("it is empty");
    }
    if bytes.contains(&0) {
        return refused("it contains a NUL");
    }
    if !destination.is_absolute() {
        return refused("it is not absolute");
    }
    if bytes.len() > LOCAL_NAME_BYTES_MAX {
        return Err(FileError::new("write to", destination, Errno::NAMETOOLONG).into());
    }
    // `/a/b/`, `/a/..` and `/` name folders, whatever is there. (`Path` itself forgets the slash.)
    let names_file = matches!(destination.components().next_back(), Some(Component::Normal(_)));
    if !names_file || bytes.ends_with(b"/") || bytes.ends_with(b"/.") {
        return Err(FileError::new("write to", destination, Errno::ISDIR).into());
    }
    Ok(())
}

/// What stands at `path`, if anything does. A symbolic link there is a file like any other: what it
/// points to is not looked at.
pub(super) fn look(path: &Path) -> Result<Option<Metadata>, FileError> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new("look at", path, error)),
    }
}

/// Whether what was found at `destination` may be replaced, if anything was.
pub(super) fn check_free(
    destination: &Path,
    found: Option<&Metadata>,
    replace: bool,
) -> Result<(), PublishError> {
    match found {
        Some(found) if found.is_dir() => {
            Err(FileError::new("replace", destination, Errno::ISDIR).into())
        }
        Some(_) if !replace => Err(FileError::new("create", destination, Errno::EXIST).into()),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use dobbin_types::ErrorCode;

    use super::*;

    fn errno(errno: Errno) -> Option<ErrorCode> {
        Some(ErrorCode::from_errno(errno.raw_os_error()))
    }

    #[test]
    fn a_destination_is_refused_before_a_byte_is_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "old").unwrap();
        fs::create_dir(at("folder")).unwrap();
        symlink(at("nowhere"), at("dangling")).unwrap();
        symlink(at("folder"), at("to-folder")).unwrap();
        let long = format!("/{}", "x/".repeat(2_100));
        let text = |name: &str| at(name).to_str().unwrap().to_owned();
        for (destination, replace, expect) in [
            (text("new"), false, None),
            (text("file"), true, None),
            (text("file"), false, errno(Errno::EXIST)),
            (text("dangling"), true, None),
            (text("dangling"), false, errno(Errno::EXIST)),
            (text("to-folder"), true, None),
            (text("to-folder/new"), false, None),
            (text("folder"), true, errno(Errno::ISDIR)),
            (text("folder/"), true, errno(Errno::ISDIR)),
            (text("folder/.."), true, errno(Errno::ISDIR)),
            (text("folder/."), true, errno(Errno::ISDIR)),
            ("/".to_owned(), true, errno(Errno::ISDIR)),
            (text("missing/new"), true, errno(Errno::NOENT)),
            (text("file/new"), true, errno(Errno::NOTDIR)),
            (format!("{long}name"), true, errno(Errno::NAMETOOLONG)),
            (String::new(), true, Some(ErrorCode::E_INVALIDARG)),
            ("relative".to_owned(), true, Some(ErrorCode::E_INVALIDARG)),
            ("/tmp/a\0b".to_owned(), true, Some(ErrorCode::E_INVALIDARG)),
        ] {
            let got = check_destination(Path::new(&destination), replace);
            assert_eq!(got.err().map(|e| e.code()), expect, "{destination:.80}, {replace}");
        }
    }
}
