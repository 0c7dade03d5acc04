//! `dobbin config`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  dobbin config show                            what your own agent is started with, and why
  dobbin config show --system                   the same of the machine's agent
  dobbin config check /etc/dobbin/dobbin.toml   whether a file could be used";

const FILE_HELP: &str = "\
The file is TOML. All that it may say, with examples:
  limit_rate = \"20M\"           # bytes a second; k, M and G stand for powers of 1024
  [limits]
  max_jobs = 10000
  max_jobs_per_user = 1000
  max_files_per_job = 10000
  max_ranges_per_file = 100
  [cache]                      # cache hosts of the site, asked before origins
  hosts = \"cache.example,10.0.0.7:8080\"
  fallback = 60                # seconds before the origin is asked where they fail, or \"never\"
  [compat]                     # programs written for Microsoft's agent for Linux
  enabled = true
  owners_only = true           # a download is there for its creator alone
  run_dir = \"/var/run/deliveryoptimization-agent\"
  config_dir = \"/etc/deliveryoptimization-agent\"
  port_first = 50000
  port_last = 60999

It is looked for as /etc/dobbin/dobbin.toml by the machine's agent, as dobbin/dobbin.toml in
$XDG_CONFIG_HOME, else in ~/.config, by others. What the command line says comes before it.";

/// `dobbin config`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

impl ConfigArgs {
    /// Whether a program reads what the command prints.
    pub(crate) fn speaks_json(&self) -> bool {
        match &self.command {
            ConfigCommand::Show(args) => args.json,
            ConfigCommand::Check(args) => args.json,
        }
    }
}

/// What can be done with a configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show what an agent is started with, and what of it the file says
    Show(ShowArgs),
    /// Say whether a configuration file could be used, and what is wrong where
    Check(CheckArgs),
}

/// `dobbin config show`.
#[derive(Debug, Args)]
#[command(after_help = FILE_HELP)]
pub(crate) struct ShowArgs {
    /// Of the machine's agent, not of your own
    #[arg(long)]
    pub(crate) system: bool,

    /// With this configuration file instead of the usual one
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// `dobbin config check`.
#[derive(Debug, Args)]
#[command(after_help = FILE_HELP)]
pub(crate) struct CheckArgs {
    /// Which file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
