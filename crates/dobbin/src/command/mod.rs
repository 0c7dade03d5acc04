//! What the program's verbs do.

pub(crate) mod completions;
pub(crate) mod downloads;
pub(crate) mod get;
pub(crate) mod jobs;
pub(crate) mod pieces;
pub(crate) mod serve;
pub(crate) mod why;
