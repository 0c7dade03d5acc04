//! `bench http`: one large file over HTTP, Dobbin beside curl and the others.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use aws_lc_rs::digest;

use super::child;
use super::interrupt::Interrupt;
use super::machine::Machine;
use super::report::{Line, Run, markdown};
use super::server::Server;
use super::size;
use super::tool::{CURL, Download, Tool};
use crate::origin::Content;

/// What to measure, and where.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Size of the file.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = size::parse)]
    size: u64,
    /// Measured rounds; one more comes before, to warm up and to compare hashes.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Where the served file and the downloads lie. Needs room for two files.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    dir: PathBuf,
    /// The dobbin to measure, if not the one beside this program or in the path.
    #[arg(long, value_name = "PROGRAM")]
    dobbin: Option<PathBuf>,
    /// Lets the server give each connection so much a second (needs nginx).
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    rate_per_connection: Option<u64>,
    /// Leaves out a tool, by its name in the table. May be repeated.
    #[arg(long, value_name = "TOOL")]
    without: Vec<String>,
    /// Also writes the report to this file.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// The longest that one download may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    patience: u64,
}

/// The served file's name.
const NAME: &str = "file.bin";

/// Bytes read or written at a time by the bench itself.
const STEP_BYTES: usize = 1024 * 1024;

/// Runs the bench and prints its report.
///
/// Errors: a tool that fails or delivers something else than the file (after the others were
/// measured); whatever keeps the bench from running at all. No child outlives it.
pub fn run(options: &Options) -> Result<()> {
    let interrupt = Interrupt::watch()?;
    let scratch = tempfile::Builder::new()
        .prefix("dobbin-bench-")
        .tempdir_in(&options.dir)
        .with_context(|| format!("cannot make a folder in {}", options.dir.display()))?;
    // An absolute path: servers and tools have working folders of their own.
    let folder = scratch.path().canonicalize().context("cannot find the folder just made")?;
    let tools = chosen(options)?;
    let (source, sha256) = (folder.join("served"), write_source(&folder, options.size)?);
    let server = Server::start(&source, &folder, options.rate_per_connection)?;
    let bench = Bench { options, interrupt, folder, server, sha256 };

    let (lines, failures) = bench.measure(tools)?;
    let report = bench.report(&lines);
    io::stdout().write_all(report.as_bytes()).context("cannot print the report")?;
    if let Some(path) = &options.markdown {
        fs::write(path, &report).with_context(|| format!("cannot write {}", path.display()))?;
    }
    ensure!(failures.is_empty(), "{}", failures.join("; "));
    Ok(())
}

fn chosen(options: &Options) -> Result<Vec<Tool>> {
    let mut tools = Tool::installed(options.dobbin.as_deref());
    if let Some(named) = &options.dobbin {
        let found = tools.iter().any(|tool| tool.name == "dobbin");
        ensure!(found, "there is no program {}", named.display());
    }
    tools.retain(|tool| !options.without.iter().any(|name| name == tool.name));
    if tools.is_empty() {
        bail!("none of the tools is installed");
    }
    Ok(tools)
}

/// Writes the file to serve; returns its SHA-256.
fn write_source(folder: &Path, size_bytes: u64) -> Result<[u8; 32]> {
    let served = folder.join("served");
    fs::create_dir(&served).context("cannot make a folder to serve")?;
    let mut file = File::create(served.join(NAME)).context("cannot make a file to serve")?;
    let content = Content::new(1, size_bytes);
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; STEP_BYTES];
    let mut offset = 0;
    while offset < size_bytes {
        let step = (size_bytes - offset).min(STEP_BYTES as u64) as usize;
        content.fill(offset, &mut buffer[..step]);
        hash.update(&buffer[..step]);
        file.write_all(&buffer[..step]).context("cannot write the file to serve")?;
        offset += step as u64;
    }
    // Written back now, so that it does not happen while a tool is measured.
    file.sync_all().context("cannot write the file to serve")?;
    Ok(hash.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

/// A bench that is set up.
struct Bench<'a> {
    options: &'a Options,
    interrupt: Interrupt,
    folder: PathBuf,
    server: Server,
    sha256: [u8; 32],
}

