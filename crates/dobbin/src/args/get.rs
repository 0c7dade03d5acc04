//! `dobbin get`.

use std::path::PathBuf;

use clap::Args;
use dobbin_types::Priority;
use dobbin_types::phf::Digest;
use dobbin_types::rest::Header;

use super::value;

const EXAMPLES: &str = "\
Examples:
  dobbin get https://example.com/image.iso
  dobbin get -o disk.iso --sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 \\
             https://example.com/image.iso
  dobbin get -d ~/Downloads --limit-rate 2M https://example.com/a.zip https://example.com/b.zip
  dobbin get -H 'Authorization: Bearer abc' https://example.com/private.tar
  dobbin get --mirror https://mirror.example.net/image.iso https://example.com/image.iso
  dobbin get -d ~/Downloads https://example.com/release.meta4
  dobbin get --phf image.iso.phf https://example.com/image.iso
  dobbin get --background https://example.com/big.tar

A file appears under its name when it is whole, and not before. After an interruption the same
command goes on where it stopped.

A word that ends with .meta4 or .metalink, a file's name or a URL, is a metalink: a document that
names files, their sizes, hashes and mirrors. Its files are saved below the chosen folder. With -o
such a URL is a file like any other.

Files are fetched by a running agent of yours (`dobbin serve`), or else by one inside this command.
When a file cannot be had, the job is dropped if nothing of it is worth keeping: no byte arrived, or
what arrived has the wrong hash. Otherwise it is kept, and the message says how to go on.

With --json every line on standard output is an object: the events of the interface (`kind` is
current, modified, transferred, error or ended) and at last one of kind saved, failed or interrupted.";

/// `dobbin get`.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GetArgs {
    /// What to fetch: http or https addresses, or metalinks
    #[arg(required_unless_present = "metalinks", value_name = "URL")]
    pub(crate) urls: Vec<String>,

    /// Another address of the same file; may be given several times, only with one URL
    #[arg(long = "mirror", value_name = "URL")]
    pub(crate) mirrors: Vec<String>,

    /// Fetch the files that this metalink names, whatever it is called; may be given several times
    #[arg(long = "metalink", value_name = "FILE|URL")]
    pub(crate) metalinks: Vec<String>,

    /// Save under this name; only with one URL
    #[arg(short, long, value_name = "FILE", conflicts_with = "dir")]
    pub(crate) output: Option<PathBuf>,

    /// Save in this folder, under the names that the URLs end with
    #[arg(short, long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,

    /// The SHA-256 that the file must have; only with one URL
    #[arg(long, value_name = "HEX", value_parser = value::sha256)]
    pub(crate) sha256: Option<String>,

    /// Check each piece while it comes against this piece-hash file, and fail if that cannot be done;
    /// a URL needs one of the next two; only with one URL
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) phf: Option<String>,

    /// The SHA-256 that the piece-hash file must have
    #[arg(long, value_name = "HEX", value_parser = value::sha256, requires = "phf")]
    pub(crate) phf_sha256: Option<String>,

    /// The hash over all piece hashes that the piece-hash file must name
    #[arg(long, value_name = "BASE64", value_parser = value::digest_base64, requires = "phf")]
    pub(crate) hash_of_hashes: Option<Digest>,

    /// Fetch the file unchecked if its pieces cannot be checked
    #[arg(long, requires = "phf")]
    pub(crate) phf_optional: bool,

    /// Send this header to the server; may be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = value::header)]
    pub(crate) headers: Vec<Header>,

    /// How urgent it is; without it foreground, or normal with --background
    #[arg(long, value_name = "PRIORITY", value_parser = value::priority())]
    pub(crate) priority: Option<Priority>,

    /// Hand it to the running agent and return at once; prints the job's id
    #[arg(short, long)]
    pub(crate) background: bool,

    /// Fetch no more than this many bytes a second; k, M and G stand for powers of 1024
    #[arg(long, value_name = "RATE", value_parser = value::rate)]
    pub(crate) limit_rate: Option<u64>,

    /// Give up after this many seconds without a byte; 0 makes every error final
    #[arg(long, value_name = "SECONDS")]
    pub(crate) no_progress_timeout: Option<u32>,

    /// Replace files that exist
    #[arg(short, long)]
    pub(crate) force: bool,

    /// Print one JSON object per line instead of progress
    #[arg(long)]
    pub(crate) json: bool,

    /// Print nothing but errors
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) quiet: bool,
}

impl GetArgs {
    /// The priority asked for, or what follows from who waits.
    pub(crate) fn effective_priority(&self) -> Priority {
        let default = if self.background { Priority::Normal } else { Priority::Foreground };
        self.priority.unwrap_or(default)
    }
}
