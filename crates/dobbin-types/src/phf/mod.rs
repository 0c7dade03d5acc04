//! Piece-hash files: the hashes of a content's pieces, as Delivery Optimization writes them down.
//!
//! A piece-hash file (PHF) is one JSON object: versions, the length of the content, the size of a
//! piece, one SHA-256 in base64 for each piece, and a hash over these. [`Phf::read`] believes nothing
//! of it that was not checked; [`Phf::text`] writes it.
//!
//! Nothing here hashes: whoever reads or makes one hands in SHA-256 as a function, so that clients
//! need no cryptographic library to speak of pieces.

mod error;
mod json;
mod read;
mod write;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

pub use error::PhfError;
pub use read::Expected;

/// A SHA-256.
pub type Digest = [u8; 32];

/// Longest piece-hash file that is read or written, in bytes (decision "limits").
pub const PHF_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Smallest size of a piece, in bytes (decision "limits").
pub const PIECE_SIZE_MIN: u32 = 64 * 1024;

/// Largest size of a piece, in bytes (decision "limits").
pub const PIECE_SIZE_MAX: u32 = 64 * 1024 * 1024;

/// Longest content that a piece-hash file may describe, in bytes (decision "limits").
pub const CONTENT_LENGTH_MAX: u64 = 1 << 50;

/// Characters of a digest in base64.
const DIGEST_CHARS: usize = 44;

/// Most pieces that fit into a file of [`PHF_BYTES_MAX`]: each takes a digest, two quotes and, but
/// for the last, a comma.
pub const PHF_PIECES_MAX: usize = PHF_BYTES_MAX / (DIGEST_CHARS + 3);

/// Largest size of a piece that [`default_piece_size`] chooses for its own sake: large enough that
/// even huge contents have few pieces, small enough that a bad one costs little.
const DEFAULT_PIECE_SIZE_MAX: u64 = 4 * 1024 * 1024;

/// What a piece-hash file says, checked: lengths within their limits, and as many digests as pieces.
///
/// Takes 32 bytes for each piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phf {
    content_length: u64,
    piece_size: u32,
    hash_of_hashes: Digest,
    pieces: Box<[Digest]>,
}

impl Phf {
    /// Describes a content of `content_length` bytes by the digests of its pieces, in order.
    ///
    /// # Errors
    ///
    /// [`PhfError::ContentLength`], [`PhfError::PieceSize`], [`PhfError::PieceCount`], and
    /// [`PhfError::Size`] when the text would be longer than [`PHF_BYTES_MAX`].
    pub fn new(
        content_length: u64,
        piece_size: u32,
        pieces: Vec<Digest>,
        sha256: impl Fn(&[u8]) -> Digest,
    ) -> Result<Phf, PhfError> {
        let piece_size = check_cut(content_length, u64::from(piece_size))?;
        check_count(content_length, piece_size, pieces.len() as u64)?;
        let hash_of_hashes = hash_of_hashes(&pieces, sha256);
        let pieces = pieces.into_boxed_slice();
        let phf = Phf { content_length, piece_size, hash_of_hashes, pieces };
        match phf.text_len() {
            0..=PHF_BYTES_MAX => Ok(phf),
            bytes => Err(PhfError::Size { bytes: bytes as u64 }),
        }
    }

    /// Bytes of the whole content.
    pub fn content_length(&self) -> u64 {
        self.content_length
    }

    /// Bytes of each piece but the last, which may be shorter.
    pub fn piece_size(&self) -> u32 {
        self.piece_size
    }

    /// The hash over all digests, as the file says it. It is [`hash_of_hashes`] of the pieces, unless
    /// the file as a whole was vouched for by its digest: see [`Expected`].
    pub fn hash_of_hashes(&self) -> &Digest {
        &self.hash_of_hashes
    }

    /// The digest of each piece, in order.
    pub fn pieces(&self) -> &[Digest] {
        &self.pieces
    }

    /// The digests alone, without a copy.
    pub fn into_pieces(self) -> Box<[Digest]> {
        self.pieces
    }
}

/// The hash over the digests of all pieces, by which a content is known: SHA-256 of the digests, one
/// behind the other (decision "HashOfHashes, our rule": how Delivery Optimization computes its own is
/// not published). Here and nowhere else.
pub fn hash_of_hashes(pieces: &[Digest], sha256: impl Fn(&[u8]) -> Digest) -> Digest {
    sha256(pieces.as_flattened())
}

