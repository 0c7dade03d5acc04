//! Tools in a contest: the same file from the same server, one tool after the other, round after round.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aws_lc_rs::digest;

use super::child;
use super::interrupt::Interrupt;
use super::machine::Machine;
use super::report::{Line, Run};
use super::server::Server;
use super::size;
use super::tool::{Download, Known, Tool};
use crate::origin::Content;

/// What all contests are told.
#[derive(Debug, clap::Args)]
pub(super) struct Terms {
    /// Size of the file.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = size::parse)]
    pub(super) size: u64,
    /// Measured rounds; one more comes before, to warm up and to compare hashes.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) rounds: u32,
    /// Where the served file and the downloads lie. Needs room for two files.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(super) dir: PathBuf,
    /// The dobbin to measure, if not the one beside this program or in the path.
    #[arg(long, value_name = "PROGRAM")]
    pub(super) dobbin: Option<PathBuf>,
    /// Leaves out a tool, by its name in the table. May be repeated.
    #[arg(long, value_name = "TOOL")]
    pub(super) without: Vec<String>,
    /// The longest that one download may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(super) patience: u64,
}

impl Terms {
    /// Those of the known tools that are installed and wanted.
    ///
    /// Errors: the named dobbin is not there; none is left.
    pub(super) fn tools(&self, known: &[Known]) -> Result<Vec<Tool>> {
        let mut tools = Tool::installed(self.dobbin.as_deref(), known);
        if let Some(named) = &self.dobbin {
            let found = tools.iter().any(|tool| tool.name.starts_with("dobbin"));
            ensure!(found, "there is no program {}", named.display());
        }
        tools.retain(|tool| !self.without.iter().any(|name| name == tool.name));
        ensure!(!tools.is_empty(), "none of the tools is installed");
        Ok(tools)
    }
}

/// The served file's name.
pub(super) const NAME: &str = "file.bin";

/// The folder with what is known of the file besides its URL, where a contest has that.
pub(super) const HINTS: &str = "hints";

/// Bytes read or written at a time by the bench itself.
const STEP_BYTES: usize = 1024 * 1024;

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

/// A contest that is set up: a folder, a file in it, a server for the file. All go with this value.
pub(super) struct Contest<'a> {
    pub(super) terms: &'a Terms,
    pub(super) interrupt: &'a Interrupt,
    pub(super) folder: PathBuf,
    pub(super) server: Server,
    pub(super) sha256: [u8; 32],
    _scratch: tempfile::TempDir,
}

impl<'a> Contest<'a> {
    /// Sets it up. `rate` limits each connection to the server, in bytes per second.
    pub(super) fn new(
        terms: &'a Terms,
        rate: Option<u64>,
        interrupt: &'a Interrupt,
    ) -> Result<Contest<'a>> {
        let scratch = tempfile::Builder::new()
            .prefix("dobbin-bench-")
            .tempdir_in(&terms.dir)
            .with_context(|| format!("cannot make a folder in {}", terms.dir.display()))?;
        // An absolute path: servers and tools have working folders of their own.
        let folder = scratch.path().canonicalize().context("cannot find the folder just made")?;
        let (served, sha256) = (folder.join("served"), write_source(&folder, terms.size)?);
        let server = Server::start(&served, &folder, rate)?;
        Ok(Contest { terms, interrupt, folder, server, sha256, _scratch: scratch })
    }

    /// A fresh folder.
    pub(super) fn place(&self, prefix: &str) -> Result<tempfile::TempDir> {
        let made = tempfile::Builder::new().prefix(prefix).tempdir_in(&self.folder);
        made.context("cannot make a folder")
    }

    /// All rounds of all tools, in turns. A tool that fails once is not asked again; what it said
    /// is in the second list.
    pub(super) fn measure(&self, tools: Vec<Tool>) -> Result<(Vec<Line>, Vec<String>)> {
        let mut failures = Vec::new();
        let mut entries: Vec<(Tool, Line, bool)> = Vec::new();
        for tool in tools {
            let (name, version, flushes) = (tool.name, tool.version.clone(), tool.flushes);
            entries.push((tool, Line { name, version, flushes, runs: Vec::new() }, true));
        }
        for round in 0..=self.terms.rounds {
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
        let scratch = self.place("scratch-")?;
        let target = self.place("target-")?;
        let runtime = tempfile::tempdir().context("cannot make a folder")?;
        let destination = target.path().join(NAME);
        let url = self.server.url(NAME);
        let mut command = tool.command(&Download {
            url: &url,
            destination: &destination,
            sha256: &self.hex(),
            hints: &self.folder.join(HINTS),
            scratch: scratch.path(),
            runtime: runtime.path(),
        });
        let errors = scratch.path().join("stderr");
        command.stderr(File::create(&errors).context("cannot make a file")?);

        let requests_before_count = self.server.requests_count();
        let patience = Duration::from_secs(self.terms.patience);
        let cost = child::run(&mut command, patience, self.interrupt).with_context(|| {
            let said = fs::read_to_string(&errors).unwrap_or_default();
            format!("it said {:?}", said.trim().lines().last().unwrap_or_default())
        })?;
        let requests_count = self.server.requests_count() - requests_before_count;

        let file = File::open(&destination).context("it left no file")?;
        let began = Instant::now();
        file.sync_all().context("cannot flush its file")?;
        let flush = began.elapsed();
        let size_bytes = file.metadata().context("cannot look at its file")?.len();
        ensure!(size_bytes == self.terms.size, "it delivered {size_bytes} bytes");
        if thorough {
            ensure!(sha256(file)? == self.sha256, "it delivered other bytes");
        }
        Ok(Run { cost, flush, requests_count })
    }

    /// The file's SHA-256 in hexadecimal.
    pub(super) fn hex(&self) -> String {
        hex(&self.sha256)
    }

    /// How it was measured and on what, in two lines.
    pub(super) fn conditions(&self) -> String {
        format!(
            "Medians of {} interleaved rounds, {} bytes, after one to warm up and compare hashes.\n\
             {}; served by {}",
            self.terms.rounds,
            self.terms.size,
            Machine::of(&self.terms.dir),
            self.server.name(),
        )
    }

    /// Progress, on a terminal only.
    pub(super) fn say(&self, round: u32, name: &str) {
        if io::stderr().is_terminal() {
            eprint!("\r\x1b[Kround {round} of {}: {name}", self.terms.rounds);
        }
    }

    pub(super) fn say_nothing(&self) {
        if io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
    }
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of a whole file.
pub(super) fn sha256(mut file: File) -> Result<[u8; 32]> {
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
