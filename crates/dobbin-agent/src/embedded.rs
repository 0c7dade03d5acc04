//! An agent inside another command.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use tokio::runtime::Builder;

use crate::error::StartError;
use crate::ipc::{Leave, LeaveSign, Limits};
use crate::logging;
use crate::options::AgentOptions;
use crate::wire::Agent;

/// An agent that lives in a thread of this process and leaves with it.
///
/// The command speaks to it over its socket, as to any other agent, so there is one way to use an
/// agent and not two. Dropping it is the same as [`Embedded::stop`].
#[derive(Debug)]
pub struct Embedded {
    socket: PathBuf,
    sign: LeaveSign,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Starts an agent; when this returns, its socket answers.
    ///
    /// # Errors
    ///
    /// [`StartError::InUse`] and [`StartError::Answered`] when there is an agent already, which the
    /// command should then speak to; whatever else keeps an agent from starting.
    pub fn start(options: AgentOptions) -> Result<Embedded, StartError> {
        logging::begin(options.mode);
        let (sign, leave) = LeaveSign::new();
        let (started, starting) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("dobbin-agent".to_owned())
            .spawn(move || live(options, &started, leave))
            .map_err(StartError::System)?;
        let socket = match starting.recv() {
            Ok(started) => started?,
            // Only a panic ends the thread without a word.
            Err(_) => {
                let error = std::io::Error::other("the agent's thread ended in a panic");
                return Err(StartError::System(error));
            }
        };
        Ok(Embedded { socket, sign, thread: Some(thread) })
    }

    /// Where it answers.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Ends it in order: what is durable stays, what was in flight is taken up again by the next
    /// agent. Takes at most 5 s.
    pub fn stop(mut self) {
        self.leave();
    }

    fn leave(&mut self) {
        self.sign.give();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("agent's thread ended in a panic");
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The life of the agent's thread.
fn live(
    options: AgentOptions,
    started: &SyncSender<Result<PathBuf, StartError>>,
    mut leave: Leave,
) {
    // If nobody waits for the word any more, the sign to leave has been dropped too.
    let say = |word| drop(started.send(word));
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return say(Err(StartError::System(error))),
    };
    runtime.block_on(async {
        match Agent::start(options, Limits::PRODUCT).await {
            Ok(agent) => {
                say(Ok(agent.socket().clone()));
                leave.told().await;
                agent.stop().await;
            }
            Err(error) => say(Err(error)),
        }
    });
    // Not the wait of a drop: a look at a folder on a dead network share may hang for good.
    runtime.shutdown_background();
}
