//! Piece-hash files of local files: `dobbin publish` writes one, `dobbin verify` compares with one.
//! Neither needs an agent.

mod hash;
pub(crate) mod publish;
pub(crate) mod verify;
mod write;

pub(crate) use self::hash::sha256;

use std::fs::File;
use std::io;
use std::path::Path;

use crate::render::text::clean;
use crate::trouble::Trouble;

/// A file to be read as a whole, and its length.
///
/// # Errors
///
/// Bad usage, for what cannot be opened or is no plain file: its length would mean nothing.
fn open(path: &Path) -> Result<(File, u64), Trouble> {
    let cannot = |error: io::Error| Trouble::usage(format!("cannot read {}: {error}", shown(path)));
    // Looked at before it is opened: opening a pipe would wait for a writer.
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(Trouble::usage(format!("cannot read {}: it is not a file", shown(path))));
    }
    let file = File::open(path).map_err(cannot)?;
    let length = file.metadata().map_err(cannot)?.len();
    Ok((file, length))
}

fn shown(path: &Path) -> String {
    clean(&path.display().to_string()).into_owned()
}
