//! A client that believes nothing: it sends what it is told and keeps every byte that comes back.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a reply may take before a test is failed rather than left hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How the connection stood after the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// The origin closed it in good order.
    Closed,
    /// The origin reset it.
    Reset,
    /// It is open, and silent.
    Silent,
}

/// Everything that came back, undigested.
#[derive(Debug)]
pub(crate) struct Raw {
    /// The bytes, head and all.
    pub(crate) bytes: Vec<u8>,
    /// What the connection did then.
    pub(crate) after: After,
}

impl Raw {
    /// The head, without the empty line.
    pub(crate) fn head(&self) -> String {
        let end = self.split();
        String::from_utf8(self.bytes[..end].to_vec()).expect("a head is text")
    }

    /// What follows the head.
    pub(crate) fn body(&self) -> &[u8] {
        &self.bytes[(self.split() + 4).min(self.bytes.len())..]
    }

    /// The status line's number.
    pub(crate) fn status(&self) -> u16 {
        self.head().split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status")
    }

    /// All values of a field, in order.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        let head = self.head();
        let fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        fields.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned()).collect()
    }

    /// The value of a field that must be there exactly once.
    pub(crate) fn value(&self, name: &str) -> String {
        let mut values = self.values(name);
        assert_eq!(values.len(), 1, "{name} in {:?}", self.head());
        values.remove(0)
    }

    fn split(&self) -> usize {
        self.bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(self.bytes.len())
    }
}

/// A connection to an origin.
#[derive(Debug)]
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("the origin listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Client(stream)
    }

    /// Sends a request with these extra field lines (each without its line end).
    pub(crate) fn send(&mut self, method: &str, target: &str, fields: &[&str]) {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: lab\r\n");
        for field in fields {
            request.push_str(field);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        self.0.write_all(request.as_bytes()).expect("the origin reads");
    }

    /// Reads until the connection ends.
    pub(crate) fn read_to_end(&mut self) -> Raw {
        self.read_until(|_| false)
    }

    /// Reads until `enough` or until the connection ends; then, if it is open, sees whether it
    /// stays silent for a moment.
    pub(crate) fn read_until(&mut self, enough: impl Fn(&[u8]) -> bool) -> Raw {
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 * 1024];
        let after = loop {
            if enough(&bytes) {
                self.0.set_read_timeout(Some(Duration::from_millis(30))).expect("a timeout");
            }
            match self.0.read(&mut buffer) {
                Ok(0) => break After::Closed,
                Ok(count) => bytes.extend_from_slice(&buffer[..count]),
                Err(error) => match error.kind() {
                    ErrorKind::ConnectionReset => break After::Reset,
                    ErrorKind::WouldBlock | ErrorKind::TimedOut if enough(&bytes) => {
                        break After::Silent;
                    }
                    _ => panic!("{error} after {} bytes", bytes.len()),
                },
            }
        };
        Raw { bytes, after }
    }
}

/// One request on a connection of its own, which the client asks to have closed.
pub(crate) fn ask(address: SocketAddr, method: &str, target: &str, fields: &[&str]) -> Raw {
    let mut client = Client::connect(address);
    let fields: Vec<&str> = fields.iter().copied().chain(["Connection: close"]).collect();
    client.send(method, target, &fields);
    client.read_to_end()
}

/// Undoes chunked framing strictly (RFC 9112 §7.1).
///
/// `Err` holds what had come when the framing broke.
pub(crate) fn dechunk(mut body: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    let mut plain = Vec::new();
    loop {
        let Some(at) = body.windows(2).position(|w| w == b"\r\n") else { return Err(plain) };
        let size = std::str::from_utf8(&body[..at]).ok();
        let Some(size) = size.and_then(|text| usize::from_str_radix(text, 16).ok()) else {
            return Err(plain);
        };
        body = &body[at + 2..];
        if body.len() < size + 2 || &body[size..size + 2] != b"\r\n" {
            return Err(plain);
        }
        if size == 0 {
            return if body.len() == 2 { Ok(plain) } else { Err(plain) };
        }
        plain.extend_from_slice(&body[..size]);
        body = &body[size + 2..];
    }
}
