//! Programs written for Microsoft's agent, on ours: a client that is as strict as they are, against a
//! real agent and an origin that may misbehave.

#![allow(clippy::unwrap_used, reason = "the helpers of tests fail like the tests themselves")]

mod ends;
mod life;
mod lives;
mod noise;
mod site;
