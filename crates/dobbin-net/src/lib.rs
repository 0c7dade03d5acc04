//! Dobbin's reach over the network: HTTP sources and the pace at which they are read.
//!
//! Nothing here decides what to fetch, when, or whether to try again; it fetches exactly what it was
//! told, refuses whatever is not exactly that, and says why. It writes no file.

pub mod cache_host;
pub mod http;
pub mod throttle;
