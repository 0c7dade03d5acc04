//! `IntegrityCheckInfo`: what a caller says of a file's piece hashes, as JSON text.
//!
//! The one reader and the one writer of that text. It is checked when it is set, and read again when
//! the file is fetched (`crate::transfer`).

use dobbin_types::phf::{Expected, digest_from_base64, digest_to_base64};
use serde::{Deserialize, Serialize};

/// Longest text that is accepted, in bytes: a URL of full length with its quotes, and two digests.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// The one algorithm of digests, as the interface and as others spell it. Any other is refused: what
/// cannot be compared proves nothing.
const ALGORITHMS: [&str; 2] = ["SHA256", "SHA-256"];

/// Where a file's piece hashes are, and what they are known by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CheckInfo {
    /// Where the piece-hash file can be fetched. Nothing when it was given with the file.
    pub(crate) url: Option<String>,
    /// At least one of the two is there.
    pub(crate) expected: Expected,
}

/// The keys, as the interface spells them. Others are ignored, as Delivery Optimization does.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    #[serde(skip_serializing_if = "Option::is_none")]
    pieces_hash_file_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pieces_hash_file_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pieces_hash_file_digest_algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash_of_hashes: Option<String>,
}

impl CheckInfo {
    /// Reads the text; `Err` says what is wrong with it (`E_INVALIDARG`, decision "junk is refused").
    ///
    /// It must be a JSON object with at least one digest, because hashes that nothing vouches for prove
    /// nothing; digests are SHA-256 in base64.
    ///
    /// * `is_url`: whether the URL can be fetched, and why not.
    pub(crate) fn read(
        text: &str,
        is_url: impl Fn(&str) -> Result<(), String>,
    ) -> Result<CheckInfo, String> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(format!("the text has more than {TEXT_BYTES_MAX} bytes"));
        }
        if !text.trim_start().starts_with('{') {
            return Err("the text is not a JSON object".to_owned());
        }
        let keys: Keys = serde_json::from_str(text)
            .map_err(|error| format!("the text is not readable: {error}"))?;
        if let Some(url) = &keys.pieces_hash_file_url {
            is_url(url).map_err(|why| format!("PiecesHashFileUrl: {why}"))?;
        }
        let algorithm = keys.pieces_hash_file_digest_algorithm.as_deref().unwrap_or(ALGORITHMS[0]);
        if !ALGORITHMS.iter().any(|known| algorithm.eq_ignore_ascii_case(known)) {
            return Err("PiecesHashFileDigestAlgorithm is not SHA256".to_owned());
        }
        let digest = |key: &str, text: Option<String>| {
            let read = |text: String| {
                digest_from_base64(&text)
                    .ok_or_else(|| format!("{key} is not the base64 form of 32 bytes"))
            };
            text.map(read).transpose()
        };
        let expected = Expected {
            digest: digest("PiecesHashFileDigest", keys.pieces_hash_file_digest)?,
            hash_of_hashes: digest("HashOfHashes", keys.hash_of_hashes)?,
        };
        if expected == Expected::default() {
            return Err("neither PiecesHashFileDigest nor HashOfHashes is given".to_owned());
        }
        Ok(CheckInfo { url: keys.pieces_hash_file_url, expected })
    }

    /// Reads a text that was checked when it was set.
    pub(crate) fn read_again(text: &str) -> Result<CheckInfo, String> {
        CheckInfo::read(text, |_| Ok(()))
    }

    /// The text for it.
    pub(crate) fn text(&self) -> String {
        let digest = self.expected.digest.as_ref().map(digest_to_base64);
        let keys = Keys {
            pieces_hash_file_url: self.url.clone(),
            pieces_hash_file_digest_algorithm: digest.as_ref().map(|_| ALGORITHMS[0].to_owned()),
            pieces_hash_file_digest: digest,
            hash_of_hashes: self.expected.hash_of_hashes.as_ref().map(digest_to_base64),
        };
        serde_json::to_string(&keys).expect("texts under fixed keys are always JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "Q6VPwDxql56arq4kk3V9FCmlyKjQk/t7gQPozI33trY=";

    #[track_caller]
    fn verdict(text: &str, expect: Result<(), &str>) {
        let text = text.replace("DIGEST", DIGEST);
        let is_url = |url: &str| {
            if url.starts_with("http") { Ok(()) } else { Err("no URL".to_owned()) }
        };
        match (CheckInfo::read(&text, is_url).map(drop), expect) {
            (Ok(()), Ok(())) => {}
            (Err(why), Err(says)) => assert!(why.contains(says), "{text}: {why}"),
            (got, _) => panic!("{text}: {got:?}"),
        }
    }

    /// conformance: download-property IntegrityCheckInfo, DOFile2 IntegrityCheckInfo
    #[test]
    fn piece_hashes_must_be_vouched_for_by_a_digest() {
        verdict(r#"{"HashOfHashes":"DIGEST"}"#, Ok(()));
        verdict(
            r#"{"PiecesHashFileUrl":"http://h/f.phf","PiecesHashFileDigest":"DIGEST",
                "PiecesHashFileDigestAlgorithm":"sha256","HashOfHashes":"DIGEST","Later":1}"#,
            Ok(()),
        );
        verdict("{}", Err("neither"));
        verdict(r#"{"PiecesHashFileUrl":"http://h/f.phf"}"#, Err("neither"));
        verdict(r#"{"PiecesHashFileUrl":"x","HashOfHashes":"DIGEST"}"#, Err("PiecesHashFileUrl"));
        verdict(r#"{"HashOfHashes":"abc="}"#, Err("HashOfHashes"));
        verdict(r#"{"PiecesHashFileDigest":"//8="}"#, Err("PiecesHashFileDigest"));
        verdict(
            r#"{"HashOfHashes":"DIGEST","PiecesHashFileDigestAlgorithm":"MD5"}"#,
            Err("Algorithm"),
        );
        verdict(r#"{"HashOfHashes":7}"#, Err("not readable"));
        verdict(r#"["DIGEST"]"#, Err("not a JSON object"));
        verdict("junk", Err("not a JSON object"));
        verdict("{", Err("not readable"));
        verdict(&format!("{{{}", " ".repeat(TEXT_BYTES_MAX)), Err("more than"));
    }

    #[test]
    fn what_is_written_says_the_same_again() {
        let digests = [None, Some([1; 32]), Some([2; 32])];
        for (digest, hash_of_hashes) in
            digests.iter().flat_map(|one| digests.iter().map(move |other| (*one, *other)))
        {
            let expected = Expected { digest, hash_of_hashes };
            if expected == Expected::default() {
                continue;
            }
            for url in [None, Some("http://h/f.phf?key=\"1\"".to_owned())] {
                let info = CheckInfo { url, expected };
                assert_eq!(CheckInfo::read_again(&info.text()), Ok(info));
            }
        }
    }
}
