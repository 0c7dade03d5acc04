//! Dobbin: background delivery of files.
//!
//! One program: `get` fetches, `jobs` looks after what the agent does, `serve` is the agent. This
//! file turns words into a command and its outcome into an exit code; it decides nothing else.

mod args;
mod command;
mod config;
mod document;
mod metalink;
mod reach;
mod render;
mod trouble;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::trouble::{Exit, Trouble};

fn main() -> ExitCode {
    if let Some(words) = command::stand_in::words(std::env::args_os()) {
        return ended(command::stand_in::run(&words), false);
    }
    let cli = Cli::parse();
    let json = cli.speaks_json();
    ended(run(cli), json)
}

/// Says what went wrong, if anything did, and with which number the program ends.
fn ended(outcome: Result<Exit, Trouble>, json: bool) -> ExitCode {
    match outcome {
        Ok(exit) => exit.into(),
        Err(trouble) => {
            trouble.tell(json);
            trouble.exit().into()
        }
    }
}

fn run(cli: Cli) -> Result<Exit, Trouble> {
    let place = reach::Place::new(cli.socket);
    match cli.command {
        Command::Get(args) => wait_for(command::get::run(args, place)),
        Command::Jobs(args) => wait_for(command::jobs::run(args, place)),
        Command::Downloads(args) => wait_for(command::downloads::run(args, place)),
        Command::Why(args) => wait_for(command::why::run(args, place)),
        Command::Publish(args) => command::pieces::publish::run(args),
        Command::Verify(args) => command::pieces::verify::run(args),
        Command::Serve(args) => command::serve::run(args, &place),
        Command::Config(args) => command::config::run(args),
        Command::Completions(args) => command::completions::completions(args),
        Command::Man(args) => command::completions::man(args),
    }
}

/// Runs a client's command on this thread: it waits for one agent, and more threads would only make
/// it start later.
fn wait_for(command: impl Future<Output = Result<Exit, Trouble>>) -> Result<Exit, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Trouble::failed(format!("cannot start: {error}")))?;
    runtime.block_on(command)
}
