//! Writing replies byte by byte, so that they can be wrong, slow or cut anywhere.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ServerConnection, StreamOwned};

use super::behaviour::Pace;
use super::halt::Halt;
use super::reply::{Coding, Ending, Reply};

/// Body bytes written at a time where nothing slows the reply.
const WRITE_BYTES: usize = 64 * 1024;

/// Writes per second of a limited connection: enough to look even, few enough to cost nothing.
const WRITES_PER_SECOND: u64 = 50;

/// A connection's socket. Shared with the list of open ones, which shuts it when the origin stops.
#[derive(Debug)]
pub(super) struct Socket(pub(super) Arc<TcpStream>);

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection, with or without TLS.
#[derive(Debug)]
pub(super) enum Link {
    Plain(Socket),
    Tls(Box<StreamOwned<ServerConnection, Socket>>),
}

impl Link {
    fn socket(&self) -> &TcpStream {
        match self {
            Link::Plain(socket) => &socket.0,
            Link::Tls(stream) => &stream.sock.0,
        }
    }

    /// Ends the connection in good order: everything sent arrives, then the end of the stream.
    ///
    /// Stays until the client has closed too: closing with unread bytes would turn the end into
    /// a reset.
    pub(super) fn finish(mut self, close_notify: bool) {
        if let Link::Tls(stream) = &mut self
            && close_notify
        {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        // The client may be gone already; there is nobody to tell.
        let _ = self.socket().shutdown(Shutdown::Write);
        self.wait_for_leave();
    }

    /// Makes the close that follows a reset.
    pub(super) fn prepare_reset(&self) -> io::Result<()> {
        Ok(rustix::net::sockopt::set_socket_linger(self.socket(), Some(Duration::ZERO))?)
    }

    /// Returns when the client has left or the origin stops, whatever the client still says.
    pub(super) fn wait_for_leave(&mut self) {
        let mut buffer = [0; 4096];
        // Below TLS, so that a stream ended by half still shows its other half's end.
        while (self.socket()).read(&mut buffer).is_ok_and(|count| count > 0) {}
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Link::Plain(socket) => socket.read(buffer),
            Link::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Link::Plain(socket) => socket.write(bytes),
            Link::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Link::Plain(socket) => socket.flush(),
            Link::Tls(stream) => stream.flush(),
        }
    }
}

/// How fast one reply is written.
#[derive(Debug, Default)]
pub(super) struct Tempo {
    drip: Option<(usize, Duration)>,
    head_drip: Option<Duration>,
    rate: Option<u64>,
}

impl Tempo {
    pub(super) fn slow(&mut self, pace: &Pace) {
        match pace {
            Pace::Drip(bytes, pause) => self.drip = Some(((*bytes).max(1), *pause)),
            Pace::HeadDrip(pause) => self.head_drip = Some(*pause),
            Pace::RatePerConnection(rate) => self.rate = Some((*rate).max(1)),
        }
    }

    /// How much to write at a time.
    fn step(&self) -> usize {
        let by_rate = self.rate.map_or(WRITE_BYTES, |rate| {
            (rate / WRITES_PER_SECOND).clamp(1, WRITE_BYTES as u64) as usize
        });
        self.drip.map_or(by_rate, |(bytes, _)| by_rate.min(bytes))
    }

    /// When the next write may follow one of `length` bytes that `due` allowed.
    fn next_due(&self, due: Instant, length: usize) -> Instant {
        let mut next = due;
        if let Some((_, pause)) = self.drip {
            next += pause;
        }
        if let Some(rate) = self.rate {
            next += Duration::from_nanos(length as u64 * 1_000_000_000 / rate);
        }
        next
    }
}

/// Sends replies over one connection.
pub(super) struct Sender<'a> {
    pub(super) link: &'a mut Link,
    pub(super) halt: &'a Halt,
    /// When the connection's pace allows the next write. Kept from reply to reply.
    pub(super) due: &'a mut Instant,
    /// Told of body bytes as they are sent.
    pub(super) on_body: &'a mut dyn FnMut(u64),
}

