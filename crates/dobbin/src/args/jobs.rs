//! `dobbin jobs` and its verbs.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use dobbin_types::{ByteRange, Clsid, CostFlags, JobState, NotifyFlags, Priority};

use super::value::{self, NewLimit};

const EXAMPLES: &str = "\
Examples:
  dobbin jobs list
  dobbin jobs show 0f0d3b2e
  dobbin jobs create backup https://example.com/b.tar /srv/b.tar
  dobbin jobs add 0f0d3b2e https://example.com/c.tar /srv/c.tar
  dobbin jobs set 0f0d3b2e --priority high --cost always
  dobbin jobs resume 0f0d3b2e
  dobbin jobs watch
  dobbin jobs cancel 0f0d3b2e

JOB is a job's id or its beginning: at least four characters that no other job's id begins with.
Without a running agent the verbs work on your own jobs all the same, but nothing is fetched.";

const REMOTE_NAME_EXAMPLES: &str = "\
Example:
  dobbin jobs remote-name 0f0d3b2e 0 https://mirror.example.com/b.tar

What is fetched already stays if the new server's file has the same size and time stamp. The new address
survives a restart of the agent once the job was resumed after it.";

const SET_EXAMPLES: &str = "\
Examples:
  dobbin jobs set 0f0d3b2e --priority foreground --timeout 600
  dobbin jobs set 0f0d3b2e --limit-rate 2M
  dobbin jobs set 0f0d3b2e --notify transferred,error --cost not_roaming
  dobbin jobs set 0f0d3b2e --file 2 --to /srv/c.tar --size 1048576

What belongs to a file can be set while its job is suspended or in error.";

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
    /// List a job's files
    #[command(after_help = "Example:\n  dobbin jobs files 0f0d3b2e")]
    Files {
        /// Which job
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Say why a job stopped
    #[command(after_help = "Example:\n  dobbin jobs error 0f0d3b2e --json")]
    Error {
        /// Which job
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Show where the bytes of a job's files came from
    #[command(after_help = "Example:\n  dobbin jobs stats 0f0d3b2e")]
    Stats {
        /// Which job
        #[arg(value_name = "JOB")]
        job: String,
    },
    /// Show the headers of the last HTTP reply for a file
    #[command(after_help = "Example:\n  dobbin jobs headers 0f0d3b2e 0")]
    Headers {
        /// Which job
        #[arg(value_name = "JOB")]
        job: String,
        /// Which of its files, from 0
        #[arg(value_name = "FILE")]
        file: u32,
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
    /// Change what is set of a job or of one of its files
    Set(SetArgs),
    /// Fetch a file from another address from now on
    #[command(name = "remote-name", after_help = REMOTE_NAME_EXAMPLES)]
    RemoteName {
        /// Which job
        #[arg(value_name = "JOB")]
        job: String,
        /// Which of its files, from 0
        #[arg(value_name = "FILE")]
        file: u32,
        /// The new address
        #[arg(value_name = "URL")]
        url: String,
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

    /// Where it goes; without it the job cannot be resumed before `dobbin jobs set JOB --file N --to
    /// PATH` has said so
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,

    /// Another address of the same file; may be given several times, best first
    #[arg(long = "mirror", value_name = "URL")]
    pub(crate) mirrors: Vec<String>,

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

/// `dobbin jobs set`.
#[derive(Debug, Args)]
#[command(after_help = SET_EXAMPLES, group = ArgGroup::new("what").required(true).multiple(true))]
pub(crate) struct SetArgs {
    /// Which job
    #[arg(value_name = "JOB")]
    pub(crate) job: String,

    /// How urgent it is
    #[arg(long, group = "what", value_name = "PRIORITY", value_parser = value::priority())]
    pub(crate) priority: Option<Priority>,

    /// Seconds without a byte after which it gives up; 0 makes every error final
    #[arg(long, group = "what", value_name = "SECONDS")]
    pub(crate) timeout: Option<u32>,

    /// The most it may fetch a second, at once: bytes, with k, M or G for powers of 1024, or none
    #[arg(long, group = "what", value_name = "RATE", value_parser = value::new_limit)]
    pub(crate) limit_rate: Option<NewLimit>,

    /// Which events its owner is told of: transferred, error, modification, file_transferred, disable,
    /// several with commas between them, or none
    #[arg(long, group = "what", value_name = "EVENTS", value_parser = value::notify_flags)]
    pub(crate) notify: Option<NotifyFlags>,

    /// Which networks it may use, by cost: always, not_roaming, no_surcharge, standard, unrestricted,
    /// or a mask such as 0x80000067
    #[arg(long, group = "what", value_name = "POLICY", value_parser = value::cost_flags)]
    pub(crate) cost: Option<CostFlags>,

    /// The class that programs of its owner find under NOTIFICATION_CLSID; all zero for none
    #[arg(long, group = "what", value_name = "GUID")]
    pub(crate) clsid: Option<Clsid>,

    /// The file that --to and --size are about, from 0
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<u32>,

    /// Where the file goes
    #[arg(long, group = "what", value_name = "PATH", requires = "file")]
    pub(crate) to: Option<PathBuf>,

    /// The remote file's size in bytes; another size is an error
    #[arg(long, group = "what", value_name = "BYTES", requires = "file")]
    pub(crate) size: Option<u64>,
}
