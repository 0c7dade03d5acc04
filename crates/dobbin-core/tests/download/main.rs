//! Downloads, proven against the tables of `IDODownload`.
//!
//! `operations` walks the state table, `properties` the table of properties; `portions` shows what
//! happens to ranges, `status` what callers see. Every state is reached by what really leads there.

#![allow(clippy::unwrap_used, reason = "the helpers of tests fail like the tests themselves")]

mod in_place;
mod make;
mod operations;
mod portions;
mod properties;
mod status;
