//! What is being built while this is written: one line a row. When a row has its test, its line goes.

/// Rows in work, by their ids.
pub(super) const IN_WORK: &[&str] = &[];
