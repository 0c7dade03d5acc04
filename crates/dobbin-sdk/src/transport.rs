//! HTTP/1.1 on the agent's socket: connections, the requests on them, and when to ask again.
//!
//! Knows nothing of jobs. There is no background task: a connection moves only while a request of
//! it is being awaited, and an idle one lies in the pool like a file.

use std::future::Future;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use dobbin_types::rest::Failure;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustix::net::RecvFlags;
use tokio::net::UnixStream;

use crate::connect::Trust;
use crate::error::{Error, Tried, Unreachable};

/// Idle connections kept for the next request. More than this many requests at once open
/// connections that are closed afterwards.
const IDLE_CONNECTIONS_MAX: usize = 4;

/// Longest reply that is read, in bytes. The list of 100,000 jobs takes about 80 MB.
const REPLY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How often a socket whose queue of connections is full is tried, and the pause before each new
/// try: one second in all.
const CONNECT_TRIES_MAX: u32 = 100;
const CONNECT_PAUSE: Duration = Duration::from_millis(10);

/// Named in every request, for whoever reads the agent's log.
const USER_AGENT: &str = concat!("dobbin-sdk/", env!("CARGO_PKG_VERSION"));

/// A question to the agent.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// What it is for, such as `creating a job`.
    pub(crate) doing: &'static str,
    /// The verb.
    pub(crate) method: Method,
    /// Path and query, already encoded.
    pub(crate) path: String,
    /// JSON; empty for none.
    pub(crate) body: Bytes,
}

impl Call {
    fn request(&self) -> Result<Request<Full<Bytes>>, Error> {
        let mut request = Request::builder()
            .method(&self.method)
            .uri(&self.path)
            .header(header::HOST, "localhost")
            .header(header::USER_AGENT, USER_AGENT);
        if !self.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(self.body.clone()));
        request.map_err(|error| self.misunderstood(error.to_string()))
    }

    /// Whether asking twice is as good as asking once (RFC 9110 §9.2.2).
    fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }

    fn lost(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Lost { doing: self.doing, source: io::Error::other(error) }
    }

    fn misunderstood(&self, why: String) -> Error {
        Error::Protocol { doing: self.doing, why }
    }

    /// Turns a bad status into the agent's refusal.
    fn judge(&self, status: http::StatusCode, body: Bytes) -> Result<Bytes, Error> {
        if status.is_success() {
            return Ok(body);
        }
        match serde_json::from_slice::<Failure>(&body) {
            Ok(failure) => Err(Error::Refused(failure)),
            Err(_) => Err(self.misunderstood(format!("HTTP status {status} without a reason"))),
        }
    }
}

/// The agent at one socket.
#[derive(Debug)]
pub(crate) struct Transport {
    socket: PathBuf,
    trust: Trust,
    server: u32,
    /// Locked only to take a connection out or put one back, never while one is in use.
    idle: Mutex<Vec<Connection>>,
}

impl Transport {
    /// Connects, and makes sure that whoever listens may be believed.
    pub(crate) async fn open(socket: &Path, trust: Trust) -> Result<Transport, Tried> {
        let tried = |why| Tried { socket: socket.to_owned(), why };
        let (connection, server) = Connection::open(socket, trust).await.map_err(tried)?;
        let idle = Mutex::new(vec![connection]);
        Ok(Transport { socket: socket.to_owned(), trust, server, idle })
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The user that listened when the first connection was made.
    pub(crate) fn server(&self) -> u32 {
        self.server
    }

    /// Asks, and returns the body of a good answer.
    ///
    /// A kept connection that the agent has closed meanwhile is replaced silently, once. After bytes
    /// have left on it, only idempotent requests are asked again; others are [`Error::Lost`]. So are
    /// those for which there is nobody left to ask again: the first try may have been heard.
    pub(crate) async fn ask(&self, call: &Call) -> Result<Bytes, Error> {
        let mut unanswered = None;
        if let Some(mut kept) = self.take_idle() {
            match kept.ask(call).await {
                Err(Broken::Unsent) => {}
                Err(Broken::Sent(lost @ Error::Lost { .. })) if call.is_idempotent() => {
                    unanswered = Some(lost);
                }
                outcome => return self.settle(call, kept, outcome),
            }
        }
        let connected = self.connect().await;
        let mut fresh = connected.map_err(|nobody| unanswered.unwrap_or(nobody))?;
        let outcome = fresh.ask(call).await;
        self.settle(call, fresh, outcome)
    }

    /// Asks on a connection of its own, and returns that connection with the body still to come.
    pub(crate) async fn stream(&self, call: &Call) -> Result<(Connection, Incoming), Error> {
        let mut connection = self.connect().await?;
        let response = connection.send(call).await.map_err(|broken| broken.into_error(call))?;
        if response.status().is_success() {
            return Ok((connection, response.into_body()));
        }
        let status = response.status();
        let body = connection.collect(call, response).await?;
        call.judge(status, body)?;
        Err(call.misunderstood(format!("HTTP status {status}")))
    }

    async fn connect(&self) -> Result<Connection, Error> {
        match Connection::open(&self.socket, self.trust).await {
            Ok((connection, _)) => Ok(connection),
            Err(why) => {
                Err(Error::NoService { tried: vec![Tried { socket: self.socket.clone(), why }] })
            }
        }
    }

    /// A kept connection on which nothing has arrived, not even its end.
    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop() {
            if connection.is_quiet() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection that is still good, and says how the call went.
    fn settle(
        &self,
        call: &Call,
        connection: Connection,
        outcome: Result<(http::StatusCode, Bytes), Broken>,
    ) -> Result<Bytes, Error> {
        let (status, body) = outcome.map_err(|broken| broken.into_error(call))?;
        if connection.is_reusable() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE_CONNECTIONS_MAX {
                idle.push(connection);
            }
        }
        call.judge(status, body)
    }
}

/// How a connection failed a request.
enum Broken {
    /// Not a byte of it left.
    Unsent,
    /// Some of it may have.
    Sent(Error),
}

impl Broken {
    fn into_error(self, call: &Call) -> Error {
        match self {
            Broken::Unsent => call.lost(io::Error::from(io::ErrorKind::ConnectionAborted)),
            Broken::Sent(error) => error,
        }
    }
}

type Driver = http1::Connection<TokioIo<UnixStream>, Full<Bytes>>;

/// One connection and what moves it.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// Reads and writes; nothing once the connection is over, since it must not be polled again.
    driver: Option<Pin<Box<Driver>>>,
    /// The same socket, to look at without reading.
    peek: OwnedFd,
}

