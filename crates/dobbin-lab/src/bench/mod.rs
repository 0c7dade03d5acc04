//! Measuring Dobbin beside its peers: same file, same server, same machine, in turns.

mod child;
mod file_server;
pub mod http;
mod interrupt;
mod machine;
mod report;
mod server;
mod size;
mod tool;
