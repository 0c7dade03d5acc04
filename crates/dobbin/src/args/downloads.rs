//! `dobbin downloads` and its verbs.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use dobbin_types::{ByteRange, DownloadProperty};

use super::value;

const EXAMPLES: &str = "\
Examples:
  dobbin downloads list
  dobbin downloads create https://example.com/b.tar /srv/b.tar --start
  dobbin downloads status 0f0d3b2e
  dobbin downloads set 0f0d3b2e foreground_priority true
  dobbin downloads get 0f0d3b2e uri
  dobbin downloads start 0f0d3b2e --range 0-1000
  dobbin downloads finalize 0f0d3b2e

A download is a job with one file, as programs written for IDODownload see it: `dobbin jobs`
shows the same ones. DOWNLOAD is its id or the beginning of it: at least four characters that no
other download's id begins with. Without a running agent the verbs work on your own downloads
all the same, but nothing is fetched.";

/// `dobbin downloads`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct DownloadsArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: DownloadsCommand,

    /// Print JSON objects, one per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The verbs of `dobbin downloads`.
#[derive(Debug, Subcommand)]
pub(crate) enum DownloadsCommand {
    /// List your downloads that are not over, oldest first
    #[command(visible_alias = "ls")]
    List {
        /// Only those whose id, uri, content_id, display_name or local_path is exactly this
        #[arg(long = "where", value_name = "PROPERTY=VALUE", value_parser = value::category)]
        category: Option<(DownloadProperty, String)>,
    },
    /// Create a download; it waits until it is started
    Create(CreateDownloadArgs),
    /// Start a download, go on with it, or fetch another portion
    Start {
        /// Which download
        #[arg(value_name = "DOWNLOAD")]
        download: String,
        /// Only this part: the offset of its first byte and its length, such as 0-100 for the first
        /// hundred bytes, or 100- for all but these; several parts are put back to back
        #[arg(long = "range", value_name = "OFFSET-LENGTH", value_parser = value::range)]
        ranges: Vec<ByteRange>,
    },
    /// Stop a download where it is
    Pause {
        /// Which download
        #[arg(value_name = "DOWNLOAD")]
        download: String,
    },
    /// Drop a download with everything it fetched
    Abort {
        /// Which download
        #[arg(value_name = "DOWNLOAD")]
        download: String,
    },
    /// Show a download's file under its name and end it
    Finalize {
        /// Which download
        #[arg(value_name = "DOWNLOAD")]
        download: String,
    },
    /// Show how a download stands
    Status {
        /// Which download
        #[arg(value_name = "DOWNLOAD")]
        download: String,
    },
    /// Print a property
    Get {
        /// Which download
        #[arg(value_name = "DOWNLOAD")]
        download: String,
        /// Its word or number
        #[arg(value_name = "PROPERTY", value_parser = value::property)]
        property: DownloadProperty,
    },
    /// Set a property
    Set {
        /// Which download
        #[arg(value_name = "DOWNLOAD")]
        download: String,
        /// Its word or number
        #[arg(value_name = "PROPERTY", value_parser = value::property)]
        property: DownloadProperty,
        /// A text, a number, or true and false
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: String,
    },
}

/// `dobbin downloads create`.
#[derive(Debug, Args)]
pub(crate) struct CreateDownloadArgs {
    /// Where the file comes from
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// Where it goes; folders that are missing are made when it starts
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,

    /// Its name, for people
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Somebody is waiting for it: before all that is fetched in the background
    #[arg(long)]
    pub(crate) foreground: bool,

    /// Forget it when the agent ends; without this it goes on with the next one
    #[arg(long)]
    pub(crate) volatile: bool,

    /// Start it at once
    #[arg(long)]
    pub(crate) start: bool,
}
