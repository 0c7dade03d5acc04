//! Ranges of the remote file and where their bytes stand in the local one.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use dobbin_types::{ByteRange, ErrorCode};

/// Checks ranges as a caller gave them (`AddFileWithRanges`).
///
/// `DO_E_INVALID_RANGE` for a length of 0, an end beyond 2^64, or one beyond a size that is known;
/// `DO_E_OVERLAPPING_RANGES` for two that share a byte or begin at the same one. Neighbours that
/// touch do not overlap.
pub(crate) fn check(ranges: &[ByteRange], size: Option<u64>) -> Result<(), (ErrorCode, String)> {
    let invalid = |why: String| Err((ErrorCode::DO_E_INVALID_RANGE, why));
    for range in ranges {
        if range.offset == u64::MAX {
            return invalid("a range cannot begin at the end of the file".into());
        }
        if range.length == Some(0) {
            return invalid(format!("the range at {} has no bytes", range.offset));
        }
        let end = match range.length {
            Some(length) => range.offset.checked_add(length),
            None => range.offset.checked_add(1),
        };
        match (end, size) {
            (None, _) => return invalid(format!("the range at {} ends nowhere", range.offset)),
            (Some(end), Some(size)) if end > size => {
                return invalid(format!(
                    "the range at {} ends beyond the file's {size} bytes",
                    range.offset
                ));
            }
            (Some(_), _) => {}
        }
    }
    let mut sorted: Vec<&ByteRange> = ranges.iter().collect();
    sorted.sort_by_key(|range| range.offset);
    for pair in sorted.windows(2) {
        let apart = pair[0].length.is_some_and(|length| pair[0].offset + length <= pair[1].offset);
        if !apart {
            return Err((
                ErrorCode::DO_E_OVERLAPPING_RANGES,
                format!("the ranges at {} and {} overlap", pair[0].offset, pair[1].offset),
            ));
        }
    }
    Ok(())
}

/// Size of a local file made of these ranges; `None` while that depends on a remote size that
/// nobody has said. `None` too for ranges that do not fit that size.
pub(super) fn local_size(ranges: &[ByteRange], remote_size: Option<u64>) -> Option<u64> {
    if ranges.is_empty() {
        return remote_size;
    }
    let mut sum: u64 = 0;
    for range in ranges {
        let length = match range.length {
            Some(length) => length,
            None => remote_size?.checked_sub(range.offset)?,
        };
        sum = sum.checked_add(length)?;
    }
    Some(sum)
}

/// Where the bytes of a local file stand in the remote one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeMap {
    /// Remote byte ranges, in the order of the local file. Never an empty one.
    parts: Vec<Range<u64>>,
}

impl RangeMap {
    /// The map of a file with these ranges (none for the whole file) whose remote size is known.
    ///
    /// `DO_E_INVALID_RANGE` when a range lies outside the remote file.
    pub fn new(ranges: &[ByteRange], remote_size: u64) -> Result<RangeMap, ErrorCode> {
        if ranges.is_empty() {
            let parts = if remote_size == 0 { Vec::new() } else { alloc::vec![0..remote_size] };
            return Ok(RangeMap { parts });
        }
        let mut parts = Vec::with_capacity(ranges.len());
        for range in ranges {
            let end = match range.length {
                Some(length) => range.offset.checked_add(length),
                None => Some(remote_size),
            };
            match end {
                Some(end) if end <= remote_size && range.offset < end => {
                    parts.push(range.offset..end);
                }
                _ => return Err(ErrorCode::DO_E_INVALID_RANGE),
            }
        }
        Ok(RangeMap { parts })
    }

    /// Bytes of the local file.
    pub fn local_size(&self) -> u64 {
        self.parts.iter().map(|part| part.end - part.start).sum()
    }

