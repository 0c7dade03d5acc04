//! The lab's command line: benches, run by hand.

use anyhow::Result;
use clap::{Parser, Subcommand};
use dobbin_lab::bench;

/// Proves and measures Dobbin. Never shipped.
#[derive(Debug, Parser)]
#[command(version)]
struct Line {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Measures Dobbin beside its peers.
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Downloads one file from one local server with every tool that is installed, in turns.
    Http(bench::http::Options),
}

fn main() -> Result<()> {
    match Line::parse().verb {
        Verb::Bench(Bench::Http(options)) => bench::http::run(&options),
    }
}
