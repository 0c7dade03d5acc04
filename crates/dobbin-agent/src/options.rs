//! How an agent is set up.

use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use dobbin_engine::{CacheSettings, JobLimits};
use dobbin_platform::paths::{Paths, Scope};
use dobbin_platform::service::sockets_from_activation;
use dobbin_types::rest::AgentMode;

use crate::error::StartError;

/// Everything an agent needs to know before it starts. Complete: there are no defaults beyond
/// [`AgentOptions::user`] and [`AgentOptions::system`].
#[derive(Debug)]
pub struct AgentOptions {
    /// Folder of the journal and of the pieces; made where there is none.
    pub state: PathBuf,
    /// Where callers reach it.
    pub socket: SocketChoice,
    /// Whom it works for: decides who may connect.
    pub scope: Scope,
    /// How long it lives: decides what becomes of jobs that it finds waiting.
    pub mode: AgentMode,
    /// How many jobs, files and ranges callers may have.
    pub limits: JobLimits,
    /// The most that all jobs together may fetch, in bytes a second.
    pub bytes_per_second_max: Option<NonZeroU64>,
    /// Whether programs written for Microsoft's agent for Linux are served too, and how.
    pub compat: Option<CompatOptions>,
    /// Who is asked before origins are.
    pub cache_hosts: CacheSettings,
    /// What it says its version is, as `MAJOR.MINOR.PATCH`.
    pub version: String,
}

/// Where callers reach the agent.
#[derive(Debug)]
pub enum SocketChoice {
    /// At a unix socket that the agent makes here and removes when it ends.
    Path(PathBuf),
    /// At a socket that the service manager made and keeps.
    Activated(UnixListener),
}

/// How programs written for Microsoft's Delivery Optimization agent for Linux are served: over TCP on
/// the loopback address, at a port that a file names.
///
/// Any user of the machine can connect there. See `owners_only`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompatOptions {
    /// Folder of the file that names the port; made where there is none. Those programs look in
    /// [`CompatOptions::RUN_DIR`] and nowhere else.
    pub run_dir: PathBuf,
    /// Folder of that agent's own configuration files (`admin-config.json`, `sdk-config.json`), which
    /// hold here too.
    pub config_dir: PathBuf,
    /// Ports to try, from the first to the last, until one is free.
    pub ports: RangeInclusive<u16>,
    /// Whether a download is there only for the user who created it. Otherwise it is there for
    /// everybody who knows its id, which nobody can guess, as with Microsoft's agent.
    pub owners_only: bool,
}

impl CompatOptions {
    /// Where programs written for Microsoft's agent look for its port.
    pub const RUN_DIR: &'static str = "/var/run/deliveryoptimization-agent";

    /// Where Microsoft's agent has its configuration files, and its clients write theirs.
    pub const CONFIG_DIR: &'static str = "/etc/deliveryoptimization-agent";

    /// The ports that agent tries.
    pub const PORTS: RangeInclusive<u16> = 50_000..=60_999;

    /// As Microsoft's agent does it, with the file of the port in this folder.
    pub fn at(run_dir: PathBuf) -> CompatOptions {
        CompatOptions {
            run_dir,
            config_dir: CompatOptions::CONFIG_DIR.into(),
            ports: CompatOptions::PORTS,
            owners_only: false,
        }
    }
}

impl AgentOptions {
    /// An agent for the user who runs it, at the user's own places.
    ///
    /// # Errors
    ///
    /// [`StartError::NoPlace`]; for [`AgentMode::Service`] also [`StartError::Activation`].
    pub fn user(mode: AgentMode) -> Result<AgentOptions, StartError> {
        AgentOptions::of(Scope::User, mode)
    }

    /// An agent for everybody on the machine.
    ///
    /// # Errors
    ///
    /// [`StartError::NoPlace`], [`StartError::Activation`].
    pub fn system() -> Result<AgentOptions, StartError> {
        AgentOptions::of(Scope::System, AgentMode::Service)
    }

    /// An agent whose places are all given: needs no home folder to find them. A service manager's
    /// socket is not looked for.
    pub fn at(scope: Scope, mode: AgentMode, state: PathBuf, socket: PathBuf) -> AgentOptions {
        AgentOptions {
            state,
            socket: SocketChoice::Path(socket),
            scope,
            mode,
            limits: JobLimits::OFF,
            bytes_per_second_max: None,
            compat: None,
            cache_hosts: CacheSettings::default(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// A service takes the socket that its service manager hands over, if there is one. To be
    /// called before any thread starts: see [`sockets_from_activation`].
    fn of(scope: Scope, mode: AgentMode) -> Result<AgentOptions, StartError> {
        let places = Paths::of_agent(scope)?;
        let handed = match mode {
            AgentMode::Service => sockets_from_activation()
                .map_err(|source| StartError::Activation { source: Some(source) })?,
            // A command may run under somebody else's socket unit; it is not meant.
            AgentMode::Embedded => Vec::new(),
        };
        let socket = choose(handed, places.socket.clone())?;
        Ok(AgentOptions { socket, ..AgentOptions::at(scope, mode, places.state, places.socket) })
    }
}

fn choose(mut handed: Vec<UnixListener>, path: PathBuf) -> Result<SocketChoice, StartError> {
    match (handed.pop(), handed.is_empty()) {
        (None, _) => Ok(SocketChoice::Path(path)),
        (Some(listener), true) => Ok(SocketChoice::Activated(listener)),
        (Some(_), false) => Err(StartError::Activation { source: None }),
    }
}

impl SocketChoice {
    /// The path that callers use; empty for an activated socket without one.
    pub fn path(&self) -> PathBuf {
        match self {
            SocketChoice::Path(path) => path.clone(),
            SocketChoice::Activated(listener) => listener
                .local_addr()
                .ok()
                .and_then(|address| address.as_pathname().map(PathBuf::from))
                .unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_of_the_service_manager_comes_before_our_own_and_two_are_a_mistake() {
        let home = tempfile::tempdir().unwrap();
        let ours = PathBuf::from("/run/dobbin/api.sock");
        let handed = |name: &str| UnixListener::bind(home.path().join(name)).unwrap();

        assert_eq!(choose(Vec::new(), ours.clone()).unwrap().path(), ours);
        let one = choose(vec![handed("one")], ours.clone()).unwrap();
        assert_eq!(one.path(), home.path().join("one"));
        let two = choose(vec![handed("two"), handed("three")], ours);
        assert!(matches!(two, Err(StartError::Activation { source: None })), "{two:?}");
    }
}
