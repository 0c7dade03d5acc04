//! The hashes of a file's pieces.

use alloc::boxed::Box;

use dobbin_types::phf::{Digest, PHF_PIECES_MAX, Phf};

use super::layout::{Layout, PIECES_PER_FILE_MAX, PieceIndex};

// So that every piece-hash file that was believed gives a layout.
const _: () = assert!(PHF_PIECES_MAX <= PIECES_PER_FILE_MAX as usize);

/// How a content is cut into pieces, and the SHA-256 of each: what a piece-hash file says, once it is
/// believed.
///
/// It takes 32 bytes for each piece. Not cheap to clone on purpose; whoever needs it in several places
/// shares it.
#[derive(Debug, PartialEq, Eq)]
pub struct Manifest {
    layout: Layout,
    digests: Box<[Digest]>,
}

impl From<Phf> for Manifest {
    /// Takes the digests over without a copy.
    fn from(phf: Phf) -> Manifest {
        let layout = Layout::new(phf.content_length(), phf.piece_size())
            .expect("a piece-hash file has fewer pieces than a file may have");
        Manifest { layout, digests: phf.into_pieces() }
    }
}

impl Manifest {
    /// How the content is cut.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The SHA-256 of a piece.
    ///
    /// # Panics
    ///
    /// If the piece is of another layout and does not exist in this one: our own mistake.
    pub fn digest(&self, piece: PieceIndex) -> &Digest {
        &self.digests[piece.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn every_piece_of_the_layout_has_its_own_digest() {
        let digests: Vec<Digest> = (0..3).map(|number| [number; 32]).collect();
        let phf = Phf::new(2 * 65_536 + 1, 65_536, digests, |_| [9; 32]).unwrap();
        let manifest = Manifest::from(phf);
        assert_eq!(manifest.layout(), Layout::new(2 * 65_536 + 1, 65_536).unwrap());
        for piece in manifest.layout().pieces() {
            assert_eq!(manifest.digest(piece), &[piece.number() as u8; 32], "piece {piece}");
        }
    }

    #[test]
    fn an_empty_content_has_a_manifest_without_pieces() {
        let phf = Phf::new(0, 65_536, Vec::new(), |_| [0; 32]).unwrap();
        assert_eq!(Manifest::from(phf).layout().piece_count(), 0);
    }
}
