//! Whether a destination can be written, asked by whoever is going to write it.

use std::path::Path;

use dobbin_types::ErrorCode;
use dobbin_types::rest::{AddFile, Failure};
use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::failure;

/// Looks at the destinations of files that are to be added to a job of another user's agent, which
/// cannot look itself (`AddFileWithRanges`: the folder exists and may be written).
///
/// A hint to fail early: everything is checked again when the files are created. What is no path at
/// all is left to the agent, which says so with the right code.
pub(crate) fn check(files: &[AddFile]) -> Result<(), Failure> {
    for (index, file) in files.iter().enumerate() {
        let Some(name) = &file.local_name else {
            continue;
        };
        let path = Path::new(name);
        if !path.is_absolute() || name.contains('\0') {
            continue;
        }
        check_one(path, file.replace)
            .map_err(|failure| failure.at(format!("files[{index}].local_name")))?;
    }
    Ok(())
}

fn check_one(path: &Path, replace: bool) -> Result<(), Failure> {
    let named = path.file_name().is_some() && !path.as_os_str().as_encoded_bytes().ends_with(b"/");
    let (Some(folder), true) = (path.parent(), named) else {
        return Err(failure("write to", path, Errno::ISDIR));
    };
    let cannot = |error| {
        let mut failure = failure("write to", folder, error);
        if error == Errno::ACCESS {
            // The interface's code for "no right to write there" (`AddFileWithRanges`).
            failure = Failure::new(ErrorCode::E_ACCESSDENIED, failure.message);
        }
        failure
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = rustix::fs::openat(CWD, folder, flags, Mode::empty()).map_err(cannot)?;
    rustix::fs::accessat(&open, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
        .map_err(cannot)?;
    let name = path.file_name().unwrap_or_default();
    match rustix::fs::statat(&open, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::Directory => {
            Err(failure("replace", path, Errno::ISDIR))
        }
        Ok(_) if !replace => Err(failure("create", path, Errno::EXIST)),
        Ok(_) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(failure("look at", path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_that_cannot_be_is_refused_with_the_systems_reason() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(at("file"), "old").unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        for (local_name, replace, expect) in [
            (at("new"), false, None),
            (at("file"), true, None),
            (at("file"), false, Some(ErrorCode::EEXIST)),
            (at("folder"), true, Some(ErrorCode::EISDIR)),
            (at("folder/"), true, Some(ErrorCode::EISDIR)),
            (at("missing/new"), false, Some(ErrorCode::ENOENT)),
            (at("file/new"), false, Some(ErrorCode::ENOTDIR)),
            // The agent's to refuse.
            ("relative".to_owned(), false, None),
            (String::new(), false, None),
        ] {
            let file = AddFile { local_name: Some(local_name), replace, ..AddFile::default() };
            let got = check(std::slice::from_ref(&file)).map_err(|failure| {
                assert_eq!(failure.field.as_deref(), Some("files[0].local_name"));
                failure.code
            });
            assert_eq!(got.err(), expect, "{file:?}");
        }
    }
}
