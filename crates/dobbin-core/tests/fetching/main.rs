//! The proof that a file is fetched quickly with no more connections than it takes: links and servers,
//! millisecond by millisecond.

#![allow(clippy::unwrap_used)]

mod links;
mod world;
