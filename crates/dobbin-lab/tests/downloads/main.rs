//! Downloads (`IDOManager`, `IDODownload`) on the real engine, against an origin that behaves or does
//! not.

#![allow(clippy::unwrap_used, reason = "the helpers of tests fail like the tests themselves")]

#[path = "../site/mod.rs"]
mod engine;
mod faces;
mod in_place;
mod life;
mod portions;
mod properties;
mod queue;
mod site;
mod states;
