//! How a file is cut into pieces.
//!
//! Knows nothing of hashes, and nothing of which pieces are had: see [`super::set`].

use core::fmt;
use core::ops::Range;

/// Bytes of a piece where no manifest says otherwise. What is not a whole piece is fetched again after a
/// crash, and each connection is at one: so small that 16 of them lose 8 MiB at most (goal "crash").
pub const DEFAULT_PIECE_SIZE: u32 = 512 * 1024;

/// Most pieces that one file may have.
///
/// It bounds what a file of a claimed, absurd size costs before its first byte: a set of that many
/// pieces takes 2 MiB. With pieces of [`DEFAULT_PIECE_SIZE`] it is reached at 8 TiB; larger
/// files have larger ones.
pub const PIECES_PER_FILE_MAX: u32 = 1 << 24;

/// How one file is cut: pieces of one size from its start on, the last one perhaps shorter.
///
/// An empty file has no pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    file_size: u64,
    piece_size: u32,
}

impl Layout {
    /// A file of `file_size` bytes in pieces of `piece_size` bytes.
    ///
    /// `None` when `piece_size` is zero or the file would have more than [`PIECES_PER_FILE_MAX`]
    /// pieces.
    pub fn new(file_size: u64, piece_size: u32) -> Option<Layout> {
        if piece_size == 0 {
            return None;
        }
        let count = file_size.div_ceil(u64::from(piece_size));
        (count <= u64::from(PIECES_PER_FILE_MAX)).then_some(Layout { file_size, piece_size })
    }

    /// The cut of a file that has no manifest: pieces of [`DEFAULT_PIECE_SIZE`], doubled as often as a
    /// very large file needs.
    ///
    /// `None` for a file that no piece size fits (beyond 32 PiB).
    pub fn without_manifest(file_size: u64) -> Option<Layout> {
        (DEFAULT_PIECE_SIZE.ilog2()..u32::BITS)
            .find_map(|exponent| Layout::new(file_size, 1 << exponent))
    }

    /// Bytes of the whole file.
    pub fn file_size(&self) -> u64 {
        self.file_size
    }

    /// Bytes of each piece but the last, which may be shorter.
    pub fn piece_size(&self) -> u32 {
        self.piece_size
    }

    /// How many pieces there are; 0 only for an empty file.
    pub fn piece_count(&self) -> u32 {
        // `new` refused every file for which this would not fit.
        self.file_size.div_ceil(u64::from(self.piece_size)) as u32
    }

    /// The only door from an outsider's number to a [`PieceIndex`]. `None` when there is no such piece.
    pub fn index(&self, number: u32) -> Option<PieceIndex> {
        (number < self.piece_count()).then_some(PieceIndex(number))
    }

    /// Every piece, first to last.
    pub fn pieces(&self) -> impl DoubleEndedIterator<Item = PieceIndex> + use<> {
        (0..self.piece_count()).map(PieceIndex)
    }

    /// The bytes `[start, end)` of the file that the piece holds; never empty.
    pub fn byte_range(&self, piece: PieceIndex) -> Range<u64> {
        let start = u64::from(piece.0) * u64::from(self.piece_size);
        start..(start + u64::from(self.piece_size)).min(self.file_size)
    }

    /// How many bytes the piece holds.
    pub fn piece_len(&self, piece: PieceIndex) -> u32 {
        let range = self.byte_range(piece);
        // Never more than `piece_size`.
        (range.end - range.start) as u32
    }

    /// The piece that holds the byte at `offset`; `None` at and beyond the end of the file.
    pub fn piece_at(&self, offset: u64) -> Option<PieceIndex> {
        (offset < self.file_size).then(|| PieceIndex((offset / u64::from(self.piece_size)) as u32))
    }

    /// The run of the pieces numbered `[first, end)`; `None` when it is empty or not all of it exists.
    pub fn run(&self, numbers: Range<u32>) -> Option<PieceRun> {
        (numbers.start < numbers.end && numbers.end <= self.piece_count()).then_some(PieceRun {
            layout: *self,
            first: numbers.start,
            end: numbers.end,
        })
    }
}

/// The number of a piece, known to exist in the [`Layout`] that gave it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceIndex(pub(super) u32);

impl PieceIndex {
    /// The number, from 0.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for PieceIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Neighbouring pieces of one file, at least one: what a single range request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PieceRun {
    layout: Layout,
    first: u32,
    end: u32,
}

impl PieceRun {
    /// The first piece.
    pub fn first(&self) -> PieceIndex {
        PieceIndex(self.first)
    }

    /// The last piece, which may be the first one too.
    pub fn last(&self) -> PieceIndex {
        PieceIndex(self.end - 1)
    }

    /// How many pieces; at least 1.
    pub fn piece_count(&self) -> u32 {
        self.end - self.first
    }

    /// The pieces, first to last.
    pub fn pieces(&self) -> impl DoubleEndedIterator<Item = PieceIndex> + use<> {
        (self.first..self.end).map(PieceIndex)
    }

