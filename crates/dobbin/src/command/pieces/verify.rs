//! `dobbin verify`: compares a file with its piece-hash file and names what is not as it should be.

use std::ops::Range;
use std::path::Path;

use dobbin_types::phf::{Expected, PHF_BYTES_MAX, Phf};
use serde::Serialize;

use super::hash::{Pieces, hash, sha256};
use super::{open, shown};
use crate::args::VerifyArgs;
use crate::document;
use crate::render::amount::Bytes;
use crate::render::output;
use crate::render::work::Work;
use crate::trouble::{Exit, Trouble};

pub(crate) fn run(args: VerifyArgs) -> Result<Exit, Trouble> {
    let text = document::read(&args.phf, "piece-hash file", PHF_BYTES_MAX)?;
    let expected = Expected { digest: args.phf_sha256, hash_of_hashes: args.hash_of_hashes };
    let phf = Phf::read(&text, &expected, sha256).map_err(|error| {
        let trouble = Trouble::usage(format!("cannot compare with {}: {error}", shown(&args.phf)));
        trouble.code(error.code())
    })?;
    let (file, length) = open(&args.file)?;
    // Only whole pieces can be compared; what is missing is named by itself.
    let comparable = match length < phf.content_length() {
        true => length - length % u64::from(phf.piece_size()),
        false => phf.content_length(),
    };
    let pieces = Pieces { length: comparable, piece_size: phf.piece_size() };
    let work = Work::begin(&args.file, comparable, !args.json);
    let hashed = hash(&file, pieces, |bytes| work.tell(bytes));
    work.end();
    let digests = hashed
        .map_err(|error| Trouble::failed(format!("cannot read {}: {error}", shown(&args.file))))?;
    let is_wrong = |index: &usize| phf.pieces().get(*index) != digests.get(*index);
    let wrong = runs((0..digests.len()).filter(is_wrong));
    let found = Found {
        kind: "verified",
        exit: 0,
        file: &args.file,
        content_length: phf.content_length(),
        length,
        pieces_count: phf.pieces().len(),
        wrong: wrong.into_iter().map(|run| Wrong::of(&run, &phf)).collect(),
        missing: Span::of(length..phf.content_length()),
        surplus: Span::of(phf.content_length()..length),
    };
    let exit = if found.is_whole() { Exit::Done } else { Exit::Failed };
    let found = Found { exit: exit.number(), ..found };
    if args.json {
        output::json(&found);
    } else {
        found.tell();
    }
    Ok(exit)
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Found<'a> {
    kind: &'static str,
    exit: u8,
    file: &'a Path,
    content_length: u64,
    length: u64,
    pieces_count: usize,
    wrong: Vec<Wrong>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    surplus: Option<Span>,
}

/// Neighbouring pieces that do not have their hashes.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Wrong {
    first_piece: usize,
    last_piece: usize,
    #[serde(flatten)]
    bytes: Span,
}

/// Bytes of the file, both named ones included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Span {
    first_byte: u64,
    last_byte: u64,
}

impl Span {
    /// The bytes `[start, end)`; nothing for none.
    fn of(bytes: Range<u64>) -> Option<Span> {
        let last_byte = bytes.end.checked_sub(1).filter(|last| *last >= bytes.start)?;
        Some(Span { first_byte: bytes.start, last_byte })
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = Bytes(self.last_byte - self.first_byte + 1);
        write!(f, "bytes {} to {} ({count})", self.first_byte, self.last_byte)
    }
}

impl Wrong {
    fn of(run: &Range<usize>, phf: &Phf) -> Wrong {
        let size = u64::from(phf.piece_size());
        let (first_byte, end) = (run.start as u64 * size, run.end as u64 * size);
        let last_byte = end.min(phf.content_length()).saturating_sub(1);
        let bytes = Span { first_byte, last_byte };
        Wrong { first_piece: run.start, last_piece: run.end - 1, bytes }
    }
}

impl Found<'_> {
    fn is_whole(&self) -> bool {
        self.wrong.is_empty() && self.missing.is_none() && self.surplus.is_none()
    }

    fn tell(&self) {
        let name = shown(self.file);
        if self.is_whole() {
            let (bytes, count) = (Bytes(self.length), self.pieces_count);
            return output::line(&format!(
                "{name} is whole: {bytes}, {count} of {count} pieces right"
            ));
        }
        for wrong in &self.wrong {
            let bytes = wrong.bytes;
            output::line(&match wrong.first_piece == wrong.last_piece {
                true => format!("wrong    piece {}, {bytes}", wrong.first_piece),
                false => format!(
                    "wrong    pieces {} to {}, {bytes}",
                    wrong.first_piece, wrong.last_piece
                ),
            });
        }
        if let Some(missing) = self.missing {
            output::line(&format!("missing  {missing}"));
        }
        if let Some(surplus) = self.surplus {
            output::line(&format!("surplus  {surplus}"));
        }
        let pieces: usize = self.wrong.iter().map(|run| run.last_piece - run.first_piece + 1).sum();
        let count = self.pieces_count;
        output::line(&format!("{name} is damaged: {pieces} of {count} pieces wrong"));
    }
}

/// Neighbours together, of numbers in order.
fn runs(numbers: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some(last) if last.end == number => last.end += 1,
            Some(_) | None => runs.push(number..number + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_named_together() {
        assert_eq!(runs(std::iter::empty()), Vec::<Range<usize>>::new());
        assert_eq!(runs([0, 1, 2, 5, 7, 8].into_iter()), [0..3, 5..6, 7..9]);
    }

    #[test]
    fn no_bytes_are_no_span() {
        assert_eq!(Span::of(5..5), None);
        assert_eq!(Span::of(5..6), Some(Span { first_byte: 5, last_byte: 5 }));
    }
}
