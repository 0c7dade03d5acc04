//! Writing a piece-hash file.

use core::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{DIGEST_CHARS, Phf, digest_to_base64};

/// What closes the array of digests and the object.
const TAIL: &str = "]}";

impl Phf {
    /// The file's text: one line of JSON, its keys in the order in which they are usually found. The
    /// same content gives the same text, byte by byte.
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.text_len());
        text.push_str(&self.head());
        for (index, digest) in self.pieces().iter().enumerate() {
            text.push_str(if index == 0 { "\"" } else { ",\"" });
            BASE64_STANDARD.encode_string(digest, &mut text);
            text.push('"');
        }
        text.push_str(TAIL);
        text
    }

    /// How long [`Phf::text`] is, in bytes.
    pub(super) fn text_len(&self) -> usize {
        let count = self.pieces().len();
        self.head().len() + count * (DIGEST_CHARS + 2) + count.saturating_sub(1) + TAIL.len()
    }

    fn head(&self) -> String {
        let mut head = String::from(r#"{"MajorVersion":1,"MinorVersion":0,"HashOfHashes":""#);
        head.push_str(&digest_to_base64(self.hash_of_hashes()));
        let (length, size) = (self.content_length(), self.piece_size());
        // Writing to a string cannot fail.
        let _ = write!(head, r#"","ContentLength":{length},"PieceSize":{size},"Pieces":["#);
        head
    }
}
