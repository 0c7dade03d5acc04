//! `dobbin jobs` and its verbs.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use dobbin_types::{ByteRange, JobState, Priority};

use super::value;

const EXAMPLES: &str = "\
Examples:
  dobbin jobs list
  dobbin jobs show 0f0d3b2e
  dobbin jobs create backup https://example.com/b.tar /srv/b.tar
  dobbin jobs add 0f0d3b2e https://example.com/c.tar /srv/c.tar
  dobbin jobs resume 0f0d3b2e
  dobbin jobs watch
  dobbin jobs cancel 0f0d3b2e

JOB is a job's id or its beginning: at least four characters that no other job's id begins with.
Without a running agent the verbs work on your own jobs all the same, but nothing is fetched.";

/// `dobbin jobs`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct JobsArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: JobsCommand,

    /// Print JSON objects, one per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The verbs of `dobbin jobs`.
#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// List the jobs that are not over, oldest first
    #[command(visible_alias = "ls")]
    List {
        /// Only jobs in this state
        #[arg(long, value_name = "STATE", value_parser = value::state())]
        state: Option<JobState>,
    },
    /// Show all there is to know of a job
    Show {
        /// Which job
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Print what happens to jobs, as it happens
    Watch {
        /// Only this job, until it is over
        #[arg(value_name = "JOB")]
        job: Option<String>,
    },
    /// Create a job; it waits until it is resumed
    Create(CreateArgs),
    /// Add a file to a job
    Add(AddArgs),
    /// Put a job into the queue
    Resume {
        /// Which job
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Stop a job where it is
    Suspend {
        /// Which job
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Show a job's files under their names and end it
    Complete {
        /// Which job
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Drop a job with everything it fetched
    Cancel {
        /// Which jobs
        #[arg(value_name = "JOB", required = true)]
        jobs: Vec<String>,
    },
    /// Change how urgent a job is
    Priority {
        /// Which job
        #[arg(value_name = "JOB")]
        job: String,
        /// How urgent it is
        #[arg(value_name = "PRIORITY", value_parser = value::priority())]
        priority: Priority,
    },
    /// Change after how long without a byte a job gives up
    Timeout {
        /// Which job
        #[arg(value_name = "JOB")]
        job: String,
        /// Seconds; 0 makes every error final
        #[arg(value_name = "SECONDS")]
        seconds: u32,
    },
}

/// `dobbin jobs create`.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// The job's name, for people
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// Address of a first file
    #[arg(value_name = "URL", requires = "path")]
    pub(crate) url: Option<String>,

    /// Where the first file goes
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,

    /// How urgent it is
    #[arg(long, value_name = "PRIORITY", value_parser = value::priority())]
    pub(crate) priority: Option<Priority>,

    /// Let the agent complete the job by itself when all files are here
    #[arg(long)]
    pub(crate) auto_complete: bool,

    /// Resume it at once
    #[arg(long)]
    pub(crate) resume: bool,
}

/// `dobbin jobs add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Which job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,

    /// Where the file comes from
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// Where it goes
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,

    /// The SHA-256 that it must have
    #[arg(long, value_name = "HEX", value_parser = value::sha256)]
    pub(crate) sha256: Option<String>,

    /// Only this part: the offset of its first byte and its length, such as 0-100 for the first
    /// hundred bytes, or 100- for all but these; several parts are put back to back
    #[arg(long = "range", value_name = "OFFSET-LENGTH", value_parser = value::range)]
    pub(crate) ranges: Vec<ByteRange>,

    /// The remote file's size in bytes; another size is an error
    #[arg(long, value_name = "BYTES")]
    pub(crate) size: Option<u64>,

    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) replace: bool,
}
