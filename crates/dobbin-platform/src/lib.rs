//! What differs between operating systems, and nothing else.
//!
//! One folder per question. Its `mod.rs` holds the question's words and whatever is the same
//! everywhere; one file per system holds the answer. Only a `mod.rs` chooses between them. Every
//! answer has a form for "the system does not say", and `other.rs` gives it where nobody has
//! written better.
//!
//! Nothing here decides. Whether a job may run without a network, or who may touch whose job, is
//! core's and the agent's business: this crate says what the system says.
//!
//! What the lab and tests of other crates need to pretend has a `fake.rs` beside the systems.

pub mod clock;
pub mod descriptor;
pub mod identity;
pub mod network;
pub mod paths;
pub mod service;
pub mod writeback;

pub use clock::Clock;
pub use network::Network;
pub use paths::{Paths, Scope};
