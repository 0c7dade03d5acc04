//! `dobbin publish` and `dobbin verify`.

use std::path::PathBuf;

use clap::Args;
use dobbin_types::phf::Digest;

use super::value;

const PUBLISH_EXAMPLES: &str = "\
Examples:
  dobbin publish image.iso                        writes image.iso.phf
  dobbin publish image.iso -o hashes/image.phf --piece-size 1M
  dobbin publish image.iso --json                 for programs

Put the file and its piece-hash file on any web server, and tell people one of the two hashes that
are printed, in a place that they trust. Then each piece is checked while it comes:
  dobbin get https://example.com/image.iso --phf https://example.com/image.iso.phf \\
             --phf-sha256 HEX";

/// `dobbin publish`.
#[derive(Debug, Args)]
#[command(after_help = PUBLISH_EXAMPLES)]
pub(crate) struct PublishArgs {
    /// The file to describe
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Write the piece-hash file here; without it, beside the file as FILE.phf
    #[arg(short, long, value_name = "FILE.phf")]
    pub(crate) output: Option<PathBuf>,

    /// Bytes of a piece: a power of two from 64k to 64M; without it, what suits the file's length
    #[arg(long, value_name = "SIZE", value_parser = value::piece_size)]
    pub(crate) piece_size: Option<u32>,

    /// Replace a piece-hash file that exists
    #[arg(short, long)]
    pub(crate) force: bool,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  dobbin verify image.iso --phf image.iso.phf
  dobbin verify image.iso --phf image.iso.phf --json

Exit codes:
  0    every byte is as the piece-hash file says
  1    bytes are wrong, missing or too many; they are named
  2    nothing could be compared

Bytes are counted from 0, and the last one that is named belongs to the damage.";

/// `dobbin verify`.
#[derive(Debug, Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// The file to look at
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The piece-hash file to compare it with
    #[arg(long, value_name = "FILE")]
    pub(crate) phf: PathBuf,

    /// The SHA-256 that the piece-hash file must have
    #[arg(long, value_name = "HEX", value_parser = value::digest_hex)]
    pub(crate) phf_sha256: Option<Digest>,

    /// The hash over all piece hashes that the piece-hash file must name
    #[arg(long, value_name = "BASE64", value_parser = value::digest_base64)]
    pub(crate) hash_of_hashes: Option<Digest>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
