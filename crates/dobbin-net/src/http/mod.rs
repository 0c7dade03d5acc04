//! One HTTP origin as a source of byte ranges.
//!
//! [`Client::open`] asks, follows redirects within the rules, checks that the reply is what was asked
//! for, and hands out a [`Body`] that ends in the right place or in an error. What comes of an error
//! is in its [`FetchError::code`] and [`FetchError::class`].
//!
//! HTTP/1.1 where the origin speaks it; HTTP/2, inside TLS, where it speaks nothing else. The same
//! rules hold for both.

mod body;
mod client;
mod connect;
mod dial;
mod digest;
mod error;
mod first_bytes;
mod link;
mod network;
mod pools;
mod protocol;
mod proxy;
mod range;
mod redirect;
mod reply;
mod request;
mod response;
mod retry_after;
mod settings;
mod socks;
mod stall;
mod tls;
mod trouble;
mod tunnel;
mod validator;
mod wire;

#[cfg(test)]
mod tests;

pub use body::Body;
pub use client::{Client, literal_reach};
pub use error::{Class, FetchError, FetchErrorKind, HeaderText};
pub use link::{DUPLICATES_MAX, Duplicate};
pub use network::{Network, Pending, SystemNetwork};
pub use pools::SleptSoFar;
pub use proxy::ProxyRules;
pub use range::{ContentRange, RangeFault};
pub use redirect::RedirectFault;
pub use request::{Request, is_reserved};
pub use response::{Extent, HEADER_TEXT_BYTES_MAX, Response};
pub use retry_after::RETRY_AFTER_MAX;
pub use settings::{HttpSettings, StallRule};
pub use tls::{RootsError, certificates_from_pem};
pub use validator::Validator;
