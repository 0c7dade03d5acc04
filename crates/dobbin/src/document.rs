//! Documents that the command line names: files of this machine that are read as a whole.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use crate::render::text::clean;
use crate::trouble::Trouble;

/// Whether a word of the command line is an address; anything else is the name of a file.
pub(crate) fn is_url(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    ["http://", "https://"].iter().any(|scheme| lower.starts_with(scheme))
}

/// The bytes of a document, at most `bytes_max` and one more, so that a longer one shows itself.
///
/// * `what`: what it is for the command, such as `metalink`.
///
/// # Errors
///
/// Bad usage, for what is no plain file or cannot be read.
pub(crate) fn read(path: &Path, what: &str, bytes_max: usize) -> Result<Vec<u8>, Trouble> {
    let shown = path.display().to_string();
    let cannot = |why: &dyn std::fmt::Display| {
        Trouble::usage(format!("cannot read the {what} {}: {why}", clean(&shown)))
    };
    if !fs::metadata(path).map_err(|error| cannot(&error))?.is_file() {
        return Err(cannot(&"it is not a file"));
    }
    let file = fs::File::open(path).map_err(|error| cannot(&error))?;
    let mut bytes = Vec::new();
    file.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(|error| cannot(&error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_a_bounded_size_are_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("document");
        assert!(read(&path, "document", 9).is_err());
        assert!(read(home.path(), "document", 9).is_err());
        fs::write(&path, "text").unwrap();
        assert_eq!(read(&path, "document", 9).unwrap(), b"text");
        fs::write(&path, "x".repeat(20)).unwrap();
        assert_eq!(read(&path, "document", 9).unwrap().len(), 10);
    }
}
