//! Measuring Dobbin: beside its peers (same file, same server, same machine, in turns), and alone under
//! a long queue.

mod child;
mod file_server;
pub mod http;
mod interrupt;
mod latency;
mod machine;
pub mod queue;
mod report;
mod rest;
mod server;
mod size;
mod tool;
