//! Parts of a file.

use std::ops::Range;

/// Which bytes of a file: stretches in their order, none of them empty and no two that touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stretches(Vec<Range<u64>>);

impl Stretches {
    /// Adds the bytes of a range.
    pub(super) fn add(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let first = self.0.partition_point(|known| known.end < range.start);
        let end = self.0.partition_point(|known| known.start <= range.end);
        let touched = self.0.get(first..end).unwrap_or_default();
        let start = touched.first().map_or(range.start, |known| known.start.min(range.start));
        let until = touched.last().map_or(range.end, |known| known.end.max(range.end));
        self.0.splice(first..end, std::iter::once(start..until));
    }

    /// How many bytes are in these and in the others.
    pub(super) fn common_bytes(&self, others: &Stretches) -> u64 {
        let common = |one: &Range<u64>, other: &Range<u64>| {
            one.end.min(other.end).saturating_sub(one.start.max(other.start))
        };
        self.0.iter().flat_map(|one| others.0.iter().map(move |other| common(one, other))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ranges: &[Range<u64>]) -> Stretches {
        let mut stretches = Stretches::default();
        ranges.iter().for_each(|range| stretches.add(range.clone()));
        stretches
    }

    #[test]
    fn what_touches_is_one_stretch() {
        for (added, expect) in [
            ([0..0, 5..5, 9..9], &[][..]),
            ([0..2, 4..6, 4..6], &[(0, 2), (4, 6)]),
            ([4..6, 0..2, 1..1], &[(0, 2), (4, 6)]),
            ([0..2, 4..6, 2..4], &[(0, 6)]),
            ([0..2, 4..6, 1..8], &[(0, 8)]),
            ([3..9, 4..5, 3..9], &[(3, 9)]),
            ([4..5, 3..9, 9..10], &[(3, 10)]),
            ([0..3, 7..9, 4..6], &[(0, 3), (4, 6), (7, 9)]),
        ] {
            let ends = |range: &Range<u64>| (range.start, range.end);
            assert_eq!(of(&added).0.iter().map(ends).collect::<Vec<_>>(), expect, "{added:?}");
        }
    }

    #[test]
    fn a_byte_that_both_have_counts_once() {
        for (one, other, expect) in [
            ([0..5, 5..10], [2..4, 6..20], 6),
            ([0..5, 3..10], [10..20, 30..40], 0),
            ([0..3, 5..9], [2..6, 4..4], 2),
            ([0..7, 3..u64::MAX], [7..9, 7..8], 2),
        ] {
            let (one, other) = (of(&one), of(&other));
            assert_eq!([one.common_bytes(&other), other.common_bytes(&one)], [expect; 2]);
        }
    }
}
