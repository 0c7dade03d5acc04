//! `bench limited`: a server that gives each connection only so much a second.

use anyhow::{Result, ensure};

use super::contest::{Contest, Terms};
use super::interrupt::Interrupt;
use super::line::Report;
use super::paper::Section;
use super::report::{LEGEND, Line, fastest, markdown};
use super::size;
use super::tool::{self, CURL};

/// What to measure, and where.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    terms: Terms,
    /// What the server gives each connection a second.
    #[arg(long, value_name = "SIZE", default_value = "40MiB", value_parser = size::parse)]
    rate: u64,
}

/// Those who take part: with one connection, with a few, with many.
const TOOLS: [&str; 7] =
    ["dobbin", CURL, "wget2", "aria2c -x1", "aria2c -x4", "aria2c -x16", "axel -n16"];

/// How much more than its rate a single connection may get before the figures mean nothing: what lies
/// in buffers at the end was not waited for.
const SLACK: f64 = 1.25;

/// Its place in the paper.
pub(super) const SECTION: Section = Section {
    heading: "A server that limits each connection",
    about: "\
Whoever opens more connections gets more. The server is the lab's own: nginx limits requests, not connections,
and gives each its first second for nothing. That the rate is kept is measured with curl, which opens one
connection; ratios are to the fastest of the others. Goal: at most 1.05 of its wall time.",
    call: &["limited", "--size", "1GiB", "--rate", "40MiB", "--rounds", "3"],
    quick: &["limited", "--size", "64MiB", "--rate", "40MiB", "--rounds", "1"],
};

/// Measures.
///
/// Errors: a server that gives a connection more than the rate. Of tools as in
/// [`super::http::report`].
pub(super) fn report(options: &Options, interrupt: &Interrupt) -> Result<Report> {
    let tools = options.terms.tools(&tool::plain(&TOOLS))?;
    let contest = Contest::new(&options.terms, Some(options.rate), interrupt)?;
    let (lines, failures) = contest.measure(tools)?;
    let mut kept = String::new();
    if let Some(got) = single(&lines, options.terms.size) {
        let rate = options.rate as f64;
        ensure!(
            got <= rate * SLACK,
            "a single connection got {got:.0} bytes/s: nothing was limited"
        );
        kept = format!(" (curl, with one, got {:.1} MiB/s)", got / f64::from(1_u32 << 20));
    }
    let table = markdown(&lines, fastest(&lines), options.terms.size);
    let text = format!(
        "{}, {} bytes/s for each connection{kept}.\n\n{table}\n{LEGEND}",
        contest.conditions(),
        options.rate,
    );
    Ok(Report { text, failures })
}

/// Bytes per second of the tool that opens a single connection, if it ran.
fn single(lines: &[Line], size_bytes: u64) -> Option<f64> {
    let curl = lines.iter().find(|line| line.name == CURL)?;
    Some(size_bytes as f64 / curl.wall()?.as_secs_f64())
}
