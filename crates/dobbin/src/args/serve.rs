//! `dobbin serve`.

use std::path::PathBuf;

use clap::Args;
use dobbin_agent::{CacheHosts, Fallback};
use serde::Deserialize;

use super::value;

const EXAMPLES: &str = "\
Examples:
  dobbin serve                      your own agent, on your own state folder
  dobbin serve --system             the machine's agent, as the service manager starts it
  dobbin serve --limit-rate 20M     all jobs share 20 MiB/s, foreground first
  dobbin serve --cache-host cache.example
                                    ask the site's cache host before origins
  dobbin serve --compat             also for programs written for Microsoft's agent for Linux
  DOBBIN_LOG=debug dobbin serve     with more to read on standard error

What the configuration file says holds where the command line says nothing: `dobbin config show`.";

/// `dobbin serve`.
#[derive(Debug, Default, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// Be the machine's agent: state in /var/lib/dobbin, socket in /run/dobbin
    #[arg(long)]
    pub(crate) system: bool,

    /// Keep jobs and staging files in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,

    /// Use this configuration file instead of the usual one, which need not exist
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Serve programs written for Microsoft's Delivery Optimization agent for Linux, too
    #[arg(long)]
    pub(crate) compat: bool,

    /// Fetch no more than this many bytes a second, all jobs together; k, M and G stand for powers of
    /// 1024
    #[arg(long, value_name = "RATE", value_parser = value::rate)]
    pub(crate) limit_rate: Option<u64>,

    /// Who is asked before origins are.
    #[command(flatten)]
    pub(crate) cache: CacheArgs,

    /// What callers may have.
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// The cache hosts of `dobbin serve`.
#[derive(Debug, Clone, Default, Args)]
#[command(
    next_help_heading = "Cache hosts (they see what is sent for a file, passwords in its URL too)"
)]
pub(crate) struct CacheArgs {
    /// Ask for files at this cache host of the site before their origins; several, with commas between
    /// them, are asked in their order
    #[arg(long, value_name = "HOST[:PORT],…", value_parser = value::cache_hosts)]
    pub(crate) cache_host: Option<CacheHosts>,

    /// Where a cache host fails, go on trying for so many seconds before the origin is asked, or never
    /// ask it; without this, the origin is asked at once
    #[arg(long, value_name = "SECONDS|never", value_parser = value::cache_fallback)]
    pub(crate) cache_fallback: Option<Fallback>,
}

/// How many jobs, files and ranges callers of `dobbin serve` may have: on the command line, and as the
/// table `limits` of the configuration file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[command(next_help_heading = "Limits (without the option there is none, and never one for root)")]
pub(crate) struct LimitArgs {
    /// Jobs that are not over, of all users together
    #[arg(long, value_name = "NUMBER")]
    pub(crate) max_jobs: Option<u32>,

    /// Jobs that are not over, of one user
    #[arg(long, value_name = "NUMBER")]
    pub(crate) max_jobs_per_user: Option<u32>,

    /// Files of one job
    #[arg(long, value_name = "NUMBER")]
    pub(crate) max_files_per_job: Option<u32>,

    /// Ranges of one file
    #[arg(long, value_name = "NUMBER")]
    pub(crate) max_ranges_per_file: Option<u32>,
}
