//! What the network itself does to a transfer: packets that are lost, reset, too large or slow, names
//! that lead nowhere, servers that freeze. On the real engine, across a real link.
//!
//! Each test makes two network namespaces with a link between them and nothing else, so that nothing
//! leaves this machine and nothing is left behind. That takes root and a few tools; without them each
//! test says loudly that it did not run.

// Helpers unwrap too: whatever fails here is the test's own failure.
#![allow(clippy::unwrap_used)]

mod life;
mod names;
mod packets;
#[path = "../site/mod.rs"]
mod site;
mod stage;
mod stopped;
mod zone;
