//! The REST interface over a unix socket: sockets, callers, routes, replies and events.

mod accept;
mod actor;
mod callback;
mod content;
mod download;
mod events;
mod handler;
mod json;
mod leave;
mod limit;
mod listen;
mod patience;
mod reply;
mod request;
mod routes;
mod seats;

pub(crate) use accept::accept_until_told;
pub(crate) use download::BYTES;
pub(crate) use leave::{Leave, LeaveSign};
pub(crate) use limit::Limits;
pub(crate) use listen::{ListenError, Listening, SocketFile};
pub(crate) use reply::JSON;
pub(crate) use request::Shared;
pub(crate) use routes::router;
#[cfg(test)]
pub(crate) use routes::table;
