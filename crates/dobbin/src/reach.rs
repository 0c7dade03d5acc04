//! Finding an agent to talk to, or being one.

use std::path::PathBuf;
use std::time::Duration;

use dobbin_agent::{AgentOptions, Embedded, Scope, SocketChoice, StartError};
use dobbin_sdk::{Address, Error, Manager};
use dobbin_types::rest::AgentMode;
use dobbin_types::{ErrorCode, Uid};
use tokio::time::Instant;

use crate::trouble::Trouble;

/// How long another command may take from claiming the store to answering at its socket.
const START_OF_ANOTHER_MAX: Duration = Duration::from_secs(5);

/// How long an agent that was started to stay may be away while it restarts.
const RESTART_MAX: Duration = Duration::from_secs(10);

/// Pause between two looks at an agent that is about to start.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// The program's version, which agents tell their clients.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the user wants agents to be looked for.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Named on the command line or in the environment: this one and no other.
    socket: Option<PathBuf>,
}

/// Whose agent will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The user's own: it completes jobs by itself, and it has the jobs that one of its kind had.
    Own,
    /// The user's, or else the machine's.
    Any,
}

impl Place {
    /// The socket of `--socket`, else of `$DOBBIN_SOCKET`, else wherever agents usually are.
    pub(crate) fn new(socket: Option<PathBuf>) -> Place {
        let variable = || std::env::var_os("DOBBIN_SOCKET").filter(|path| !path.is_empty());
        Place { socket: socket.or_else(|| variable().map(PathBuf::from)) }
    }

    fn address(&self) -> Address {
        self.socket.clone().map_or(Address::Default, Address::Socket)
    }
}

/// Somebody who answers: an agent that runs, or one inside this command.
#[derive(Debug)]
pub(crate) struct Agent {
    /// The connection.
    pub(crate) manager: Manager,
    /// Whether it was started to stay: neither this command's nor another's.
    pub(crate) stays: bool,
    embedded: Option<Embedded>,
}

impl Agent {
    /// Whether it lives in this very command and leaves with it.
    pub(crate) fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Says goodbye. An agent inside this command stops in good order.
    pub(crate) async fn leave(self) {
        let Some(embedded) = self.embedded else { return };
        // On a thread of its own, so that a second Ctrl-C is still heard. A panic in there has been
        // reported already, and there is nothing left to do about it.
        let _ = tokio::task::spawn_blocking(move || embedded.stop()).await;
    }
}

/// The agent that runs, if one does.
///
/// # Errors
///
/// When the user named a socket and nobody answers there: another agent would have other jobs.
pub(crate) async fn running(place: &Place, whose: Whose) -> Result<Option<Agent>, Trouble> {
    match try_running(place, whose).await {
        Ok(agent) => Ok(agent),
        // Nobody, or one that was just leaving.
        Err(error) if error.is_disconnected() && place.socket.is_none() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn try_running(place: &Place, whose: Whose) -> Result<Option<Agent>, Error> {
    let manager = Manager::connect(place.address()).await?;
    let theirs = place.socket.is_none() && manager.agent_uid() != own_uid();
    if theirs && whose == Whose::Own {
        return Ok(None);
    }
    let stays = manager.agent().await?.mode == AgentMode::Service;
    Ok(Some(Agent { manager, stays, embedded: None }))
}

/// The agent after one that was lost.
///
/// One that was started to stay is given time to come back before this command becomes the agent:
/// it would find its store taken. The machine's cannot be replaced at all, because it has the job.
pub(crate) async fn next_agent(place: &Place, lost: &Agent) -> Result<Agent, Trouble> {
    let patience_ends = Instant::now() + RESTART_MAX;
    let of = lost.manager.agent_uid();
    let is_own = of == own_uid();
    let whose = if is_own { Whose::Own } else { Whose::Any };
    while lost.stays || !is_own || place.socket.is_some() {
        if let Ok(Some(agent)) = try_running(place, whose).await
            && agent.manager.agent_uid() == of
        {
            return Ok(agent);
        }
        if Instant::now() >= patience_ends {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    }
    if !is_own {
        return Err(Trouble::failed("the machine's agent ended while it was fetching")
            .code(ErrorCode::DO_E_NO_SERVICE)
            .remedy("nothing is lost: the same command goes on when it is started again"));
    }
    running_or_embedded(place, whose).await
}

/// The agent that runs, or else one inside this command.
///
/// Commands that start at the same time agree by the store's lock: one of them becomes the agent,
/// the others find its socket a moment later.
pub(crate) async fn running_or_embedded(place: &Place, whose: Whose) -> Result<Agent, Trouble> {
    let patience_ends = Instant::now() + START_OF_ANOTHER_MAX;
    loop {
        if let Some(agent) = running(place, whose).await? {
            return Ok(agent);
        }
        match embed() {
            Ok(embedded) => {
                let address = Address::Socket(embedded.socket().to_owned());
                let manager = Manager::connect(address).await?;
                return Ok(Agent { manager, stays: false, embedded: Some(embedded) });
            }
            Err(StartError::InUse { .. } | StartError::Answered { .. })
                if Instant::now() < patience_ends =>
            {
                tokio::time::sleep(LOOK_AGAIN_AFTER).await;
            }
            Err(error @ StartError::InUse { .. }) => {
                let remedy = "if that one does not answer here, name its socket with --socket";
                return Err(cannot_start(error).remedy(remedy));
            }
            Err(error) => return Err(cannot_start(error)),
        }
    }
}

fn embed() -> Result<Embedded, StartError> {
    let mut options = AgentOptions::user(AgentMode::Embedded)?;
    options.version = VERSION.to_owned();
    Embedded::start(options)
}

/// How `serve` starts: the usual places, unless the user named others.
pub(crate) fn service_options(
    system: bool,
    state: Option<PathBuf>,
    place: &Place,
) -> Result<AgentOptions, Trouble> {
    let mode = AgentMode::Service;
    let mut options = match (state, place.socket.clone()) {
        (Some(state), Some(socket)) => {
            let scope = if system { Scope::System } else { Scope::User };
            AgentOptions::at(scope, mode, state, socket)
        }
        (state, socket) => {
            let usual = if system { AgentOptions::system() } else { AgentOptions::user(mode) };
            let mut options = usual.map_err(cannot_start)?;
            options.state = state.unwrap_or(options.state);
            options.socket = socket.map_or(options.socket, SocketChoice::Path);
            options
        }
    };
    options.version = VERSION.to_owned();
    Ok(options)
}

/// Why there is no agent, in the agent's own words.
pub(crate) fn cannot_start(error: StartError) -> Trouble {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    match error {
        StartError::InUse { .. } | StartError::Answered { .. } => Trouble::busy(message),
        StartError::NoPlace(_)
        | StartError::InTheWay { .. }
        | StartError::Socket { .. }
        | StartError::Activation { .. }
        | StartError::NoPort { .. }
        | StartError::PortFile { .. }
        | StartError::Engine { .. }
        | StartError::System(_) => Trouble::failed(message),
    }
}

/// The user this program acts as.
pub(crate) fn own_uid() -> Uid {
    Uid(rustix::process::geteuid().as_raw())
}
