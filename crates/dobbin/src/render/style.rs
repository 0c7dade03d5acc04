//! The colours. `anstream` takes them out where nobody would see them.

use anstyle::{AnsiColor, Style};

/// The word `error:`.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// The word `help:`.
pub(crate) const HELP: Style = AnsiColor::Cyan.on_default();
/// The word `note:`, and what may pass.
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default();
/// What went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Titles of columns and the names of values.
pub(crate) const TITLE: Style = Style::new().bold();
/// What is at rest.
pub(crate) const QUIET: Style = Style::new().dimmed();
/// No style.
pub(crate) const PLAIN: Style = Style::new();
