//! `bench small`: thousands of small files over HTTP, Dobbin beside the others' ways with long lists.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::child;
use super::interrupt::Interrupt;
use super::line::Report;
use super::machine::Machine;
use super::paper::Section;
use super::report::{Line, Run, fastest, markdown};
use super::server::Server;
use super::size;
use super::tool::{Download, Known, Tool};
use crate::origin::Content;

/// What to measure, and where.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// How many files.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    count: u32,
    /// Size of each.
    #[arg(long, value_name = "SIZE", default_value = "10KiB", value_parser = size::parse)]
    size: u64,
    /// Measured rounds; one more comes before, to warm up and to compare bytes.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Where the served files and the downloads lie.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    dir: PathBuf,
    /// The dobbin to measure, if not the one beside this program or in the path.
    #[arg(long, value_name = "PROGRAM")]
    dobbin: Option<PathBuf>,
    /// Leaves out a tool, by its name in the table. May be repeated.
    #[arg(long, value_name = "TOOL")]
    without: Vec<String>,
    /// The longest that one round of one tool may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    patience: u64,
}

/// Its place in the paper.
pub(super) const SECTION: Section = Section {
    heading: "Many small files",
    about: "\
Downloads the same files from the same local server with Dobbin and with each of the others that is
installed, in turns, all in one call with up to 16 at a time, and compares medians with the quickest of the
others.

Goal: wall time at most that of the quickest. Dobbin has flushed every file and its name when it says
\"saved\", and shows none before it is whole; of the others aria2c alone flushes its files.",
    call: &["small", "--rounds", "4"],
    quick: &["small", "--count", "200", "--rounds", "1"],
};

/// What the columns mean.
const LEGEND: &str = "\
\"On disk\" counts the time until every file would survive a power cut: after the exit the bench has the
whole file system flushed, whatever the tool did. CPU is user and system time, to 10 ms.
";

/// The list of addresses, and the same as curl reads it, among the hints.
const ADDRESSES: &str = "addresses";
const CURL_LINES: &str = "curl";

/// Those who take part. Each finds the list among the hints and puts the files into the destination,
/// which is a folder.
const TOOLS: [Known; 4] = [
    ("dobbin", "dobbin", true, |command, download| {
        let list = fs::read_to_string(download.hints.join(ADDRESSES)).unwrap_or_default();
        command.args(["get", "-q", "-d"]).arg(download.destination).args(list.lines());
    }),
    ("curl --parallel", "curl", false, |command, download| {
        command.args(["-q", "-fsS", "--parallel", "--parallel-max", "16", "-K"]);
        command.arg(download.hints.join(CURL_LINES)).current_dir(download.destination);
    }),
    ("wget2 -i", "wget2", false, |command, download| {
        command.args(["--no-config", "-q", "--max-threads=16", "-i"]);
        command.arg(download.hints.join(ADDRESSES)).arg("-P").arg(download.destination);
    }),
    ("aria2c -i", "aria2c", true, |command, download| {
        command.args(["--no-conf", "-q", "--file-allocation=none", "-j16", "-x1", "-i"]);
        command.arg(download.hints.join(ADDRESSES)).arg("-d").arg(download.destination);
    }),
];

/// Measures.
///
/// Errors: whatever keeps the bench from running at all. A tool that fails or delivers something else
/// than the files is in the report. No child outlives it.
pub(super) fn report(options: &Options, interrupt: &Interrupt) -> Result<Report> {
    let mut tools = Tool::installed(options.dobbin.as_deref(), &TOOLS);
    tools.retain(|tool| !options.without.iter().any(|name| name == tool.name));
    ensure!(!tools.is_empty(), "none of the tools is installed");
    let bench = Bench::set_up(options, interrupt)?;
    let (lines, failures) = bench.measure(&tools)?;
    // Dobbin comes first, if at all.
    let ours_count = lines.iter().take_while(|line| line.name == "dobbin").count();
    let peers = &lines[ours_count..];
    let total_bytes = u64::from(options.count) * options.size;
    let text = format!(
        "Medians of {} interleaved rounds, {} files of {} bytes, after one to warm up and compare \
         bytes.\n{}; served by {}.\n\n{}\n{LEGEND}",
        options.rounds,
        options.count,
        options.size,
        Machine::of(&options.dir),
        bench.server.name(),
        markdown(&lines, fastest(peers), total_bytes),
    );
    Ok(Report { text, failures })
}

/// A folder, files in it, a server for them. All go with this value.
struct Bench<'a> {
    options: &'a Options,
    interrupt: &'a Interrupt,
    folder: PathBuf,
    server: Server,
    _scratch: tempfile::TempDir,
}

