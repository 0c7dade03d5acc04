//! The connections at one socket, from the first to the last.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::leave::Leave;
use super::limit::ACCEPT_PAUSE;

/// Where connections come from.
pub(crate) trait Listener: Send {
    /// One connection.
    type Stream: Send;

    /// The next connection. Whoever stops waiting for it loses none.
    fn next(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn next(&self) -> io::Result<UnixStream> {
        self.accept().await.map(|(stream, _)| stream)
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<TcpStream> {
        self.accept().await.map(|(stream, _)| stream)
    }
}

/// Accepts connections and has each served, until it is told to leave; then lets those that are being
/// served end, for at most `grace`.
///
/// A failure to accept never ends it: when the process is out of descriptors it waits for
/// connections to end, and says so once.
///
/// * `socket`: which one it is, for the log.
/// * `serve`: serves a connection until either side ends it; nothing where its caller was sent away.
pub(crate) async fn serve_until_told<L: Listener, F>(
    listener: L,
    socket: &'static str,
    mut leave: Leave,
    grace: Duration,
    serve: impl Fn(L::Stream) -> Option<F>,
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
            accepted = listener.next() => accepted,
        };
        match accepted {
            Ok(stream) => {
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
