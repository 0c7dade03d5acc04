//! Writing to standard output, where a reader may leave early.

use std::io::{self, Write as _};

use serde::Serialize;

use super::table::{Table, terminal_width};

/// Writes `text` and a line feed.
///
/// A reader that left, such as `head`, is no failure: the program ends, quietly, because nobody
/// wants the rest.
pub(crate) fn line(text: &str) {
    let mut stdout = anstream::stdout().lock();
    let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    end_without_reader(written);
}

/// Writes `value` as JSON on a line of its own.
pub(crate) fn json(value: &impl Serialize) {
    // Not through anstream: JSON has no colours, and its strings may hold anything.
    let mut stdout = io::stdout().lock();
    let written = serde_json::to_writer(&mut stdout, value)
        .map_err(io::Error::from)
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    end_without_reader(written);
}

/// Writes a list: each item as JSON for programs; for people a table, or the word for nothing (`none`,
/// on standard error, so that a pipe stays empty).
pub(crate) fn list<T: Serialize>(
    items: &[T],
    json: bool,
    none: &str,
    table: impl FnOnce(&[T]) -> Table,
) {
    if json {
        items.iter().for_each(self::json);
    } else if items.is_empty() {
        anstream::eprintln!("{none}");
    } else {
        line(&table(items).lines(terminal_width()).join("\n"));
    }
}

fn end_without_reader(written: io::Result<()>) {
    if let Err(error) = written {
        if error.kind() != io::ErrorKind::BrokenPipe {
            anstream::eprintln!("error: cannot write to standard output: {error}");
        }
        // What shells report for a program that wrote into a closed pipe.
        std::process::exit(141);
    }
}
