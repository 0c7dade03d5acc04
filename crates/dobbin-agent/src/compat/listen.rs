//! The door: a port on the loopback address, the file that names it, and everybody who knocks.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use dobbin_engine::Handle;
use dobbin_types::ErrorCode;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, spawn_blocking};

use super::administration::RemoteRule;
use super::calls::Desk;
use super::connection::{Connection, Patience};
use super::port_file::PortFile;
use super::reply::Reply;
use crate::error::StartError;
use crate::ipc::{Leave, Limits, Seats, at_other_end_of_tcp, nobody, serve_until_told};
use crate::options::CompatOptions;

/// A port that is ours, before anybody is served.
#[derive(Debug)]
pub(crate) struct Opened {
    listener: TcpListener,
    file: PortFile,
    owners_only: bool,
}

/// Callers are served, until they are told that the agent leaves.
#[derive(Debug)]
pub(crate) struct Serving {
    accepting: JoinHandle<()>,
    file: PortFile,
}

impl Opened {
    /// Takes the first port that is free and names it in a file. To be called on a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`StartError::NoPort`], [`StartError::PortFile`].
    pub(crate) async fn at(options: &CompatOptions) -> Result<Opened, StartError> {
        let CompatOptions { run_dir, config_dir: _, ports, owners_only } = options;
        let no_port = |source| StartError::NoPort { ports: ports.clone(), source };
        let listener = first_free(ports.clone()).await.map_err(no_port)?;
        let port = listener.local_addr().map_err(no_port)?.port();
        let file = PortFile::write(run_dir, port)?;
        tracing::info!(port, "programs written for Microsoft's agent are served");
        Ok(Opened { listener, file, owners_only: *owners_only })
    }

    /// Serves everybody who connects, from now on. Each connection for itself: a call that takes its
    /// time holds up no other connection.
    pub(crate) fn serve(
        self,
        engine: Handle,
        remote: RemoteRule,
        limits: Limits,
        leave: Leave,
        grace: Duration,
    ) -> Serving {
        let Opened { listener, file, owners_only } = self;
        let house = House {
            desk: Desk::new(engine, owners_only),
            places: Arc::new(Semaphore::new(limits.connections_max)),
            seats: Seats::new(limits),
            limits,
            remote,
            leave: leave.clone(),
        };
        let serve = move |stream: TcpStream| {
            let Ok(place) = Arc::clone(&house.places).try_acquire_owned() else {
                send_away(&stream);
                return None;
            };
            Some(house.clone().serve(stream, place))
        };
        let accepting = tokio::spawn(serve_until_told(listener, "compat", leave, grace, serve));
        Serving { accepting, file }
    }
}

impl Serving {
    /// Waits until nobody is served any more; the sign to leave has been given. The file goes first,
    /// so that nobody looks for us here any more.
    pub(crate) async fn stop(self) {
        let Serving { accepting, file } = self;
        drop(file);
        if let Err(error) = accepting.await {
            tracing::error!(%error, "accepting over TCP ended in a panic");
        }
    }
}

/// The first port that nobody has. Only that somebody has it leads on to the next.
async fn first_free(ports: std::ops::RangeInclusive<u16>) -> io::Result<TcpListener> {
    let mut taken = io::Error::new(io::ErrorKind::AddrNotAvailable, "there is no port to try");
    for port in ports {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}

/// What every connection needs.
#[derive(Clone)]
struct House {
    desk: Desk,
    /// Taken before anything is asked of the kernel, so that a crowd at the door stays outside.
    places: Arc<Semaphore>,
    seats: Seats,
    limits: Limits,
    remote: RemoteRule,
    leave: Leave,
}

impl House {
    async fn serve(self, stream: TcpStream, _place: OwnedSemaphorePermit) {
        let peer = match stream.peer_addr() {
            Ok(peer) => peer,
            Err(error) => return tracing::debug!(%error, "caller is gone"),
        };
        // Looking through the kernel's tables takes its time when they are long.
        let looked = spawn_blocking(move || {
            let caller = at_other_end_of_tcp(&stream);
            (stream, caller)
        });
        let Ok((stream, caller)) = looked.await else {
            return;
        };
        let caller = caller.unwrap_or_else(|error| {
            tracing::warn!(%error, "caller is not known to the kernel");
            None
        });
        let uid = caller.unwrap_or_else(nobody).uid();
        let Ok(_seat) = self.seats.take(uid) else {
            return send_away(&stream);
        };
        let refusal = refusal(peer, self.remote.refuses());
        let desk = self.desk;
        let answer = move |request| {
            let desk = desk.clone();
            async move {
                match refusal {
                    Some(code) => Reply::refused(code),
                    None => desk.answer(caller, &request).await,
                }
            }
        };
        let patience = Patience { limits: self.limits, leave: self.leave };
        let ended = Connection::new(stream, patience).serve(answer).await;
        if let Err(error) = ended {
            tracing::debug!(%uid, %error, "connection failed");
        }
    }
}

/// Why nothing is done for somebody at that address; nothing for everybody on this machine.
fn refusal(peer: SocketAddr, validate_remote: bool) -> Option<ErrorCode> {
    (validate_remote && !peer.ip().is_loopback()).then_some(ErrorCode::E_INVALIDARG)
}

/// There is no seat. Those programs try a create again some times when they hear this.
fn send_away(stream: &TcpStream) {
    tracing::debug!("connection refused: there are too many");
    // One try that cannot wait: the socket's buffer is empty, so it takes these few bytes.
    let _ = stream.try_write(&Reply::refused(ErrorCode::DO_E_NO_SERVICE).into_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// conformance: rest remote
    #[test]
    fn who_is_not_on_this_machine_is_refused_unless_nobody_looks() {
        let peer = |text: &str| format!("{text}:1234").parse().unwrap();
        for address in ["127.0.0.1", "127.1.2.3", "127.255.255.255", "[::1]"] {
            assert_eq!(refusal(peer(address), true), None, "{address}");
        }
        for address in ["10.0.0.1", "128.0.0.1", "[fe80::1]", "0.0.0.0"] {
            assert_eq!(refusal(peer(address), true), Some(ErrorCode::E_INVALIDARG), "{address}");
            assert_eq!(refusal(peer(address), false), None, "{address}");
        }
    }

    /// conformance: rest port
    #[tokio::test]
    async fn a_port_that_somebody_has_leads_on_to_the_next() {
        // Two neighbours of which we have the first; somebody else may have the second.
        for _ in 0..100 {
            let ours = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let port = ours.local_addr().unwrap().port();
            let Some(next) = port.checked_add(1) else { continue };
            let error = first_free(port..=port).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
            let Ok(found) = first_free(port..=next).await else { continue };
            assert_eq!(found.local_addr().unwrap(), (Ipv4Addr::LOCALHOST, next).into());
            return;
        }
        panic!("no two neighbouring ports are free");
    }

    #[tokio::test]
    async fn a_range_without_a_port_ends_the_start() {
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is tried")]
        let options = CompatOptions {
            ports: 2..=1,
            ..CompatOptions::at(std::path::PathBuf::from("nowhere"))
        };
        let error = Opened::at(&options).await.unwrap_err();
        assert!(matches!(error, StartError::NoPort { .. }), "{error}");
    }
}
