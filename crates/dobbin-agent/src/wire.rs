//! An agent put together: engine, socket and router, and the order in which they begin and end.

use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dobbin_engine::{
    CacheSettings, Engine, EngineError, EngineOptions, HttpSettings, JobLimits, Recover,
};
use dobbin_platform::Scope;
use dobbin_platform::identity::own_uid;
use dobbin_types::ErrorCode;
use dobbin_types::rest::{AgentInfo, AgentMode};
use tokio::task::JoinHandle;

use crate::compat::{self, Administration};
use crate::error::StartError;
use crate::ipc::{
    self, Desk, FilesDoor, Leave, LeaveSign, Limits, Listening, Shared, SocketFile, Tokens,
    accept_until_told, files_socket_name, hand_over_until_told,
};
use crate::options::{AgentOptions, CompatOptions, SocketChoice};

/// How long requests that are being served have when the agent leaves.
pub(crate) const REQUESTS_GRACE: Duration = Duration::from_secs(2);

/// How long the engine has to flush and commit when the agent leaves.
const ENGINE_GRACE: Duration = Duration::from_secs(3);

// What is promised to service managers and to users: leaving takes at most 5 s.
const _: () = assert!(REQUESTS_GRACE.as_millis() + ENGINE_GRACE.as_millis() <= 5_000);

/// An agent that answers.
pub(crate) struct Agent {
    engine: Engine,
    sign: LeaveSign,
    accepting: JoinHandle<()>,
    file: Option<SocketFile>,
    files: Option<(JoinHandle<()>, Option<SocketFile>)>,
    administration: Option<Administration>,
    compat: Option<compat::Serving>,
    socket: PathBuf,
}

impl Agent {
    /// Starts an agent on the current runtime; when this returns, its socket answers.
    ///
    /// The store comes first: whoever has it is the agent, and a stale socket is only removed by an
    /// agent. May block while the engine reads its journal.
    pub(crate) async fn start(options: AgentOptions, limits: Limits) -> Result<Agent, StartError> {
        let AgentOptions {
            state,
            socket: choice,
            scope,
            mode,
            limits: job_limits,
            bytes_per_second_max,
            compat,
            cache_hosts,
            version,
        } = options;
        let socket = choice.path();
        let administration = compat
            .as_ref()
            .map(|compat| Administration::read(&compat.config_dir, cache_hosts.clone()));
        let cache_hosts = administration.as_ref().map_or(cache_hosts, Administration::cache_hosts);
        let engine = start_engine(state.clone(), mode, job_limits, cache_hosts, &version)?;
        engine.limit_rate(bytes_per_second_max);
        let doors = match open_doors(choice, scope, compat.as_ref()).await {
            Ok(doors) => doors,
            Err(error) => {
                stop_engine(engine);
                return Err(error);
            }
        };
        let (Listening { listener, file }, compat) = doors;
        let (sign, leave) = LeaveSign::new();
        let compat = compat.zip(administration.as_ref()).map(|(opened, administration)| {
            let remote = administration.remote();
            opened.serve(engine.handle(), remote, limits, leave.clone(), REQUESTS_GRACE)
        });
        let opened = open_files(&socket, scope, &engine, limits, leave.clone()).await;
        let (door, files) = opened.unzip();
        let info = AgentInfo {
            version,
            mode,
            pid: process::id(),
            uid: own_uid(),
            store: state.to_string_lossy().into_owned(),
        };
        let router = ipc::router(Shared {
            engine: engine.handle(),
            info: Arc::new(info),
            limits,
            files: door,
            leave: Leave::clone(&leave),
        });
        let accepting =
            tokio::spawn(accept_until_told(listener, router, limits, leave, REQUESTS_GRACE));
        tracing::info!(socket = %socket.display(), store = %state.display(), ?mode, "agent ready");
        Ok(Agent { engine, sign, accepting, file, files, administration, compat, socket })
    }

    /// Where callers reach it.
    pub(crate) fn socket(&self) -> &PathBuf {
        &self.socket
    }

    /// When [`Agent::look_at_configuration`] is due; `None` where no file is watched.
    pub(crate) fn configuration_due(&self) -> Option<Instant> {
        self.administration.as_ref().map(Administration::due)
    }

