//! Programs that are called back: against the real engine, and through the client and a real agent.

// Clippy knows the tests by their attribute, and not what they call.
#![allow(clippy::unwrap_used)]

mod engine;
mod faces;
mod site;
