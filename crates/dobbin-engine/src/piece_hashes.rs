//! Piece hashes that come with a file (`AddFile::piece_hashes`): checked, and turned into what the
//! interface says of them (`IntegrityCheckInfo`).
//!
//! A piece-hash file that is sent along is kept in the folder of the job before the job hears of it, and
//! found there by its digest. Should the job refuse the file after that, it lies there until the job is
//! over: it costs space, not correctness.

use std::path::Path;

use dobbin_core::job::{Check, check_remote_name};
use dobbin_store::Store;
use dobbin_types::phf::{
    Digest, Expected, Phf, digest_from_base64, digest_from_hex, digest_to_base64, digest_to_hex,
};
use dobbin_types::rest::{AddFile, Failure, PHF_TEXT_BYTES_MAX, PieceHashes};
use dobbin_types::{ErrorCode, JobId};

use crate::door::is_url;
use crate::property::CheckInfo;
use crate::transfer::{chain, kept_name, sha256};

/// The piece-hash files that came with the files of one request.
#[derive(Debug, Default)]
pub(crate) struct Given {
    texts: Vec<(Digest, String)>,
}

impl Given {
    /// Reads what a file says of its piece hashes, and takes along the piece-hash file that it brings.
    ///
    /// `E_INVALIDARG`, naming the field within the file.
    pub(crate) fn take(&mut self, file: &mut AddFile) -> Result<Check, Failure> {
        let Some(hashes) = file.piece_hashes.take() else {
            return Ok(Check::default());
        };
        if !file.ranges.is_empty() {
            return Err(invalid(
                "piece_hashes",
                "piece hashes cover whole files, not parts of one",
            )
            .remedy("leave out either the ranges or the piece hashes"));
        }
        let PieceHashes { url, text, sha256: digest, hash_of_hashes, mandatory } = hashes;
        let mut expected = Expected {
            digest: digest.map(|text| hex(&text)).transpose()?,
            hash_of_hashes: hash_of_hashes.map(|text| base64(&text)).transpose()?,
        };
        match (&url, text) {
            (Some(url), None) => check_url(url, &expected)?,
            (None, Some(text)) => {
                expected = check_text(&text, &expected, file.size)?;
                // Of the two only the digest names it, and one is enough.
                if let Some(name) = kept_name(&expected) {
                    self.texts.push((name, text));
                }
            }
            (None, None) | (Some(_), Some(_)) => {
                let why = "give either the URL of a piece-hash file or its text";
                return Err(invalid("piece_hashes", why));
            }
        }
        let info = CheckInfo { url, expected };
        Ok(Check { info: Some(info.text()), mandatory: mandatory.then_some(true) })
    }

    /// Whether anything is to be kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Keeps them for the job, in the store under `root`. Asks the disk.
    pub(crate) fn keep(&self, root: &Path, job: JobId) -> Result<(), Failure> {
        for (digest, text) in &self.texts {
            Store::kept_phf(root, job, digest)
                .keep(text.as_bytes())
                .map_err(|error| Failure::new(error.code(), chain(&error)))?;
        }
        Ok(())
    }
}

/// What a file's owner sees of it; nothing where there is nothing to see. The text of a piece-hash file
/// is left out.
pub(crate) fn shown(check: &Check) -> Option<PieceHashes> {
    let mandatory = check.mandatory == Some(true);
    let Some(info) = check.info.as_deref().and_then(|text| CheckInfo::read_again(text).ok()) else {
        return mandatory.then(|| PieceHashes { mandatory, ..PieceHashes::default() });
    };
    Some(PieceHashes {
        url: info.url,
        text: None,
        sha256: info.expected.digest.as_ref().map(digest_to_hex),
        hash_of_hashes: info.expected.hash_of_hashes.as_ref().map(digest_to_base64),
        mandatory,
    })
}

/// Removes what was kept for a job that did not come to be.
pub(crate) fn drop_kept(root: &Path, job: JobId) {
    if let Err(error) = Store::remove_folder_under(root, job) {
        tracing::warn!(%job, error = %chain(&error), "piece-hash files of no job stay");
    }
}

fn check_url(url: &str, expected: &Expected) -> Result<(), Failure> {
    check_remote_name(url, &is_url)
        .map_err(|(code, why)| Failure::new(code, why).at("piece_hashes.url"))?;
    if *expected == Expected::default() {
        let why = "nothing vouches for the piece-hash file: hashes from anybody prove nothing";
        return Err(invalid("piece_hashes", why)
            .remedy("give the file's `sha256`, or its `hash_of_hashes`, from a place you trust"));
    }
    Ok(())
}

