//! The interface for programs written for Microsoft's agent, from their side: a client that speaks
//! exactly as they do and takes nothing that they would not take, and noise for the agent's parser.

mod client;
mod noise;
mod strict;

pub use client::{Client, Refusal, Status};
pub use noise::{Options, Summary, run};
pub use strict::{Reply, Unreadable};
