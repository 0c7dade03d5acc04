//! Aligned tables.

use anstyle::Style;

use super::{style, text};

/// Between two columns.
const GAP: &str = "  ";

/// A flexible column is not made narrower than this, even if the line is too long then.
const FLEXIBLE_WIDTH_MIN: usize = 8;

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
    /// Text that gives way when the terminal is too narrow. At most one column of a table.
    Flexible,
}

/// A value and how it looks.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A value in a style; cleaned, since it may come from anywhere.
    pub(crate) fn styled(text: impl AsRef<str>, style: Style) -> Cell {
        Cell { text: text::clean(text.as_ref()).into_owned(), style }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell::styled(text, style::PLAIN)
    }
}

/// Rows under titles.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<Cell>>,
}

/// A value behind its name, as a page about one thing has them line by line; the values stand below
/// each other when their names have one `width`.
pub(crate) fn named(name: &str, width: usize, value: &str) -> String {
    let title = style::TITLE;
    format!("{title}{name:<width$}{title:#}{value}")
}

impl Table {
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, which has as many cells as there are columns.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for every column");
        self.rows.push(cells);
    }

    /// The lines, titles first, each at most `width` characters wide if the flexible column can
    /// make it so.
    pub(crate) fn lines(&self, width: Option<usize>) -> Vec<String> {
        let widths = self.widths(width);
        let titles: Vec<Cell> =
            self.columns.iter().map(|(title, _)| Cell::styled(title, style::TITLE)).collect();
        std::iter::once(&titles).chain(&self.rows).map(|row| self.line(row, &widths)).collect()
    }

    fn widths(&self, width: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = (self.columns.iter().enumerate())
            .map(|(index, (title, _))| {
                let cells = self.rows.iter().map(|row| display_width(&row[index].text));
                cells.chain([display_width(title)]).max().unwrap_or(0)
            })
            .collect();
        let flexible = self.columns.iter().position(|(_, align)| *align == Align::Flexible);
        if let (Some(width), Some(flexible)) = (width, flexible) {
            let gaps = GAP.len() * widths.len().saturating_sub(1);
            let others = widths.iter().sum::<usize>() - widths[flexible] + gaps;
            let room = width.saturating_sub(others).max(FLEXIBLE_WIDTH_MIN);
            widths[flexible] = widths[flexible].min(room);
        }
        widths
    }

    fn line(&self, row: &[Cell], widths: &[usize]) -> String {
        let mut line = String::new();
        for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
            if index > 0 {
                line.push_str(GAP);
            }
            let text = console::truncate_str(&cell.text, *width, "…");
            let padding = " ".repeat(width.saturating_sub(display_width(&text)));
            let styled = if cell.style.is_plain() {
                text.into_owned()
            } else {
                format!("{style}{text}{style:#}", style = cell.style)
            };
            match self.columns[index].1 {
                Align::Right => line.push_str(&(padding + &styled)),
                Align::Left | Align::Flexible => line.push_str(&(styled + &padding)),
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

fn display_width(text: &str) -> usize {
    console::measure_text_width(text)
}

/// The width of the terminal that standard output is; nothing where it is none, so that files and
/// pipes get whole values.
pub(crate) fn terminal_width() -> Option<usize> {
    let stdout = console::Term::stdout();
    stdout.is_term().then(|| usize::from(stdout.size().1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rows: &[[&str; 3]], width: Option<usize>, expect: &[&str]) {
        let columns = [("ID", Align::Left), ("SIZE", Align::Right), ("NAME", Align::Flexible)];
        let mut table = Table::new(&columns);
        rows.iter().for_each(|row| table.row(row.iter().map(Cell::from).collect()));
        let lines = table.lines(width);
        let plain = lines.iter().map(|line| anstream::adapter::strip_str(line).to_string());
        assert_eq!(plain.collect::<Vec<_>>(), expect);
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_value() {
        check(
            &[["a", "1", "one"], ["bbb", "12345", "two"]],
            None,
            &["ID    SIZE  NAME", "a        1  one", "bbb  12345  two"],
        );
        check(&[], None, &["ID  SIZE  NAME"]);
    }

    #[test]
    fn the_flexible_column_gives_way_but_not_for_ever() {
        let rows = [["a", "1", "a very long name indeed"]];
        check(&rows, Some(22), &["ID  SIZE  NAME", "a      1  a very long…"]);
        check(&rows, Some(5), &["ID  SIZE  NAME", "a      1  a very …"]);
        check(&rows, Some(80), &["ID  SIZE  NAME", "a      1  a very long name indeed"]);
    }

    #[test]
    fn wide_characters_count_double_and_steering_ones_are_gone() {
        check(
            &[["文字", "1", "x"], ["ab", "2", "\u{1b}[31my"]],
            None,
            &["ID    SIZE  NAME", "文字     1  x", "ab       2  \u{fffd}[31my"],
        );
    }
}