impl Bench<'_> {
    /// All rounds of all tools, in turns. A tool that fails once is not asked again; what it said
    /// is in the second list.
    fn measure(&self, tools: Vec<Tool>) -> Result<(Vec<Line>, Vec<String>)> {
        let mut failures = Vec::new();
        let mut entries: Vec<(Tool, Line, bool)> = Vec::new();
        for tool in tools {
            let (name, version, flushes) = (tool.name, tool.version.clone(), tool.flushes);
            entries.push((tool, Line { name, version, flushes, runs: Vec::new() }, true));
        }
        for round in 0..=self.options.rounds {
            for (tool, line, sound) in entries.iter_mut().filter(|(_, _, sound)| *sound) {
                let warm_up = round == 0;
                self.say(round, tool.name);
                match self.download(tool, warm_up) {
                    Ok(run) if !warm_up => line.runs.push(run),
                    Ok(_) => {}
                    Err(error) => {
                        self.interrupt.check()?;
                        *sound = false;
                        line.runs.clear();
                        failures.push(format!("{} failed: {error:#}", tool.name));
                    }
                }
            }
        }
        self.say_nothing();
        Ok((entries.into_iter().map(|(_, line, _)| line).collect(), failures))
    }

    /// One download, checked: its size always, its hash if `thorough`.
    fn download(&self, tool: &Tool, thorough: bool) -> Result<Run> {
        let place = |prefix| tempfile::Builder::new().prefix(prefix).tempdir_in(&self.folder);
        let scratch = place("scratch-").context("cannot make a folder")?;
        let target = place("target-").context("cannot make a folder")?;
        let runtime = tempfile::tempdir().context("cannot make a folder")?;
        let destination = target.path().join(NAME);
        let url = self.server.url(NAME);
        let mut command = tool.command(&Download {
            url: &url,
            destination: &destination,
            scratch: scratch.path(),
            runtime: runtime.path(),
        });
        let errors = scratch.path().join("stderr");
        command.stderr(File::create(&errors).context("cannot make a file")?);

        let requests_before_count = self.server.requests_count();
        let patience = Duration::from_secs(self.options.patience);
        let cost = child::run(&mut command, patience, &self.interrupt).with_context(|| {
            let said = fs::read_to_string(&errors).unwrap_or_default();
            format!("it said {:?}", said.trim().lines().last().unwrap_or_default())
        })?;
        let requests_count = self.server.requests_count() - requests_before_count;

        let file = File::open(&destination).context("it left no file")?;
        let began = Instant::now();
        file.sync_all().context("cannot flush its file")?;
        let flush = began.elapsed();
        let size_bytes = file.metadata().context("cannot look at its file")?.len();
        ensure!(size_bytes == self.options.size, "it delivered {size_bytes} bytes");
        if thorough {
            ensure!(sha256(file)? == self.sha256, "it delivered other bytes");
        }
        Ok(Run { cost, flush, requests_count })
    }

    fn report(&self, lines: &[Line]) -> String {
        let Options { size, rounds, rate_per_connection, .. } = self.options;
        let rate = rate_per_connection
            .map_or(String::new(), |rate| format!(", {rate} bytes/s per connection"));
        format!(
            "Medians of {rounds} interleaved rounds, {size} bytes, after one to warm up and compare \
             hashes.\n{machine}; served by {server}{rate}.\n\n{table}\n\
             \"On disk\" counts the time until the file would survive a power cut: where the tool \
             does not flush, the bench does after its exit. CPU is user and system time, to 10 ms.\n",
            machine = Machine::of(&self.options.dir),
            server = self.server.name(),
            table = markdown(lines, CURL, *size),
        )
    }

    /// Progress, on a terminal only.
    fn say(&self, round: u32, name: &str) {
        if io::stderr().is_terminal() {
            eprint!("\r\x1b[Kround {round} of {}: {name}", self.options.rounds);
        }
    }

    fn say_nothing(&self) {
        if io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
    }
}

fn sha256(mut file: File) -> Result<[u8; 32]> {
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; STEP_BYTES];
    loop {
        match file.read(&mut buffer).context("cannot read its file")? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    Ok(hash.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
}
