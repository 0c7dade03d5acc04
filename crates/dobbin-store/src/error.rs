//! What all errors of this crate have in common: a path, what was being done to it, and the cause.

use std::io;
use std::path::{Path, PathBuf};

use dobbin_types::ErrorCode;

/// A step on one path that the operating system refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}", path.display())]
pub struct FileError {
    /// The step, as a verb: "create", "flush", …
    pub doing: &'static str,
    /// What it was done to.
    pub path: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: io::Error,
}

impl FileError {
    /// The code a caller sees (the agent's own mapping of errno values).
    pub fn code(&self) -> ErrorCode {
        ErrorCode::from_file_error(&self.source)
    }

    /// What is to be said when `doing` failed on `path`.
    pub(crate) fn new(doing: &'static str, path: &Path, source: impl Into<io::Error>) -> FileError {
        FileError { doing, path: path.to_path_buf(), source: source.into() }
    }

    /// Whether the system said that there is no such file or folder.
    pub fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

/// Puts the step and the path to whatever the operating system says.
pub(crate) trait Doing<T> {
    /// Turns a bare I/O error into a [`FileError`].
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, FileError>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, FileError> {
        self.map_err(|source| FileError::new(doing, path, source))
    }
}