impl Connection {
    /// A connection, and the user who listens at its other end.
    async fn open(socket: &Path, trust: Trust) -> Result<(Connection, u32), Unreachable> {
        let stream = dial(socket).await?;
        let server = stream.peer_cred()?.uid();
        if !trust.accepts(server, socket) {
            return Err(Unreachable::Impostor { uid: server });
        }
        let peek = stream.as_fd().try_clone_to_owned()?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (sender, driver) =
            handshake.map_err(|error| Unreachable::System(io::Error::other(error)))?;
        Ok((Connection { sender, driver: Some(Box::pin(driver)), peek }, server))
    }

    /// Whether nothing waits to be read. An idle connection has nothing to say, so anything else is
    /// its end. Asked of the kernel, because the runtime may not have looked since.
    fn is_quiet(&self) -> bool {
        let mut byte = [0_u8; 1];
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let seen = rustix::net::recv(&self.peek, &mut byte[..], flags);
        matches!(seen, Err(rustix::io::Errno::AGAIN))
    }

    fn is_reusable(&self) -> bool {
        self.driver.is_some() && !self.sender.is_closed()
    }

    async fn ask(&mut self, call: &Call) -> Result<(http::StatusCode, Bytes), Broken> {
        let response = self.send(call).await?;
        let status = response.status();
        let body = self.collect(call, response).await.map_err(Broken::Sent)?;
        Ok((status, body))
    }

    async fn send(&mut self, call: &Call) -> Result<Response<Incoming>, Broken> {
        let request = call.request().map_err(Broken::Sent)?;
        if drive(&mut self.driver, self.sender.ready()).await.is_err() {
            return Err(Broken::Unsent);
        }
        let sending = self.sender.try_send_request(request);
        let sent = drive(&mut self.driver, sending).await;
        sent.map_err(|mut error| match error.take_message() {
            Some(_) => Broken::Unsent,
            None => Broken::Sent(call.lost(error.into_error())),
        })
    }

    async fn collect(&mut self, call: &Call, response: Response<Incoming>) -> Result<Bytes, Error> {
        let body = Limited::new(response.into_body(), REPLY_BYTES_MAX).collect();
        match drive(&mut self.driver, body).await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => {
                Err(call.misunderstood(format!("a reply of more than {REPLY_BYTES_MAX} bytes")))
            }
            Err(error) => Err(call.lost(error)),
        }
    }

    /// The next bytes of a reply that has no end; nothing when it ended all the same.
    pub(crate) async fn next_bytes(
        &mut self,
        call: &Call,
        body: &mut Incoming,
    ) -> Result<Option<Bytes>, Error> {
        loop {
            match drive(&mut self.driver, body.frame()).await {
                None => return Ok(None),
                Some(Err(error)) => return Err(call.lost(error)),
                // A frame that is no data is a trailer, which says nothing to us.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => return Ok(Some(bytes)),
                    Err(_trailer) => {}
                },
            }
        }
    }
}

/// Moves a connection for as long as `work`, which waits for it, takes.
///
/// How the connection ends is not asked here: `work` learns it as the outcome of what it waits for.
async fn drive<W: Future>(driver: &mut Option<Pin<Box<Driver>>>, work: W) -> W::Output {
    let mut work = pin!(work);
    std::future::poll_fn(|context: &mut Context<'_>| -> Poll<W::Output> {
        if let Some(connection) = driver
            && connection.as_mut().poll(context).is_ready()
        {
            *driver = None;
        }
        work.as_mut().poll(context)
    })
    .await
}

/// Connects to a unix socket, waiting a little while its queue of connections is full.
pub(crate) async fn dial(socket: &Path) -> io::Result<UnixStream> {
    for _ in 1..CONNECT_TRIES_MAX {
        match UnixStream::connect(socket).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(CONNECT_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
    UnixStream::connect(socket).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_impostor_is_refused_and_hears_nothing() {
        use tokio::io::AsyncReadExt as _;

        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("api.sock");
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        let own = rustix::process::geteuid().as_raw();

        let tried = Transport::open(&socket, Trust::of(own + 1, own + 2)).await.unwrap_err();

        assert!(matches!(tried.why, Unreachable::Impostor { uid } if uid == own), "{tried:?}");
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"");
    }
}
