//! Pieces that are checked while several sources bring them.

use aws_lc_rs::digest;
use dobbin_lab::origin::{Content, Origin, Pace, Plan, Route};
use dobbin_types::phf::{Digest, Phf, digest_to_base64};
use dobbin_types::rest::{AddFile, PieceHashes};
use dobbin_types::{Discard, ErrorCode, JobState, Priority};

use super::site::{Site, file};
use super::{MIB, assert_balanced, sent_bytes};

const PIECE: u32 = 256 * 1024;

fn sha256(bytes: &[u8]) -> Digest {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().unwrap()
}

/// The file at the first of these URLs, with the hashes of `content`.
fn checked(site: &Site, origins: &[&Origin], content: Content, mandatory: bool) -> AddFile {
    let pieces = content.all().chunks(PIECE as usize).map(sha256).collect();
    let phf = Phf::new(content.size(), PIECE, pieces, sha256).unwrap();
    let hashes = PieceHashes {
        text: Some(phf.text()),
        hash_of_hashes: Some(digest_to_base64(phf.hash_of_hashes())),
        mandatory,
        ..PieceHashes::default()
    };
    AddFile {
        piece_hashes: Some(hashes),
        mirrors: origins[1..].iter().map(|origin| origin.url("/a")).collect(),
        ..file(origins[0].url("/a"), &site.path("out"))
    }
}

fn serving(content: Content, bytes_per_second: u64) -> Origin {
    let route = Route::honest(content).always(Pace::RatePerConnection(bytes_per_second));
    Origin::start(Plan::new().route("/a", route))
}

#[test]
fn a_corrupted_byte_at_one_source_is_found_and_fetched_elsewhere() {
    let site = Site::new();
    let content = Content::new(21, 24 * MIB);
    let own = serving(content, MIB);
    // What is stolen from a slow source is the end of its part: so the faster one brings the last byte,
    // whoever came first.
    let bad = serving(content.damaged_at(24 * MIB - 1), 64 * MIB);
    let job = site.begin(checked(&site, &[&own, &bad], content, true), Priority::Normal);
    let told = site.finish(job);
    let wrong = told.bytes.discarded.iter().find(|gone| gone.why == Discard::WrongPiece);
    assert_eq!(wrong.map(|gone| gone.bytes), Some(u64::from(PIECE)), "{:?}", told.bytes);
    assert!(sent_bytes(&bad) > MIB, "one wrong piece is forgiven");
    site.complete_as(job, "out", content);
}

#[test]
fn a_source_of_wrong_pieces_is_asked_no_more() {
    let site = Site::new();
    let content = Content::new(22, 24 * MIB);
    let own = serving(content, 4 * MIB);
    let liar = serving(content.changed(), 64 * MIB);
    let job = site.begin(checked(&site, &[&own, &liar], content, true), Priority::Normal);
    site.finish(job);
    let asked = liar.requests().len();
    assert!((1..=3).contains(&asked), "{asked}");
    site.complete_as(job, "out", content);
}

#[test]
fn a_file_that_is_wrong_everywhere_is_never_shown_if_it_must_be_right() {
    let site = Site::new();
    let content = Content::new(23, 12 * MIB);
    let at = 5 * MIB;
    let own = serving(content.damaged_at(at), 16 * MIB);
    let other = serving(content.damaged_at(at), 16 * MIB);
    let job = site.begin(checked(&site, &[&own, &other], content, true), Priority::Normal);
    let info = site.wait(job, &[JobState::Error, JobState::Transferred]);
    assert_eq!(info.state, JobState::Error);
    assert_eq!(info.error.unwrap().code, ErrorCode::DO_E_BAD_PIECE_HASH);
    assert_balanced(&site.why_file(job));
    assert!(!site.path("out").exists());
}

#[test]
fn hashes_that_the_own_url_contradicts_are_given_up_if_they_may_be() {
    let site = Site::new();
    let content = Content::new(24, 12 * MIB);
    let at = 5 * MIB;
    let own = serving(content.damaged_at(at), 16 * MIB);
    let other = serving(content, 16 * MIB);
    for origins in [&[&own][..], &[&own, &other]] {
        let job = site.begin(checked(&site, origins, content, false), Priority::Normal);
        site.finish(job);
        let expect = if origins.len() == 1 { content.damaged_at(at) } else { content };
        site.complete_as(job, "out", expect);
        std::fs::remove_file(site.path("out")).unwrap();
    }
}

#[test]
fn checked_pieces_come_over_several_connections_too() {
    let site = Site::new();
    let content = Content::new(25, 32 * MIB);
    let own = serving(content, 2 * MIB);
    let job = site.begin(checked(&site, &[&own], content, true), Priority::Normal);
    site.finish(job);
    assert!(super::connections(&own) >= 4);
    site.complete_as(job, "out", content);
}
