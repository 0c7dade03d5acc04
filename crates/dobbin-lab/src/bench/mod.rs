//! Measuring Dobbin: beside its peers (same file, same server, same machine, in turns), and alone under
//! a long queue.

mod child;
mod contest;
mod file_server;
mod http;
mod interrupt;
mod latency;
mod limited;
mod line;
mod machine;
mod pace;
mod paper;
mod queue;
mod report;
mod rest;
mod resume;
mod server;
mod size;
mod small;
mod tool;
mod verify;

pub use file_server::FileServer;
pub use line::{Line, run};
