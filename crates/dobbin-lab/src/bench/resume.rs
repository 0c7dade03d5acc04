//! `bench resume`: each tool is killed in the middle and started again.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::child;
use super::contest::{self, Contest, HINTS, NAME, Terms};
use super::interrupt::Interrupt;
use super::line::Report;
use super::machine::Machine;
use super::paper::Section;
use super::report::median;
use super::size;
use super::tool::{self, Download, Known, Tool};

/// What to measure, and where.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    terms: Terms,
    /// What the server gives each connection a second: else there is hardly a middle.
    #[arg(long, value_name = "SIZE", default_value = "200MiB", value_parser = size::parse)]
    rate: u64,
}

/// The others, each told to go on with what it finds. Dobbin is told nothing.
const OTHERS: [Known; 6] = [
    ("curl -C -", "curl", false, |command, download| {
        command.args(["-q", "-fsS", "-C", "-", "-o"]).arg(download.destination).arg(download.url);
    }),
    ("wget -c", "wget", false, |command, download| {
        command.args(["--no-config", "-q", "-c", "-O"]).arg(download.destination).arg(download.url);
    }),
    ("wget2 -c", "wget2", false, |command, download| {
        command.args(["--no-config", "-q", "-c", "-O"]).arg(download.destination).arg(download.url);
    }),
    ("aria2c -c -x1", "aria2c", true, |command, download| aria2(command, download, "1")),
    ("aria2c -c -x16", "aria2c", true, |command, download| aria2(command, download, "16")),
    ("axel -n16", "axel", false, |command, download| {
        command.args(["-q", "-n", "16", "-o"]).arg(download.destination).arg(download.url);
    }),
];

fn aria2(command: &mut Command, download: &Download<'_>, connections: &str) {
    let folder = download.destination.parent().unwrap_or(Path::new("."));
    command.args(["--no-conf", "-q", "-c", "--file-allocation=none", "-k1M"]);
    command.args(["-x", connections, "-s", connections, "-d"]).arg(folder);
    command.arg("-o").arg(NAME).arg(download.url);
}

/// Its place in the paper.
pub(super) const SECTION: Section = Section {
    heading: "Killed in the middle",
    about: "\
Each tool is killed (SIGKILL) when it has written half of the file, and started again with the same command
line. \"Fetched again\" is what the server sent in both runs beyond the file's size; what lay in buffers at
the kill is part of it. aria2c notes what it has once a minute. \"Right\" says how often the file had the right hash in the end.

Goal: at most 8 MiB fetched again, and the file is always right.",
    call: &["resume", "--size", "1GiB", "--rate", "200MiB", "--rounds", "3"],
    quick: &["resume", "--size", "64MiB", "--rate", "40MiB", "--rounds", "1"],
};

/// One interrupted download.
#[derive(Debug, Clone, Copy)]
struct Story {
    /// Both runs.
    wall: Duration,
    killed_at_bytes: u64,
    again_bytes: u64,
    is_right: bool,
}

/// All of one tool.
struct Row {
    tool: Tool,
    stories: Vec<Story>,
    failure: Option<String>,
}

/// Measures.
///
/// Errors: whatever keeps the bench from running. A tool whose second run fails is in
/// the report.
pub(super) fn report(options: &Options, interrupt: &Interrupt) -> Result<Report> {
    let known = [&tool::plain(&["dobbin"])[..], &OTHERS].concat();
    let tools = options.terms.tools(&known)?;
    let contest = Contest::new(&options.terms, Some(options.rate), interrupt)?;
    let row = |tool| Row { tool, stories: Vec::new(), failure: None };
    let mut rows: Vec<Row> = tools.into_iter().map(row).collect();
    for round in 1..=options.terms.rounds {
        for row in rows.iter_mut().filter(|row| row.failure.is_none()) {
            contest.say(round, row.tool.name);
            match interrupted(&contest, &row.tool) {
                Ok(story) => row.stories.push(story),
                Err(error) => {
                    interrupt.check()?;
                    row.failure = Some(format!("{error:#}"));
                }
            }
        }
    }
    contest.say_nothing();
    // What others cannot do is a finding; that ours cannot would be a failure.
    let ours = rows.iter().filter(|row| row.tool.name == "dobbin");
    let failures = ours.filter_map(Row::complaint).collect();
    let head = format!(
        "Medians of {} interleaved rounds, {} bytes, {} bytes/s for each connection.\n{}; served by {}.\n\n",
        options.terms.rounds,
        options.terms.size,
        options.rate,
        Machine::of(&options.terms.dir),
        contest.server.name(),
    );
    Ok(Report { text: head + &table(&rows), failures })
}

