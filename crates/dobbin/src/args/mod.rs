//! The command line: what may be said, and what it means in types.
//!
//! The doc comments of these types are the program's help, its man pages and its completions.

mod config;
mod downloads;
mod get;
mod jobs;
mod pieces;
mod serve;
pub(crate) mod value;
mod why;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use self::config::{CheckArgs, ConfigArgs, ConfigCommand, ShowArgs};
pub(crate) use self::downloads::{CreateDownloadArgs, DownloadsArgs, DownloadsCommand};
pub(crate) use self::get::GetArgs;
pub(crate) use self::jobs::{AddArgs, CreateArgs, JobsArgs, JobsCommand, SetArgs};
pub(crate) use self::pieces::{PublishArgs, VerifyArgs};
pub(crate) use self::serve::{LimitArgs, ServeArgs};
pub(crate) use self::why::WhyArgs;

const EXAMPLES: &str = "\
Examples:
  dobbin get https://example.com/image.iso
  dobbin get -d ~/Downloads https://example.com/a.zip https://example.com/b.zip
  dobbin serve
  dobbin get --background https://example.com/big.tar
  dobbin jobs list

Exit codes:
  0    done
  1    failed
  2    the command made no sense, or would overwrite something; nothing was begun
  75   another agent uses the store or the socket; try again when it has left
  130  interrupted

Colours are used on a terminal only, and never when NO_COLOR is set.";

/// Background delivery of files: resumes after anything, loses nothing, checks what it can.
#[derive(Debug, Parser)]
#[command(name = "dobbin", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Use the agent at this socket and no other [env: DOBBIN_SOCKET]
    #[arg(long, global = true, value_name = "PATH", help_heading = "Global options")]
    pub(crate) socket: Option<PathBuf>,
}

impl Cli {
    /// Whether a program reads what the command prints.
    pub(crate) fn speaks_json(&self) -> bool {
        match &self.command {
            Command::Get(args) => args.json,
            Command::Jobs(args) => args.json,
            Command::Downloads(args) => args.json,
            Command::Why(args) => args.json,
            Command::Publish(args) => args.json,
            Command::Verify(args) => args.json,
            Command::Config(args) => args.speaks_json(),
            Command::Serve(_) | Command::Completions(_) | Command::Man(_) => false,
        }
    }
}

/// The program's verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fetch files; goes on where it stopped, after Ctrl-C, a crash or a reboot
    Get(GetArgs),
    /// Look at jobs and change them
    Jobs(JobsArgs),
    /// Look at downloads and change them, as programs written for IDODownload do
    Downloads(DownloadsArgs),
    /// Say why a job stands where it stands, and where its bytes came from
    Why(WhyArgs),
    /// Write the piece-hash file of a file, so that others can check each piece of it
    Publish(PublishArgs),
    /// Compare a file with its piece-hash file, and name what is damaged
    Verify(VerifyArgs),
    /// Run the agent: it works on jobs until it is stopped
    Serve(ServeArgs),
    /// Look at the agent's configuration file
    Config(ConfigArgs),
    /// Print the completions of a shell
    Completions(CompletionsArgs),
    /// Write the manual pages
    Man(ManArgs),
}

/// `dobbin completions`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dobbin completions bash > ~/.local/share/bash-completion/completions/dobbin"
)]
pub(crate) struct CompletionsArgs {
    /// For which shell
    pub(crate) shell: Shell,
}

/// `dobbin man`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dobbin man ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write one page for every command into this folder; without it, the program's own page goes
    /// to standard output
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}
