//! The piece hashes that `dobbin get` was told to check with.
//!
//! A piece-hash file of this machine is read here and sent along: whoever runs the agent may not read
//! it. One at a URL is the agent's to fetch.

use std::path::Path;

use dobbin_types::phf::{Phf, digest_to_base64, digest_to_hex};
use dobbin_types::rest::{PHF_TEXT_BYTES_MAX, PieceHashes};

use crate::args::GetArgs;
use crate::command::pieces::sha256;
use crate::document::{self, is_url};
use crate::metalink::Described;
use crate::trouble::Trouble;

/// What the options say; nothing without `--phf`.
///
/// # Errors
///
/// Bad usage: a file that cannot be read or is too long, or a URL for which nothing vouches.
pub(super) fn asked_for(args: &GetArgs) -> Result<Option<PieceHashes>, Trouble> {
    let Some(word) = &args.phf else {
        return Ok(None);
    };
    let given = PieceHashes {
        sha256: args.phf_sha256.clone(),
        hash_of_hashes: args.hash_of_hashes.as_ref().map(digest_to_base64),
        mandatory: !args.phf_optional,
        ..PieceHashes::default()
    };
    if is_url(word) {
        if given.sha256.is_none() && given.hash_of_hashes.is_none() {
            let what = "nothing vouches for the piece-hash file at that URL";
            return Err(Trouble::usage(what).remedy(
                "give its --phf-sha256, or the --hash-of-hashes that it must name, from a place you trust",
            ));
        }
        return Ok(Some(PieceHashes { url: Some(word.clone()), ..given }));
    }
    let bytes = document::read(Path::new(word), "piece-hash file", PHF_TEXT_BYTES_MAX)?;
    if bytes.len() > PHF_TEXT_BYTES_MAX {
        let mib = PHF_TEXT_BYTES_MAX >> 20;
        let what = format!("the piece-hash file has more than {mib} MiB");
        return Err(Trouble::usage(what).remedy("give its URL and its --phf-sha256 instead"));
    }
    // Named by its digest, so that the job is known again by the same command.
    let digest = digest_to_hex(&sha256(&bytes));
    if given.sha256.as_ref().is_some_and(|expected| *expected != digest) {
        return Err(Trouble::usage("the piece-hash file does not have the --phf-sha256"));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Trouble::usage("the piece-hash file is no text, and so no JSON"))?;
    Ok(Some(PieceHashes { text: Some(text), sha256: Some(digest), ..given }))
}

/// The piece hashes of a metalink as the piece-hash file that agents read; nothing if it would be longer
/// than can be sent along. They must be right where the metalink says no hash of the whole: then nothing
/// else tells.
pub(super) fn of_metalink(file: &Described) -> Option<PieceHashes> {
    let (size, pieces) = file.size.zip(file.pieces.as_ref())?;
    let phf = Phf::new(size, pieces.length, pieces.sha256.clone(), sha256).ok()?;
    let text = Some(phf.text()).filter(|text| text.len() <= PHF_TEXT_BYTES_MAX)?;
    Some(PieceHashes {
        sha256: Some(digest_to_hex(&sha256(text.as_bytes()))),
        text: Some(text),
        mandatory: file.sha256.is_none(),
        ..PieceHashes::default()
    })
}

/// Whether a job's file is checked as `wanted`, as far as its owner can see.
pub(super) fn are_the_same(wanted: &PieceHashes, found: Option<&PieceHashes>) -> bool {
    let Some(found) = found else {
        return false;
    };
    let is_met =
        |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
    wanted.url == found.url
        && is_met(&wanted.sha256, &found.sha256)
        && is_met(&wanted.hash_of_hashes, &found.hash_of_hashes)
        && (found.mandatory || !wanted.mandatory)
}

/// How much of a request they take, in bytes of JSON, at most.
pub(super) fn wire_bytes(hashes: &PieceHashes) -> usize {
    // Every character of the text may need a backslash; few do.
    let text = hashes.text.as_ref().map_or(0, |text| {
        text.len() + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).count() * 5
    });
    text + 2 * hashes.url.as_ref().map_or(0, String::len) + 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_gone_on_with_only_if_it_checks_as_much() {
        let asked = PieceHashes {
            url: Some("http://h/a.phf".to_owned()),
            sha256: Some("0".repeat(64)),
            mandatory: true,
            ..PieceHashes::default()
        };
        let lax = PieceHashes { mandatory: false, ..asked.clone() };
        let more = PieceHashes { hash_of_hashes: Some("x".to_owned()), ..asked.clone() };
        let other = PieceHashes { url: Some("http://g/a.phf".to_owned()), ..asked.clone() };
        let none = PieceHashes { mandatory: true, ..PieceHashes::default() };
        for (wanted, found, expect) in [
            (&asked, Some(&asked), true),
            (&lax, Some(&asked), true),
            (&asked, Some(&more), true),
            (&asked, Some(&lax), false),
            (&more, Some(&asked), false),
            (&asked, Some(&other), false),
            (&asked, Some(&none), false),
            (&asked, None, false),
        ] {
            assert_eq!(are_the_same(wanted, found), expect, "{wanted:?} {found:?}");
        }
    }

    #[test]
    fn what_is_sent_along_is_never_longer_than_was_counted() {
        for text in ["", "{\"a\":[\"b\",\"c\"]}", "\"\"\"\"", "\u{1}\u{2}\n\\"] {
            let hashes = PieceHashes { text: Some(text.repeat(100)), ..PieceHashes::default() };
            assert!(serde_json::to_vec(&hashes).unwrap().len() <= wire_bytes(&hashes), "{text}");
        }
    }
}
