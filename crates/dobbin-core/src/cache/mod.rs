//! Cache hosts: servers of a site that fetch a file from its origin once and give it to everybody there.
//!
//! What the administrator wants of them (`settings`), which of them are left alone for a while (`bans`),
//! and whether a file is asked for there or at its origin (`course`). A cache host is known to have what
//! the origin has, by contract; that it really has is for the file's hashes to tell.
//!
//! Pure: how a URL leads over a cache host is `dobbin_net::cache_host`'s business.

mod bans;
mod course;
mod settings;

pub use bans::{BAN, BANS_MAX, Bans};
pub use course::{Course, Failure, Turn};
pub use settings::{
    CONNECT_TIMEOUT, CacheHost, CacheHosts, DELAY_MAX, Fallback, HOSTS_MAX, HostFault, Settings,
};
