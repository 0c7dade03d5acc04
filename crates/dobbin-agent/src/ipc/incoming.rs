//! The connections at one socket, from the first to the last.

use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::leave::Leave;
use super::limit::ACCEPT_PAUSE;

/// Accepts connections and has each served, until it is told to leave; then lets those that are being
/// served end, for at most `grace`.
///
/// A failure to accept never ends it: when the process is out of descriptors it waits for
/// connections to end, and says so once.
///
/// * `socket`: which one it is, for the log.
/// * `serve`: serves a connection until either side ends it; nothing where its caller was sent away.
pub(crate) async fn serve_until_told<F>(
    listener: UnixListener,
    socket: &'static str,
    mut leave: Leave,
    grace: Duration,
    serve: impl Fn(UnixStream) -> Option<F>,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let mut failing = false;
    let mut told = pin!(leave.told());
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut told => break,
            Some(ended) = connections.join_next() => {
                report(socket, ended);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                failing = false;
                if let Some(serving) = serve(stream) {
                    connections.spawn(serving);
                }
            }
            // The caller was gone before we came to it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if !failing {
                    tracing::warn!(socket, %error, "connections cannot be accepted for now");
                }
                failing = true;
                tokio::select! {
                    () = &mut told => break,
                    () = sleep(ACCEPT_PAUSE) => {}
                }
            }
        }
    }
    drop(listener);
    let drain = async {
        while let Some(ended) = connections.join_next().await {
            report(socket, ended);
        }
    };
    if timeout(grace, drain).await.is_err() {
        tracing::warn!(socket, count = connections.len(), "connections were cut off");
        connections.shutdown().await;
    }
}

/// A panic ends one connection and is our mistake, so it must be seen.
fn report(socket: &'static str, ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(socket, %error, "connection ended in a panic");
    }
}