/// Returns what the text is known by from here on: its own digest.
fn check_text(text: &str, expected: &Expected, size: Option<u64>) -> Result<Expected, Failure> {
    let at = |why: String| invalid("piece_hashes.text", why);
    if text.len() > PHF_TEXT_BYTES_MAX {
        let mib = PHF_TEXT_BYTES_MAX >> 20;
        return Err(at(format!("the piece-hash file is longer than {mib} MiB"))
            .remedy("put it where it can be fetched, and give its URL and its SHA-256"));
    }
    let phf =
        Phf::read(text.as_bytes(), expected, sha256).map_err(|error| at(error.to_string()))?;
    let length = phf.content_length();
    if size.is_some_and(|size| size != length) {
        return Err(at(format!("the piece-hash file is of a content of {length} bytes")));
    }
    Ok(Expected { digest: Some(sha256(text.as_bytes())), ..*expected })
}

fn hex(text: &str) -> Result<Digest, Failure> {
    digest_from_hex(text)
        .ok_or_else(|| invalid("piece_hashes.sha256", "a SHA-256 has 64 hexadecimal digits"))
}

fn base64(text: &str) -> Result<Digest, Failure> {
    digest_from_base64(text)
        .ok_or_else(|| invalid("piece_hashes.hash_of_hashes", "this is not 32 bytes in base64"))
}

fn invalid(field: &str, message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::E_INVALIDARG, message).at(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dobbin_types::ByteRange;

    fn phf() -> Phf {
        Phf::new(100_000, 65_536, vec![[1; 32], [2; 32]], sha256).unwrap()
    }

    fn taken(hashes: PieceHashes) -> Result<(CheckInfo, Option<bool>, usize), Failure> {
        let mut given = Given::default();
        let mut file = AddFile { piece_hashes: Some(hashes), ..AddFile::default() };
        let check = given.take(&mut file)?;
        let info = CheckInfo::read_again(&check.info.unwrap()).unwrap();
        Ok((info, check.mandatory, given.texts.len()))
    }

    #[track_caller]
    fn refused(hashes: PieceHashes, field: &str) {
        let failure = taken(hashes).unwrap_err();
        assert_eq!(failure.code, ErrorCode::E_INVALIDARG);
        assert_eq!(failure.field.as_deref(), Some(field), "{}", failure.message);
    }

    #[test]
    fn a_piece_hash_file_is_named_or_sent_along_and_something_vouches_for_it() {
        let (phf, text) = (phf(), phf().text());
        let by_url = PieceHashes { url: Some("http://h/f.phf".into()), ..PieceHashes::default() };
        let by_text = PieceHashes { text: Some(text.clone()), ..PieceHashes::default() };
        let hex = "aB".repeat(32);
        let hoh = digest_to_base64(phf.hash_of_hashes());

        let vouched = PieceHashes { sha256: Some(hex.clone()), mandatory: true, ..by_url.clone() };
        let (info, mandatory, texts_count) = taken(vouched).unwrap();
        assert_eq!(info.expected.digest, Some([0xAB; 32]));
        assert_eq!((info.url.as_deref(), mandatory), (Some("http://h/f.phf"), Some(true)));
        assert_eq!(texts_count, 0);
        let (info, mandatory, texts_count) =
            taken(PieceHashes { hash_of_hashes: Some(hoh.clone()), ..by_text.clone() }).unwrap();
        assert_eq!(info.expected.digest, Some(sha256(text.as_bytes())));
        assert_eq!(info.expected.hash_of_hashes.as_ref(), Some(phf.hash_of_hashes()));
        assert_eq!((info.url, mandatory, texts_count), (None, None, 1));

        refused(PieceHashes::default(), "piece_hashes");
        refused(PieceHashes { text: Some(text.clone()), ..by_url.clone() }, "piece_hashes");
        refused(by_url.clone(), "piece_hashes");
        let bad_url = PieceHashes { url: Some("file:///x".into()), ..by_url.clone() };
        refused(PieceHashes { sha256: Some(hex.clone()), ..bad_url }, "piece_hashes.url");
        refused(PieceHashes { sha256: Some("ab".into()), ..by_url.clone() }, "piece_hashes.sha256");
        let no_base64 = PieceHashes { hash_of_hashes: Some(hex.clone()), ..by_url };
        refused(no_base64, "piece_hashes.hash_of_hashes");
        refused(PieceHashes { sha256: Some(hex), ..by_text.clone() }, "piece_hashes.text");
        let long = format!("{text}{}", " ".repeat(PHF_TEXT_BYTES_MAX));
        refused(PieceHashes { text: Some(long), ..by_text.clone() }, "piece_hashes.text");
        let altered = text.replace("100000", "1.5");
        refused(PieceHashes { text: Some(altered), ..by_text }, "piece_hashes.text");
    }

    #[test]
    fn hashes_of_another_file_are_refused_at_once() {
        let hashes = PieceHashes { text: Some(phf().text()), ..PieceHashes::default() };
        let sized = |size| AddFile {
            piece_hashes: Some(hashes.clone()),
            size: Some(size),
            ..AddFile::default()
        };
        assert!(Given::default().take(&mut sized(100_000)).is_ok());
        assert!(Given::default().take(&mut sized(100_001)).is_err());
        let ranges = vec![ByteRange { offset: 0, length: None }];
        let mut parts = AddFile { ranges, ..sized(100_000) };
        assert!(Given::default().take(&mut parts).is_err());
    }
}
