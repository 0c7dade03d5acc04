//! `bench verify`: what it costs to know that a file is right.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use aws_lc_rs::digest;

use super::contest::{Contest, HINTS, NAME, Terms, hex};
use super::interrupt::Interrupt;
use super::line::Report;
use super::paper::Section;
use super::report::{LEGEND, markdown};
use super::tool::{self, CURL, Download, Known, Tool};

/// What to measure, and where.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    terms: Terms,
}

/// Bytes that share a hash.
const PIECE_BYTES: usize = 1024 * 1024;

/// What is known of the file, in the folder of hints.
const PHF: &str = "file.bin.phf";
const METALINK: &str = "file.bin.meta4";

/// The way that needs [`PHF`], which only Dobbin makes.
const BY_PIECES: &str = "dobbin --phf";

/// Those that check; [`CURL`], which does not, comes first.
const CHECKING: [Known; 5] = [
    (BY_PIECES, "dobbin", true, |command, download| {
        command.args(["get", "-q", download.url, "--phf"]).arg(download.hints.join(PHF));
        command.arg("-o").arg(download.destination);
    }),
    ("dobbin --sha256", "dobbin", true, |command, download| {
        command.args(["get", "-q", download.url, "--sha256", download.sha256, "-o"]);
        command.arg(download.destination);
    }),
    ("curl, sha256sum", "sh", false, |command, download| {
        const SCRIPT: &str = "curl -q -fsS -o \"$2\" \"$1\" && \
                              printf '%s  %s\\n' \"$3\" \"$2\" | sha256sum -c --status";
        command.args(["-c", SCRIPT, "sh", download.url]).arg(download.destination);
        command.arg(download.sha256);
    }),
    ("aria2c --checksum", "aria2c", true, |command, download| {
        command.arg(format!("--checksum=sha-256={}", download.sha256));
        tool::aria2(command, download, "1");
    }),
    ("aria2c, metalink", "aria2c", true, by_metalink),
];

fn by_metalink(command: &mut Command, download: &Download<'_>) {
    let folder = download.destination.parent().unwrap_or(Path::new("."));
    command.args(["--no-conf", "-q", "--file-allocation=none", "--check-integrity=true"]);
    command.args(["-x1", "-s1", "-d"]).arg(folder).arg("-M").arg(download.hints.join(METALINK));
}

/// Its place in the paper.
pub(super) const SECTION: Section = Section {
    heading: "A file that is checked",
    about: "\
The same download with every 1 MiB piece checked against a hash (`dobbin publish` wrote Dobbin's, a metalink has
aria2c's), or with the hash of the whole. Ratios are to plain curl, which checks nothing.

Goal: at most the processor time of plain curl, with a piece that is wrong found when it comes.",
    call: &["verify", "--size", "1GiB", "--rounds", "3"],
    quick: &["verify", "--size", "64MiB", "--rounds", "1"],
};

/// Measures.
///
/// Errors and failures as in [`super::http::report`]; a dobbin that publishes no hashes is a failure.
pub(super) fn report(options: &Options, interrupt: &Interrupt) -> Result<Report> {
    let known = [&tool::plain(&[CURL])[..], &CHECKING].concat();
    let mut tools = options.terms.tools(&known)?;
    let contest = Contest::new(&options.terms, None, interrupt)?;
    let hints = contest.folder.join(HINTS);
    let served = contest.folder.join("served").join(NAME);
    fs::create_dir(&hints).context("cannot make a folder for hints")?;
    let metalink = metalink(&served, &contest.server.url(NAME))?;
    fs::write(hints.join(METALINK), metalink).context("cannot write a metalink")?;
    let mut unpublished = None;
    if let Some(ours) = tools.iter().find(|tool| tool.name == BY_PIECES) {
        unpublished = publish(ours, &served, &hints.join(PHF)).err();
    }
    tools.retain(|tool| tool.name != BY_PIECES || unpublished.is_none());
    let (lines, mut failures) = contest.measure(tools)?;
    failures.extend(unpublished.map(|error| format!("{BY_PIECES}: {error:#}")));
    let table = markdown(&lines, CURL, options.terms.size);
    Ok(Report { text: format!("{}.\n\n{table}\n{LEGEND}", contest.conditions()), failures })
}

/// Has Dobbin write the hashes of the file's pieces.
fn publish(dobbin: &Tool, file: &Path, to: &Path) -> Result<()> {
    let mut command = Command::new(&dobbin.program);
    command.arg("publish").arg(file).arg("-o").arg(to);
    command.args(["--piece-size", "1M"]).stdin(Stdio::null());
    let output = command.output().context("cannot start dobbin")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.trim().lines().last().unwrap_or_default();
    ensure!(output.status.success(), "`dobbin publish` failed: {last}");
    Ok(())
}

/// A metalink (RFC 5854) with a hash for each piece.
fn metalink(file: &Path, url: &str) -> Result<String> {
    let mut file = File::open(file).context("cannot read the served file")?;
    let size = file.metadata().context("cannot look at the served file")?.len();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <metalink xmlns=\"urn:ietf:params:xml:ns:metalink\">\n<file name=\"{NAME}\">\n\
         <size>{size}</size>\n<pieces length=\"{PIECE_BYTES}\" type=\"sha-256\">\n"
    );
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    loop {
        piece.clear();
        let read = file.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece);
        if read.context("cannot read the served file")? == 0 {
            break;
        }
        let digest = digest::digest(&digest::SHA256, &piece);
        let _ = writeln!(text, "<hash>{}</hash>", hex(digest.as_ref()));
    }
    let _ = write!(text, "</pieces>\n<url>{url}</url>\n</file>\n</metalink>\n");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metalink_has_a_hash_for_each_piece_the_last_one_included() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        fs::write(&path, vec![0; PIECE_BYTES + 3]).unwrap();
        let text = metalink(&path, "http://127.0.0.1/file.bin").unwrap();
        let hashes: Vec<&str> = text.lines().filter(|line| line.starts_with("<hash>")).collect();
        // Of a MiB of zeros, and of three zeros.
        let first = "30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58";
        let last = "709e80c88487a2411e1ee4dfb9f22a861492d20c4765150c0c794abd70f8147c";
        assert_eq!(hashes, [first, last].map(|hash| format!("<hash>{hash}</hash>")));
        assert!(text.contains(&format!("<size>{}</size>", PIECE_BYTES + 3)));
    }
}
