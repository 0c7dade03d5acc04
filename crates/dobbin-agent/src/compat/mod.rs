//! The REST protocol of Microsoft's Delivery Optimization agent for Linux, for programs that were
//! written for it: they run unchanged.
//!
//! The same downloads as everybody's, over another door. What differs from the agent's own interface:
//! it is TCP on a loopback address, so that any user of the machine can knock; targets without a
//! leading slash; replies that are byte for byte what those programs' parser takes; and downloads
//! whose file the service itself writes at its path. Decides nothing about downloads: every request
//! becomes calls of the engine's handle.
//!
//! A request's way: `connection` (bytes in, replies out, in order) → `request` (where it ends) →
//! `target` (what its words are) → `endpoint` (what is asked) → `calls` (doing it) → `status` (how it
//! looks from here) → `reply` (bytes). Beside it, `administration` follows that agent's own
//! configuration files.

mod admin_config;
mod administration;
mod calls;
mod config_files;
mod connection;
mod endpoint;
mod listen;
mod port_file;
mod reply;
mod request;
mod status;
mod target;

pub(crate) use administration::Administration;
pub(crate) use listen::{Opened, Serving};