impl<'a> Bench<'a> {
    fn set_up(options: &'a Options, interrupt: &'a Interrupt) -> Result<Bench<'a>> {
        let scratch = tempfile::Builder::new()
            .prefix("dobbin-bench-")
            .tempdir_in(&options.dir)
            .with_context(|| format!("cannot make a folder in {}", options.dir.display()))?;
        // An absolute path: servers and tools have working folders of their own.
        let folder = scratch.path().canonicalize().context("cannot find the folder just made")?;
        let (served, hints) = (folder.join("served"), folder.join("hints"));
        for made in [&served, &hints] {
            fs::create_dir(made).context("cannot make a folder")?;
        }
        for number in 0..options.count {
            fs::write(served.join(name(number)), content(number, options.size))
                .context("cannot write the files to serve")?;
        }
        let server = Server::start(&served, &folder, None)?;
        let (mut addresses, mut curl) = (String::new(), String::new());
        for name in (0..options.count).map(name) {
            let url = server.url(&name);
            let _ = writeln!(addresses, "{url}");
            let _ = writeln!(curl, "url = \"{url}\"\noutput = \"{name}\"");
        }
        fs::write(hints.join(ADDRESSES), addresses).context("cannot write a list")?;
        fs::write(hints.join(CURL_LINES), curl).context("cannot write a list")?;
        flush_all_of(&folder)?;
        Ok(Bench { options, interrupt, folder, server, _scratch: scratch })
    }

    /// All rounds of all tools, in turns. A tool that fails once is not asked again; what it said is
    /// in the second list.
    fn measure(&self, tools: &[Tool]) -> Result<(Vec<Line>, Vec<String>)> {
        let line = |tool: &Tool| {
            let (name, version, flushes) = (tool.name, tool.version.clone(), tool.flushes);
            Line { name, version, flushes, runs: Vec::new() }
        };
        let mut lines: Vec<Line> = tools.iter().map(line).collect();
        let mut failures: Vec<Option<String>> = tools.iter().map(|_| None).collect();
        for round in 0..=self.options.rounds {
            for ((tool, line), failure) in tools.iter().zip(&mut lines).zip(&mut failures) {
                if failure.is_some() {
                    continue;
                }
                match self.fetch(tool, round == 0) {
                    Ok(run) if round > 0 => line.runs.push(run),
                    Ok(_) => {}
                    Err(error) => {
                        self.interrupt.check()?;
                        line.runs.clear();
                        *failure = Some(format!("{} failed: {error:#}", tool.name));
                    }
                }
            }
        }
        Ok((lines, failures.into_iter().flatten().collect()))
    }

    /// All files once, checked: their number and sizes always, their bytes if `thorough`.
    fn fetch(&self, tool: &Tool, thorough: bool) -> Result<Run> {
        let place = |prefix: &str| {
            let made = tempfile::Builder::new().prefix(prefix).tempdir_in(&self.folder);
            made.context("cannot make a folder")
        };
        let (scratch, target) = (place("scratch-")?, place("target-")?);
        let runtime = tempfile::tempdir().context("cannot make a folder")?;
        let mut command: Command = tool.command(&Download {
            url: "",
            destination: target.path(),
            sha256: "",
            hints: &self.folder.join("hints"),
            scratch: scratch.path(),
            runtime: runtime.path(),
        });
        let errors = scratch.path().join("stderr");
        command.stderr(File::create(&errors).context("cannot make a file")?);
        // What was removed after the round before is not this tool's to write.
        flush_all_of(&self.folder)?;
        let requests_before_count = self.server.requests_count();
        let patience = Duration::from_secs(self.options.patience);
        let cost = child::run(&mut command, patience, self.interrupt).with_context(|| {
            let said = fs::read_to_string(&errors).unwrap_or_default();
            format!("it said {:?}", said.trim().lines().last().unwrap_or_default())
        })?;
        let requests_count = self.server.requests_count() - requests_before_count;
        let began = Instant::now();
        flush_all_of(target.path())?;
        let flush = began.elapsed();
        self.check(target.path(), thorough)?;
        Ok(Run { cost, flush, requests_count })
    }

    fn check(&self, target: &Path, thorough: bool) -> Result<()> {
        let found = fs::read_dir(target).context("cannot list its files")?.count();
        ensure!(found == self.options.count as usize, "it left {found} files");
        for number in 0..self.options.count {
            let path = target.join(name(number));
            let size_bytes = fs::metadata(&path).context("a file is missing")?.len();
            ensure!(size_bytes == self.options.size, "a file has {size_bytes} bytes");
            if thorough {
                let bytes = fs::read(&path).context("cannot read its file")?;
                ensure!(bytes == content(number, self.options.size), "it delivered other bytes");
            }
        }
        Ok(())
    }
}

fn name(number: u32) -> String {
    format!("{number:05}.bin")
}

/// Every file has bytes of its own.
fn content(number: u32, size_bytes: u64) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(size_bytes).unwrap_or(0)];
    Content::new(u64::from(number), size_bytes).fill(0, &mut bytes);
    bytes
}

/// Has the file system that holds `folder` write everything it has.
fn flush_all_of(folder: &Path) -> Result<()> {
    let folder = File::open(folder).context("cannot open a folder")?;
    rustix::fs::syncfs(&folder).context("cannot flush a file system")
}
