//! Slowness.

use std::time::Duration;

/// How fast the reply comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pace {
    /// The body comes this many bytes at a time (at least one), with a pause after each.
    Drip(usize, Duration),
    /// The head comes byte by byte, with this pause after each.
    HeadDrip(Duration),
    /// The connection carries this many body bytes a second, counted over all its replies.
    RatePerConnection(u64),
}
