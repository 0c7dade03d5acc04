//! Why a piece-hash file is not believed.

use core::fmt;

use super::{CONTENT_LENGTH_MAX, PHF_BYTES_MAX, PIECE_SIZE_MAX, PIECE_SIZE_MIN};
use crate::error::ErrorCode;

/// The check that a piece-hash file did not pass. They are made in this order, and the first that
/// fails is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhfError {
    /// It is empty, or longer than [`PHF_BYTES_MAX`].
    Size {
        /// Its bytes, as far as they were counted.
        bytes: u64,
    },
    /// It does not have the digest that was expected of the whole file.
    Digest,
    /// It is not one JSON object with each key once and nothing behind it.
    Content {
        /// What the reader stumbled over, and where.
        why: String,
    },
    /// It is of another version than 1, or does not say of which.
    Version,
    /// `ContentLength` is missing, no whole number, or beyond [`CONTENT_LENGTH_MAX`].
    ContentLength,
    /// `PieceSize` is missing, or no power of two from [`PIECE_SIZE_MIN`] to [`PIECE_SIZE_MAX`].
    PieceSize,
    /// `HashOfHashes` is missing, or not 32 bytes in base64.
    HashOfHashes,
    /// `HashOfHashes` is not the one that was expected.
    OtherHashOfHashes,
    /// `Pieces` is missing, or not an array.
    Pieces,
    /// `Pieces` has more or fewer elements than the content has pieces.
    PieceCount {
        /// Pieces of the content.
        due: u64,
        /// Elements of the array.
        found: u64,
    },
    /// One element of `Pieces` is not 32 bytes in base64: the first such.
    Piece {
        /// Its place, from 0.
        index: u64,
    },
    /// The digests in `Pieces` do not give the `HashOfHashes`.
    ForgedPieces,
}

impl PhfError {
    /// The interface's code (`DO_E_METAINFO_*`).
    pub fn code(&self) -> ErrorCode {
        match self {
            PhfError::Size { .. } => ErrorCode::DO_E_METAINFO_FILE_SIZE,
            PhfError::Digest => ErrorCode::DO_E_METAINFO_DIGEST_MATCH,
            PhfError::Content { .. } => ErrorCode::DO_E_METAINFO_CONTENT,
            PhfError::Version => ErrorCode::DO_E_METAINFO_VERSION,
            PhfError::ContentLength => ErrorCode::DO_E_METAINFO_CONTENT_LENGTH,
            PhfError::PieceSize => ErrorCode::DO_E_METAINFO_PIECE_SIZE,
            PhfError::HashOfHashes => ErrorCode::DO_E_METAINFO_PARSE_HOH,
            PhfError::OtherHashOfHashes => ErrorCode::DO_E_METAINFO_HOH_MATCH,
            PhfError::Pieces | PhfError::PieceCount { .. } => {
                ErrorCode::DO_E_METAINFO_PARSE_PIECEHASHES
            }
            PhfError::Piece { .. } => ErrorCode::DO_E_METAINFO_PARSE_ONE_PIECEHASH,
            PhfError::ForgedPieces => ErrorCode::DO_E_METAINFO_HOH_FINAL_MATCH,
        }
    }
}

impl fmt::Display for PhfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PhfError::Size { bytes: 0 } => write!(f, "the piece-hash file is empty"),
            PhfError::Size { .. } => write!(
                f,
                "the piece-hash file is longer than {} MiB; larger pieces make it shorter",
                PHF_BYTES_MAX >> 20
            ),
            PhfError::Digest => {
                write!(f, "the piece-hash file does not have the digest that was given for it")
            }
            PhfError::Content { why } => write!(f, "the piece-hash file is not readable: {why}"),
            PhfError::Version => write!(f, "the piece-hash file is not of version 1"),
            PhfError::ContentLength => write!(
                f,
                "ContentLength of the piece-hash file is not a whole number up to {CONTENT_LENGTH_MAX}"
            ),
            PhfError::PieceSize => write!(
                f,
                "PieceSize of the piece-hash file is not a power of two from {} KiB to {} MiB",
                PIECE_SIZE_MIN >> 10,
                PIECE_SIZE_MAX >> 20
            ),
            PhfError::HashOfHashes => {
                write!(f, "HashOfHashes of the piece-hash file is not 32 bytes in base64")
            }
            PhfError::OtherHashOfHashes => {
                write!(
                    f,
                    "the piece-hash file is of another content: its HashOfHashes is not the one that was given"
                )
            }
            PhfError::Pieces => write!(f, "Pieces of the piece-hash file is not an array"),
            PhfError::PieceCount { due, found } => {
                write!(f, "the piece-hash file has {found} digests for a content of {due} pieces")
            }
            PhfError::Piece { index } => write!(
                f,
                "the digest of piece {index} in the piece-hash file is not 32 bytes in base64"
            ),
            PhfError::ForgedPieces => write!(
                f,
                "the digests in the piece-hash file do not give its HashOfHashes: it was altered"
            ),
        }
    }
}

impl std::error::Error for PhfError {}
