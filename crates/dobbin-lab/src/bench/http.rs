//! `bench http`: one large file over HTTP, Dobbin beside curl and the others.

use anyhow::Result;

use super::contest::{Contest, Terms};
use super::interrupt::Interrupt;
use super::line::Report;
use super::paper::Section;
use super::report::{LEGEND, markdown};
use super::size;
use super::tool::{self, CURL};

/// What to measure, and where.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    terms: Terms,
    /// Lets the server give each connection so much a second.
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    rate_per_connection: Option<u64>,
}

/// Those who take part.
const TOOLS: [&str; 7] =
    ["dobbin", CURL, "wget", "wget2", "aria2c -x1", "aria2c -x16", "axel -n16"];

/// Its place in the paper.
pub(super) const SECTION: Section = Section {
    heading: "One large file over HTTP",
    about: "\
Downloads the same file from the same local server with Dobbin and with each of the others that is
installed, in turns, and compares medians with curl's.

Goals: wall time at most that of the quickest, processor time at most 0.55 of curl's. Dobbin flushes the
file to the disk before it says \"saved\"; curl, wget, wget2 and axel leave that to the kernel.",
    call: &["http", "--size", "1GiB", "--rounds", "4"],
    quick: &["http", "--size", "64MiB", "--rounds", "1"],
};

/// Measures.
///
/// Errors: whatever keeps the bench from running at all. A tool that fails or delivers something else
/// than the file is in the report. No child outlives it.
pub(super) fn report(options: &Options, interrupt: &Interrupt) -> Result<Report> {
    let tools = options.terms.tools(&tool::plain(&TOOLS))?;
    let contest = Contest::new(&options.terms, options.rate_per_connection, interrupt)?;
    let (lines, failures) = contest.measure(tools)?;
    let rate = options
        .rate_per_connection
        .map_or(String::new(), |rate| format!(", {rate} bytes/s per connection"));
    let table = markdown(&lines, CURL, options.terms.size);
    let text = format!("{}{rate}.\n\n{table}\n{LEGEND}", contest.conditions());
    Ok(Report { text, failures })
}
