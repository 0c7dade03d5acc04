//! Metalinks: documents that say of files what they are called, how long they are, which hashes they
//! have and where they can be had (RFC 5854, and the version 3 before it as far as it says the same).
//!
//! Text in, values out; nothing here asks a disk or a network. It is the program's, and not among the
//! words that all crates share, because nobody else reads such documents: an agent that never parses
//! a stranger's XML cannot be harmed by it.

mod draft;
mod name;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use read::read;

/// The longest document that is read, in bytes: room for the piece hashes of 100,000 pieces.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The most files of one document. More than any publisher names in one; a job of so many is still
/// created in a few requests.
pub(crate) const FILES_MAX: usize = 10_000;

/// What a document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metalink {
    /// At least one, no two of one name.
    pub(crate) files: Vec<Described>,
    /// What it says and is passed over, for the person, each thing once.
    pub(crate) notes: Vec<String>,
}

/// One file of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    /// Where it goes below the folder that the person chose: folders and a name with `/` between
    /// them, none of which leads out of that folder, hides or steers a terminal.
    pub(crate) name: String,
    /// Its size in bytes, if said.
    pub(crate) size: Option<u64>,
    /// Its SHA-256, if said.
    pub(crate) sha256: Option<[u8; 32]>,
    /// The SHA-256 of each of its pieces, if said so that it can be checked.
    pub(crate) pieces: Option<Pieces>,
    /// Where it can be had, best first: at least one, each `http` or `https`, none twice; the first
    /// and as many mirrors as a file may have.
    pub(crate) urls: Vec<String>,
}

/// Hashes of a file's pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pieces {
    /// Bytes of each but the last.
    pub(crate) length: u32,
    /// The SHA-256 of each, in order; as many as the file's size makes.
    pub(crate) sha256: Vec<[u8; 32]>,
}

/// Why a document is not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Fault {
    fn new(why: impl Into<String>) -> Fault {
        Fault(why.into())
    }
}
