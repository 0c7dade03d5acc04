//! Chance that can be had again: everything random of a run follows from its seed.

use std::ops::Range;

/// A sequence of numbers that looks random and is the same for the same seed (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number of the range, which must not be empty.
    pub(crate) fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// True once in `count` times.
    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.within(0..count) == 0
    }

    /// One of them; nothing of nothing.
    pub(crate) fn pick<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        let count = among.len() as u64;
        (count > 0).then(|| &among[self.within(0..count) as usize])
    }

    /// The value whose turn it is, by weight.
    pub(crate) fn weighted<T: Copy>(&mut self, among: &[(u64, T)]) -> T {
        let total = among.iter().map(|(weight, _)| weight).sum();
        let mut at = self.within(0..total);
        for (weight, value) in among {
            match at.checked_sub(*weight) {
                Some(left) => at = left,
                None => return *value,
            }
        }
        unreachable!("a place below the total belongs to one of the weights")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_sequence_and_weights_are_shares() {
        let draw = |seed| {
            let mut chance = Chance::new(seed);
            [(); 8].map(|()| chance.within(10..1_000))
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(3).iter().all(|number| (10..1_000).contains(number)));
        let mut chance = Chance::new(4);
        let drawn: Vec<char> =
            (0..1_000).map(|_| chance.weighted(&[(1, 'a'), (0, 'b'), (9, 'c')])).collect();
        let share = |one| drawn.iter().filter(|drawn| **drawn == one).count();
        assert!((50..200).contains(&share('a')) && share('b') == 0, "{}", share('a'));
    }
}