    /// Follows the files that may change while the agent runs. Blocks for two small reads.
    pub(crate) fn look_at_configuration(&mut self) {
        if let Some(administration) = &mut self.administration {
            administration.look(Instant::now(), &self.engine.handle());
        }
    }

    /// The same at once, because somebody asks for it.
    pub(crate) fn reload_configuration(&mut self) {
        match &mut self.administration {
            Some(administration) => administration.reload(&self.engine.handle()),
            None => tracing::info!("configuration is read at the start, and not again"),
        }
    }

    /// Leaves in order, within 5 s: no new callers, requests end, event streams end, the engine
    /// flushes and commits, the socket goes. May block while the engine does its part.
    pub(crate) async fn stop(self) {
        let Agent { engine, sign, accepting, file, files, administration: _, compat, socket: _ } =
            self;
        sign.give();
        if let Some(compat) = compat {
            compat.stop().await;
        }
        if let Err(error) = accepting.await {
            tracing::error!(%error, "accepting ended in a panic");
        }
        let files_file = match files {
            Some((serving, file)) => {
                if let Err(error) = serving.await {
                    tracing::error!(%error, "serving open files ended in a panic");
                }
                file
            }
            None => None,
        };
        stop_engine(engine);
        drop(files_file);
        // Last, because its lock keeps a next agent away until the store is free.
        drop(file);
        tracing::info!("agent gone");
    }
}

/// The socket, and the port where programs written for Microsoft's agent are served. The socket first:
/// whoever has it may say where that port is.
async fn open_doors(
    socket: SocketChoice,
    scope: Scope,
    compat: Option<&CompatOptions>,
) -> Result<(Listening, Option<compat::Opened>), StartError> {
    let listening = match socket {
        SocketChoice::Path(path) => Listening::at(&path, scope).await.map_err(StartError::from),
        SocketChoice::Activated(socket) => Listening::activated(socket)
            .map_err(|source| StartError::Activation { source: Some(source) }),
    }?;
    let opened = match compat {
        Some(options) => Some(compat::Opened::at(options).await?),
        None => None,
    };
    Ok((listening, opened))
}

/// Serves open files at a socket beside the interface's.
///
/// Without it the agent does all but complete other users' jobs, so a folder in which no second
/// socket can be made is a warning.
async fn open_files(
    socket: &Path,
    scope: Scope,
    engine: &Engine,
    limits: Limits,
    leave: Leave,
) -> Option<(FilesDoor, (JoinHandle<()>, Option<SocketFile>))> {
    let listening = Listening::beside(socket, scope).await.map_err(StartError::from);
    let Listening { listener, file } = listening
        .inspect_err(|error| {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(%error, cause, "no socket for open files");
        })
        .ok()?;
    let tokens = Tokens::default();
    let desk = Desk::new(engine.handle(), tokens.clone(), limits);
    let serving = tokio::spawn(hand_over_until_told(listener, desk, leave, REQUESTS_GRACE));
    Some((FilesDoor { name: files_socket_name(socket), tokens }, (serving, file)))
}

fn start_engine(
    state: PathBuf,
    mode: AgentMode,
    limits: JobLimits,
    cache_hosts: CacheSettings,
    version: &str,
) -> Result<Engine, StartError> {
    let recover = match mode {
        AgentMode::Service => Recover::RunAll,
        AgentMode::Embedded => Recover::Hold,
    };
    let http = HttpSettings::product(&format!("dobbin/{version}"));
    let store = state.clone();
    let options = EngineOptions { state, recover, http, limits, cache_hosts };
    Engine::start(options).map_err(|source| match &source {
        // The store's only code for "not I, but somebody else serves this".
        EngineError::Store(error) if error.code() == ErrorCode::DO_E_NO_SERVICE => {
            StartError::InUse { store, source }
        }
        EngineError::Store(_)
        | EngineError::Journal(_)
        | EngineError::Roots(_)
        | EngineError::Thread(_) => StartError::Engine { store, source },
    })
}

fn stop_engine(engine: Engine) {
    if !engine.stop(ENGINE_GRACE) {
        tracing::warn!("engine did not end in time; what is missing is done at the next start");
    }
}
