//! Which pieces of a file are in some state: had, flushed, asked for.
//!
//! A set knows its [`Layout`], so that its bits can never be read against another cut. As bytes it is
//! a plain bitmap, the same on disk and on the wire: piece 0 is the highest bit of the first byte.

use alloc::boxed::Box;
use alloc::vec;
use core::fmt;

use super::layout::{Layout, PieceIndex, PieceRun};

/// A set of pieces of one file.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PieceSet {
    layout: Layout,
    /// One bit for each piece; the bits behind the last piece are zero.
    bits: Box<[u8]>,
    /// How many bits are one.
    count: u32,
}

impl PieceSet {
    /// No piece of the file.
    pub fn empty(layout: Layout) -> PieceSet {
        let bits = vec![0; bitmap_len(layout)].into_boxed_slice();
        PieceSet { layout, bits, count: 0 }
    }

    /// Every piece of the file.
    pub fn full(layout: Layout) -> PieceSet {
        let mut bits = vec![0xff; bitmap_len(layout)].into_boxed_slice();
        if let Some(last) = bits.last_mut() {
            *last = !trailing_bits(layout);
        }
        PieceSet { layout, bits, count: layout.piece_count() }
    }

    /// Reads a bitmap that somebody else wrote.
    ///
    /// # Errors
    ///
    /// [`PieceSetError::Length`] when it is not as long as the layout needs, and
    /// [`PieceSetError::TrailingBits`] when a bit is set behind the last piece.
    pub fn from_bytes(layout: Layout, bytes: &[u8]) -> Result<PieceSet, PieceSetError> {
        if bytes.len() != bitmap_len(layout) {
            return Err(PieceSetError::Length);
        }
        if bytes.last().is_some_and(|last| last & trailing_bits(layout) != 0) {
            return Err(PieceSetError::TrailingBits);
        }
        let count = bytes.iter().map(|byte| byte.count_ones()).sum();
        Ok(PieceSet { layout, bits: bytes.into(), count })
    }

    /// The bitmap, as [`PieceSet::from_bytes`] reads it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bits
    }

    /// How many bytes the bitmap of a file has.
    pub fn bytes_len(layout: Layout) -> usize {
        bitmap_len(layout)
    }

    /// The one byte of the bitmap that tells of `piece`: its place in [`PieceSet::as_bytes`], and its
    /// value.
    pub fn byte_of(&self, piece: PieceIndex) -> (usize, u8) {
        let (at, _) = self.place(piece);
        (at, self.bits[at])
    }

    /// The file's layout.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// How many pieces are in the set.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether no piece is in the set.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether every piece is in the set; so for the set of an empty file.
    pub fn is_full(&self) -> bool {
        self.count == self.layout.piece_count()
    }

    /// How many bytes of the file the pieces in the set hold.
    pub fn byte_count(&self) -> u64 {
        let whole = u64::from(self.count) * u64::from(self.layout.piece_size());
        match self.layout.pieces().next_back() {
            Some(last) if self.contains(last) => {
                whole - u64::from(self.layout.piece_size() - self.layout.piece_len(last))
            }
            Some(_) | None => whole,
        }
    }

    /// Whether `piece` is in the set.
    ///
    /// # Panics
    ///
    /// If `piece` came from a larger layout: that is our own mistake.
    pub fn contains(&self, piece: PieceIndex) -> bool {
        let (at, bit) = self.place(piece);
        self.bits[at] & bit != 0
    }

    /// Adds `piece`; says whether it is new.
    ///
    /// # Panics
    ///
    /// As [`PieceSet::contains`].
    pub fn insert(&mut self, piece: PieceIndex) -> bool {
        let (at, bit) = self.place(piece);
        let new = self.bits[at] & bit == 0;
        self.bits[at] |= bit;
        self.count += u32::from(new);
        new
    }

    /// Takes `piece` out; says whether it was in.
    ///
    /// # Panics
    ///
    /// As [`PieceSet::contains`].
    pub fn remove(&mut self, piece: PieceIndex) -> bool {
        let (at, bit) = self.place(piece);
        let was_in = self.bits[at] & bit != 0;
        self.bits[at] &= !bit;
        self.count -= u32::from(was_in);
        was_in
    }

    /// Adds every piece of `other`.
    ///
    /// # Panics
    ///
    /// If the two are of different layouts.
    pub fn union_with(&mut self, other: &PieceSet) {
        assert_eq!(self.layout, other.layout, "sets of two different cuts have no union");
        for (mine, theirs) in self.bits.iter_mut().zip(&other.bits) {
            *mine |= theirs;
        }
        self.count = self.bits.iter().map(|byte| byte.count_ones()).sum();
    }

    /// Takes out every piece that is not in `other`.
    ///
    /// # Panics
    ///
    /// If the two are of different layouts.
    pub fn intersect_with(&mut self, other: &PieceSet) {
        assert_eq!(self.layout, other.layout, "sets of two different cuts have no intersection");
        for (mine, theirs) in self.bits.iter_mut().zip(&other.bits) {
            *mine &= theirs;
        }
        self.count = self.bits.iter().map(|byte| byte.count_ones()).sum();
    }

    /// Whether every piece of this set is in `other` too. False for sets of different layouts.
    pub fn is_subset(&self, other: &PieceSet) -> bool {
        self.layout == other.layout
            && self.bits.iter().zip(&other.bits).all(|(mine, theirs)| mine & !theirs == 0)
    }

    /// The pieces in the set, first to last.
    pub fn iter(&self) -> impl Iterator<Item = PieceIndex> {
        self.runs(true).flat_map(|run| run.pieces())
    }

    /// The pieces that are not in the set, first to last.
    pub fn missing(&self) -> impl Iterator<Item = PieceIndex> {
        self.missing_runs().flat_map(|run| run.pieces())
    }

    /// The longest runs of neighbouring pieces in the set, first to last.
    pub fn had_runs(&self) -> impl Iterator<Item = PieceRun> {
        self.runs(true)
    }

    /// The longest runs of neighbouring pieces that are not in the set, first to last.
    ///
    /// Looking for the next one costs a byte read per eight pieces passed over.
    pub fn missing_runs(&self) -> impl Iterator<Item = PieceRun> {
        self.runs(false)
    }

    fn runs(&self, had: bool) -> impl Iterator<Item = PieceRun> {
        let mut from = 0;
        core::iter::from_fn(move || {
            let first = self.next_where(had, from);
            let end = self.next_where(!had, first);
            from = end;
            self.layout.run(first..end)
        })
    }

    /// The number of the first piece at or after `from` that is in the set (`had`), or is not; the
    /// number of pieces when there is none.
    fn next_where(&self, had: bool, from: u32) -> u32 {
        let end = self.layout.piece_count();
        // What a byte looks like when none of its eight pieces is what we look for.
        let dull = if had { 0x00 } else { 0xff };
        let mut number = from;
        while number < end {
            let byte = self.bits[number as usize / 8];
            if number.is_multiple_of(8) && byte == dull {
                number += 8;
            } else if (byte << (number % 8) & 0x80 != 0) == had {
                return number;
            } else {
                number += 1;
            }
        }
        end
    }

    /// Where the bit of `piece` is: byte and mask.
    fn place(&self, piece: PieceIndex) -> (usize, u8) {
        assert!(
            piece.number() < self.layout.piece_count(),
            "piece {piece} came from another layout than {:?}",
            self.layout
        );
        (piece.number() as usize / 8, 0x80 >> (piece.number() % 8))
    }
}