    /// The bytes `[start, end)` of the file that the run covers; never empty.
    pub fn bytes(&self) -> Range<u64> {
        self.layout.byte_range(self.first()).start..self.layout.byte_range(self.last()).end
    }

    /// Cuts the run after as many whole pieces as fit into `bytes_max`, but never before the first:
    /// a piece larger than the limit is still asked for in one go.
    ///
    /// Returns the front, and what is left behind it.
    pub fn split(&self, bytes_max: u64) -> (PieceRun, Option<PieceRun>) {
        let fitting = (bytes_max / u64::from(self.layout.piece_size)).max(1);
        // The last piece of a file may be short, and then fit although a whole one would not.
        if fitting >= u64::from(self.piece_count())
            || self.bytes().end - self.bytes().start <= bytes_max
        {
            return (*self, None);
        }
        // Smaller than `piece_count`, so it fits.
        let cut = self.first + fitting as u32;
        (PieceRun { end: cut, ..*self }, Some(PieceRun { first: cut, ..*self }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_tile_the_file() {
        for (file_size, piece_size, count, last_len) in [
            (0, 4, 0, 0),
            (1, 4, 1, 1),
            (3, 4, 1, 3),
            (4, 4, 1, 4),
            (5, 4, 2, 1),
            (8, 4, 2, 4),
            (9, 1, 9, 1),
        ] {
            let layout = Layout::new(file_size, piece_size).unwrap();
            assert_eq!(layout.piece_count(), count, "{layout:?}");
            let mut covered = 0;
            for piece in layout.pieces() {
                let range = layout.byte_range(piece);
                assert_eq!(range.start, covered, "{layout:?}, piece {piece}");
                assert!(range.start < range.end, "{layout:?}, piece {piece}");
                assert_eq!(range.end - range.start, u64::from(layout.piece_len(piece)));
                assert_eq!(layout.piece_at(range.start), Some(piece), "{layout:?}");
                assert_eq!(layout.piece_at(range.end - 1), Some(piece), "{layout:?}");
                covered = range.end;
            }
            assert_eq!(covered, file_size, "{layout:?}");
            let last = layout.pieces().next_back().map_or(0, |piece| layout.piece_len(piece));
            assert_eq!(last, last_len, "{layout:?}");
            assert_eq!(layout.piece_at(file_size), None, "{layout:?}");
            assert_eq!(layout.index(count), None, "{layout:?}");
        }
    }

    #[test]
    fn absurd_layouts_are_refused() {
        let most = u64::from(PIECES_PER_FILE_MAX);
        for (file_size, piece_size, allowed) in [
            (10, 0, false),
            (0, 0, false),
            (most, 1, true),
            (most + 1, 1, false),
            (u64::MAX, u32::MAX, false),
            (most * u64::from(u32::MAX), u32::MAX, true),
        ] {
            assert_eq!(
                Layout::new(file_size, piece_size).is_some(),
                allowed,
                "{file_size} bytes in pieces of {piece_size}"
            );
        }
    }

    #[test]
    fn without_a_manifest_pieces_grow_only_when_they_must() {
        let mib = u64::from(DEFAULT_PIECE_SIZE);
        let most = u64::from(PIECES_PER_FILE_MAX);
        for (file_size, piece_size) in [
            (0, Some(DEFAULT_PIECE_SIZE)),
            (most * mib, Some(DEFAULT_PIECE_SIZE)),
            (most * mib + 1, Some(2 * DEFAULT_PIECE_SIZE)),
            (most << 31, Some(1 << 31)),
            ((most << 31) + 1, None),
            (u64::MAX, None),
        ] {
            let layout = Layout::without_manifest(file_size);
            assert_eq!(layout.map(|layout| layout.piece_size()), piece_size, "{file_size} bytes");
        }
    }

    #[test]
    fn a_run_is_split_at_whole_pieces_and_always_moves_on() {
        // Five pieces of 4 bytes, the last one of 1 byte.
        let layout = Layout::new(17, 4).unwrap();
        for (numbers, bytes_max, front, rest) in [
            (0..5, 17, 0..17, None),
            (0..5, 16, 0..16, Some(16..17)),
            (0..5, 11, 0..8, Some(8..17)),
            (0..5, 0, 0..4, Some(4..17)),
            (3..5, 5, 12..17, None),
            (2..4, u64::MAX, 8..16, None),
            (4..5, 1, 16..17, None),
        ] {
            let run = layout.run(numbers.clone()).unwrap();
            let (got, left) = run.split(bytes_max);
            assert_eq!(got.bytes(), front, "{numbers:?} by {bytes_max}");
            assert_eq!(left.map(|left| left.bytes()), rest, "{numbers:?} by {bytes_max}");
        }
        for numbers in [2..2, 0..6, 5..6] {
            assert_eq!(layout.run(numbers.clone()), None, "{numbers:?}");
        }
    }
}
