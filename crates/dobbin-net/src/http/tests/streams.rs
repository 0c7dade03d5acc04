//! An origin that speaks HTTP/2, frame by frame as a test wants it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::super::*;

/// What is sent of a reply before it goes wrong.
pub(super) const BEGINNING: &str = "hello";

/// What an origin does with one request.
#[derive(Clone)]
pub(super) enum Deed {
    /// Sends the file, or the part that was asked for if it is of version `"v1"`.
    Serve(Bytes),
    /// Sends the client elsewhere.
    Move(String),
    /// Resets the stream without a reply.
    Refuse(Reason),
    /// Answers nothing.
    Ignore,
    /// Closes the connection.
    Leave,
    /// Sends [`BEGINNING`] of a body of this length, if it says one; when told, this happens.
    Begin(Option<usize>, Mishap),
    /// Sends [`BEGINNING`] and the end, although it promised this length.
    Contradict(usize),
}

/// What may happen to a reply.
#[derive(Clone, Copy)]
pub(super) enum Mishap {
    /// The stream is reset for this reason.
    Reset(Reason),
    /// The connection is given up for this reason.
    GoAway(Reason),
    /// The socket is closed.
    Close,
    /// No more comes.
    Hang,
}

/// How the connections that an origin takes are spoken on, in their order; the last is for all others.
pub(super) type Ways = Vec<(Arc<ServerConfig>, Speech)>;

/// What a server speaks once TLS stands.
#[derive(Clone, Copy)]
pub(super) enum Speech {
    Http1,
    Http2,
    /// HTTP/2, for one request, which it gives up with the connection.
    Leaves,
}

/// A listener that does these deeds, one a request, in their order over all connections. Each request
/// it hears it also tells, with the number of its connection.
pub(super) struct Streams {
    pub(super) address: SocketAddr,
    pub(super) requests: mpsc::UnboundedReceiver<(usize, http::Request<()>)>,
    /// Tells it to go on with a mishap.
    pub(super) go_on: Arc<Notify>,
    tries_count: Arc<AtomicUsize>,
    connections_count: Arc<AtomicUsize>,
}

/// What its connections share.
#[derive(Clone)]
struct Stage {
    deeds: Arc<Mutex<std::vec::IntoIter<Deed>>>,
    tell: mpsc::UnboundedSender<(usize, http::Request<()>)>,
    go_on: Arc<Notify>,
    connections_count: Arc<AtomicUsize>,
}

impl Streams {
    pub(super) async fn new(ways: Ways, deeds: impl IntoIterator<Item = Deed>) -> Streams {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, requests) = mpsc::unbounded_channel();
        let tries_count = Arc::new(AtomicUsize::new(0));
        let stage = Stage {
            deeds: Arc::new(Mutex::new(deeds.into_iter().collect::<Vec<_>>().into_iter())),
            tell,
            go_on: Arc::new(Notify::new()),
            connections_count: Arc::new(AtomicUsize::new(0)),
        };
        let go_on = Arc::clone(&stage.go_on);
        let connections_count = Arc::clone(&stage.connections_count);
        let tries = Arc::clone(&tries_count);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let number = tries.fetch_add(1, Ordering::Relaxed);
                let (config, speech) = ways.get(number).or(ways.last()).unwrap().clone();
                tokio::spawn(stage.clone().greet(stream, config, speech));
            }
        });
        Streams { address, requests, go_on, tries_count, connections_count }
    }

    /// How often somebody connected, also in vain.
    pub(super) fn tries_count(&self) -> usize {
        self.tries_count.load(Ordering::Relaxed)
    }

    /// How many connections came to speak HTTP/2.
    pub(super) fn connections_count(&self) -> usize {
        self.connections_count.load(Ordering::Relaxed)
    }

    pub(super) fn request(&self, path: &str) -> Request {
        Request::whole(format!("https://{}{path}", self.address).parse().unwrap())
    }

    /// The next request that was heard, and on which connection.
    pub(super) async fn heard(&mut self) -> (usize, http::Request<()>) {
        self.requests.recv().await.unwrap()
    }
}

impl Stage {
    async fn greet(self, stream: TcpStream, config: Arc<ServerConfig>, speech: Speech) {
        let Ok(stream) = TlsAcceptor::from(config).accept(stream).await else { return };
        match speech {
            Speech::Http1 => speak_http1(stream).await,
            Speech::Http2 => self.speak_http2(stream).await,
            Speech::Leaves => go_away(stream).await,
        }
    }

