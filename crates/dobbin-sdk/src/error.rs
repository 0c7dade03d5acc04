//! Why a call failed.

use std::fmt;
use std::io;
use std::path::PathBuf;

use dobbin_types::rest::Failure;
use dobbin_types::{ErrorCode, PropertyValue};

/// Why a call failed: the agent refused, or could not be asked.
///
/// Messages name no URL: those may carry secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The agent's answer is no. Nothing changed.
    #[error("{}", .0.message)]
    Refused(Failure),

    /// No agent that may be believed answers. Nothing was asked of anybody.
    #[error("no agent answers{}", List(.tried))]
    NoService {
        /// What was tried, in order.
        tried: Vec<Tried>,
    },

    /// The connection ended after the request had begun to leave and before its answer was here.
    /// Whether the agent did what it was asked is unknown; asking for the job's state tells.
    #[error("lost the connection to the agent while {doing}")]
    Lost {
        /// What was being done, such as `creating a job`.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },

    /// The program's own sink takes no more bytes of a download.
    #[error("cannot write what was downloaded")]
    Sink {
        /// What it said.
        #[source]
        source: io::Error,
    },

    /// Whatever answered does not speak version 1 of the interface.
    #[error("did not understand the agent while {doing}: {why}")]
    Protocol {
        /// What was being done.
        doing: &'static str,
        /// What was wrong with the answer.
        why: String,
    },
}

impl Error {
    /// The interface's code for it: the agent's own, `DO_E_NO_SERVICE` when there was nobody to ask
    /// or the connection broke, `E_UNEXPECTED` for an answer that makes no sense.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::Refused(failure) => failure.code,
            Error::NoService { .. } | Error::Lost { .. } => ErrorCode::DO_E_NO_SERVICE,
            Error::Sink { source } => {
                source.raw_os_error().map_or(ErrorCode::E_FAIL, ErrorCode::from_errno)
            }
            Error::Protocol { .. } => ErrorCode::E_UNEXPECTED,
        }
    }

    /// An answer whose property is of another kind than the interface says.
    pub(crate) fn strange(doing: &'static str, value: &PropertyValue) -> Error {
        Error::Protocol { doing, why: format!("the property is {value:?}") }
    }

    /// What to do about it, where the agent or this library knows.
    pub fn remedy(&self) -> Option<&str> {
        match self {
            Error::Refused(failure) => failure.remedy.as_deref(),
            Error::NoService { .. } => Some("start the agent with `dobbin serve`"),
            Error::Sink { .. } => None,
            Error::Lost { .. } => Some("connect again and look at the job"),
            Error::Protocol { .. } => Some("use the same version of agent and client"),
        }
    }

    /// Whether there is no connection any more (or never was one), so that connecting anew may help.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Error::NoService { .. } | Error::Lost { .. })
    }
}

/// A socket at which no agent was found.
#[derive(Debug)]
pub struct Tried {
    /// Where.
    pub socket: PathBuf,
    /// What was found there.
    pub why: Unreachable,
}

/// Why nobody could be asked at a socket.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unreachable {
    /// There is no socket, or nobody listens on it.
    Nobody,
    /// Somebody listens who is neither this user, nor the administrator, nor the machine's agent.
    /// Nothing was sent to them.
    Impostor {
        /// Who.
        uid: u32,
    },
    /// The system refused for another reason.
    System(io::Error),
}

impl From<io::Error> for Unreachable {
    fn from(error: io::Error) -> Unreachable {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Unreachable::Nobody,
            _ => Unreachable::System(error),
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreachable::Nobody => f.write_str("nobody listens"),
            Unreachable::Impostor { uid } => {
                write!(f, "user {uid} listens, who may not be believed")
            }
            Unreachable::System(error) => error.fmt(f),
        }
    }
}

/// `: /a (nobody listens), /b (…)`; empty for nothing tried.
struct List<'a>(&'a [Tried]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, tried) in self.0.iter().enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(f, "{separator}{} ({})", tried.socket.display(), tried.why)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_service() -> Error {
        let system = io::Error::from(io::ErrorKind::PermissionDenied);
        let tried = [
            ("/a", Unreachable::from(io::Error::from(io::ErrorKind::NotFound))),
            ("/b", Unreachable::Impostor { uid: 1001 }),
            ("/c", Unreachable::from(system)),
        ];
        let tried = tried.into_iter().map(|(path, why)| Tried { socket: path.into(), why });
        Error::NoService { tried: tried.collect() }
    }

    #[test]
    fn what_was_tried_is_told_in_order() {
        assert_eq!(
            no_service().to_string(),
            "no agent answers: /a (nobody listens), /b (user 1001 listens, who may not be \
             believed), /c (permission denied)"
        );
        assert_eq!(Error::NoService { tried: vec![] }.to_string(), "no agent answers");
    }

    #[test]
    fn every_failure_has_a_code() {
        #[track_caller]
        fn check(error: Error, code: ErrorCode, disconnected: bool) {
            assert_eq!(error.code(), code, "{error}");
            assert_eq!(error.is_disconnected(), disconnected, "{error}");
        }
        let refused = Failure::of(ErrorCode::DO_E_INVALID_STATE);
        check(Error::Refused(refused), ErrorCode::DO_E_INVALID_STATE, false);
        check(no_service(), ErrorCode::DO_E_NO_SERVICE, true);
        let source = io::Error::from(io::ErrorKind::UnexpectedEof);
        check(Error::Lost { doing: "x", source }, ErrorCode::DO_E_NO_SERVICE, true);
        let nonsense = Error::Protocol { doing: "x", why: "y".to_owned() };
        check(nonsense, ErrorCode::E_UNEXPECTED, false);
    }
}
