//! Answers other than the file: refusals, detours, disguises.

use crate::origin::gzip;
use crate::origin::reply::{Part, Reply};

/// What is answered instead of the file, or around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This status, with a short text as its body. The fields that some statuses need come along.
    Status(u16),
    /// An interim reply of this status (1xx) before the real one.
    Interim(u16),
    /// `Retry-After` with this text.
    RetryAfter(String),
    /// This status, with one `Location` field per text. `{authority}` in a text stands for this
    /// origin's own host and port.
    Redirect(u16, Vec<String>),
    /// The body in gzip, and `Content-Encoding: gzip`, whether or not the client asked for it. For
    /// bodies of at most [`GZIP_BODY_MAX`] bytes.
    Gzip,
    /// A captive portal's: 200, `text/html`, a page that asks to log in.
    Portal,
    /// 200 with these bytes: a file that is not made of a seed.
    Bytes(Vec<u8>),
    /// One more header field.
    Field(&'static str, String),
    /// One field of this many bytes.
    HugeField(usize),
}

/// The largest body that [`Answer::Gzip`] accepts, because it is built in memory.
pub const GZIP_BODY_MAX: u64 = 16 * 1024 * 1024;

/// What a portal says, for whatever was asked.
const PORTAL_PAGE: &str = "<!doctype html><title>Welcome</title><p>Please log in to go on.</p>\n";

impl Answer {
    pub(super) fn bend(&self, reply: &mut Reply) {
        match self {
            Answer::Status(status) => refuse(reply, *status),
            Answer::Interim(status) => reply.interim.push(*status),
            Answer::RetryAfter(text) => reply.set("Retry-After", text.clone()),
            Answer::Redirect(status, locations) => {
                refuse(reply, *status);
                for location in locations {
                    reply.add("Location", location.clone());
                }
            }
            Answer::Gzip => compress(reply),
            Answer::Portal => {
                reply.forget_file(200);
                reply.set("Content-Type", "text/html".to_owned());
                reply.set_body(vec![Part::Bytes(PORTAL_PAGE.as_bytes().to_vec())]);
            }
            Answer::Bytes(bytes) => {
                reply.forget_file(200);
                reply.set_body(vec![Part::Bytes(bytes.clone())]);
            }
            Answer::Field(name, value) => reply.add(name, value.clone()),
            Answer::HugeField(bytes) => reply.add("X-Huge", "h".repeat(*bytes)),
        }
    }
}

/// Turns the reply into one of `status`, with the fields that RFC 9110 demands of it.
fn refuse(reply: &mut Reply, status: u16) {
    let total = reply.total;
    reply.forget_file(status);
    match status {
        401 => reply.set("WWW-Authenticate", "Basic realm=\"lab\"".to_owned()),
        405 => reply.set("Allow", "GET, HEAD".to_owned()),
        407 => reply.set("Proxy-Authenticate", "Basic realm=\"lab\"".to_owned()),
        416 => reply.set("Content-Range", format!("bytes */{total}")),
        _ => {}
    }
    if matches!(status, 204 | 304) {
        reply.body.clear();
        reply.remove("Content-Length");
    } else {
        reply.set("Content-Type", "text/plain".to_owned());
        reply.set_body(vec![Part::Bytes(format!("status {status}\n").into_bytes())]);
    }
}

/// # Panics
///
/// If the body is larger than [`GZIP_BODY_MAX`]: the plan asks for what it may not.
fn compress(reply: &mut Reply) {
    assert!(reply.body_length() <= GZIP_BODY_MAX, "a body too large to be packed in memory");
    let plain: Vec<u8> = reply.body.iter().flat_map(Part::to_bytes).collect();
    reply.set("Content-Encoding", "gzip".to_owned());
    reply.set_body(vec![Part::Bytes(gzip::pack(&plain))]);
}
