//! `IntegrityCheckInfo`: what a caller says of a file's piece hashes, as JSON text.
//!
//! Only read and checked here: the service cannot fetch piece hashes yet (see
//! `dobbin_core::job::File::obstacle`).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

/// Longest text that is accepted, in bytes: a URL of full length with its quotes, and two digests.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Bytes of a SHA-256, the only digest there is.
const DIGEST_BYTES: usize = 32;

/// The keys, as the interface spells them. Others are ignored, as Delivery Optimization does.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    pieces_hash_file_url: Option<String>,
    pieces_hash_file_digest: Option<String>,
    pieces_hash_file_digest_algorithm: Option<String>,
    hash_of_hashes: Option<String>,
}

/// Checks the text; `Err` says what is wrong with it (`E_INVALIDARG`, decision "junk is refused").
///
/// It must be a JSON object with at least one digest, because hashes that nothing vouches for prove
/// nothing; digests are SHA-256 in base64.
pub(crate) fn check(text: &str, is_url: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("the text has more than {TEXT_BYTES_MAX} bytes"));
    }
    if !text.trim_start().starts_with('{') {
        return Err("the text is not a JSON object".to_owned());
    }
    let info: Info =
        serde_json::from_str(text).map_err(|error| format!("the text is not readable: {error}"))?;
    if let Some(url) = &info.pieces_hash_file_url {
        is_url(url).map_err(|why| format!("PiecesHashFileUrl: {why}"))?;
    }
    let algorithm = info.pieces_hash_file_digest_algorithm.as_deref().unwrap_or("SHA256");
    if !["SHA256", "SHA-256"].iter().any(|known| algorithm.eq_ignore_ascii_case(known)) {
        return Err("PiecesHashFileDigestAlgorithm is not SHA256".to_owned());
    }
    let digests = [
        ("PiecesHashFileDigest", &info.pieces_hash_file_digest),
        ("HashOfHashes", &info.hash_of_hashes),
    ];
    for (key, digest) in digests {
        if digest.as_deref().is_some_and(|digest| !is_digest(digest)) {
            return Err(format!("{key} is not the base64 form of {DIGEST_BYTES} bytes"));
        }
    }
    if digests.iter().all(|(_, digest)| digest.is_none()) {
        return Err("neither PiecesHashFileDigest nor HashOfHashes is given".to_owned());
    }
    Ok(())
}

fn is_digest(text: &str) -> bool {
    BASE64_STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == DIGEST_BYTES)
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
        match (check(&text, is_url), expect) {
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
}
