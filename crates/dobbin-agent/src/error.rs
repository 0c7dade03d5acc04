//! Why an agent cannot start, in words for whoever tried to start it.

use std::io;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use dobbin_engine::EngineError;
use dobbin_platform::paths::PathsError;

use crate::ipc::ListenError;

/// Why an agent cannot start. Each message says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The environment names no place for state or socket.
    #[error(transparent)]
    NoPlace(#[from] PathsError),

    /// Another agent has the store. Not a failure for a caller who only wants an agent: that one
    /// answers, or will in a moment.
    #[error(
        "another agent uses the store {}: use that one, stop it first, or choose another state \
         folder",
        store.display()
    )]
    InUse {
        /// The folder.
        store: PathBuf,
        /// Says which process it is, where that is known.
        #[source]
        source: EngineError,
    },

    /// Another agent, or another program, answers at the socket.
    #[error(
        "another agent answers at {}: use that one, stop it first, or choose another socket",
        socket.display()
    )]
    Answered {
        /// The socket.
        socket: PathBuf,
    },

    /// Something that is no socket stands where the socket belongs.
    #[error(
        "{} is in the way of the agent's socket and is left alone because it is no socket: move it \
         or choose another socket",
        path.display()
    )]
    InTheWay {
        /// What stands there.
        path: PathBuf,
    },

    /// The socket cannot be made or used.
    #[error(
        "cannot {what} {}: see that the folder exists and belongs to the agent's user, or choose \
         another socket",
        path.display()
    )]
    Socket {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },

    /// The service manager handed over something else than one unix socket.
    #[error(
        "cannot use the sockets of the service manager: its unit must have exactly one \
         ListenStream= with an absolute path"
    )]
    Activation {
        /// Why not; nothing when it was only their number.
        #[source]
        source: Option<io::Error>,
    },

    /// No port for programs written for Microsoft's agent.
    #[error(
        "cannot listen for programs written for Microsoft's agent on 127.0.0.1, ports {} to {}: free \
         one of them or do not serve such programs",
        ports.start(), ports.end()
    )]
    NoPort {
        /// The ports that were tried.
        ports: RangeInclusive<u16>,
        /// Why not.
        #[source]
        source: io::Error,
    },

    /// The port for those programs cannot be made known to them.
    #[error(
        "cannot {what} {}, where programs written for Microsoft's agent look for its port: see that \
         the folder belongs to the agent's user, or do not serve such programs",
        path.display()
    )]
    PortFile {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },

    /// The engine cannot start: see its own words.
    #[error("cannot open the store {}", store.display())]
    Engine {
        /// The folder.
        store: PathBuf,
        /// Why not.
        #[source]
        source: EngineError,
    },

    /// The system gives no thread, timer or signal.
    #[error("cannot start the agent: the system is out of threads, memory or descriptors")]
    System(#[source] io::Error),
}

impl From<ListenError> for StartError {
    fn from(error: ListenError) -> StartError {
        match error {
            ListenError::Answered(socket) => StartError::Answered { socket },
            ListenError::NoSocket(path) => StartError::InTheWay { path },
            ListenError::Io { what, path, source } => StartError::Socket { what, path, source },
        }
    }
}