impl fmt::Debug for PieceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PieceSet({} of {})", self.count, self.layout.piece_count())
    }
}

/// Why bytes are not the bitmap of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceSetError {
    /// The bitmap of this file has another length.
    Length,
    /// A bit is set for a piece that the file does not have.
    TrailingBits,
}

impl fmt::Display for PieceSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PieceSetError::Length => "the bitmap is not as long as the file's pieces need",
            PieceSetError::TrailingBits => "the bitmap names pieces that the file does not have",
        })
    }
}

impl core::error::Error for PieceSetError {}

fn bitmap_len(layout: Layout) -> usize {
    layout.piece_count().div_ceil(8) as usize
}

/// The bits of the last byte that belong to no piece.
fn trailing_bits(layout: Layout) -> u8 {
    match layout.piece_count() % 8 {
        0 => 0,
        used => 0xff >> used,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeSet;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn set_of(layout: Layout, numbers: &BTreeSet<u32>) -> PieceSet {
        let mut set = PieceSet::empty(layout);
        for number in numbers {
            set.insert(layout.index(*number).unwrap());
        }
        set
    }

    /// Files of up to 40 pieces of up to 9 bytes, and some of their pieces.
    fn file_and_pieces() -> impl Strategy<Value = (Layout, BTreeSet<u32>)> {
        (0_u64..200, 1_u32..9).prop_flat_map(|(file_size, piece_size)| {
            let layout = Layout::new(file_size, piece_size).unwrap();
            let count = layout.piece_count();
            let pieces = proptest::collection::btree_set(0..count.max(1), 0..=count as usize);
            (Just(layout), pieces).prop_map(|(layout, mut pieces)| {
                pieces.retain(|number| *number < layout.piece_count());
                (layout, pieces)
            })
        })
    }

    proptest! {
        #[test]
        fn a_set_is_what_was_put_into_it((layout, numbers) in file_and_pieces()) {
            let set = set_of(layout, &numbers);
            let had: BTreeSet<u32> = set.iter().map(|piece| piece.number()).collect();
            prop_assert_eq!(&had, &numbers);
            prop_assert_eq!(set.count() as usize, numbers.len());
            let missing: BTreeSet<u32> = set.missing().map(|piece| piece.number()).collect();
            prop_assert!(missing.is_disjoint(&numbers));
            prop_assert_eq!(missing.len() + numbers.len(), layout.piece_count() as usize);
            prop_assert_eq!(set.is_full(), missing.is_empty());
            prop_assert_eq!(set.is_empty(), numbers.is_empty());
            for piece in layout.pieces() {
                prop_assert_eq!(set.contains(piece), numbers.contains(&piece.number()));
            }
            let bytes: u64 = set.iter().map(|piece| u64::from(layout.piece_len(piece))).sum();
            prop_assert_eq!(set.byte_count(), bytes);
        }

        #[test]
        fn runs_are_the_longest_and_cover_exactly_their_pieces(
            (layout, numbers) in file_and_pieces()
        ) {
            let set = set_of(layout, &numbers);
            let mut spans: Vec<_> = set.had_runs().map(|run| (run.bytes(), true)).collect();
            spans.extend(set.missing_runs().map(|run| (run.bytes(), false)));
            spans.sort_by_key(|(bytes, _)| bytes.start);
            // They tile the file, and two neighbours are never alike.
            let mut covered = 0;
            let mut before = None;
            for (bytes, had) in spans {
                prop_assert_eq!(bytes.start, covered);
                prop_assert_ne!(Some(had), before);
                prop_assert_eq!(set.contains(layout.piece_at(bytes.start).unwrap()), had);
                covered = bytes.end;
                before = Some(had);
            }
            prop_assert_eq!(covered, layout.file_size());
        }

        #[test]
        fn bytes_lead_back_to_the_same_set((layout, numbers) in file_and_pieces()) {
            let set = set_of(layout, &numbers);
            let back = PieceSet::from_bytes(layout, set.as_bytes());
            prop_assert_eq!(back.as_ref(), Ok(&set));
            for piece in layout.pieces() {
                let (at, byte) = set.byte_of(piece);
                prop_assert_eq!(set.as_bytes()[at], byte);
                prop_assert_eq!(byte << (piece.number() % 8) & 0x80 != 0, set.contains(piece));
            }
            let mut longer = set.as_bytes().to_vec();
            longer.push(0);
            prop_assert_eq!(PieceSet::from_bytes(layout, &longer), Err(PieceSetError::Length));
        }

        #[test]
        fn union_and_subset_agree(
            (layout, numbers) in file_and_pieces(), split in any::<u32>()
        ) {
            let whole = set_of(layout, &numbers);
            let (front, back): (BTreeSet<u32>, BTreeSet<u32>) =
                numbers.iter().partition(|number| split >> (*number % 32) & 1 == 0);
            let mut joined = set_of(layout, &front);
            prop_assert!(joined.is_subset(&whole));
            prop_assert_eq!(whole.is_subset(&joined), back.is_empty());
            joined.union_with(&set_of(layout, &back));
            prop_assert_eq!(&joined, &whole);
            joined.intersect_with(&set_of(layout, &front));
            prop_assert_eq!(&joined, &set_of(layout, &front));
            prop_assert!(whole.is_subset(&PieceSet::full(layout)));
        }
    }

    #[test]
    fn inserting_and_removing_twice_changes_nothing() {
        let layout = Layout::new(20, 2).unwrap();
        let piece = layout.index(9).unwrap();
        let mut set = PieceSet::empty(layout);
        assert!(set.insert(piece));
        assert!(!set.insert(piece));
        assert_eq!((set.count(), set.as_bytes()), (1, &[0x00, 0x40][..]));
        assert!(set.remove(piece));
        assert!(!set.remove(piece));
        assert_eq!(set, PieceSet::empty(layout));
    }

    #[test]
    fn a_bit_behind_the_last_piece_is_refused() {
        let layout = Layout::new(10, 1).unwrap();
        assert_eq!(PieceSet::full(layout).as_bytes(), [0xff, 0xc0]);
        for (bytes, expect) in [
            (&[0xff, 0xc0][..], Ok(PieceSet::full(layout))),
            (&[0x00, 0x00][..], Ok(PieceSet::empty(layout))),
            (&[0x00, 0x20][..], Err(PieceSetError::TrailingBits)),
            (&[0x00][..], Err(PieceSetError::Length)),
            (&[][..], Err(PieceSetError::Length)),
        ] {
            assert_eq!(PieceSet::from_bytes(layout, bytes), expect, "{bytes:?}");
        }
    }

    #[test]
    fn the_set_of_an_empty_file_is_empty_and_full() {
        let layout = Layout::new(0, 4).unwrap();
        let set = PieceSet::empty(layout);
        assert_eq!(set, PieceSet::full(layout));
        assert!(set.is_empty() && set.is_full());
        assert_eq!(set.missing_runs().next(), None);
        assert_eq!(set.byte_count(), 0);
    }

    #[test]
    fn sets_of_different_cuts_are_no_subsets_of_each_other() {
        let four = PieceSet::empty(Layout::new(16, 4).unwrap());
        let eight = PieceSet::full(Layout::new(16, 8).unwrap());
        assert!(!four.is_subset(&eight));
    }
}
