//! A program written for Microsoft's agent: one connection for all calls, targets without a slash, and
//! one silent second try.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use dobbin_types::ErrorCode;

use super::strict::{Reply, Unreadable};

/// How often the port is looked for before there is no service: three rounds of four.
const LOOKS_MAX: u32 = 12;

/// How long such a program waits before each look but, here, the first.
const LOOK_AFTER: Duration = Duration::from_millis(250);

/// How long a reply may take. It only costs time when something is wrong.
const REPLY_MAX: Duration = Duration::from_secs(60);

/// How often the status is asked for while somebody waits for it.
const ASK_EVERY: Duration = Duration::from_millis(5);

/// A client.
#[derive(Debug)]
pub struct Client {
    run_dir: PathBuf,
    connection: Option<TcpStream>,
}

/// How a download stands, as `getstatus` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// One of six words.
    pub state: String,
    /// Bytes that it will have; 0 while unknown.
    pub bytes_total: u64,
    /// Bytes had.
    pub bytes_transferred: u64,
    /// Why it stopped for good, or why the last try failed.
    pub error: ErrorCode,
    /// What blocks it, or what is behind the error.
    pub extended_error: ErrorCode,
}

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The agent says no.
    #[error("status {0}, code {1}")]
    Code(u16, ErrorCode),
    /// There is no agent.
    #[error("no port is named, or nobody is there")]
    NoService,
    /// The second try failed as well.
    #[error("the connection failed twice")]
    System(#[source] io::Error),
    /// The end of such a program.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// What was waited for did not come.
    #[error("within a minute nothing else came than {0:?}")]
    Late(Status),
}

impl Refusal {
    /// The code, if the agent gave one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Refusal::Code(_, code) => Some(*code),
            Refusal::NoService | Refusal::System(_) | Refusal::Unreadable(_) | Refusal::Late(_) => {
                None
            }
        }
    }
}

impl Client {
    /// One that looks for the agent's port in this folder. Connects with its first call.
    pub fn new(run_dir: &Path) -> Client {
        Client { run_dir: run_dir.to_owned(), connection: None }
    }

    /// `create`; its id.
    ///
    /// # Errors
    ///
    /// Those of [`Client::ask`].
    pub fn create(&mut self, uri: &str, path: &Path) -> Result<String, Refusal> {
        let (uri, path) = (encoded(uri), encoded(&path.display().to_string()));
        let target = format!("download/create?Uri={uri}&DownloadFilePath={path}");
        Ok(self.ask("POST", &target)?.field("Id")?.to_owned())
    }

    /// `start`, `pause`, `finalize` or `abort`.
    ///
    /// # Errors
    ///
    /// Those of [`Client::ask`].
    pub fn tell(&mut self, operation: &str, id: &str) -> Result<(), Refusal> {
        self.ask("POST", &format!("download/{operation}?Id={id}")).map(drop)
    }

    /// `getstatus`.
    ///
    /// # Errors
    ///
    /// Those of [`Client::ask`].
    pub fn status(&mut self, id: &str) -> Result<Status, Refusal> {
        let reply = self.ask("GET", &format!("download/getstatus?Id={id}"))?;
        let bytes = |name| {
            let number = reply.field(name)?.parse::<u64>();
            number.map_err(|_| Unreadable("a count of bytes is no number"))
        };
        Ok(Status {
            state: reply.field("Status")?.to_owned(),
            bytes_total: bytes("BytesTotal")?,
            bytes_transferred: bytes("BytesTransferred")?,
            error: reply.code("ErrorCode")?,
            extended_error: reply.code("ExtendedErrorCode")?,
        })
    }

    /// Asks for the status until it is as wanted.
    ///
    /// # Errors
    ///
    /// [`Refusal::Late`] after a minute; those of [`Client::ask`].
    pub fn wait(
        &mut self,
        id: &str,
        is_wanted: impl Fn(&Status) -> bool,
    ) -> Result<Status, Refusal> {
        let due = Instant::now() + REPLY_MAX;
        loop {
            let status = self.status(id)?;
            if is_wanted(&status) {
                return Ok(status);
            }
            if Instant::now() > due {
                return Err(Refusal::Late(status));
            }
            thread::sleep(ASK_EVERY);
        }
    }

    /// One request over the connection that there is; after an error of the socket the port is looked
    /// up again and the same request sent once more.
    ///
    /// # Errors
    ///
    /// A refusal, no service, a second error of the socket, or a reply that no such program could read.
    pub fn ask(&mut self, method: &str, target: &str) -> Result<Reply, Refusal> {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: DO-SDK-CPP\r\n\r\n"
        );
        let first = match self.connection.take() {
            Some(connection) => self.exchange(connection, &request)?,
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        let reply = match first {
            Ok(reply) => reply,
            Err(_) => {
                let connection = self.connect()?;
                self.exchange(connection, &request)?.map_err(Refusal::System)?
            }
        };
        match reply.status {
            200 => Ok(reply),
            status => Err(Refusal::Code(status, reply.code("ErrorCode")?)),
        }
    }

    /// Sends a request and reads its reply. The connection is kept if that went well.
    fn exchange(
        &mut self,
        mut connection: TcpStream,
        request: &str,
    ) -> Result<io::Result<Reply>, Unreadable> {
        if let Err(error) = connection.write_all(request.as_bytes()) {
            return Ok(Err(error));
        }
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4_096]);
        loop {
            if let Some(reply) = Reply::read(&bytes)? {
                self.connection = Some(connection);
                return Ok(Ok(reply));
            }
            match connection.read(&mut buffer) {
                Ok(0) => return Ok(Err(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => bytes.extend_from_slice(&buffer[..count]),
                Err(error) => return Ok(Err(error)),
            }
        }
    }

    fn connect(&self) -> Result<TcpStream, Refusal> {
        for look in 0..LOOKS_MAX {
            if look > 0 {
                thread::sleep(LOOK_AFTER);
            }
            let Some(port) = self.port() else { continue };
            let connected = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).and_then(|stream| {
                stream.set_read_timeout(Some(REPLY_MAX))?;
                Ok(stream)
            });
            if let Ok(stream) = connected {
                return Ok(stream);
            }
        }
        Err(Refusal::NoService)
    }

    /// The first line of the newest file whose name says that it holds the port.
    pub(super) fn port(&self) -> Option<u16> {
        let entries = fs::read_dir(&self.run_dir).ok()?.filter_map(Result::ok);
        let newest = entries
            .filter(|entry| entry.file_name().to_string_lossy().contains("restport"))
            .max_by_key(|entry| entry.metadata().and_then(|data| data.modified()).ok())?;
        fs::read_to_string(newest.path()).ok()?.lines().next()?.parse().ok()
    }
}

/// A value in a query: what would be taken for something else is escaped, and nothing more.
fn encoded(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?@!$'()*,".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_taken_for_something_else_is_escaped() {
        assert_eq!(
            encoded("http://a/b?c=1&d=%2F+e f;g"),
            "http://a/b?c%3D1%26d%3D%252F%2Be%20f%3Bg"
        );
        assert_eq!(encoded("/tmp/~(x)!$'*,@"), "/tmp/~(x)!$'*,@");
    }
}
