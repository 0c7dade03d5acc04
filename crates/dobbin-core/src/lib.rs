//! Decisions: what happens to jobs, which bytes to ask whom for, and when.
//!
//! Nothing here acts. Everything is a function of its arguments: events and the time go in, new
//! states and effects come out. The crate is `no_std`, so a clock, a file, a socket, a thread or a
//! hash map (whose order would make two runs differ) cannot even be named.

#![no_std]

extern crate alloc;

pub mod access;
pub mod cache;
pub mod callback;
pub mod cost;
pub mod download;
pub mod job;
pub mod limit;
pub mod piece;
pub mod retry;
pub mod schedule;
pub mod source;
pub mod time;
