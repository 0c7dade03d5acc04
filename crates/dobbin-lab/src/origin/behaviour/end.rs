//! Replies that end where they should not, or do not end.

use crate::origin::reply::{Cut, Ending, Instead, Reply};

/// How the reply ends, or does not.
///
/// A stalled connection waits, without a clock, until the client leaves or the origin stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// After this many bytes of the body, the connection is closed in good order.
    FinAfter(u64),
    /// After this many bytes of the body, the connection is reset. The reset may overtake bytes
    /// that the client had no room for yet.
    ResetAfter(u64),
    /// After this many bytes of the body, nothing more comes. 0: after the head.
    StallAfter(u64),
    /// Nothing at all comes in answer to the request.
    NoReply,
    /// The connection is closed in answer to the request.
    EmptyReply,
    /// The connection is reset in answer to the request.
    ResetAtOnce,
    /// These bytes instead of a reply; then the connection is closed.
    Garbage(&'static [u8]),
    /// The connection is closed after a whole reply that did not say so.
    CloseUnsaid,
    /// With TLS: the connection, if this reply ends it, ends without `close_notify`.
    NoCloseNotify,
}

impl End {
    pub(super) fn bend(&self, reply: &mut Reply) {
        match self {
            End::FinAfter(bytes) => reply.cut = Some(Cut { bytes: *bytes, ending: Ending::Fin }),
            End::ResetAfter(bytes) => {
                reply.cut = Some(Cut { bytes: *bytes, ending: Ending::Reset });
            }
            End::StallAfter(bytes) => {
                reply.cut = Some(Cut { bytes: *bytes, ending: Ending::Stall });
            }
            End::NoReply => instead(reply, b"", Ending::Stall),
            End::EmptyReply => instead(reply, b"", Ending::Fin),
            End::ResetAtOnce => instead(reply, b"", Ending::Reset),
            End::Garbage(bytes) => instead(reply, bytes, Ending::Fin),
            End::CloseUnsaid => reply.ending = Ending::Fin,
            End::NoCloseNotify => reply.close_notify = false,
        }
    }
}

fn instead(reply: &mut Reply, bytes: &'static [u8], ending: Ending) {
    reply.instead = Some(Instead { bytes, ending });
}
