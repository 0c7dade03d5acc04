//! Notes of what a job has outside its own folder, so that it can be removed with the job.
//!
//! A file beside a destination is found by nobody who looks through the store, and the journal forgets
//! a job before its files are removed. So before such a file is made, its path is noted in the folder
//! of the job, and whoever removes that folder removes what is noted in it first. Not flushed: what a
//! power cut makes of it costs space, not correctness.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::durable;
use crate::error::{Doing, FileError};

/// What the names of notes end with, behind the number of the file.
const NOTE: &str = "beside";

/// Notes that the bytes of the file whose have file is at `have` are about to lie at `data`. Does
/// nothing where they lie in the folder of the job.
pub(crate) fn note(have: &Path, data: &Path) -> Result<(), FileError> {
    let folder = durable::parent(have);
    if durable::parent(data) == folder {
        return Ok(());
    }
    let note = have.with_extension(NOTE);
    let text = data.as_os_str().as_bytes();
    // One that is right already is not written again: dying meanwhile would lose it.
    if fs::read(&note).is_ok_and(|known| known == text) {
        return Ok(());
    }
    durable::create_folder(folder).doing("create", folder)?;
    fs::write(&note, text).doing("write", &note)
}

/// Removes what the notes in a job's folder name; the notes stay. Without the folder there is nothing
/// to do.
///
/// # Errors
///
/// When something cannot be removed that should be. The folder should stay then, for another try.
pub(crate) fn remove_noted(folder: &Path) -> Result<(), FileError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.doing("list", folder)?,
    };
    for entry in entries {
        remove_if_noted(&entry.doing("list", folder)?.path())?;
    }
    Ok(())
}

/// Removes what a file in a job's folder names, if that is a note.
pub(crate) fn remove_if_noted(note: &Path) -> Result<(), FileError> {
    if note.extension().is_none_or(|extension| extension != NOTE) {
        return Ok(());
    }
    let text = fs::read(note).doing("read", note)?;
    remove(&PathBuf::from(OsString::from_vec(text)))
}

/// Removes the file at `path`, if it can be one that we made there.
fn remove(path: &Path) -> Result<(), FileError> {
    let name = path.file_name().map(OsStrExt::as_bytes).unwrap_or_default();
    let is_named_so = path.is_absolute() && name.starts_with(b".") && name.ends_with(b".part");
    if !is_named_so || !is_ours(path) {
        return Ok(());
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome.doing("remove", path),
    }
}

/// Whether a plain file of our own with one name is at `path`, and no link to anything.
pub(crate) fn is_ours(path: &Path) -> bool {
    let ours = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(path)
        .is_ok_and(|found| found.is_file() && found.uid() == ours && found.nlink() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_goes_and_nothing_else_does() {
        let place = tempfile::tempdir().unwrap();
        let job = place.path().join("job");
        let have = |number: u32| job.join(format!("{number}.have"));
        let at = |name: &str| place.path().join(name);
        for name in [".a.1.part", ".b.2.part", ".other.part", "precious", ".linked.part"] {
            fs::write(at(name), "bytes").unwrap();
        }
        std::os::unix::fs::symlink(at("precious"), at(".link.part")).unwrap();
        fs::hard_link(at(".linked.part"), at("second name")).unwrap();
        remove_noted(&job).unwrap();
        note(&have(0), &at(".a.1.part")).unwrap();
        note(&have(1), &at(".b.2.part")).unwrap();
        note(&have(1), &at(".b.2.part")).unwrap();
        note(&have(2), &at(".gone.part")).unwrap();
        note(&have(3), &at("precious")).unwrap();
        note(&have(4), &at(".link.part")).unwrap();
        note(&have(5), &at(".linked.part")).unwrap();
        note(&have(6), &job.join("6")).unwrap();
        assert!(!job.join("6.beside").exists(), "in the folder itself nothing needs a note");
        fs::write(job.join("7.beside"), "").unwrap();
        remove_noted(&job).unwrap();
        let left = |name: &str| fs::symlink_metadata(at(name)).is_ok();
        assert!(!left(".a.1.part") && !left(".b.2.part"));
        for name in [".other.part", "precious", ".link.part", ".linked.part", "second name"] {
            assert!(left(name), "{name}");
        }
    }
}
