//! What hyper's errors mean.

use std::error::Error;
use std::io;

use h2::Reason;

use super::error::FetchErrorKind;

/// Why a request got no reply.
///
/// Errors of our own connector travel through hyper's as they are and come out the same.
pub(super) fn before_reply(error: &(dyn Error + 'static)) -> FetchErrorKind {
    for cause in chain(error) {
        if let Some(kind) = cause.downcast_ref::<FetchErrorKind>() {
            return kind.clone();
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
                return FetchErrorKind::EmptyReply;
            }
            if error.is_parse() {
                return FetchErrorKind::Malformed;
            }
        }
        if let Some(error) = cause.downcast_ref::<h2::Error>() {
            return over_h2(error, FetchErrorKind::EmptyReply);
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::UnexpectedEof => FetchErrorKind::EmptyReply,
                kind => FetchErrorKind::Broken(kind),
            };
        }
    }
    FetchErrorKind::Malformed
}

/// Whether the origin sends us back to HTTP/1.1 (RFC 9113 §7).
pub(super) fn requires_http1(error: &(dyn Error + 'static)) -> bool {
    let mut reasons = chain(error).filter_map(|cause| cause.downcast_ref::<h2::Error>()?.reason());
    reasons.any(|reason| reason == Reason::HTTP_1_1_REQUIRED)
}

/// Why a body broke off after this many bytes.
pub(super) fn in_body(error: &(dyn Error + 'static), received_bytes: u64) -> FetchErrorKind {
    for cause in chain(error) {
        if let Some(error) = cause.downcast_ref::<h2::Error>() {
            return over_h2(error, FetchErrorKind::Truncated { received_bytes });
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return match error.kind() {
                // The end came before the length, the last chunk, or TLS's own goodbye.
                io::ErrorKind::UnexpectedEof => FetchErrorKind::Truncated { received_bytes },
                // A chunk size that is none, or a TLS record that is none.
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                    FetchErrorKind::Malformed
                }
                kind => FetchErrorKind::Broken(kind),
            };
        }
    }
    // Closed without a cause: nothing more will come.
    FetchErrorKind::Truncated { received_bytes }
}

/// What an error of HTTP/2 means; `ended` if the connection was closed.
fn over_h2(error: &h2::Error, ended: FetchErrorKind) -> FetchErrorKind {
    if let Some(error) = error.get_io() {
        return match error.kind() {
            // With or without TLS's goodbye: the stream has not ended, the connection has.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => ended,
            kind => FetchErrorKind::Broken(kind),
        };
    }
    match (error.is_remote(), error.is_go_away()) {
        (true, true) => FetchErrorKind::Broken(io::ErrorKind::ConnectionAborted),
        (true, false) => FetchErrorKind::Reset,
        // We were the ones who gave up, because what came made no sense.
        (false, _) => FetchErrorKind::Malformed,
    }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}
