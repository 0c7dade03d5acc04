//! The lab's command line: proofs and benches, run by hand.

use anyhow::Result;
use clap::{Parser, Subcommand};
use dobbin_lab::{apt, bench, compat, kill, model, powercut, sites};

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
    Bench(bench::Line),
    /// Kills a working agent again and again, and looks whether it loses anything.
    Kill(kill::Options),
    /// As `kill`, and with each kill the machine loses its power. For root.
    Powercut(powercut::Options),
    /// Kills an agent before each of its steps on the disk, one after the other.
    KillSites(sites::Options),
    /// Compares core and running agents with a model of the interface, over random sequences.
    Model(model::Options),
    /// Sends bent requests to the interface for programs written for Microsoft's agent.
    FuzzCompat(compat::Options),
    /// Speaks with apt, which starts it as one of its methods.
    AptMethod(apt::Options),
}

fn main() -> Result<()> {
    match Line::parse().verb {
        Verb::Bench(line) => bench::run(&line),
        Verb::AptMethod(options) => apt::run(&options),
        Verb::FuzzCompat(options) => {
            println!("{}", compat::run(&options)?);
            Ok(())
        }
        Verb::Model(options) => {
            println!("{}", model::run(&options)?);
            Ok(())
        }
        Verb::Powercut(options) => {
            println!("{}", powercut::run(&options)?);
            Ok(())
        }
        Verb::KillSites(options) => {
            println!("{}", sites::run(&options)?);
            Ok(())
        }
        Verb::Kill(options) => {
            println!("{}", kill::run(&options)?);
            Ok(())
        }
    }
}
