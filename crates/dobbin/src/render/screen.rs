//! The face of `dobbin get` while it waits: one of four, by who looks.

use std::io::IsTerminal as _;
use std::time::Duration;

use dobbin_types::rest::{Event, JobInfo};

use super::bar::Bar;
use super::json::Lines;
use super::plain::Plain;

/// What is fetched, as the person named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Title {
    /// What it is called where there is little room.
    pub(crate) name: String,
    /// Where from: host and name.
    pub(crate) from: String,
    /// Where to, as it will be shown in the end.
    pub(crate) to: String,
}

/// How it ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Saved {
    /// The job that fetched it.
    pub(crate) job: dobbin_types::JobId,
    /// What it is, for a person: a file's name, or how many there are.
    pub(crate) what: String,
    /// Where the files are.
    pub(crate) local_names: Vec<String>,
    /// All bytes of all files.
    pub(crate) bytes: u64,
    /// Those that this command saw arriving; the others were here before.
    pub(crate) bytes_fetched: u64,
    /// How long the command took.
    pub(crate) elapsed: Duration,
}

/// Shows what happens to one job. Never fails: a screen that cannot be written to is no reason to
/// stop fetching.
pub(crate) trait Screen {
    /// How often it wants a new picture of the job besides the events.
    fn period(&self) -> Duration;
    /// The job is about to move; `continued` if a part of it was here before.
    fn begin(&mut self, title: &Title, job: &JobInfo, continued: bool);
    /// Something happened.
    fn event(&mut self, event: &Event);
    /// A new picture.
    fn picture(&mut self, job: &JobInfo);
    /// A sentence about what the command does.
    fn note(&mut self, text: &str);
    /// All files are here and under their names.
    fn saved(&mut self, saved: &Saved);
    /// Nothing more will be shown, for whatever reason: leaves the terminal tidy.
    fn end(&mut self);
}

/// The screen for these wishes: JSON lines, nothing, a bar on a terminal, else plain lines.
pub(crate) fn choose(json: bool, quiet: bool) -> Box<dyn Screen> {
    if json {
        Box::new(Lines)
    } else if quiet {
        Box::new(Quiet)
    } else if std::io::stderr().is_terminal() {
        Box::new(Bar::new())
    } else {
        Box::new(Plain::new())
    }
}

/// Shows nothing.
struct Quiet;

impl Screen for Quiet {
    fn period(&self) -> Duration {
        Duration::from_secs(1)
    }
    fn begin(&mut self, _: &Title, _: &JobInfo, _: bool) {}
    fn event(&mut self, _: &Event) {}
    fn picture(&mut self, _: &JobInfo) {}
    fn note(&mut self, _: &str) {}
    fn saved(&mut self, _: &Saved) {}
    fn end(&mut self) {}
}

/// `saved disk.iso, 100 MiB in 19 s (5.20 MiB/s)`.
pub(crate) fn saved_sentence(saved: &Saved) -> String {
    use super::amount::{Bytes, Rate, Span};

    let what = super::text::clean(&saved.what);
    let (bytes, span) = (Bytes(saved.bytes), Span(saved.elapsed));
    match Rate::average(saved.bytes_fetched, saved.elapsed) {
        Some(rate) if saved.bytes_fetched > 0 => {
            format!("saved {what}, {bytes} in {span} ({rate})")
        }
        _ => format!("saved {what}, {bytes}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sentence_names_size_time_and_rate() {
        let mut saved = Saved {
            job: "0f0d3b2e-5a0e-4d9c-8f4b-1c2f3a4b5c6d".parse().unwrap(),
            what: "disk.iso".to_owned(),
            local_names: vec!["/d/disk.iso".to_owned()],
            bytes: 100 << 20,
            bytes_fetched: 50 << 20,
            elapsed: Duration::from_secs(10),
        };
        assert_eq!(saved_sentence(&saved), "saved disk.iso, 100 MiB in 10 s (5.00 MiB/s)");
        saved.bytes_fetched = 0;
        assert_eq!(saved_sentence(&saved), "saved disk.iso, 100 MiB");
    }
}
