//! The proof of sharing slots: a queue whose jobs come, work and go, second by second.

#![allow(clippy::unwrap_used, clippy::panic)]

mod histories;
mod shares;
mod world;
