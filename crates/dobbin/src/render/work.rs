//! How far the program is with work of its own on a file, for a person at a terminal.

use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget};

use super::amount::{Part, Rate, percent};
use super::bar::{NAME_WIDTH_MAX, gauge, style_of_line};
use super::text;

/// The bar; nothing where nobody would see it.
pub(crate) struct Work {
    line: Option<ProgressBar>,
    name: String,
    total: u64,
    begun: Instant,
}

impl Work {
    /// Work on `total` bytes of a file begins. Drawn on standard error, if that is a terminal and
    /// `shown` says that a person reads.
    pub(crate) fn begin(file: &Path, total: u64, shown: bool) -> Work {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let name = console::truncate_str(&text::clean(&name), NAME_WIDTH_MAX, "…").into_owned();
        let line = (shown && std::io::stderr().is_terminal()).then(|| {
            let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            line.set_style(style_of_line());
            line
        });
        Work { line, name, total, begun: Instant::now() }
    }

    /// So many bytes are done.
    pub(crate) fn tell(&self, have: u64) {
        if let Some(line) = &self.line {
            let rate = Rate::average(have, self.begun.elapsed());
            line.set_message(sentence(&self.name, Part { have, total: self.total }, rate));
        }
    }

    /// It is over: leaves the terminal tidy.
    pub(crate) fn end(self) {
        if let Some(line) = self.line {
            line.finish_and_clear();
        }
    }
}

/// `disk.iso [====>           ] 31 %, 31.0 of 100 MiB, 1.10 GiB/s`.
fn sentence(name: &str, part: Part, rate: Option<Rate>) -> String {
    let gauge = gauge(part.have, part.total);
    let rate = rate.map(|rate| format!(", {rate}")).unwrap_or_default();
    format!("{name} {gauge}{} %, {part}{rate}", percent(part.have, part.total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_how_far_and_how_fast() {
        let part = Part { have: 1 << 20, total: 10 << 20 };
        let shown = sentence("disk.iso", part, Some(Rate(2 << 20)));
        assert_eq!(shown, "disk.iso [=>              ] 10 %, 1.00 of 10.0 MiB, 2.00 MiB/s");
        let nothing = Part { have: 0, total: 0 };
        assert_eq!(sentence("e", nothing, None), "e [================] 100 %, 0 of 0 B");
    }
}
