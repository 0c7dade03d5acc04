//! The socket for open files: callers whom the agent cannot write for have their files filled.
//!
//! Each connection hands over one job and is served by a thread of its own, because a caller's file
//! may hang for as long as the caller likes. A user's files hold up that user's threads and nobody
//! else's.

mod accept;
mod channel;
mod serve;

pub(crate) use accept::{Desk, accept_until_told};
