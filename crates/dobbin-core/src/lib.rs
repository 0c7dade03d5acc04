//! core
#![no_std]

pub mod time;
