//! The client's face, shown to an agent that follows a script.

#![allow(clippy::unwrap_used, reason = "the helpers of tests fail like the tests themselves")]

mod agent;
mod callbacks;
mod calls;
mod connection;
mod events;
