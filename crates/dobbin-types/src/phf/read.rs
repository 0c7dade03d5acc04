//! Believing a piece-hash file, one check after the other.

use super::json::{self, Value};
use super::{Digest, PHF_BYTES_MAX, Phf, PhfError, check_count, check_cut, hash_of_hashes};

/// What is known beforehand of a piece-hash file, from somebody who is believed.
///
/// The digest alone proves every byte of the file. Where it is given and right, a `HashOfHashes` that
/// was computed by other rules than ours, or said differently elsewhere, is no reason to refuse the
/// file (decision "HashOfHashes, our rule").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expected {
    /// SHA-256 of the whole file (`PiecesHashFileDigest`).
    pub digest: Option<Digest>,
    /// Its `HashOfHashes`.
    pub hash_of_hashes: Option<Digest>,
}

impl Phf {
    /// Reads a piece-hash file and makes every check on it, in the order of [`PhfError`]'s variants.
    ///
    /// Keys that mean nothing here are let through, for later versions; those that do must stand there
    /// once. With nothing expected the file proves only that it is whole, not that it is genuine.
    ///
    /// * `sha256`: called twice at most, for the text and for all digests in a row.
    /// * Memory: no more than the text takes, and a few kilobytes.
    ///
    /// # Errors
    ///
    /// The first check that fails; each has its code.
    pub fn read(
        text: &[u8],
        expected: &Expected,
        sha256: impl Fn(&[u8]) -> Digest,
    ) -> Result<Phf, PhfError> {
        if text.is_empty() || text.len() > PHF_BYTES_MAX {
            return Err(PhfError::Size { bytes: text.len() as u64 });
        }
        if expected.digest.is_some_and(|digest| sha256(text) != digest) {
            return Err(PhfError::Digest);
        }
        let draft = json::read(text).map_err(|why| PhfError::Content { why })?;
        check_version(&draft.major_version, &draft.minor_version)?;
        let Value::Number(content_length) = draft.content_length else {
            return Err(PhfError::ContentLength);
        };
        let piece_size = match draft.piece_size {
            Value::Number(size) => size,
            // Refused, but only after the length.
            Value::Missing | Value::Digest(_) | Value::List(_) | Value::Other => 0,
        };
        let piece_size = check_cut(content_length, piece_size)?;
        let Value::Digest(said) = draft.hash_of_hashes else {
            return Err(PhfError::HashOfHashes);
        };
        let is_vouched_for = expected.digest.is_some();
        if !is_vouched_for && expected.hash_of_hashes.is_some_and(|expected| expected != said) {
            return Err(PhfError::OtherHashOfHashes);
        }
        let Value::List(list) = draft.pieces else {
            return Err(PhfError::Pieces);
        };
        check_count(content_length, piece_size, list.count)?;
        if let Some(index) = list.first_wrong {
            return Err(PhfError::Piece { index });
        }
        if !is_vouched_for && hash_of_hashes(&list.digests, sha256) != said {
            return Err(PhfError::ForgedPieces);
        }
        let pieces = list.digests.into_boxed_slice();
        Ok(Phf { content_length, piece_size, hash_of_hashes: said, pieces })
    }
}

/// Version 1 of either kind of addition: a new minor version only adds keys.
fn check_version(major: &Value, minor: &Value) -> Result<(), PhfError> {
    match (major, minor) {
        (Value::Number(1), Value::Number(_) | Value::Missing) => Ok(()),
        _other => Err(PhfError::Version),
    }
}
