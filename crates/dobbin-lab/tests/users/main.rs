//! An agent of one user and callers of another: who writes what, whose it is, and what the worst of
//! callers can do.
//!
//! Run as root these tests make agents and callers of throw-away user numbers. As anybody else they
//! cannot, and say so.

// Helpers unwrap too: whatever fails here is the test's own failure.
#![allow(clippy::unwrap_used)]

mod complete;
mod hostile;
mod modes;
mod racer;
mod stage;
mod words;
