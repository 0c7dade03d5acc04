//! The tools that are measured, and how each is asked for the same thing.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One download, as a tool needs to know it.
#[derive(Debug)]
pub(super) struct Download<'a> {
    pub(super) url: &'a str,
    /// Where the file shall be. Nothing is there yet.
    pub(super) destination: &'a Path,
    /// Its SHA-256 in hexadecimal.
    pub(super) sha256: &'a str,
    /// Where a contest keeps what is known of the file besides; the contest's tools know the names.
    pub(super) hints: &'a Path,
    /// A fresh folder for whatever the tool keeps beside.
    pub(super) scratch: &'a Path,
    /// A fresh folder with a short path, for sockets.
    pub(super) runtime: &'a Path,
}

/// A tool in one of its ways of working.
#[derive(Debug)]
pub(super) struct Tool {
    /// As the table calls it.
    pub(super) name: &'static str,
    pub(super) program: PathBuf,
    /// What it says of its version.
    pub(super) version: String,
    /// Whether the file has reached the disk when it exits.
    pub(super) flushes: bool,
    arguments: Arguments,
}

/// Tells a command what to download.
pub(super) type Arguments = fn(&mut Command, &Download<'_>);

/// A way to download: its name, the program, whether that flushes (as system call traces show), and
/// the arguments. Configuration files of the user are kept out of it; so is everything that would be
/// printed.
pub(super) type Known = (&'static str, &'static str, bool, Arguments);

/// The plain ways: an address and a place are all they are given.
const PLAIN: [Known; 8] = [
    ("dobbin", "dobbin", true, |command, download| {
        command.args(["get", "-q", download.url, "-o"]).arg(download.destination);
    }),
    (CURL, "curl", false, |command, download| {
        command.args(["-q", "-fsS", "-o"]).arg(download.destination).arg(download.url);
    }),
    ("wget", "wget", false, |command, download| {
        command.args(["--no-config", "-q", "-O"]).arg(download.destination).arg(download.url);
    }),
    ("wget2", "wget2", false, |command, download| {
        command.args(["--no-config", "-q", "-O"]).arg(download.destination).arg(download.url);
    }),
    ("aria2c -x1", "aria2c", true, |command, download| aria2(command, download, "1")),
    ("aria2c -x4", "aria2c", true, |command, download| aria2(command, download, "4")),
    ("aria2c -x16", "aria2c", true, |command, download| aria2(command, download, "16")),
    ("axel -n16", "axel", false, |command, download| {
        command.args(["-q", "-n", "16", "-o"]).arg(download.destination).arg(download.url);
    }),
];

/// The plain ways of these names, in their order.
pub(super) fn plain(names: &[&str]) -> Vec<Known> {
    names.iter().filter_map(|name| PLAIN.iter().find(|known| known.0 == *name)).copied().collect()
}

/// What the others are compared with.
pub(super) const CURL: &str = "curl";

pub(super) fn aria2(command: &mut Command, download: &Download<'_>, connections: &str) {
    let folder = download.destination.parent().unwrap_or(Path::new("."));
    let name = download.destination.file_name().unwrap_or_default();
    command.args(["--no-conf", "-q", "--file-allocation=none", "--allow-overwrite=true", "-k1M"]);
    command.args(["-x", connections, "-s", connections, "-d"]).arg(folder);
    command.arg("-o").arg(name).arg(download.url);
}

impl Tool {
    /// Those of the known tools that are installed. `dobbin` overrides where ours is.
    pub(super) fn installed(dobbin: Option<&Path>, known: &[Known]) -> Vec<Tool> {
        let known = known.iter().filter_map(|(name, program, flushes, arguments)| {
            let program = match *program {
                "dobbin" => find_dobbin(dobbin)?,
                other => in_path(other)?,
            };
            let version = version(&program);
            Some(Tool { name, program, version, flushes: *flushes, arguments: *arguments })
        });
        known.collect()
    }

    /// The command that makes this download, with nothing of the user's in its environment.
    pub(super) fn command(&self, download: &Download<'_>) -> Command {
        let mut command = bare(&self.program);
        command
            .current_dir(download.scratch)
            .env("HOME", download.scratch)
            .env("XDG_STATE_HOME", download.scratch.join("state"))
            .env("XDG_CONFIG_HOME", download.scratch.join("config"))
            .env("XDG_CACHE_HOME", download.scratch.join("cache"))
            .env("XDG_RUNTIME_DIR", download.runtime)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        (self.arguments)(&mut command, download);
        command
    }
}

/// `program` with an environment that names no proxy and no configuration.
fn bare(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C");
    command
}

/// The one named, else the one built beside this program, else the one installed.
fn find_dobbin(named: Option<&Path>) -> Option<PathBuf> {
    if let Some(named) = named {
        return named.canonicalize().ok();
    }
    let beside = env::current_exe().ok().and_then(|own| Some(own.parent()?.join("dobbin")));
    beside.filter(|path| path.is_file()).or_else(|| in_path("dobbin"))
}

/// Where the shell would find `program`.
pub(super) fn in_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    // Debian keeps servers where an ordinary user's path does not lead.
    let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

/// The first line of `--version`, up to a parenthesis or a dash: what follows is no version.
fn version(program: &Path) -> String {
    let output = bare(program).arg("--version").stdin(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let line = text.unwrap_or_default().lines().next().unwrap_or("unknown").to_owned();
    let short = line.split(" (").next().and_then(|part| part.split(" - ").next());
    short.unwrap_or_default().to_owned()
}
