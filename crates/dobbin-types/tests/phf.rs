//! Piece-hash files: what is read is what was written, and nothing else is believed.

#![allow(clippy::unwrap_used)]

use dobbin_types::ErrorCode;
use dobbin_types::phf::{
    CONTENT_LENGTH_MAX, Digest, Expected, PHF_BYTES_MAX, PIECE_SIZE_MAX, PIECE_SIZE_MIN, Phf,
    PhfError, digest_to_base64, hash_of_hashes,
};
use proptest::prelude::*;

/// Stands in for SHA-256, which this crate does without: any other byte gives another digest.
fn digest(bytes: &[u8]) -> Digest {
    let mut lanes = [0xcbf2_9ce4_8422_2325_u64, 1, 2, 3];
    for (index, byte) in bytes.iter().enumerate() {
        let mixed = (lanes[index % 4] ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        lanes[index % 4] = mixed.rotate_left(23);
        lanes[(index + 1) % 4] ^= mixed;
    }
    let mut digest = [0; 32];
    for (place, lane) in digest.chunks_exact_mut(8).zip(lanes) {
        place.copy_from_slice(&lane.to_le_bytes());
    }
    digest
}

fn pieces(count: u64) -> Vec<Digest> {
    (0..count).map(|number| digest(&number.to_le_bytes())).collect()
}

/// A content of two whole pieces and a short one.
fn small() -> Phf {
    let length = 2 * u64::from(PIECE_SIZE_MIN) + 1_234;
    Phf::new(length, PIECE_SIZE_MIN, pieces(3), digest).unwrap()
}

/// What the caller expects who knows the file by its `HashOfHashes`.
fn by_hash_of_hashes(phf: &Phf) -> Expected {
    Expected { hash_of_hashes: Some(*phf.hash_of_hashes()), ..Expected::default() }
}

/// A file of the size and shape of one that Windows was seen to fetch, with digests of our own: other
/// order and spacing than ours, and keys that mean nothing here.
#[test]
fn a_file_in_the_shape_that_windows_fetches_is_read() {
    let digests = pieces(71);
    let list: Vec<String> =
        digests.iter().map(|digest| format!("    \"{}\"", digest_to_base64(digest))).collect();
    let whole = hash_of_hashes(&digests, digest);
    let text = format!(
        "{{\r\n  \"Pieces\": [\r\n{}\r\n  ],\r\n  \"PieceSize\": 1048576,\r\n  \
         \"ContentLength\": 73473792,\r\n  \"HashOfHashes\": \"{}\",\r\n  \"MinorVersion\": 7,\r\n  \
         \"MajorVersion\": 1,\r\n  \"Later\": {{\"Pieces\": [-1.5, null, \"\\u0041\"]}},\r\n  \
         \"Later\": true\r\n}}\r\n",
        list.join(",\r\n"),
        digest_to_base64(&whole)
    );
    let expected = Expected { hash_of_hashes: Some(whole), digest: Some(digest(text.as_bytes())) };
    let phf = Phf::read(text.as_bytes(), &expected, digest).unwrap();
    assert_eq!((phf.content_length(), phf.piece_size()), (73_473_792, 1 << 20));
    assert_eq!(phf.pieces(), digests);
}

/// One row for each check, in the order in which they are made.
///
/// Each alters a right text so that this check fails, and no earlier one does.
type Alteration = (fn(&str) -> String, ErrorCode);

const CHECKS: [Alteration; 9] = [
    (|text| format!("{text}{{"), ErrorCode::DO_E_METAINFO_CONTENT),
    (
        |text| text.replace(r#""MajorVersion":1"#, r#""MajorVersion":2"#),
        ErrorCode::DO_E_METAINFO_VERSION,
    ),
    (
        |text| text.replace(r#""ContentLength":"#, r#""ContentLength":-"#),
        ErrorCode::DO_E_METAINFO_CONTENT_LENGTH,
    ),
    (
        |text| text.replace(r#""PieceSize":65536"#, r#""PieceSize":65537"#),
        ErrorCode::DO_E_METAINFO_PIECE_SIZE,
    ),
    (
        |text| text.replace(r#""HashOfHashes":""#, r#""HashOfHashes":"?"#),
        ErrorCode::DO_E_METAINFO_PARSE_HOH,
    ),
    (
        |text| {
            let other = digest_to_base64(&[7; 32]);
            text.replace(&digest_to_base64(small().hash_of_hashes()), &other)
        },
        ErrorCode::DO_E_METAINFO_HOH_MATCH,
    ),
    (
        |text| text.replace(r#""Pieces":["#, r#""Pieces":["","#),
        ErrorCode::DO_E_METAINFO_PARSE_PIECEHASHES,
    ),
    (
        |text| text.replace(&digest_to_base64(&pieces(2)[1]), "short"),
        ErrorCode::DO_E_METAINFO_PARSE_ONE_PIECEHASH,
    ),
    (
        |text| text.replace(&digest_to_base64(&pieces(3)[2]), &digest_to_base64(&[8; 32])),
        ErrorCode::DO_E_METAINFO_HOH_FINAL_MATCH,
    ),
];

/// conformance: code DO_E_METAINFO_CONTENT
/// conformance: code DO_E_METAINFO_VERSION
/// conformance: code DO_E_METAINFO_DIGEST_MATCH
/// conformance: code DO_E_METAINFO_HOH_MATCH
/// conformance: code DO_E_METAINFO_HOH_FINAL_MATCH
/// conformance: code DO_E_METAINFO_CONTENT_LENGTH
/// conformance: code DO_E_METAINFO_PIECE_SIZE
/// conformance: code DO_E_METAINFO_PARSE_HOH
/// conformance: code DO_E_METAINFO_PARSE_PIECEHASHES
/// conformance: code DO_E_METAINFO_PARSE_ONE_PIECEHASH
/// conformance: code DO_E_METAINFO_FILE_SIZE
#[test]
fn each_check_has_its_code_and_the_first_that_fails_is_told() {
    let phf = small();
    let mut text = phf.text();
    let expected = by_hash_of_hashes(&phf);
    assert_eq!(Phf::read(text.as_bytes(), &expected, digest).as_ref(), Ok(&phf));
    for (alter, code) in CHECKS {
        let altered = alter(&phf.text());
        let refused = Phf::read(altered.as_bytes(), &expected, digest).unwrap_err();
        assert_eq!(refused.code(), code, "alone: {altered}");
        assert!(!refused.to_string().is_empty());
    }
    // All faults from this check on, in one text: this one is told.
    for (alter, code) in CHECKS.into_iter().rev() {
        text = alter(&text);
        let refused = Phf::read(text.as_bytes(), &expected, digest).unwrap_err();
        assert_eq!(refused.code(), code, "with all later ones: {text}");
    }
    let by_digest = Expected { digest: Some([1; 32]), ..expected };
    let refused = Phf::read(text.as_bytes(), &by_digest, digest).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::DO_E_METAINFO_DIGEST_MATCH);
    let too_long = vec![b' '; PHF_BYTES_MAX + 1];
    for text in [&[][..], &too_long] {
        let refused = Phf::read(text, &by_digest, digest).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::DO_E_METAINFO_FILE_SIZE);
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_under_the_name_of_its_field() {
    let phf = small();
    let text = phf.text();
    let length = phf.content_length().to_string();
    let whole = format!("\"{}\"", digest_to_base64(phf.hash_of_hashes()));
    let (at, end) = (text.find(":[").unwrap() + 1, text.len() - 1);
    let list = text[at..end].to_owned();
    let beyond = (CONTENT_LENGTH_MAX + 1).to_string();
    let large = (2 * u64::from(PIECE_SIZE_MAX)).to_string();
    let rows: [(&str, &[&str], ErrorCode); 5] = [
        ("1,", &["1.0,", "true,", "\"1\",", "[1],"], ErrorCode::DO_E_METAINFO_VERSION),
        (
            &length,
            &[&beyond, "-1", "1.5", "1e3", "null", "\"5\"", "{}", "99999999999999999999", "-0"],
            ErrorCode::DO_E_METAINFO_CONTENT_LENGTH,
        ),
        (
            "65536",
            &["0", "32768", "98304", &large, "65536.0", "4294967296", "[65536]"],
            ErrorCode::DO_E_METAINFO_PIECE_SIZE,
        ),
        (&whole, &["null", "7", "\"\"", "[]"], ErrorCode::DO_E_METAINFO_PARSE_HOH),
        (
            &list,
            &["null", "\"\"", "{}", "[]", "[[],[],[],[]]"],
            ErrorCode::DO_E_METAINFO_PARSE_PIECEHASHES,
        ),
    ];
    for (right, wrong, code) in rows {
        for value in wrong {
            let altered = text.replacen(right, value, 1);
            assert_ne!(altered, text, "{right}");
            let refused = Phf::read(altered.as_bytes(), &Expected::default(), digest);
            assert_eq!(refused.map_err(|error| error.code()), Err(code), "{altered}");
        }
    }
    let nested = text.replacen(&list, "[[],[],[]]", 1);
    let refused = Phf::read(nested.as_bytes(), &Expected::default(), digest).unwrap_err();
    assert_eq!(refused, PhfError::Piece { index: 0 });
}

#[test]
fn what_is_not_one_object_with_each_key_once_is_not_readable() {
    let text = small().text();
    let twice = text.replacen('{', r#"{"PieceSize":65536,"#, 1);
    let twice_in_disguise = text.replacen('{', r#"{"\u0050iece\u0053ize":65536,"#, 1);
    let list = format!("[{text}]");
    let two = format!("{text}\n{text}");
    let cut = &text[..text.len() - 1];
    let rows =
        ["null", "7", "", " ", "\"text\"", "{", cut, &list, &two, &twice, &twice_in_disguise];
    for wrong in rows.into_iter().filter(|wrong| !wrong.is_empty()) {
        let refused = Phf::read(wrong.as_bytes(), &Expected::default(), digest).unwrap_err();
        assert!(matches!(refused, PhfError::Content { .. }), "{wrong}: {refused}");
    }
    let mut not_utf8 = text.into_bytes();
    not_utf8.insert(1, 0xff);
    let refused = Phf::read(&not_utf8, &Expected::default(), digest).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::DO_E_METAINFO_CONTENT);
}

#[test]
fn the_digest_of_the_file_outweighs_a_hash_of_hashes_by_other_rules() {
    let phf = small();
    let foreign = digest_to_base64(&[5; 32]);
    let text = phf.text().replace(&digest_to_base64(phf.hash_of_hashes()), &foreign);
    for expected_hoh in [None, Some([5; 32]), Some([6; 32])] {
        let by_digest =
            Expected { digest: Some(digest(text.as_bytes())), hash_of_hashes: expected_hoh };
        let read = Phf::read(text.as_bytes(), &by_digest, digest).unwrap();
        assert_eq!((read.pieces(), read.hash_of_hashes()), (phf.pieces(), &[5; 32]));
        let without = Expected { digest: None, ..by_digest };
        assert!(Phf::read(text.as_bytes(), &without, digest).is_err(), "{expected_hoh:?}");
    }
}

#[test]
fn nothing_is_described_that_could_not_be_read_again() {
    let make = |length, size, count| {
        Phf::new(length, size, pieces(count), digest).map(drop).map_err(|error| error.code())
    };
    assert_eq!(make(0, PIECE_SIZE_MIN, 0), Ok(()));
    assert_eq!(make(1, PIECE_SIZE_MAX, 1), Ok(()));
    assert_eq!(make(1, PIECE_SIZE_MIN - 1, 1), Err(ErrorCode::DO_E_METAINFO_PIECE_SIZE));
    assert_eq!(make(1, PIECE_SIZE_MAX * 2, 1), Err(ErrorCode::DO_E_METAINFO_PIECE_SIZE));
    let beyond = CONTENT_LENGTH_MAX + 1;
    assert_eq!(make(beyond, PIECE_SIZE_MAX, 1), Err(ErrorCode::DO_E_METAINFO_CONTENT_LENGTH));
    let counted = Err(ErrorCode::DO_E_METAINFO_PARSE_PIECEHASHES);
    assert_eq!(make(1, PIECE_SIZE_MIN, 0), counted);
    assert_eq!(make(0, PIECE_SIZE_MIN, 1), counted);
    let count = PHF_BYTES_MAX as u64 / 47;
    let too_many = Phf::new(
        count * u64::from(PIECE_SIZE_MIN),
        PIECE_SIZE_MIN,
        vec![[0; 32]; usize::try_from(count).unwrap()],
        |_| [0; 32],
    );
    assert!(matches!(too_many, Err(PhfError::Size { .. })), "{:?}", too_many.map(drop));
}

/// The hash over all hashes covers every digest, and a length that is wrong shows at the origin; so
/// whatever the flipped bit made of the text, no wrong piece would be taken for a right one.
#[test]
fn a_flipped_bit_is_found_or_changes_no_hash() {
    let phf = small();
    let text = phf.text().into_bytes();
    let by_digest = Expected { digest: Some(digest(&text)), ..Expected::default() };
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut flipped = text.clone();
            flipped[at] ^= 1 << bit;
            if let Ok(read) = Phf::read(&flipped, &by_hash_of_hashes(&phf), digest) {
                let what = String::from_utf8_lossy(&flipped).into_owned();
                assert_eq!(read.pieces(), phf.pieces(), "{what}");
                assert_eq!(read.piece_size(), phf.piece_size(), "{what}");
            }
            assert_eq!(Phf::read(&flipped, &by_digest, digest), Err(PhfError::Digest));
        }
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        count in 0_u64..40, exponent in 16_u32..27, short_by in 0_u64..65_536, minor in any::<u64>()
    ) {
        let size = 1_u32 << exponent;
        let length = (count * u64::from(size)).saturating_sub(short_by);
        let phf = Phf::new(length, size, pieces(count), digest).unwrap();
        let text = phf.text();
        let read = Phf::read(text.as_bytes(), &by_hash_of_hashes(&phf), digest);
        prop_assert_eq!(read.as_ref(), Ok(&phf));
        prop_assert_eq!(read.unwrap().text(), text.clone());
        // Another minor version says the same.
        let later = text.replace(r#""MinorVersion":0"#, &format!(r#""MinorVersion":{minor}"#));
        prop_assert_eq!(Phf::read(later.as_bytes(), &Expected::default(), digest), Ok(phf));
    }

    #[test]
    fn no_bytes_upset_the_reader(bytes in proptest::collection::vec(any::<u8>(), 1..400)) {
        prop_assert!(Phf::read(&bytes, &Expected::default(), digest).is_err());
    }

    /// Pieces of JSON thrown together around a right file: nearer to a real one than chance comes.
    #[test]
    fn no_mutation_of_a_file_upsets_the_reader(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..9, 0..24_usize), 1..12)
    ) {
        const SCRAPS: [&str; 9] = [
            "\"Pieces\":", "[", "]", "{", "}", ",", "\"\\ud800\"", "1e999", "\"HashOfHashes\":\"\"",
        ];
        let phf = small();
        let mut text = phf.text();
        for (place, scrap, cut) in edits {
            let at = place.index(text.len() + 1);
            let end = (at + cut).min(text.len());
            text.replace_range(at..end, SCRAPS[scrap]);
        }
        if let Ok(read) = Phf::read(text.as_bytes(), &by_hash_of_hashes(&phf), digest) {
            prop_assert_eq!(read.pieces(), phf.pieces());
        }
    }
}
