//! A small model of the interface, and random sequences that hold core and a running agent to it.
//!
//! The model knows the tables of [`crate::conformance::tables`] and the timers beside them, and
//! nothing of our code: no attempts, no records, no schedule. Everything random of a sequence follows
//! from its seed, which a disagreement names.

pub mod core;
mod oracle;
mod shape;