/// The size of a piece for a content of `content_length` bytes: a power of two such that there are
/// some 2,000 pieces, but no less than [`PIECE_SIZE_MIN`] and no more than 4 MiB (decision "piece
/// size of our manifests"). Larger only for a content whose digests would not fit into one file.
pub fn default_piece_size(content_length: u64) -> u32 {
    let length = content_length.min(CONTENT_LENGTH_MAX);
    let wished = length.div_ceil(2_048).next_power_of_two();
    let mut size = wished.clamp(u64::from(PIECE_SIZE_MIN), DEFAULT_PIECE_SIZE_MAX);
    // Room for the other fields costs less than one piece.
    while length.div_ceil(size) >= (PHF_PIECES_MAX - 8) as u64 && size < u64::from(PIECE_SIZE_MAX) {
        size *= 2;
    }
    u32::try_from(size).unwrap_or(PIECE_SIZE_MAX)
}

/// A digest in base64, as piece-hash files and `IntegrityCheckInfo` write it.
pub fn digest_to_base64(digest: &Digest) -> String {
    BASE64_STANDARD.encode(digest)
}

/// Reads a digest in base64; `None` for anything that is not exactly 32 bytes in its one spelling.
pub fn digest_from_base64(text: &str) -> Option<Digest> {
    if text.len() != DIGEST_CHARS {
        return None;
    }
    // As long as the decoder's own estimate for this many characters.
    let mut bytes = [0; DIGEST_CHARS / 4 * 3];
    let length = BASE64_STANDARD.decode_slice(text, &mut bytes).ok()?;
    bytes.get(..length)?.try_into().ok()
}

/// A digest as 64 lower-case hexadecimal digits, as people compare them.
pub fn digest_to_hex(digest: &Digest) -> String {
    use core::fmt::Write as _;
    let mut text = String::with_capacity(2 * digest.len());
    for byte in digest {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Reads a digest of 64 hexadecimal digits in either case; `None` for anything else.
pub fn digest_from_hex(text: &str) -> Option<Digest> {
    let mut digest = [0; 32];
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    if text.len() != 2 * digest.len() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::try_from(nibble(pair[0])? * 16 + nibble(pair[1])?).ok()?;
    }
    Some(digest)
}

/// The length of the content and the size of a piece, in this order, against their limits.
fn check_cut(content_length: u64, piece_size: u64) -> Result<u32, PhfError> {
    if content_length > CONTENT_LENGTH_MAX {
        return Err(PhfError::ContentLength);
    }
    u32::try_from(piece_size)
        .ok()
        .filter(|size| size.is_power_of_two() && (PIECE_SIZE_MIN..=PIECE_SIZE_MAX).contains(size))
        .ok_or(PhfError::PieceSize)
}

fn check_count(content_length: u64, piece_size: u32, found: u64) -> Result<(), PhfError> {
    let due = content_length.div_ceil(u64::from(piece_size));
    if found == due { Ok(()) } else { Err(PhfError::PieceCount { due, found }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_small_for_small_contents_and_few_for_large_ones() {
        let (kib, mib, gib) = (1_u64 << 10, 1_u64 << 20, 1_u64 << 30);
        for (length, size) in [
            (0, 64 * kib),
            (128 * mib, 64 * kib),
            (128 * mib + 1, 128 * kib),
            (gib, 512 * kib),
            (2 * gib, mib),
            (8 * gib, 4 * mib),
            (1024 * gib, 4 * mib),
            (8 * 1024 * gib, 8 * mib),
        ] {
            assert_eq!(u64::from(default_piece_size(length)), size, "{length} bytes");
        }
        assert_eq!(default_piece_size(u64::MAX), PIECE_SIZE_MAX);
    }

    #[test]
    fn a_digest_has_one_spelling() {
        let text = "Q6VPwDxql56arq4kk3V9FCmlyKjQk/t7gQPozI33trY=";
        let digest = digest_from_base64(text).unwrap();
        assert_eq!((digest[0], digest[31]), (0x43, 0xB6));
        assert_eq!(digest_to_base64(&digest), text);
        let hex = digest_to_hex(&digest);
        assert!(hex.starts_with("43a54f") && hex.ends_with("b6b6"), "{hex}");
        assert_eq!(digest_from_hex(&hex.to_uppercase()), Some(digest));
        for wrong in ["", "0", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32)]
        {
            assert_eq!(digest_from_hex(wrong), None, "{wrong}");
        }
        for wrong in [
            "",
            &text[..43],
            &text.replace("rY=", "rYA"),
            &text.replace("rY=", "rZ="),
            &text.replace('/', "_"),
            &format!("{}=", &text[..43].replace("trY", "tr=")),
            &format!(" {}", &text[..43]),
        ] {
            assert_eq!(digest_from_base64(wrong), None, "{wrong}");
        }
    }
}
