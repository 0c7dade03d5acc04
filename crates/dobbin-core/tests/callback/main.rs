//! The proof of calling programs back: single stories, and whatever may happen in any order.

#![allow(clippy::unwrap_used, clippy::panic)]

mod histories;
mod stories;
mod world;
