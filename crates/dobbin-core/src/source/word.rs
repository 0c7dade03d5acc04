//! What an origin says is the hash of its own file (RFC 9530, RFC 3230), and what follows when the bytes
//! that come have another one.
//!
//! Nobody asked for this check, and the word is no better than the bytes: whoever can change the one on
//! the way can change the other. So it finds damage and decides nothing else. The rule follows that for a
//! bad piece from a server: fetch once more, from the file's own URL alone; if it is wrong again, the same
//! bytes twice mean that the word is wrong, and the file is taken without it, as one without integrity
//! data; other bytes than before mean that they are damaged on the way, and the file is not shown.

/// The word of a file's own URL, for the version that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    said: Said,
    /// What was found instead, before the file was fetched once more.
    found: Option<[u8; 32]>,
}

/// What replies said so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Said {
    #[default]
    Nothing,
    Hash([u8; 32]),
    /// Two things of one version.
    Nonsense,
}

/// What follows from the hash that a whole file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing speaks against it.
    Right,
    /// It is to be fetched once more, from its own URL alone.
    Again,
    /// The word is wrong, not the bytes: the same came twice.
    WordIsWrong,
    /// The bytes are: they were others each time.
    Damaged,
}

impl Word {
    /// A reply of the file's own URL said this of the version that is known. One that says nothing takes
    /// nothing back; two that differ are both worth nothing.
    pub fn hear(&mut self, said: Option<[u8; 32]>) {
        self.said = match (self.said, said) {
            (before, None) => before,
            (Said::Nothing, Some(hash)) => Said::Hash(hash),
            (Said::Hash(before), Some(hash)) if before == hash => Said::Hash(hash),
            (Said::Hash(_) | Said::Nonsense, Some(_)) => Said::Nonsense,
        };
    }

    /// What was had of the file is dropped, and what was said of it counts no more. That it was wrong once
    /// is not forgotten.
    pub fn forget(&mut self) {
        self.said = Said::Nothing;
    }

    /// The hash that the file should have, if that is known.
    pub fn expected(&self) -> Option<[u8; 32]> {
        match self.said {
            Said::Hash(hash) => Some(hash),
            Said::Nothing | Said::Nonsense => None,
        }
    }

    /// What follows from `found`, the hash that the whole file has. A file of which nothing is said any
    /// more is taken as any other.
    ///
    /// * `is_own`: whether every byte came from the file's own URL. Where others brought some, what was
    ///   found says nothing of what that one sends.
    pub fn judge(&mut self, found: [u8; 32], is_own: bool) -> Verdict {
        match (self.expected(), self.found) {
            (None, _) => Verdict::Right,
            (Some(expected), _) if expected == found => Verdict::Right,
            (Some(_), before) if before.is_none() || !is_own => {
                self.found = self.found.or(is_own.then_some(found));
                Verdict::Again
            }
            (Some(_), before) if before == Some(found) => Verdict::WordIsWrong,
            (Some(_), _) => Verdict::Damaged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [u8; 32] = [1; 32];
    const B: [u8; 32] = [2; 32];
    const C: [u8; 32] = [3; 32];

    fn heard(said: &[Option<[u8; 32]>]) -> Word {
        let mut word = Word::default();
        said.iter().for_each(|said| word.hear(*said));
        word
    }

    #[test]
    fn silence_takes_nothing_back_and_a_contradiction_everything() {
        assert_eq!(heard(&[]).expected(), None);
        assert_eq!(heard(&[None, Some(A), None, Some(A)]).expected(), Some(A));
        assert_eq!(heard(&[Some(A), Some(B)]).expected(), None);
        assert_eq!(heard(&[Some(A), Some(B), Some(A)]).expected(), None);
    }

    #[test]
    fn a_file_is_fetched_once_more_and_then_judged_by_what_came_twice() {
        // What is said, and what is found, the first and the second time.
        for (first, second, expect) in [
            ((Some(A), B), (Some(A), A), [Verdict::Again, Verdict::Right]),
            ((Some(A), B), (Some(A), B), [Verdict::Again, Verdict::WordIsWrong]),
            ((Some(A), B), (Some(A), C), [Verdict::Again, Verdict::Damaged]),
            ((Some(A), B), (None, C), [Verdict::Again, Verdict::Right]),
            ((Some(A), B), (Some(C), B), [Verdict::Again, Verdict::WordIsWrong]),
        ] {
            let mut word = heard(&[first.0]);
            let one = word.judge(first.1, true);
            word.forget();
            assert_eq!(word.expected(), None);
            word.hear(second.0);
            assert_eq!([one, word.judge(second.1, true)], expect, "{first:?} {second:?}");
        }
    }

    #[test]
    fn bytes_of_others_are_no_evidence_against_the_own_url() {
        let mut word = heard(&[Some(A)]);
        assert_eq!(word.judge(B, false), Verdict::Again);
        assert_eq!(word.judge(C, true), Verdict::Again);
        for found in [B, C] {
            assert_eq!(word.judge(found, false), Verdict::Again, "nor once it was wrong itself");
        }
        assert_eq!(word.judge(C, true), Verdict::WordIsWrong, "and what that was is not forgotten");
    }

    #[test]
    fn what_nobody_speaks_of_is_right() {
        assert_eq!(heard(&[]).judge(A, true), Verdict::Right);
        assert_eq!(heard(&[Some(A)]).judge(A, true), Verdict::Right);
        assert_eq!(heard(&[Some(A), Some(B)]).judge(C, true), Verdict::Right);
    }
}
