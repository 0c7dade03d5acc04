//! Pieces whose bytes come by in order, and others.

// A piece may come by in one part: a list of one range is meant as that.
#![allow(clippy::single_range_in_vec_init)]

use std::ops::Range;

use dobbin_store::Place;
use dobbin_types::FileNumber;
use dobbin_types::phf::Phf;

use super::super::manifest::sha256;
use super::*;

const PIECE: usize = 65_536;

/// Two pieces and a bit.
fn content() -> Vec<u8> {
    (0..2 * PIECE + 10).map(|at| (at % 251) as u8).collect()
}

fn manifest() -> Arc<Manifest> {
    let content = content();
    let digests = content.chunks(PIECE).map(sha256).collect();
    Arc::new(Phf::new(content.len() as u64, PIECE as u32, digests, sha256).unwrap().into())
}

/// Whether each of these pieces is right when only these parts of it came by, in this order, and this
/// lies on the disk.
#[track_caller]
fn check(staged: &[u8], pieces: &[(u32, &[Range<usize>])], expect: &[bool]) {
    let folder = tempfile::tempdir().unwrap();
    let (manifest, content) = (manifest(), content());
    let layout = manifest.layout();
    let place = Place::in_folder(folder.path(), FileNumber(0));
    let staging = Staging::create(place, layout, "boot").unwrap();
    staging.write_at(staged, 0).unwrap();
    let mut check = PieceCheck::new(manifest);
    let found = pieces.iter().map(|(number, parts)| {
        let piece = layout.index(*number).unwrap();
        for part in *parts {
            check.pass(piece, &content[part.clone()], part.start as u64);
        }
        check.is_right(piece, &staging).unwrap()
    });
    assert_eq!(found.collect::<Vec<_>>(), expect, "{pieces:?}");
}

#[test]
fn what_came_by_in_order_is_judged_without_the_disk() {
    // Whoever looked there would find nothing but zeros.
    let zeros = vec![0; content().len()];
    check(&zeros, &[(0, &[0..PIECE])], &[true]);
    check(&zeros, &[(0, &[0..9, 9..PIECE]), (1, &[PIECE..2 * PIECE])], &[true, true]);
    check(&zeros, &[(2, &[2 * PIECE..2 * PIECE + 10])], &[true]);
    // Begun anew after it broke off.
    check(&zeros, &[(0, &[0..500, 0..PIECE])], &[true]);
}

#[test]
fn what_came_in_another_way_is_read_back() {
    let (staged, zeros) = (content(), vec![0; content().len()]);
    let half = PIECE / 2;
    for parts in [
        // Nothing; the end alone; with a gap; as many bytes as there are, but some of them twice.
        &[][..],
        &[half..PIECE],
        &[0..10, half..PIECE],
        &[0..half, half / 2..half / 2 + half],
        &[0..half],
    ] {
        check(&staged, &[(0, parts)], &[true]);
        check(&zeros, &[(0, parts)], &[false]);
    }
    // The piece before it says nothing of this one.
    check(&zeros, &[(0, &[0..PIECE]), (1, &[])], &[true, false]);
}

#[test]
fn one_wrong_byte_makes_one_piece_wrong() {
    for (at, expect) in [(0, [false, true, true]), (PIECE, [true, false, true])] {
        let mut staged = content();
        staged[at] ^= 1;
        check(&staged, &[(0, &[]), (1, &[]), (2, &[])], &expect);
    }
}
