//! One file of a document, as far as it was read, and what becomes of it.

use std::collections::BTreeSet;

use dobbin_types::file::{MIRRORS_MAX, URL_CHARS_MAX};
use dobbin_types::phf::{PIECE_SIZE_MAX, PIECE_SIZE_MIN};
use url::Url;

use super::{Described, Fault, Pieces, name};
use crate::render::text::clean;

/// The most URLs of one file that are looked at.
const URLS_READ_MAX: usize = 1_024;

/// The priority of a URL without one, and the last there is (RFC 5854 §4.2.16.2).
pub(super) const PRIORITY_LAST: u32 = 999_999;

/// A file as it is being read.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) name: String,
    size: Option<u64>,
    sha256: Option<[u8; 32]>,
    /// The hashes that are not SHA-256, by their names.
    weaker: BTreeSet<String>,
    pieces: Option<PieceDraft>,
    /// The set that is being read.
    piecing: PieceDraft,
    /// With their priorities, 1 the best.
    urls: Vec<(u32, String)>,
}

/// Piece hashes as they are being read.
#[derive(Debug, Default)]
struct PieceDraft {
    length: u64,
    sha256: Vec<[u8; 32]>,
    /// Why they are of no use, if they are not.
    fault: Option<&'static str>,
}

/// Things that were passed over, each once.
pub(super) type Notes = BTreeSet<String>;

impl Draft {
    /// `size`: how many bytes it has.
    pub(super) fn set_size(&mut self, text: &str) -> Result<(), Fault> {
        let wrong = || Fault::new(format!("the size `{}` is not a number of bytes", brief(text)));
        let size = Some(number(text).ok_or_else(wrong)?);
        agree(&mut self.size, size, || format!("two sizes of {}", clean(&self.name)))
    }

    /// `hash`: a hash of the whole file. Only SHA-256 is strong enough and known here.
    pub(super) fn add_hash(&mut self, kind: &str, text: &str) -> Result<(), Fault> {
        if !is_sha256(kind) {
            self.weaker.insert(brief(kind));
            return Ok(());
        }
        let shown = || clean(&self.name).into_owned();
        let wrong =
            || Fault::new(format!("the SHA-256 of {} is not 64 hexadecimal digits", shown()));
        let digest = Some(digest(text).ok_or_else(wrong)?);
        agree(&mut self.sha256, digest, || format!("two different SHA-256 of {}", shown()))
    }

    /// `pieces`: how the file is cut.
    pub(super) fn begin_pieces(&mut self, kind: &str, length: &str) {
        let length = number(length).unwrap_or_default();
        let fault = (!is_sha256(kind)).then_some("are not SHA-256");
        self.piecing = PieceDraft { length, fault, ..PieceDraft::default() };
    }

    /// `hash` in `pieces`: that of the next piece. `place` is its number where the document says it.
    pub(super) fn add_piece(&mut self, place: Option<&str>, text: &str) {
        let pieces = &mut self.piecing;
        let is_next = place.is_none_or(|place| number(place) == Some(pieces.sha256.len() as u64));
        match digest(text) {
            _ if pieces.fault.is_some() => {}
            Some(digest) if is_next => pieces.sha256.push(digest),
            Some(_) => pieces.fault = Some("are not in order"),
            None => pieces.fault = Some("are not 64 hexadecimal digits each"),
        }
    }

    /// The end of `pieces`. Of several sets the first good one counts.
    pub(super) fn end_pieces(&mut self) {
        let pieces = std::mem::take(&mut self.piecing);
        if self.pieces.as_ref().is_none_or(|before| before.fault.is_some()) {
            self.pieces = Some(pieces);
        }
    }

    /// `url`: one place that has the file.
    pub(super) fn add_url(&mut self, priority: u32, text: &str, notes: &mut Notes) {
        if self.urls.len() == URLS_READ_MAX {
            notes.insert(format!("of a file's URLs only the first {URLS_READ_MAX} are looked at"));
            return;
        }
        match web(text.trim()) {
            Ok(url) => self.urls.push((priority, url)),
            Err(why) => _ = notes.insert(why),
        }
    }

    /// The file, with its URLs in order.
    pub(super) fn finish(mut self, notes: &mut Notes) -> Result<Described, Fault> {
        let name = name::checked(&self.name)?.to_owned();
        self.urls.sort_by_key(|(priority, _)| *priority);
        let mut urls: Vec<String> = Vec::new();
        for (_, url) in self.urls {
            if urls.len() <= MIRRORS_MAX && !urls.contains(&url) {
                urls.push(url);
            }
        }
        if urls.is_empty() {
            return Err(Fault::new(format!("{name} has no http or https URL")));
        }
        if self.sha256.is_none() && !self.weaker.is_empty() {
            let weaker: Vec<String> = self.weaker.into_iter().take(8).collect();
            let weaker = weaker.join(", ");
            notes.insert(format!("{name} has no SHA-256; {weaker} is not checked"));
        }
        let pieces = self.pieces.and_then(|pieces| match pieces.finish(self.size) {
            Ok(pieces) => Some(pieces),
            Err(why) => {
                notes.insert(format!("the piece hashes of {name} are not used: they {why}"));
                None
            }
        });
        Ok(Described { name, size: self.size, sha256: self.sha256, pieces, urls })
    }
}

impl PieceDraft {
    /// The hashes, if a manifest can be made of them.
    fn finish(self, size: Option<u64>) -> Result<Pieces, &'static str> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let size = size.ok_or("belong to a file of unknown size")?;
        let length = u32::try_from(self.length).ok().filter(|length| {
            length.is_power_of_two() && (PIECE_SIZE_MIN..=PIECE_SIZE_MAX).contains(length)
        });
        let length = length.ok_or("are of a length other than 64 KiB, 128 KiB, ... 64 MiB")?;
        if self.sha256.len() as u64 != size.div_ceil(u64::from(length)) || size == 0 {
            return Err("are not as many as the file has pieces");
        }
        Ok(Pieces { length, sha256: self.sha256 })
    }
}

/// Takes a value that is said for the first time, or said again in the same words.
fn agree<T: PartialEq>(
    known: &mut Option<T>,
    said: Option<T>,
    what: impl Fn() -> String,
) -> Result<(), Fault> {
    if known.is_some() && *known != said {
        return Err(Fault::new(what()));
    }
    *known = said;
    Ok(())
}

/// Both spellings: the registry's, and that of version 3.
fn is_sha256(kind: &str) -> bool {
    ["sha-256", "sha256"].iter().any(|name| kind.trim().eq_ignore_ascii_case(name))
}

/// Digits alone.
pub(super) fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// 64 hexadecimal digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    let text = text.trim().as_bytes();
    if text.len() != 64 {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = (digit(0)? * 16 + digit(1)?) as u8;
    }
    Some(digest)
}

/// A URL that can be fetched; `Err` says why it is passed over.
fn web(text: &str) -> Result<String, String> {
    let mut url = Url::parse(text).map_err(|_| "what is no URL is passed over".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("URLs of {} are passed over", brief(url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("URLs with a user name or password are passed over".to_owned());
    }
    url.set_fragment(None);
    if url.as_str().chars().count() > URL_CHARS_MAX {
        return Err(format!("URLs of more than {URL_CHARS_MAX} characters are passed over"));
    }
    Ok(url.into())
}

/// The beginning of a text, fit for a terminal.
fn brief(text: &str) -> String {
    clean(&text.trim().chars().take(32).collect::<String>()).into_owned()
}
