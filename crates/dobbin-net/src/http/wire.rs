//! A connection, plain or inside TLS, and where it leads.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};

use hyper::Version;
use hyper_util::client::legacy::connect::{CaptureConnection, Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::first_bytes::FirstBytes;

/// A connection, plain or inside TLS; the latter once for the origin, and once more for an https
/// proxy on the way.
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<Wire>>),
}

impl Wire {
    /// Whether TLS agreed on a version of HTTP.
    pub(super) fn has_agreed(&self) -> bool {
        match self {
            Wire::Plain(_) => false,
            Wire::Tls(stream) => stream.get_ref().1.alpn_protocol().is_some(),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Wire::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Wire::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Wire::Tls(stream) => Pin::new(stream.as_mut()).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Wire::Plain(stream) => stream.is_write_vectored(),
            Wire::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Wire::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Wire::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}

/// What the read that brings a reply's head may bring, before anybody can say how fast its body is wanted:
/// a whole small file, and little to be made up for under a low limit of the rate.
const FIRST_SIP_BYTES: u64 = 16 * 1024;

/// What is known of a connection; travels with every reply that came over it.
#[derive(Clone)]
pub(super) struct Link {
    /// The address that it leads to, as far as it is known: the origin's or the proxy's.
    pub(super) remote: SocketAddr,
    /// Whether it is the proxy's, so that it says nothing of the origin's.
    pub(super) proxied: bool,
    replies: Arc<AtomicU32>,
    /// How many bytes one read may bring; 0 for as many as there are.
    sip: Arc<AtomicU64>,
}

impl Link {
    pub(super) fn new(remote: SocketAddr, proxied: bool) -> Link {
        let sip = Arc::new(AtomicU64::new(FIRST_SIP_BYTES));
        Link { remote, proxied, replies: Arc::default(), sip }
    }

    /// Notes that a reply came over it. Over HTTP/2 nothing bounds its reads: they serve others too.
    pub(super) fn replied(&self, version: Version) {
        self.replies.fetch_add(1, Ordering::Relaxed);
        if version == Version::HTTP_2 {
            self.read_at_most(None);
        }
    }

    /// Bounds the reads as before any body.
    pub(super) fn await_head(&self) {
        self.sip.store(FIRST_SIP_BYTES, Ordering::Relaxed);
    }

    /// Bounds what each read from here on brings, until it is told otherwise; `None` lifts the bound.
    pub(super) fn read_at_most(&self, bytes: Option<usize>) {
        self.sip.store(bytes.map_or(0, |bytes| bytes as u64), Ordering::Relaxed);
    }

    /// Whether a reply came over it before. Then it may have gone stale in the pool, and its failure
    /// says nothing of the next request's chances.
    pub(super) fn is_used(&self) -> bool {
        self.replies.load(Ordering::Relaxed) > 0
    }
}

/// A connection in the pool's hands.
pub(super) struct Pooled {
    io: TokioIo<Heard>,
    link: Link,
    /// Whether requests must name the whole URL: plain http through a proxy.
    absolute_form: bool,
}

impl Pooled {
    pub(super) fn new(wire: Wire, link: Link) -> Pooled {
        let io =
            TokioIo::new(Heard { wire: wire.take(0), first: None, sip: Arc::clone(&link.sip) });
        Pooled { io, link, absolute_form: false }
    }

    /// One on which requests name the whole URL.
    pub(super) fn in_absolute_form(self) -> Pooled {
        Pooled { absolute_form: true, ..self }
    }

    /// One whose first bytes are looked at.
    pub(super) fn listening(mut self, first: FirstBytes) -> Pooled {
        self.io.inner_mut().first = Some(first);
        self
    }
}

/// Takes a connection out of the pool. Replies that still come over it may go on.
pub(super) fn retire(connection: &CaptureConnection) {
    if let Some(connected) = connection.connection_metadata().as_ref() {
        connected.poison();
    }
}

/// A wire whose first bytes may be of interest, and which may be read in sips.
struct Heard {
    wire: Take<Wire>,
    first: Option<FirstBytes>,
    sip: Arc<AtomicU64>,
}

impl AsyncRead for Heard {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Heard { wire, first, sip } = self.get_mut();
        // Told anew for every read: what one brought does not count against the next.
        wire.set_limit(match sip.load(Ordering::Relaxed) {
            0 => u64::MAX,
            bytes => bytes,
        });
        let before = buffer.filled().len();
        let outcome = Pin::new(wire).poll_read(cx, buffer);
        if let Some(first) = first
            && outcome.is_ready()
        {
            first.read(&buffer.filled()[before..]);
        }
        outcome
    }
}

impl AsyncWrite for Heard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.wire.get_mut()).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.wire.get_mut()).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.get_ref().is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.wire.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.wire.get_mut()).poll_shutdown(cx)
    }
}

impl Connection for Pooled {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.absolute_form).extra(self.link.clone())
    }
}

impl hyper::rt::Read for Pooled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl hyper::rt::Write for Pooled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }
}