    async fn speak_http2(self, stream: TlsStream<TcpStream>) {
        let Ok(connection) = h2::server::handshake(stream).await else { return };
        let number = self.connections_count.fetch_add(1, Ordering::Relaxed);
        let mut speaker = Speaker { connection, begun: Vec::new(), mishap: None };
        loop {
            let (request, respond) = tokio::select! {
                accepted = speaker.connection.accept() => match accepted {
                    Some(Ok(accepted)) => accepted,
                    Some(Err(_)) | None => return,
                },
                () = self.go_on.notified(), if speaker.mishap.is_some() => {
                    if !speaker.suffers() { return }
                    continue;
                }
            };
            let request = request.map(drop);
            let deed = self.deeds.lock().unwrap().next();
            let stays = deed.is_some_and(|deed| speaker.does(deed, &request, respond));
            let _ = self.tell.send((number, request));
            if !stays {
                return;
            }
        }
    }
}

/// One connection.
struct Speaker {
    connection: h2::server::Connection<TlsStream<TcpStream>, Bytes>,
    /// Replies that are not over, and their bodies if these were begun.
    begun: Vec<(SendResponse<Bytes>, Option<SendStream<Bytes>>)>,
    mishap: Option<Mishap>,
}

impl Speaker {
    /// Whether the connection goes on.
    fn does(
        &mut self,
        deed: Deed,
        request: &http::Request<()>,
        mut respond: SendResponse<Bytes>,
    ) -> bool {
        match deed {
            Deed::Leave => return false,
            Deed::Serve(file) => serve(request, &mut respond, file),
            Deed::Move(to) => {
                let moved = http::Response::builder().status(302).header("location", to);
                respond.send_response(moved.body(()).unwrap(), true).unwrap();
            }
            Deed::Refuse(reason) => respond.send_reset(reason),
            Deed::Ignore => self.begun.push((respond, None)),
            Deed::Begin(length, mishap) => {
                let mut body = respond.send_response(headers(length), false).unwrap();
                body.send_data(BEGINNING.into(), false).unwrap();
                self.begun.push((respond, Some(body)));
                self.mishap = Some(mishap);
            }
            Deed::Contradict(length) => {
                let mut body = respond.send_response(headers(Some(length)), false).unwrap();
                body.send_data(BEGINNING.into(), true).unwrap();
            }
        }
        true
    }

    /// Whether the connection goes on after its mishap.
    fn suffers(&mut self) -> bool {
        match self.mishap.take() {
            Some(Mishap::Reset(reason)) => {
                for (_, body) in self.begun.drain(..) {
                    body.unwrap().send_reset(reason);
                }
                true
            }
            Some(Mishap::GoAway(reason)) => {
                self.connection.abrupt_shutdown(reason);
                true
            }
            Some(Mishap::Close) => false,
            Some(Mishap::Hang) | None => true,
        }
    }
}

/// Takes a request and gives the connection up: GOAWAY says that no stream was looked at
/// (RFC 9113 §6.8).
async fn go_away(mut stream: TlsStream<TcpStream>) {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const HEADERS: u8 = 1;
    const GOAWAY: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11];
    stream.write_all(&SETTINGS).await.unwrap();
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).await.unwrap();
        if head[3] == HEADERS {
            stream.write_all(&GOAWAY).await.unwrap();
            let _ = stream.shutdown().await;
            return;
        }
    }
}

/// Answers each request, and anything else, as a server does that never heard of HTTP/2.
async fn speak_http1(mut stream: TlsStream<TcpStream>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let reply = if head.starts_with(b"GET ") {
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\none"
    } else {
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    };
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn serve(request: &http::Request<()>, respond: &mut SendResponse<Bytes>, file: Bytes) {
    let said = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap());
    let is_same = said("if-range").is_none_or(|version| version == "\"v1\"");
    let reply = http::Response::builder().header("etag", "\"v1\"").header("accept-ranges", "bytes");
    let (reply, part) = match said("range") {
        Some(range) if is_same => {
            let (start, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
            let (start, end) = (start.parse().unwrap(), last.parse::<usize>().unwrap() + 1);
            let content_range = format!("bytes {start}-{last}/{}", file.len());
            let reply = reply.status(206).header("content-range", content_range);
            (reply, file.slice(start..end))
        }
        Some(_) | None => (reply, file),
    };
    let reply = reply.header("content-length", part.len()).body(()).unwrap();
    let mut body = respond.send_response(reply, false).unwrap();
    body.send_data(part, true).unwrap();
}

fn headers(length: Option<usize>) -> http::Response<()> {
    let mut reply = http::Response::new(());
    if let Some(length) = length {
        reply.headers_mut().insert("content-length", length.into());
    }
    reply
}
