//! The server that all tools download from.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::child::Owned;
use super::file_server::FileServer;
use super::tool::in_path;

/// How long a server may take to listen.
const START_MAX: Duration = Duration::from_secs(10);

/// How often another port is tried when somebody took the free one in between.
const PORT_TRIES_MAX: usize = 5;

/// How long it may take until a server has let go of its last connection.
const SETTLE_MAX: Duration = Duration::from_secs(30);

/// A running server for one folder. Ends with this value.
#[derive(Debug)]
pub(super) enum Server {
    /// nginx with a configuration of its own.
    Nginx { address: SocketAddr, log: PathBuf, version: String, _child: Owned },
    /// Ours, where nginx is not installed or connections are limited.
    Own(FileServer),
}

impl Server {
    /// Serves `folder`. `rate` limits every connection, in bytes per second.
    ///
    /// Errors: nginx is wanted and installed but does not start; no port.
    pub(super) fn start(folder: &Path, scratch: &Path, rate: Option<u64>) -> Result<Server> {
        match in_path("nginx") {
            Some(program) if rate.is_none() => nginx(&program, folder, scratch),
            Some(_) | None => {
                Ok(Server::Own(FileServer::start(folder, rate).context("cannot serve files")?))
            }
        }
    }

    /// The URL of a file in the folder.
    pub(super) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address())
    }

    /// Requests answered so far.
    pub(super) fn requests_count(&self) -> usize {
        match self {
            Server::Nginx { log, .. } => {
                fs::read(log).map_or(0, |log| log.iter().filter(|byte| **byte == b'\n').count())
            }
            Server::Own(server) => server.requests_count(),
        }
    }

    /// Body bytes sent so far; of nginx, in requests that are over.
    pub(super) fn sent_bytes(&self) -> u64 {
        match self {
            Server::Nginx { log, .. } => {
                let text = fs::read_to_string(log).unwrap_or_default();
                text.lines().filter_map(|line| line.split(' ').nth(1)?.parse::<u64>().ok()).sum()
            }
            Server::Own(server) => server.sent_bytes(),
        }
    }

    /// Waits until no connection is left, so that all requests are over.
    pub(super) fn settle(&self) -> Result<()> {
        let due = Instant::now() + SETTLE_MAX;
        while !has_no_connection(&fs::read_to_string("/proc/net/tcp")?, self.address().port()) {
            if Instant::now() > due {
                bail!("connections are left after {SETTLE_MAX:?}");
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn address(&self) -> SocketAddr {
        match self {
            Server::Nginx { address, .. } => *address,
            Server::Own(server) => server.address(),
        }
    }

    /// What it is, for the report.
    pub(super) fn name(&self) -> String {
        match self {
            Server::Nginx { version, .. } => format!("{version}, one process, sendfile"),
            Server::Own(_) => "the lab's own file server, sendfile".to_owned(),
        }
    }
}

fn nginx(program: &Path, folder: &Path, scratch: &Path) -> Result<Server> {
    let home = scratch.join("nginx");
    fs::create_dir(&home).context("cannot make a folder for nginx")?;
    let configuration = home.join("nginx.conf");
    let log = home.join("access.log");
    for _ in 0..PORT_TRIES_MAX {
        let address = free_address().context("cannot find a free port")?;
        fs::write(&configuration, nginx_configuration(folder, address))?;
        let mut command = Command::new(program);
        command.arg("-p").arg(&home).arg("-c").arg(&configuration);
        command.arg("-e").arg(home.join("error.log"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = Owned::start(&mut command)?;
        if listens(&mut child, address)? {
            let version = nginx_version(program);
            return Ok(Server::Nginx { address, log, version, _child: child });
        }
    }
    let errors = fs::read_to_string(home.join("error.log")).unwrap_or_default();
    bail!("nginx does not start: {}", errors.lines().last().unwrap_or("it does not say why"))
}

/// A single process in the foreground, as whoever runs the bench: one child to look after, and
/// nothing of it outside its folder.
fn nginx_configuration(folder: &Path, address: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off;\nmaster_process off;\npid nginx.pid;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n\
         log_format lab '$status $body_bytes_sent';\n\
         access_log access.log lab;\nsendfile on;\ntcp_nopush on;\nkeepalive_requests 100000;\n\
         default_type application/octet-stream;\n\
         client_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\n\
         uwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n\
         server {{ listen {address}; root \"{folder}\"; }}\n\
         }}\n"
    )
}

/// Whether the child takes connections; `false` if it ended instead.
fn listens(child: &mut Owned, address: SocketAddr) -> Result<bool> {
    let due = Instant::now() + START_MAX;
    while Instant::now() < due {
        if child.has_ended()? {
            return Ok(false);
        }
        if TcpStream::connect(address).is_ok() {
            return Ok(true);
        }
        thread::sleep(Duration::from_millis(5));
    }
    bail!("nginx does not listen after {START_MAX:?}")
}

/// Whether `/proc/net/tcp` shows no connection at this local port that its owner still holds: neither
/// established (01) nor closed by the other side alone (08).
fn has_no_connection(table: &str, port: u16) -> bool {
    let ends = format!(":{port:04X}");
    !table.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        let is_ours = words.next().is_some_and(|local| local.ends_with(&ends));
        let state = words.nth(1);
        is_ours && matches!(state, Some("01" | "08"))
    })
}

/// A loopback address that was free a moment ago.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

fn nginx_version(program: &Path) -> String {
    let output = Command::new(program).arg("-v").stdin(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    let text = text.unwrap_or_default();
    text.trim().rsplit(' ').next().filter(|word| !word.is_empty()).unwrap_or("nginx").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_known_by_its_port_and_its_state() {
        let table = |state: &str| {
            format!(
                "  sl  local_address rem_address   st tx_queue rx_queue\n   \
                 0: 0100007F:1F90 0100007F:D431 {state} 00000000:00000000 00:00000000\n"
            )
        };
        for (state, port, expect) in
            [("01", 8080, false), ("08", 8080, false), ("06", 8080, true), ("01", 8081, true)]
        {
            assert_eq!(has_no_connection(&table(state), port), expect, "{state} {port}");
        }
    }
}
