//! Noise for the listener: requests that were bent at random, sent to a running agent for a while. It
//! must answer each connection in words that programs can read, or end it, and stay well.

use std::fmt;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use dobbin_agent::{AgentOptions, CompatOptions, Embedded};
use dobbin_platform::Scope;
use dobbin_types::rest::AgentMode;

use super::client::Client;
use super::strict::Reply;
use crate::chance::Chance;

/// Requests sent over one connection at most.
const REQUESTS_MAX: u64 = 6;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Good requests to begin with; `ID` becomes that of a download which is there.
const GOOD: &[&str] = &[
    "POST download/create?Uri=http://a.example/b?c%3D1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "GET /download/getstatus?Id=ID HTTP/1.1\r\nHost: localhost\r\nUser-Agent: x\r\n\r\n",
    "GET download/getproperty?Id=ID&PropertyKey=Uri HTTP/1.1\r\n\r\n",
    "POST download/setproperty?Id=ID&NoProgressTimeoutSeconds=60 HTTP/1.1\r\n\r\n",
    "POST download/pause?Id=ID;Uri=x HTTP/1.0\r\nConnection: close\r\n\r\n",
    "POST download/finalize HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
];

/// What is put into them, beside single bytes.
const PARTS: &[&str] = &[
    "\r\n",
    "\r\n\r\n",
    "%",
    "%00",
    "%FF",
    "?",
    "&",
    ";",
    "=",
    "//",
    "\0",
    "\u{7f}",
    "\u{e4}",
    "HTTP/1.1",
    "Content-Length: 99999999\r\n",
    "Content-Length: -1\r\n",
    "Host: evil\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Origin: x\r\n",
    " ",
    "Id=",
    "PropertyKey=",
];

/// What to do.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// For how long
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// What everything random follows from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Connections.
    pub connections: u64,
    /// Replies, each of which programs could read.
    pub replies: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} connections, {} replies, all of them readable",
            self.connections, self.replies
        )
    }
}

/// Makes noise at an agent of its own.
///
/// # Errors
///
/// A reply that no program could read, silence, or an agent that is not well afterwards; each with the
/// bytes that led to it.
pub fn run(options: &Options) -> Result<Summary> {
    let home = tempfile::tempdir()?;
    let (state, socket) = (home.path().join("state"), home.path().join("api.sock"));
    let mut agent = AgentOptions::at(Scope::User, AgentMode::Embedded, state, socket);
    let run_dir = home.path().join("run");
    agent.compat = Some(CompatOptions { ports: 0..=0, ..CompatOptions::at(run_dir.clone()) });
    let agent = Embedded::start(agent).context("cannot start an agent")?;
    let mut client = Client::new(&run_dir);
    let id = client.create("http://a.example/", &home.path().join("out"))?;
    let port = client.port().context("no port is named")?;
    let mut chance = Chance::new(options.seed);
    let mut summary = Summary { connections: 0, replies: 0 };
    let due = Instant::now() + Duration::from_secs(options.seconds);
    while summary.connections == 0 || Instant::now() < due {
        let bytes = requests(&mut chance, &id);
        let answer = send(port, &bytes, &mut chance).with_context(|| shown(&bytes))?;
        summary.replies += count(&answer).with_context(|| shown(&bytes))?;
        summary.connections += 1;
    }
    // The one that was there is there, unless a bent request of some other shape has ended it: none
    // of them can abort it.
    client.status(&id).context("the agent is not well")?;
    agent.stop();
    Ok(summary)
}

fn shown(bytes: &[u8]) -> String {
    format!("sent: {}", bytes.escape_ascii())
}

/// Some requests in a row, bent here and there.
fn requests(chance: &mut Chance, id: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..chance.within(1..REQUESTS_MAX) {
        let good = chance.pick(GOOD).copied().unwrap_or_default();
        bytes.extend_from_slice(good.replace("ID", id).as_bytes());
    }
    for _ in 0..chance.within(0..4) {
        bend(chance, &mut bytes);
    }
    bytes
}

fn bend(chance: &mut Chance, bytes: &mut Vec<u8>) {
    let end = bytes.len() as u64;
    if end == 0 {
        return;
    }
    // It comes from a length, so it fits.
    let at = usize::try_from(chance.within(0..end)).unwrap_or(0);
    match chance.within(0..4) {
        0 => bytes[at] = u8::try_from(chance.within(0..256)).unwrap_or(0),
        1 => bytes.truncate(at),
        2 => {
            let part = chance.pick(PARTS).copied().unwrap_or_default();
            bytes.splice(at..at, part.bytes());
        }
        _ => {
            let part = vec![bytes[at]; usize::try_from(chance.within(1..20_000)).unwrap_or(1)];
            bytes.splice(at..at, part);
        }
    }
}

/// Sends the bytes, in one part or in two; everything that comes back until the agent has nothing more
/// to say.
fn send(port: u16, bytes: &[u8], chance: &mut Chance) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let at = usize::try_from(chance.within(0..bytes.len() as u64 + 1)).unwrap_or(0);
    let (first, second) = bytes.split_at(at);
    // The agent may have had enough before the end.
    let _ = stream.write_all(first).and_then(|()| stream.write_all(second));
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => Ok(answer),
        Err(error) => bail!("after {} bytes the answer broke off: {error}", answer.len()),
    }
}

/// How many replies these bytes are.
fn count(mut answer: &[u8]) -> Result<u64> {
    const NEXT: &[u8] = b"HTTP/1.1 ";
    let mut count = 0;
    while !answer.is_empty() {
        let next = answer.windows(NEXT.len()).skip(1).position(|bytes| bytes == NEXT);
        let (reply, rest) = answer.split_at(next.map_or(answer.len(), |at| at + 1));
        Reply::read(reply)?.context("a reply is cut off")?;
        answer = rest;
        count += 1;
    }
    Ok(count)
}
