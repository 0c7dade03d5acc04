//! An origin server that can lie: it serves any amount of known bytes and misbehaves on command.
//!
//! ```
//! use dobbin_lab::origin::{Content, End, Origin, Plan, Route, When};
//!
//! let file = Content::new(1, 1_000_000);
//! let cut_once = Route::honest(file).when(When::First(1), End::FinAfter(1000));
//! let origin = Origin::start(Plan::new().route("/file", cut_once));
//! let url = origin.url("/file"); // for the client under test
//! # assert!(url.starts_with("http://127.0.0.1:"));
//! assert!(origin.requests().is_empty());
//! ```

mod behaviour;
mod content;
mod date;
mod gzip;
mod halt;
mod log;
mod plan;
mod reply;
mod request;
mod server;
mod tls;
mod wire;

pub use behaviour::{Answer, Behaviour, End, GZIP_BODY_MAX, Length, Pace, Ranges, Version};
pub use content::Content;
pub use date::http_date;
pub use log::{EXCHANGES_MAX, Exchange, Outcome};
pub use plan::{Plan, Route, When};
pub(crate) use reply::{Asked, asked};
pub use reply::{NEW_DATE, OLD_DATE};
pub use request::Request;
pub(crate) use request::RequestReader;
pub use server::{CONNECTIONS_MAX, Origin};
pub use tls::Identity;
