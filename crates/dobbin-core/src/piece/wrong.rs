//! Pieces that came with the wrong bytes, and what to do about each.
//!
//! The rule (what the interface says of a bad piece from a server) is: ask once more, of somebody else if there is
//! anybody, else of the same over a new connection; if that is wrong too, the file cannot be had as its
//! hashes say. The caller's own URL has the last word, so a piece is not given up before it was asked.
//!
//! Pure: told what was wrong and who is left, it says what follows.

use alloc::vec::Vec;

use super::layout::PieceIndex;
use crate::source::share::SourceId;

/// Pieces that are remembered as wrong at once. One more counts as hopeless: a file with so many does
/// not have the bytes that its hashes are of.
pub const WRONG_MAX: usize = 64;

/// The pieces of one file that came wrong and are not had yet.
#[derive(Debug, Clone, Default)]
pub struct Wrongs {
    /// At most [`WRONG_MAX`], in the order of their numbers.
    list: Vec<(PieceIndex, Vec<SourceId>)>,
}

/// What follows from a wrong piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is to be fetched again.
    Again,
    /// It will not come right: from the own URL neither.
    Hopeless,
}

impl Wrongs {
    /// The piece came wrong from `source`.
    ///
    /// * `is_usable`: whether a source may still be asked.
    pub fn note(
        &mut self,
        piece: PieceIndex,
        source: SourceId,
        is_usable: impl Fn(SourceId) -> bool,
    ) -> Next {
        let at = match self.list.binary_search_by_key(&piece, |(piece, _)| *piece) {
            Ok(at) => at,
            Err(_) if self.list.len() == WRONG_MAX => return Next::Hopeless,
            Err(at) => {
                self.list.insert(at, (piece, Vec::new()));
                at
            }
        };
        let by = &mut self.list[at].1;
        by.push(source);
        let own_is_asked = by.contains(&SourceId::OWN) || !is_usable(SourceId::OWN);
        if by.len() >= 2 && own_is_asked { Next::Hopeless } else { Next::Again }
    }

    /// The piece is here and right.
    pub fn settle(&mut self, piece: PieceIndex) {
        self.list.retain(|(wrong, _)| *wrong != piece);
    }

    /// The pieces that `source` is not to be asked for, in their order: those that it got wrong, as long
    /// as anybody else may be asked; and those that the own URL is to be asked for next.
    pub fn not_for(
        &self,
        source: SourceId,
        others: impl Iterator<Item = SourceId> + Clone,
    ) -> Vec<PieceIndex> {
        let own_is_left = source.is_own() || others.clone().any(SourceId::is_own);
        let is_not_for = |by: &[SourceId]| {
            let own_is_next = own_is_left && !by.contains(&SourceId::OWN);
            if own_is_next {
                return !source.is_own();
            }
            by.contains(&source) && others.clone().any(|other| !by.contains(&other))
        };
        let list = self.list.iter().filter(|(_, by)| is_not_for(by));
        list.map(|(piece, _)| *piece).collect()
    }

    /// Whether the piece came wrong before.
    pub fn contains(&self, piece: PieceIndex) -> bool {
        self.list.binary_search_by_key(&piece, |(wrong, _)| *wrong).is_ok()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::piece::Layout;

    const OWN: SourceId = SourceId::OWN;
    const SECOND: SourceId = SourceId(1);
    const THIRD: SourceId = SourceId(2);

    fn piece(number: u32) -> PieceIndex {
        Layout::new(1_000, 1).unwrap().index(number).unwrap()
    }

    fn others<const N: usize>(ids: [SourceId; N]) -> impl Iterator<Item = SourceId> + Clone {
        ids.into_iter()
    }

    #[test]
    fn one_more_try_is_made_and_the_own_url_has_the_last_word() {
        for (sources, expect) in [
            (&[OWN, OWN][..], &[Next::Again, Next::Hopeless][..]),
            (&[OWN, SECOND], &[Next::Again, Next::Hopeless]),
            (&[SECOND, OWN], &[Next::Again, Next::Hopeless]),
            (&[SECOND, THIRD, OWN], &[Next::Again, Next::Again, Next::Hopeless]),
        ] {
            let mut wrongs = Wrongs::default();
            let got: Vec<Next> =
                sources.iter().map(|id| wrongs.note(piece(7), *id, |_| true)).collect();
            assert_eq!(got, expect, "{sources:?}");
        }
        let mut wrongs = Wrongs::default();
        wrongs.note(piece(7), SECOND, |_| true);
        let own_rests = |id: SourceId| !id.is_own();
        assert_eq!(wrongs.note(piece(7), THIRD, own_rests), Next::Hopeless);
    }

    #[test]
    fn who_got_it_wrong_is_not_asked_again_while_there_is_somebody_else() {
        let mut wrongs = Wrongs::default();
        wrongs.note(piece(7), OWN, |_| true);
        assert_eq!(wrongs.not_for(OWN, others([SECOND])), [piece(7)]);
        assert_eq!(wrongs.not_for(OWN, others([])), [], "alone it gets another chance");
        assert_eq!(wrongs.not_for(SECOND, others([OWN])), []);
        wrongs.note(piece(3), SECOND, |_| true);
        assert_eq!(wrongs.not_for(SECOND, others([OWN])), [piece(3)]);
        assert_eq!(wrongs.not_for(THIRD, others([OWN, SECOND])), [piece(3)], "the own URL is next");
        assert_eq!(wrongs.not_for(THIRD, others([SECOND])), [], "but it cannot be asked");
        wrongs.settle(piece(3));
        wrongs.settle(piece(7));
        assert!(wrongs.is_empty());
    }

    #[test]
    fn a_file_that_is_wrong_throughout_is_given_up() {
        let mut wrongs = Wrongs::default();
        for number in 0..WRONG_MAX as u32 {
            assert_eq!(wrongs.note(piece(number), OWN, |_| true), Next::Again);
        }
        assert_eq!(wrongs.note(piece(900), OWN, |_| true), Next::Hopeless);
    }
}
