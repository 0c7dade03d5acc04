//! Writing a small file so that it is there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Puts `text` at `path`: written beside it, flushed, and renamed, so that neither a reader nor a
/// power cut sees a part of it.
///
/// What stands at `path` is replaced; whether it may be is the caller's to ask before.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let beside = beside(path).ok_or(io::ErrorKind::InvalidInput)?;
    let outcome = fill(&beside, text).and_then(|()| fs::rename(&beside, path));
    if outcome.is_err() {
        // The error to tell is the first one.
        let _ = fs::remove_file(&beside);
    }
    outcome?;
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    match File::open(folder)?.sync_all() {
        // Some file systems cannot flush folders; they have nothing to flush, either.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        outcome => outcome,
    }
}

fn fill(beside: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A name of this process's own in the same folder.
fn beside(path: &Path) -> Option<PathBuf> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name()?);
    name.push(format!(".{}.part", std::process::id()));
    Some(path.with_file_name(name))
}
