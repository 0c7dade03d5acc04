//! Transfers: one file's bytes from its origin into its staging file.
//!
//! A transfer runs on a thread of its own kind (`pool`), away from the loop: control goes per piece,
//! data per byte. It decides nothing about its job; it reports what it finds (`event::News`) and
//! ends.

mod astray;
mod budget;
mod check;
mod connection;
mod crew;
mod end;
mod flush;
mod hash;
pub(crate) mod ledger;
mod manifest;
mod order;
mod pool;
mod reopen;
mod sink;
mod source;
mod sources;
mod stop;
mod stream;
mod task;
mod trouble;
mod whole;
mod work;

pub(crate) use manifest::{kept_name, sha256};
pub(crate) use order::Order;
pub(crate) use pool::Pool;
pub(crate) use source::Source;
pub(crate) use stop::Stop;
pub(crate) use trouble::{chain, fatal, of_disk};
