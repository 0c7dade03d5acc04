//! Lies about how long the body is (RFC 9112 §6).

use crate::origin::reply::{Coding, Ending, Part, Reply};

/// How long the body is said to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Length {
    /// `Content-Length` promises this many bytes more than come; then the connection ends.
    Longer(u64),
    /// `Content-Length` promises this many bytes fewer than come. What comes too much lies on the
    /// connection where the next reply should begin.
    Shorter(u64),
    /// `Content-Length` holds this text instead of the number; then the connection ends.
    Text(&'static str),
    /// Nothing says the length: the end of the connection is the end of the body.
    Unsaid,
    /// Chunked, correctly, in chunks of this many bytes.
    Chunked(usize),
    /// Chunked, but the connection ends before the last chunk.
    ChunkedCut,
    /// Chunked, but this text stands where the second chunk's size should.
    ChunkSize(&'static str),
    /// Two `Content-Length` fields, the second this many bytes larger.
    Two(u64),
    /// `Content-Length` and `Transfer-Encoding: chunked` together; the body is chunked.
    AndChunked,
    /// This many bytes follow the body on the same connection, where the next reply should begin.
    Extra(usize),
    /// The reply is HTTP/1.0: no connection is kept.
    Http10,
}

/// The size of chunks where a behaviour does not name it: small, so that small files have several.
const CHUNK_BYTES: usize = 1000;

impl Length {
    pub(super) fn bend(&self, reply: &mut Reply) {
        let length = reply.body_length();
        match self {
            Length::Longer(more) => {
                reply.set("Content-Length", (length + more).to_string());
                reply.ending = Ending::Fin;
            }
            Length::Shorter(fewer) => {
                reply.set("Content-Length", length.saturating_sub(*fewer).to_string());
            }
            Length::Text(text) => {
                reply.set("Content-Length", (*text).to_owned());
                reply.ending = Ending::Fin;
            }
            Length::Unsaid => {
                reply.remove("Content-Length");
                reply.close();
            }
            Length::Chunked(size) => chunked(reply, Coding::chunked(*size)),
            Length::ChunkedCut => {
                chunked(reply, Coding::Chunked { size: CHUNK_BYTES, last: false, second: None });
                reply.ending = Ending::Fin;
            }
            Length::ChunkSize(text) => {
                let second = Some(*text);
                chunked(reply, Coding::Chunked { size: CHUNK_BYTES, last: true, second });
                reply.ending = Ending::Fin;
            }
            Length::Two(more) => reply.add("Content-Length", (length + more).to_string()),
            Length::AndChunked => {
                chunked(reply, Coding::chunked(CHUNK_BYTES));
                reply.set("Content-Length", length.to_string());
            }
            Length::Extra(count) => reply.after_body = Some(Part::Bytes(vec![b'!'; *count])),
            Length::Http10 => {
                reply.version = "HTTP/1.0";
                reply.close();
            }
        }
    }
}

fn chunked(reply: &mut Reply, coding: Coding) {
    reply.remove("Content-Length");
    reply.set("Transfer-Encoding", "chunked".to_owned());
    reply.coding = coding;
}
