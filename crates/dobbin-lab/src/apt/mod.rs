//! A method for apt that fetches nothing by itself: every file goes through an agent, over the
//! interface for programs written for Microsoft's, as that one's plug-in for apt does it.

mod message;
mod method;

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::compat::{Client, Refusal, Status};

/// What apt's method is told. Those that apt starts are told nothing: a script in between does it.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder in which the agent names its port.
    #[arg(long)]
    run_dir: PathBuf,
    /// Folder in which the agent puts files; on the file system of apt's own.
    #[arg(long)]
    folder: PathBuf,
}

/// Speaks with apt over standard input and output until apt has no more to say.
///
/// # Errors
///
/// Those of either, and what is no message.
pub fn run(options: &Options) -> Result<()> {
    let mut client = Client::new(&options.run_dir);
    let fetch = |url: &str, path: &Path| fetch(&mut client, url, path);
    method::converse(&mut io::stdin().lock(), &mut io::stdout().lock(), &options.folder, fetch)
        .context("cannot speak with apt")
}

/// Has a file fetched to its path, or says why not; then nothing of it is there.
fn fetch(client: &mut Client, url: &str, path: &Path) -> Result<(), String> {
    let words = |refusal: Refusal| refusal.to_string();
    let id = client.create(url, path).map_err(words)?;
    client.tell("start", &id).map_err(words)?;
    let status = client.wait(&id, |status| !goes_on(status)).map_err(words)?;
    if status.state == "Transferred" {
        return client.tell("finalize", &id).map_err(words);
    }
    client.tell("abort", &id).map_err(words)?;
    Err(format!("{} with code {}", status.state, status.error))
}

/// Whether such programs wait on: while it is under way, or stands for a reason that may pass.
fn goes_on(status: &Status) -> bool {
    let is_blocked = status.error.0 == 0 && status.extended_error.0 != 0;
    match status.state.as_str() {
        "Created" | "Transferring" => true,
        "Paused" => is_blocked,
        _ => false,
    }
}
