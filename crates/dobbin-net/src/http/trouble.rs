//! What hyper's errors mean.

use std::error::Error;
use std::io;

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
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::UnexpectedEof => FetchErrorKind::EmptyReply,
                kind => FetchErrorKind::Broken(kind),
            };
        }
    }
    FetchErrorKind::Malformed
}

/// Why a body broke off after this many bytes.
pub(super) fn in_body(error: &(dyn Error + 'static), received_bytes: u64) -> FetchErrorKind {
    for cause in chain(error) {
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

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}