impl Sender<'_> {
    /// Writes `reply`, up to where it is cut, and says what shall become of the connection.
    ///
    /// Errors: what the connection reports, which mostly means that the client left; `Interrupted`
    /// when the origin stops.
    pub(super) fn send(&mut self, reply: &Reply) -> io::Result<Ending> {
        if let Some(instead) = reply.instead {
            self.link.write_all(instead.bytes)?;
            self.link.flush()?;
            return Ok(instead.ending);
        }
        self.send_head(reply)?;
        if reply.head_only {
            return Ok(reply.ending);
        }
        if !self.send_body(reply)? {
            return Ok(reply.cut.map_or(reply.ending, |cut| cut.ending));
        }
        if let Some(part) = &reply.after_body {
            self.link.write_all(&part.to_bytes())?;
            self.link.flush()?;
        }
        Ok(reply.ending)
    }

    fn send_head(&mut self, reply: &Reply) -> io::Result<()> {
        let head = head(reply);
        let Some(pause) = reply.pace.head_drip else {
            self.link.write_all(&head)?;
            return self.link.flush();
        };
        for byte in head {
            self.link.write_all(&[byte])?;
            self.link.flush()?;
            self.halt.wait_until(Instant::now() + pause)?;
        }
        Ok(())
    }

    /// Whether the body was sent to its end; `false` if it was cut.
    fn send_body(&mut self, reply: &Reply) -> io::Result<bool> {
        let mut left = reply.cut.map_or(u64::MAX, |cut| cut.bytes);
        let mut step = reply.pace.step();
        if let Coding::Chunked { size, .. } = reply.coding {
            step = step.min(size);
        }
        let mut buffer = vec![0; step];
        let mut writes_count = 0;
        for part in &reply.body {
            let mut offset = 0;
            while offset < part.length() {
                let length = (part.length() - offset).min(left).min(step as u64) as usize;
                if length == 0 {
                    return Ok(false);
                }
                part.fill(offset, &mut buffer[..length]);
                self.send_step(reply, &buffer[..length], writes_count)?;
                writes_count += 1;
                offset += length as u64;
                left -= length as u64;
            }
        }
        // A cut right at the end leaves out what would still follow: the last chunk, more bytes.
        if left == 0 && reply.cut.is_some() {
            return Ok(false);
        }
        if let Coding::Chunked { last: true, .. } = reply.coding {
            self.link.write_all(b"0\r\n\r\n")?;
            self.link.flush()?;
        }
        Ok(true)
    }

    /// Writes one step of the body, framed, when its time has come.
    fn send_step(&mut self, reply: &Reply, bytes: &[u8], index: u64) -> io::Result<()> {
        let now = Instant::now();
        *self.due = (*self.due).max(now);
        if *self.due > now {
            self.halt.wait_until(*self.due)?;
        }
        match reply.coding {
            Coding::Plain => self.link.write_all(bytes)?,
            Coding::Chunked { second, .. } => {
                let size = match second {
                    Some(text) if index == 1 => text.to_owned(),
                    Some(_) | None => format!("{:x}", bytes.len()),
                };
                let chunk = [size.as_bytes(), b"\r\n", bytes, b"\r\n"].concat();
                self.link.write_all(&chunk)?;
            }
        }
        self.link.flush()?;
        *self.due = reply.pace.next_due(*self.due, bytes.len());
        (self.on_body)(bytes.len() as u64);
        Ok(())
    }
}

/// The head as it goes over the wire, interim replies included.
fn head(reply: &Reply) -> Vec<u8> {
    let mut text = String::new();
    for status in &reply.interim {
        text.push_str(&format!("HTTP/1.1 {status} {}\r\n\r\n", reason(*status)));
    }
    let (version, status) = (reply.version, reply.status);
    text.push_str(&format!("{version} {status} {}\r\n", reason(status)));
    for (name, value) in &reply.fields {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// The usual words for a status; clients must not care.
fn reason(status: u16) -> &'static str {
    http::StatusCode::from_u16(status)
        .ok()
        .and_then(|code| code.canonical_reason())
        .unwrap_or("Odd")
}
