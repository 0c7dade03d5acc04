//! Errors of disk and network, as core and people want to hear of them.

use std::error::Error;
use std::fmt::Write as _;

use dobbin_core::job::Trouble;
use dobbin_core::retry::may_come_back;
use dobbin_net::http::{Class, FetchError};
use dobbin_types::ErrorCode;

/// How much a wait before a retry may be stretched, in thousandths.
const SPREAD_MAX: u16 = 100;

/// A fetch that failed.
pub(super) fn of_fetch(error: &FetchError) -> Trouble {
    Trouble {
        code: error.code(),
        transient: error.class() == Class::Transient,
        extended: None,
        http_status: error.http_status,
        message: chain(error),
        retry_after: error.retry_after,
        spread_thousandths: spread(),
    }
}

/// A request that brought no body; `was_served`: this URL has given the file before.
pub(super) fn of_refusal(error: &FetchError, was_served: bool) -> Trouble {
    let trouble = of_fetch(error);
    let comes_back = error.http_status.is_some_and(|status| may_come_back(status, was_served));
    Trouble { transient: trouble.transient || comes_back, ..trouble }
}

/// A step on the disk that failed. What the machine lacks for now is waited for; everything else is
/// fatal: nothing about it gets better by asking the origin again.
pub(crate) fn of_disk(code: ErrorCode, error: &dyn Error) -> Trouble {
    let message = chain(error);
    if code.is_local_shortage() { passing(code, message) } else { fatal(code, message) }
}

/// Something that will not pass.
pub(crate) fn fatal(code: ErrorCode, message: String) -> Trouble {
    Trouble {
        code,
        transient: false,
        extended: None,
        http_status: None,
        message,
        retry_after: None,
        spread_thousandths: 0,
    }
}

/// Something that may be over at the next try.
pub(super) fn passing(code: ErrorCode, message: String) -> Trouble {
    Trouble { transient: true, spread_thousandths: spread(), ..fatal(code, message) }
}

/// An error and its causes in one line, without saying anything twice.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            // Writing to a string cannot fail.
            let _ = write!(text, ": {words}");
        }
        cause = error.source();
    }
    text
}

/// Chance for core, which has none of its own: a number from 0 to [`SPREAD_MAX`].
pub(super) fn spread() -> u16 {
    let random = uuid::Uuid::new_v4().as_u128() as u16;
    random % (SPREAD_MAX + 1)
}
