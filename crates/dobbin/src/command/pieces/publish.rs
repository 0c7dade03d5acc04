//! `dobbin publish`: writes the piece-hash file of a file.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use dobbin_types::phf::{Phf, default_piece_size, digest_to_base64, digest_to_hex};
use serde::Serialize;

use super::hash::{Pieces, hash, sha256};
use super::{open, shown, write};
use crate::args::PublishArgs;
use crate::render::amount::{Bytes, Rate, Span};
use crate::render::output;
use crate::render::work::Work;
use crate::trouble::{Exit, Trouble};

pub(crate) fn run(args: PublishArgs) -> Result<Exit, Trouble> {
    let begun = Instant::now();
    let (file, length) = open(&args.file)?;
    let output = args.output.unwrap_or_else(|| with_ending(&args.file));
    if !args.force && output.symlink_metadata().is_ok() {
        let what = format!("{} exists", shown(&output));
        return Err(Trouble::usage(what).remedy("use --force to replace it"));
    }
    let piece_size = args.piece_size.unwrap_or_else(|| default_piece_size(length));
    let before = state_of(&file)?;
    let work = Work::begin(&args.file, length, !args.json);
    let hashed = hash(&file, Pieces { length, piece_size }, |bytes| work.tell(bytes));
    work.end();
    let cannot = |error: std::io::Error| {
        Trouble::failed(format!("cannot read {}: {error}", shown(&args.file)))
    };
    let digests = hashed.map_err(cannot)?;
    if state_of(&file)? != before {
        let what = format!("{} changed while it was read", shown(&args.file));
        return Err(Trouble::failed(what).remedy("publish it when nobody writes to it any more"));
    }
    let phf = Phf::new(length, piece_size, digests, sha256).map_err(|error| {
        Trouble::usage(error.to_string()).code(error.code()).remedy("give a larger --piece-size")
    })?;
    let text = phf.text();
    write::write(&output, &text)
        .map_err(|error| Trouble::failed(format!("cannot write {}: {error}", shown(&output))))?;
    let published = Published {
        kind: "published",
        file: &args.file,
        phf: &output,
        content_length: length,
        piece_size,
        pieces_count: phf.pieces().len(),
        hash_of_hashes: digest_to_base64(phf.hash_of_hashes()),
        phf_sha256: digest_to_hex(&sha256(text.as_bytes())),
        elapsed_ms: begun.elapsed().as_millis(),
    };
    if args.json {
        output::json(&published);
    } else {
        published.tell(begun);
    }
    Ok(Exit::Done)
}

/// What `--json` prints.
#[derive(Serialize)]
struct Published<'a> {
    kind: &'static str,
    file: &'a Path,
    phf: &'a Path,
    content_length: u64,
    piece_size: u32,
    pieces_count: usize,
    hash_of_hashes: String,
    phf_sha256: String,
    elapsed_ms: u128,
}

impl Published<'_> {
    fn tell(&self, begun: Instant) {
        let elapsed = begun.elapsed();
        let rate = Rate::average(self.content_length, elapsed);
        let rate = rate.map(|rate| format!(" ({rate})")).unwrap_or_default();
        let (bytes, size) = (Bytes(self.content_length), Bytes(u64::from(self.piece_size)));
        let count = match self.pieces_count {
            1 => "1 piece".to_owned(),
            count => format!("{count} pieces"),
        };
        let (name, span) = (shown(self.phf), Span(elapsed));
        output::line(&format!("wrote {name}: {bytes} in {count} of {size}, {span}{rate}"));
        output::line(&format!("its SHA-256     {}", self.phf_sha256));
        output::line(&format!("hash of hashes  {}", self.hash_of_hashes));
    }
}

/// The name beside the file: `FILE.phf`.
fn with_ending(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".phf");
    PathBuf::from(name)
}

/// What changes when somebody writes to the file.
fn state_of(file: &File) -> Result<(u64, Option<SystemTime>), Trouble> {
    let state = |found: Metadata| (found.len(), found.modified().ok());
    file.metadata()
        .map(state)
        .map_err(|error| Trouble::failed(format!("cannot look at the file: {error}")))
}
