//! The benches by their names, and what becomes of their reports.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};

use super::interrupt::Interrupt;
use super::{http, limited, pace, paper, queue, resume, small, verify};

/// `bench …`.
#[derive(Debug, clap::Args)]
pub struct Line {
    #[command(subcommand)]
    bench: Bench,
    /// Also writes the report to this file.
    #[arg(long, global = true, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// All benches. One that shall be in the paper also has a row in [`paper::SECTIONS`].
#[derive(Debug, Subcommand)]
enum Bench {
    /// Downloads one file from one local server with every tool that is installed, in turns.
    Http(http::Options),
    /// The same from a server that gives each connection only so much a second.
    Limited(limited::Options),
    /// Kills each tool in the middle, starts it again, and looks what that costs and comes to.
    Resume(resume::Options),
    /// Downloads one file and checks its hash, piece by piece or as a whole.
    Verify(verify::Options),
    /// Downloads thousands of small files in one call.
    Small(small::Options),
    /// Fills an agent's queue, and measures how soon it answers meanwhile.
    Queue(queue::Options),
    /// Looks how exactly a limit of the rate is kept, and how jobs share it.
    Pace(pace::Options),
    /// Runs all of them as the paper has them, and writes the paper.
    All(paper::Options),
}

/// What a bench has found out.
#[derive(Debug)]
pub(super) struct Report {
    /// Markdown, ending in a newline.
    pub(super) text: String,
    /// What did not do what it should, though the rest could be measured.
    pub(super) failures: Vec<String>,
}

/// Runs a bench and prints its report.
///
/// Errors: whatever keeps it from running; whatever failed in it, after the report was printed.
pub fn run(line: &Line) -> Result<()> {
    let report = measure(&line.bench, &Interrupt::watch()?)?;
    io::stdout().write_all(report.text.as_bytes()).context("cannot print the report")?;
    if let Some(path) = &line.markdown {
        fs::write(path, &report.text)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    ensure!(report.failures.is_empty(), "{}", report.failures.join("; "));
    Ok(())
}

/// Runs the bench that a command line asks for, without the words before it.
pub(super) fn measure_as(words: &[&str], interrupt: &Interrupt) -> Result<Report> {
    measure(&parsed(words)?, interrupt)
}

/// Reads such a command line.
fn parsed(words: &[&str]) -> Result<Bench> {
    #[derive(Parser)]
    struct Alone {
        #[command(subcommand)]
        bench: Bench,
    }
    let alone = Alone::try_parse_from(std::iter::once(&"bench").chain(words))?;
    Ok(alone.bench)
}

fn measure(bench: &Bench, interrupt: &Interrupt) -> Result<Report> {
    match bench {
        Bench::Http(options) => http::report(options, interrupt),
        Bench::Limited(options) => limited::report(options, interrupt),
        Bench::Resume(options) => resume::report(options, interrupt),
        Bench::Verify(options) => verify::report(options, interrupt),
        Bench::Small(options) => small::report(options, interrupt),
        Bench::Queue(options) => queue::report(options),
        Bench::Pace(options) => pace::report(options, interrupt),
        Bench::All(options) => Ok(paper::report(options, interrupt)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_of_the_paper_is_a_bench_that_can_be_called() {
        for section in paper::SECTIONS {
            for words in [section.call, section.quick] {
                let with_place = [words, &["--dir", "."]].concat();
                let read = parsed(&with_place);
                assert!(read.is_ok(), "{words:?}: {:?}", read.err());
            }
        }
        assert!(parsed(&["none-such"]).is_err());
    }
}
