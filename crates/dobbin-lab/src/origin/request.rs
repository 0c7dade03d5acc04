//! Reading a client's request: only as much of HTTP/1.1 as a downloader sends.

use std::io::{self, Read};

/// The longest head that is read. A client that sends more is cut off.
const HEAD_MAX: usize = 64 * 1024;

/// The longest body that is read and thrown away.
const BODY_MAX: u64 = 1024 * 1024;

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// As sent, normally in capitals.
    pub method: String,
    /// The request target: path and query, or whatever else was sent.
    pub target: String,
    /// The fields in their order; names in lower case, values without surrounding blanks.
    pub fields: Vec<(String, String)>,
}

impl Request {
    /// The first field of that name, given in lower case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Whether the client wants the connection closed after the reply.
    pub(crate) fn wants_close(&self) -> bool {
        self.field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// Reads requests off one connection, keeping what arrived too early for the next one.
#[derive(Debug, Default)]
pub(crate) struct RequestReader {
    pending: Vec<u8>,
}

impl RequestReader {
    /// The next request; `None` when the client has closed the connection between requests.
    ///
    /// Errors: what the connection reports; `InvalidData` for a head that is no HTTP or too long;
    /// `UnexpectedEof` when the client leaves in the middle of one.
    pub(crate) fn next(&mut self, stream: &mut impl Read) -> io::Result<Option<Request>> {
        let head_length = loop {
            if let Some(at) = find(&self.pending, b"\r\n\r\n") {
                break at + 4;
            }
            if self.pending.len() > HEAD_MAX {
                return Err(invalid("a request head that does not end"));
            }
            if !self.read_more(stream)? {
                let clean = self.pending.is_empty();
                return if clean { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        };
        let head: Vec<u8> = self.pending.drain(..head_length).collect();
        let request = parse(&head)?;
        self.skip_body(&request, stream)?;
        Ok(Some(request))
    }

    /// Reads and forgets the body that the request announces, so that the next request begins
    /// where it should.
    fn skip_body(&mut self, request: &Request, stream: &mut impl Read) -> io::Result<()> {
        let Some(length) = request.field("content-length") else { return Ok(()) };
        let length: u64 = length.parse().map_err(|_| invalid("a request's Content-Length"))?;
        if length > BODY_MAX {
            return Err(invalid("a request body of that size"));
        }
        while (self.pending.len() as u64) < length {
            if !self.read_more(stream)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.pending.drain(..length as usize);
        Ok(())
    }

    /// Whether anything came; `false` at the end of the stream.
    fn read_more(&mut self, stream: &mut impl Read) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer)?;
        self.pending.extend_from_slice(&buffer[..count]);
        Ok(count > 0)
    }
}

fn parse(head: &[u8]) -> io::Result<Request> {
    let text = std::str::from_utf8(head).map_err(|_| invalid("a request head that is no text"))?;
    let mut lines = text.trim_end_matches("\r\n").split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(invalid("a request line without its three words"));
    };
    if !version.starts_with("HTTP/1.") {
        return Err(invalid("a request of another version"));
    }
    let fields = lines.map(|line| {
        let (name, value) =
            line.split_once(':').ok_or_else(|| invalid("a field without a colon"))?;
        Ok((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    Ok(Request {
        method: method.to_owned(),
        target: target.to_owned(),
        fields: fields.collect::<io::Result<_>>()?,
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_one_after_the_other() {
        let bytes = b"GET /a?b HTTP/1.1\r\nHost: h\r\nRANGE:  bytes=1-2 \r\n\r\n\
                      POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyzHEAD / HTTP/1.1\r\n\r\n";
        let mut stream = &bytes[..];
        let mut reader = RequestReader::default();
        let first = reader.next(&mut stream).unwrap().unwrap();
        assert_eq!((first.method.as_str(), first.target.as_str()), ("GET", "/a?b"));
        assert_eq!(first.path(), "/a");
        assert_eq!(first.field("range"), Some("bytes=1-2"));
        assert_eq!(reader.next(&mut stream).unwrap().unwrap().method, "POST");
        assert_eq!(reader.next(&mut stream).unwrap().unwrap().method, "HEAD");
        assert_eq!(reader.next(&mut stream).unwrap(), None);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for bytes in [
            &b"GET /\r\n\r\n"[..],
            b"GET / HTTP/2.0\r\n\r\n",
            b"GET / a HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost",
            b"\x16\x03\x01\xff\r\n\r\n",
        ] {
            let outcome = RequestReader::default().next(&mut &bytes[..]);
            assert!(outcome.is_err(), "{:?}", String::from_utf8_lossy(bytes));
        }
        let endless = vec![b'a'; HEAD_MAX + 8192];
        assert!(RequestReader::default().next(&mut &endless[..]).is_err());
    }
}
