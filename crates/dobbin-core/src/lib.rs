//! core
#![no_std]

extern crate alloc;

pub mod limit;
pub mod piece;
pub mod source;
pub mod time;