/// One download in two runs.
fn interrupted(contest: &Contest<'_>, tool: &Tool) -> Result<Story> {
    let (scratch, target) = (contest.place("scratch-")?, contest.place("target-")?);
    let runtime = tempfile::tempdir().context("cannot make a folder")?;
    let (url, hex) = (contest.server.url(NAME), contest.hex());
    let destination = target.path().join(NAME);
    let download = Download {
        url: &url,
        destination: &destination,
        sha256: &hex,
        hints: &contest.folder.join(HINTS),
        scratch: scratch.path(),
        runtime: runtime.path(),
    };
    let size = contest.terms.size;
    let patience = Duration::from_secs(contest.terms.patience);
    let sent_before = contest.server.sent_bytes();
    let mut first = tool.command(&download);
    first.stderr(Stdio::null());
    let killed = child::kill_in_the_middle(&mut first, size / 2, patience, contest.interrupt)?;
    let (first_wall, killed_at_bytes) = killed.context("it was over before it could be killed")?;
    let mut second = tool.command(&download);
    second.stderr(Stdio::null());
    let cost = child::run(&mut second, patience, contest.interrupt).context("its second run")?;
    contest.server.settle()?;
    let is_right = File::open(&destination)
        .ok()
        .is_some_and(|file| contest::sha256(file).is_ok_and(|found| found == contest.sha256));
    let again_bytes = (contest.server.sent_bytes() - sent_before).saturating_sub(size);
    Ok(Story { wall: first_wall + cost.wall, killed_at_bytes, again_bytes, is_right })
}

impl Row {
    /// What is wrong with it, if anything.
    fn complaint(&self) -> Option<String> {
        let wrong = self.stories.iter().filter(|story| !story.is_right).count();
        let of_file = (wrong > 0).then(|| format!("{wrong} files were wrong"));
        let what = self.failure.clone().or(of_file)?;
        Some(format!("{}: {what}", self.tool.name))
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = "| tool | killed at MiB | both runs s | fetched again MiB | right |\n\
                    |---|---:|---:|---:|---:|\n"
        .to_owned();
    let mib = |bytes: u64| bytes as f64 / f64::from(1_u32 << 20);
    for Row { tool, stories, failure } in rows {
        let of = |what: fn(&Story) -> u64| median(stories.iter().map(what).collect());
        let wall = median(stories.iter().map(|story| story.wall).collect());
        let figures = (of(|story| story.killed_at_bytes), wall, of(|story| story.again_bytes));
        let right = stories.iter().filter(|story| story.is_right).count();
        text += &match (failure, figures) {
            (Some(why), _) => format!("| {} | failed: {why} | | | |\n", tool.name),
            (None, (Some(killed), Some(wall), Some(again))) => format!(
                "| {} | {:.0} | {:.2} | {:.1} | {right} of {} |\n",
                tool.name,
                mib(killed),
                wall.as_secs_f64(),
                mib(again),
                stories.len(),
            ),
            (None, _) => format!("| {} | | | | |\n", tool.name),
        };
    }
    text.push('\n');
    for row in rows {
        text += &format!("- {}: {}\n", row.tool.name, row.tool.version);
    }
    text
}
