//! What the program's verbs do.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod downloads;
pub(crate) mod get;
pub(crate) mod jobs;
pub(crate) mod pieces;
pub(crate) mod serve;
pub(crate) mod stand_in;
pub(crate) mod why;
