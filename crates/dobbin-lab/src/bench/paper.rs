//! `bench all`: the whole paper of measurements, with nothing in it that was written by hand.
//!
//! What is said before the figures stands beside the bench that makes them ([`Section`]).

use std::fmt::Write as _;
use std::path::PathBuf;

use super::interrupt::Interrupt;
use super::line::{Report, measure_as};
use super::{http, limited, pace, queue, resume, small, verify};

/// A bench's part of the paper.
#[derive(Debug)]
pub(super) struct Section {
    /// Its heading.
    pub(super) heading: &'static str,
    /// What is measured, how, and what the goal is. No figures but those of the goal.
    pub(super) about: &'static str,
    /// How the bench is called for the paper.
    pub(super) call: &'static [&'static str],
    /// The same in a minute at most, to see that it works.
    pub(super) quick: &'static [&'static str],
}

/// The paper, in its order. A bench that is to be in it has a row here.
pub(super) const SECTIONS: &[&Section] = &[
    &http::SECTION,
    &limited::SECTION,
    &pace::SECTION,
    &resume::SECTION,
    &verify::SECTION,
    &small::SECTION,
    &queue::SECTION,
];

/// Where to measure, and how much.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Where files and stores lie.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    dir: PathBuf,
    /// The dobbin to measure, if not the one beside this program.
    #[arg(long, value_name = "PROGRAM")]
    dobbin: Option<PathBuf>,
    /// Small files and few rounds: figures that mean nothing, in a few minutes.
    #[arg(long)]
    quick: bool,
}

/// What the paper begins with.
const HEAD: &str = "\
# Benchmarks

What was measured, on what, and with which command. Figures without their machine mean nothing; ratios
between programs measured in one run travel better than seconds.

This paper is output, and is not edited. One command writes it anew; each part names the one that makes
that part alone.

```sh
cargo build --release -p dobbin -p dobbin-lab
target/release/dobbin-lab bench all --markdown docs/benchmarks.md
```
";

/// Measures everything. A bench that cannot run is in the failures, and says in its place why.
pub(super) fn report(options: &Options, interrupt: &Interrupt) -> Report {
    let mut paper = Report { text: HEAD.to_owned(), failures: Vec::new() };
    let place = options.dir.to_string_lossy();
    let dobbin = options.dobbin.as_ref().map(|path| path.to_string_lossy());
    for section in SECTIONS {
        let call = if options.quick { section.quick } else { section.call };
        let mut words = [call, &["--dir", &place]].concat();
        if let Some(dobbin) = &dobbin {
            words.extend(["--dobbin", dobbin]);
        }
        let (figures, failures) = match measure_as(&words, interrupt) {
            Ok(report) => (report.text, report.failures),
            Err(error) => (format!("Not measured: {error:#}.\n"), vec![format!("{error:#}")]),
        };
        paper.text.push_str(&introduction(section, call));
        paper.text.push_str(&figures);
        let of = |failure| format!("{}: {failure}", section.heading);
        paper.failures.extend(failures.into_iter().map(of));
    }
    paper
}

/// What stands above a section's figures.
fn introduction(section: &Section, call: &[&str]) -> String {
    let mut text = String::new();
    let (heading, about, call) = (section.heading, section.about, call.join(" "));
    let _ = write!(
        text,
        "\n## {heading}\n\n{about}\n\n```sh\ntarget/release/dobbin-lab bench {call}\n```\n\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAPER: &str = include_str!("../../../../docs/benchmarks.md");

    #[test]
    fn the_paper_was_not_edited_by_hand() {
        assert!(PAPER.starts_with(HEAD));
        let headings = PAPER.lines().filter_map(|line| line.strip_prefix("## "));
        for heading in headings {
            let section = SECTIONS.iter().find(|section| section.heading == heading);
            let section = section.unwrap_or_else(|| panic!("no bench writes {heading:?}"));
            assert!(PAPER.contains(&introduction(section, section.call)), "{heading:?}");
        }
    }

    #[test]
    fn headings_are_told_apart_and_texts_are_prose() {
        for (number, section) in SECTIONS.iter().enumerate() {
            assert!(SECTIONS[..number].iter().all(|other| other.heading != section.heading));
            assert!(!section.about.ends_with('\n') && !section.about.contains("\n## "));
        }
    }
}
