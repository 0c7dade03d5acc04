//! The long-lived agent: `dobbin serve`.

use std::future::pending;
use std::io;
use std::time::Instant;

use dobbin_platform::service::{notify_alive, notify_ready, notify_stopping, watchdog_interval};
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Interval, interval, sleep_until};

use crate::error::StartError;
use crate::ipc::Limits;
use crate::logging;
use crate::options::AgentOptions;
use crate::wire::Agent;

/// Threads that answer callers. Two, so that reading one caller's large body does not keep another
/// waiting; the work itself is done on the engine's threads.
const ANSWERING_THREADS_COUNT: usize = 2;

/// Runs an agent in this thread until the process is asked to end (`SIGTERM`, `SIGINT`), and leaves
/// in order within 5 s.
///
/// Tells a service manager when callers are served, that the agent is alive, and when it leaves.
/// Asked to read its configuration again (`SIGHUP`), it does so with what may change while it runs.
///
/// # Errors
///
/// Whatever kept it from starting. Once it answers, it ends with `Ok`.
pub fn serve(options: AgentOptions) -> Result<(), StartError> {
    logging::begin(options.mode);
    let runtime = Builder::new_multi_thread()
        .worker_threads(ANSWERING_THREADS_COUNT)
        .thread_name("dobbin-ipc")
        .enable_all()
        .build()
        .map_err(StartError::System)?;
    let served = runtime.block_on(run(options));
    // Whatever still runs has been waited for long enough.
    runtime.shutdown_background();
    served
}

async fn run(options: AgentOptions) -> Result<(), StartError> {
    // Before anything can be left behind by the signal's default, sudden death.
    let mut end = End::new().map_err(StartError::System)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(StartError::System)?;
    let mut agent = Agent::start(options, Limits::PRODUCT).await?;
    told(notify_ready());
    let mut watchdog = watchdog_interval().map(interval);
    loop {
        tokio::select! {
            cause = end.asked() => {
                tracing::info!(cause, "agent leaves");
                break;
            }
            () = due(watchdog.as_mut()) => told(notify_alive()),
            () = reached(agent.configuration_due()) => agent.look_at_configuration(),
            _ = hangup.recv() => agent.reload_configuration(),
        }
    }
    told(notify_stopping());
    agent.stop().await;
    Ok(())
}

/// The signals that ask the agent to end.
struct End {
    terminate: Signal,
    interrupt: Signal,
}

impl End {
    fn new() -> io::Result<End> {
        Ok(End {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for either of them and says which it was.
    async fn asked(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// The next sign of life; never when nobody watches, so that an idle agent does not wake up.
async fn due(watchdog: Option<&mut Interval>) {
    match watchdog {
        Some(watchdog) => {
            watchdog.tick().await;
        }
        None => pending().await,
    }
}

/// That moment; never when there is none.
async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment.into()).await,
        None => pending().await,
    }
}

/// A service manager that cannot be told draws its own conclusions; ours is only to say so.
fn told(result: io::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "service manager cannot be told");
    }
}