    /// The first stretch of `local` that is one stretch remotely: its local and its remote range,
    /// of the same length. `None` when `local` is empty or lies outside the file.
    pub fn first_stretch(&self, local: Range<u64>) -> Option<(Range<u64>, Range<u64>)> {
        let mut part_start = 0;
        for part in &self.parts {
            let part_end = part_start + (part.end - part.start);
            if local.start < part_end && local.start < local.end {
                let end = local.end.min(part_end);
                let remote = part.start + (local.start - part_start);
                return Some((local.start..end, remote..remote + (end - local.start)));
            }
            part_start = part_end;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(offset: u64, length: u64) -> ByteRange {
        ByteRange { offset, length: Some(length) }
    }

    const TO_EOF: Option<u64> = None;

    #[track_caller]
    fn refused(ranges: &[ByteRange], size: Option<u64>, code: ErrorCode) {
        assert_eq!(check(ranges, size).unwrap_err().0, code, "{ranges:?} of {size:?}");
    }

    /// conformance: AddFile offset-to-eof, AddFile zero-length, AddFile overflow
    /// conformance: code DO_E_INVALID_RANGE
    #[test]
    fn ranges_that_make_no_file_are_refused() {
        let invalid = ErrorCode::DO_E_INVALID_RANGE;
        refused(&[range(0, 0)], None, invalid);
        refused(&[range(u64::MAX, 1)], None, invalid);
        refused(&[ByteRange { offset: u64::MAX, length: TO_EOF }], None, invalid);
        refused(&[range(u64::MAX - 1, 2)], None, invalid);
        refused(&[range(90, 11)], Some(100), invalid);
        refused(&[ByteRange { offset: 100, length: TO_EOF }], Some(100), invalid);
        assert_eq!(check(&[range(90, 10)], Some(100)), Ok(()));
    }

    /// conformance: AddFile overlap, AddFile to-eof, code DO_E_OVERLAPPING_RANGES
    #[test]
    fn ranges_that_share_a_byte_are_refused_whatever_their_order() {
        let overlapping = ErrorCode::DO_E_OVERLAPPING_RANGES;
        refused(&[range(100, 5), range(104, 1)], None, overlapping);
        refused(&[range(104, 1), range(100, 5)], None, overlapping);
        refused(&[range(100, 5), range(100, 5)], None, overlapping);
        refused(&[ByteRange { offset: 0, length: TO_EOF }, range(900, 1)], None, overlapping);
        assert_eq!(check(&[range(105, 1), range(100, 5)], None), Ok(()));
        assert_eq!(
            check(&[range(900, 1), ByteRange { offset: 901, length: TO_EOF }], None),
            Ok(())
        );
    }

    /// conformance: AddFile layout
    #[test]
    fn ranges_stand_back_to_back_in_the_order_given() {
        let map =
            RangeMap::new(&[range(100, 100), range(900, 100), range(400, 100)], 1_000).unwrap();
        assert_eq!(map.local_size(), 300);
        assert_eq!(map.first_stretch(0..300), Some((0..100, 100..200)));
        assert_eq!(map.first_stretch(150..300), Some((150..200, 950..1_000)));
        assert_eq!(map.first_stretch(250..260), Some((250..260, 450..460)));
        assert_eq!(map.first_stretch(300..310), None);
        assert_eq!(map.first_stretch(5..5), None);
    }

    #[test]
    fn a_range_outside_the_remote_file_has_no_map() {
        assert_eq!(RangeMap::new(&[range(5, 6)], 10), Err(ErrorCode::DO_E_INVALID_RANGE));
        assert_eq!(
            RangeMap::new(&[ByteRange { offset: 10, length: TO_EOF }], 10),
            Err(ErrorCode::DO_E_INVALID_RANGE)
        );
        assert_eq!(RangeMap::new(&[], 0).unwrap().local_size(), 0);
    }

    proptest! {
        #[test]
        fn stretches_cover_the_local_file_once(
            cuts in proptest::collection::btree_set(0_u64..10_000, 2..12),
            reverse: bool,
        ) {
            let cuts: Vec<u64> = cuts.into_iter().collect();
            let mut ranges: Vec<ByteRange> = cuts
                .chunks_exact(2)
                .map(|pair| range(pair[0], pair[1] - pair[0]))
                .collect();
            if reverse {
                ranges.reverse();
            }
            prop_assert_eq!(check(&ranges, Some(10_000)), Ok(()));
            let map = RangeMap::new(&ranges, 10_000).unwrap();
            let size = map.local_size();
            prop_assert_eq!(local_size(&ranges, Some(10_000)), Some(size));
            let mut remote_bytes = Vec::new();
            let mut at = 0;
            while let Some((local, remote)) = map.first_stretch(at..size) {
                prop_assert_eq!(local.start, at);
                prop_assert_eq!(local.end - local.start, remote.end - remote.start);
                remote_bytes.extend(remote);
                at = local.end;
            }
            prop_assert_eq!(at, size);
            let expected: Vec<u64> = ranges
                .iter()
                .flat_map(|r| r.offset..r.offset + r.length.unwrap())
                .collect();
            prop_assert_eq!(remote_bytes, expected);
        }
    }
}
