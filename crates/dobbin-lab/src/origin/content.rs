//! What an origin serves: bytes that can be computed from their offset.
//!
//! A file of any size costs no memory, and both sides of a test can say what byte belongs where.

use std::ops::Range;

use aws_lc_rs::digest;

/// Bytes hashed or compared at a time; bounds the memory of [`Content::sha256`].
const STEP_BYTES: usize = 64 * 1024;

/// A file that nobody stores: pseudo-random bytes, the same for the same seed on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    seed: u64,
    size_bytes: u64,
    /// Where one byte is not what the seed makes of it.
    damaged_at: Option<u64>,
}

impl Content {
    /// A file of `size_bytes`; two seeds give two files that differ nearly everywhere.
    pub const fn new(seed: u64, size_bytes: u64) -> Content {
        Content { seed, size_bytes, damaged_at: None }
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size_bytes
    }

    /// What it was seeded with.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The same bytes, cut short or continued to `size_bytes`.
    pub fn resized(self, size_bytes: u64) -> Content {
        Content { size_bytes, ..self }
    }

    /// Another file of the same size: what the origin serves after [`super::Version::NewBytes`].
    pub fn changed(self) -> Content {
        Content { seed: !self.seed, ..self }
    }

    /// The same bytes but for the one at `offset`: what a bad disk or a bad copy makes of a file. Its
    /// `ETag` is the same.
    pub const fn damaged_at(self, offset: u64) -> Content {
        Content { damaged_at: Some(offset), ..self }
    }

    /// The `ETag` under which an origin serves it while nothing has changed it.
    pub fn tag(&self) -> String {
        format!("\"{:x}-{:x}\"", self.seed, self.size_bytes)
    }

    /// Writes the bytes that stand at `offset` and after into all of `buffer`.
    ///
    /// Does not know the size: beyond the end the sequence goes on, which is what an origin needs
    /// that sends more than it should.
    pub fn fill(&self, offset: u64, buffer: &mut [u8]) {
        // Up to the next whole word, then word by word, then the rest.
        let lead = (offset.next_multiple_of(8) - offset).min(buffer.len() as u64) as usize;
        let (head, aligned) = buffer.split_at_mut(lead);
        let inside = (offset % 8) as usize;
        if !head.is_empty() {
            let word = self.word(offset / 8).to_le_bytes();
            head.copy_from_slice(&word[inside..inside + head.len()]);
        }
        let first_index = offset.div_ceil(8);
        for (index, part) in (first_index..).zip(aligned.chunks_mut(8)) {
            let word = self.word(index).to_le_bytes();
            part.copy_from_slice(&word[..part.len()]);
        }
        let damaged = self.damaged_at.and_then(|at| at.checked_sub(offset));
        if let Some(byte) = damaged.and_then(|at| buffer.get_mut(usize::try_from(at).ok()?)) {
            *byte ^= 1;
        }
    }

    /// The bytes of `range`, in memory. For small ranges.
    pub fn bytes(&self, range: Range<u64>) -> Vec<u8> {
        let length = usize::try_from(range.end - range.start).expect("a range that fits memory");
        let mut bytes = vec![0; length];
        self.fill(range.start, &mut bytes);
        bytes
    }

    /// The whole file, in memory. For small files.
    pub fn all(&self) -> Vec<u8> {
        self.bytes(0..self.size_bytes)
    }

    /// SHA-256 of the whole file, whatever its size.
    pub fn sha256(&self) -> [u8; 32] {
        let mut context = digest::Context::new(&digest::SHA256);
        let mut buffer = vec![0; STEP_BYTES];
        let mut offset = 0;
        while offset < self.size_bytes {
            let step = (self.size_bytes - offset).min(STEP_BYTES as u64) as usize;
            self.fill(offset, &mut buffer[..step]);
            context.update(&buffer[..step]);
            offset += step as u64;
        }
        context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    /// Where `bytes`, taken from `offset` of somebody's copy, first differ from this file.
    ///
    /// `None`: they are right. A copy that is longer than the file differs at its end.
    pub fn first_difference(&self, offset: u64, bytes: &[u8]) -> Option<u64> {
        let mut expected = [0; 4096];
        let mut at = offset;
        for part in bytes.chunks(expected.len()) {
            let expected = &mut expected[..part.len()];
            self.fill(at, expected);
            if let Some(index) = part.iter().zip(expected.iter()).position(|(a, b)| a != b) {
                return Some((at + index as u64).min(self.size_bytes));
            }
            at += part.len() as u64;
        }
        (at > self.size_bytes).then_some(self.size_bytes)
    }

    /// The eight bytes number `index`: SplitMix64, whose state is a plain counter, so that any
    /// place can be reached in one step.
    fn word(&self, index: u64) -> u64 {
        const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.seed.wrapping_mul(0xD134_2543_DE82_EF95);
        z = z.wrapping_add(index.wrapping_add(1).wrapping_mul(GOLDEN));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_of_a_file_gives_the_same_bytes() {
        let content = Content::new(7, 100);
        let whole = content.all();
        for start in 0..=100_u64 {
            for end in start..=100 {
                let cut = content.bytes(start..end);
                assert_eq!(cut, whole[start as usize..end as usize], "{start}..{end}");
            }
        }
    }

    #[test]
    fn a_damaged_file_differs_in_one_byte_however_it_is_cut() {
        let content = Content::new(7, 100);
        let damaged = content.damaged_at(41);
        for start in 0..=100_u64 {
            for end in start..=100 {
                let bytes = damaged.bytes(start..end);
                let expect = (start..end).contains(&41).then_some(41);
                assert_eq!(content.first_difference(start, &bytes), expect, "{start}..{end}");
            }
        }
    }

    #[test]
    fn two_seeds_are_two_files() {
        let (one, two) = (Content::new(1, 4096).all(), Content::new(2, 4096).all());
        let same_count = one.iter().zip(&two).filter(|(a, b)| a == b).count();
        assert!(same_count < 64, "{same_count} of 4096 bytes are the same");
    }

    #[test]
    fn the_hash_is_that_of_the_bytes() {
        let content = Content::new(3, STEP_BYTES as u64 * 2 + 5);
        let hash = digest::digest(&digest::SHA256, &content.all());
        assert_eq!(content.sha256(), hash.as_ref());
    }

    #[test]
    fn a_difference_is_found_where_it_is() {
        let content = Content::new(3, 10_000);
        let mut copy = content.all();
        assert_eq!(content.first_difference(0, &copy), None);
        assert_eq!(content.first_difference(5000, &copy[5000..]), None);
        copy.push(0);
        assert_eq!(content.first_difference(0, &copy), Some(10_000), "one byte too many");
        copy[9000] ^= 1;
        assert_eq!(content.first_difference(0, &copy), Some(9000));
        assert_eq!(content.first_difference(8000, &copy[8000..]), Some(9000));
    }

    #[test]
    fn far_offsets_cost_nothing() {
        let content = Content::new(9, u64::MAX);
        let near_end = content.bytes(u64::MAX - 20..u64::MAX - 4);
        assert_eq!(near_end[8..], content.bytes(u64::MAX - 12..u64::MAX - 4));
    }
}
