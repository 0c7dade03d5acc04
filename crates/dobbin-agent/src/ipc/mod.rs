//! The REST interface over a unix socket: sockets, callers, routes, replies and events.

mod accept;
mod actor;
mod callback;
mod content;
mod download;
mod events;
mod handler;
mod handover;
mod incoming;
mod json;
mod leave;
mod limit;
mod listen;
mod patience;
mod property;
mod reply;
mod request;
mod routes;
mod seats;
mod tokens;

pub(crate) use accept::accept_until_told;
pub(crate) use actor::{at_other_end_of_tcp, in_the_name_of, nobody};
pub(crate) use download::BYTES;
pub(crate) use handover::{Desk, accept_until_told as hand_over_until_told};
pub(crate) use incoming::serve_until_told;
pub(crate) use leave::{Leave, LeaveSign};
pub(crate) use limit::{HEAD_BYTES_MAX, HEADER_FIELDS_MAX, Limits};
pub(crate) use listen::{ListenError, Listening, SocketFile, files_socket_name};
pub(crate) use patience::{Patient, Turn};
pub(crate) use reply::JSON;
pub(crate) use request::{FilesDoor, Shared};
pub(crate) use routes::router;
#[cfg(test)]
pub(crate) use routes::{Route, table};
pub(crate) use seats::Seats;
pub(crate) use tokens::Tokens;
