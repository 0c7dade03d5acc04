//! The origin itself: accepts connections, one thread each, until it is dropped.
//!
//! Threads and blocking sockets on purpose: an origin then works under any client, with or without
//! an async runtime, and a stalled connection is simply a thread that reads.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::halt::Halt;
use super::log::{Exchange, Log, Outcome};
use super::plan::{Plan, Route};
use super::reply::{Ending, File, Reply};
use super::request::{Request, RequestReader};
use super::tls::{Certificates, Identity};
use super::wire::{Link, Sender, Socket};

/// Connections open at once; one more is closed as soon as it is accepted.
pub const CONNECTIONS_MAX: usize = 512;

/// An HTTP/1.1 server on a free port, of loopback unless told otherwise, that keeps to a [`Plan`], lies included.
///
/// Stops when dropped: its connections end, its threads are joined.
#[derive(Debug)]
pub struct Origin {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: Option<JoinHandle<Vec<JoinHandle<()>>>>,
    certificates: Option<Certificates>,
}

/// What the threads of one origin share.
#[derive(Debug)]
struct Shared {
    plan: Mutex<Plan>,
    log: Log,
    halt: Halt,
    open: Mutex<HashMap<u32, Arc<TcpStream>>>,
    authority: String,
    tls: Option<Arc<ServerConfig>>,
}

impl Origin {
    /// Starts an origin that speaks plain HTTP.
    ///
    /// # Panics
    ///
    /// If the system gives no loopback port or no thread: no test can go on without.
    pub fn start(plan: Plan) -> Origin {
        Origin::run(plan, Ipv4Addr::LOCALHOST.into(), None)
    }

    /// The same on another address of this machine, for tests that make networks of their own.
    ///
    /// # Panics
    ///
    /// As [`Origin::start`], also if the address is not one of this machine's.
    pub fn start_on(plan: Plan, address: IpAddr) -> Origin {
        Origin::run(plan, address, None)
    }

    /// Starts an origin that speaks HTTPS and shows the certificate of `identity`.
    ///
    /// # Panics
    ///
    /// As [`Origin::start`], and if the certificates cannot be made.
    pub fn start_tls(plan: Plan, identity: Identity) -> Origin {
        Origin::run(plan, Ipv4Addr::LOCALHOST.into(), Some(Certificates::make(identity)))
    }

    fn run(plan: Plan, address: IpAddr, certificates: Option<Certificates>) -> Origin {
        let listener = TcpListener::bind((address, 0)).expect("a free port of this address");
        let address = listener.local_addr().expect("the address just bound");
        let shared = Arc::new(Shared {
            plan: Mutex::new(plan),
            log: Log::default(),
            halt: Halt::default(),
            open: Mutex::default(),
            authority: address.to_string(),
            tls: certificates.as_ref().map(Certificates::server_config),
        });
        let for_thread = Arc::clone(&shared);
        let accepting = thread::Builder::new()
            .name("lab-origin".to_owned())
            .spawn(move || accept(&listener, &for_thread))
            .expect("a thread for the origin");
        Origin { shared, address, accepting: Some(accepting), certificates }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path, given with its leading slash. With TLS too the host is an address, which
    /// the certificate names.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.certificates.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address)
    }

    /// The authority to trust, in PEM, for a client that shall believe this origin; for
    /// [`Identity::UnknownAuthority`] it is an authority that did not sign. `None` without TLS.
    pub fn authority_pem(&self) -> Option<&str> {
        self.certificates.as_ref().map(|certificates| certificates.authority_pem.as_str())
    }

    /// The same authority in DER.
    pub fn authority_der(&self) -> Option<&[u8]> {
        self.certificates.as_ref().map(|certificates| certificates.authority_der.as_slice())
    }

    /// Sets what a path does from its next request on. Its requests are counted on.
    pub fn set(&self, path: &str, route: Route) {
        let mut plan = self.shared.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.routes.insert(path.to_owned(), route);
    }

    /// Everything asked so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Exchange> {
        self.requests_from(0)
    }

    /// The same, without the first `count`.
    pub fn requests_from(&self, count: usize) -> Vec<Exchange> {
        self.shared.log.exchanges_from(count)
    }

    /// Waits until `enough` is true of [`Origin::requests`], at most `limit`.
    ///
    /// Returns whether it came true. Give a generous limit: it only costs time when a test fails.
    pub fn wait(&self, limit: Duration, enough: impl Fn(&[Exchange]) -> bool) -> bool {
        self.shared.log.wait(limit, enough)
    }

    /// Ends all connections that are open now, as when a server is restarted. New ones are accepted.
    pub fn hang_up(&self) {
        let open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in open.values() {
            // A connection may have ended by itself meanwhile.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.shared.halt.call();
        // Wakes the thread that accepts; it sees the halt and leaves.
        let _ = TcpStream::connect(self.address);
        let threads = self.accepting.take().and_then(|thread| thread.join().ok());
        self.hang_up();
        for thread in threads.into_iter().flatten() {
            // A panic of a connection's thread was printed where it happened.
            let _ = thread.join();
        }
    }
}

/// Accepts until the origin halts; returns the threads of connections that are still open.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    let mut number = 0;
    loop {
        let accepted = listener.accept();
        if shared.halt.is_called() {
            return threads;
        }
        // A client that left the queue again, or no descriptor to be had: the next may do better.
        let Ok((stream, _)) = accepted else { continue };
        number += 1;
        threads.retain(|thread| !thread.is_finished());
        if threads.len() >= CONNECTIONS_MAX {
            continue;
        }
        let stream = Arc::new(stream);
        let registered = Arc::clone(&stream);
        shared.open.lock().unwrap_or_else(PoisonError::into_inner).insert(number, registered);
        let for_thread = Arc::clone(shared);
        let spawned = thread::Builder::new()
            .name(format!("lab-origin-{number}"))
            .spawn(move || serve(&for_thread, number, stream));
        threads.extend(spawned.ok());
    }
}

/// Serves one connection to its end.
fn serve(shared: &Shared, number: u32, stream: Arc<TcpStream>) {
    // Without it, drips would be gathered by the system and come in lumps.
    let _ = stream.set_nodelay(true);
    if let Some(link) = secure(shared, Socket(stream)) {
        converse(shared, number, link);
    }
}

/// The connection as the client speaks it.
fn secure(shared: &Shared, socket: Socket) -> Option<Link> {
    match &shared.tls {
        None => Some(Link::Plain(socket)),
        Some(config) => {
            let connection = ServerConnection::new(Arc::clone(config)).ok()?;
            Some(Link::Tls(Box::new(StreamOwned::new(connection, socket))))
        }
    }
}

/// Reads requests and answers them until one of them ends the connection.
fn converse(shared: &Shared, number: u32, mut link: Link) {
    let mut reader = RequestReader::default();
    let mut due = Instant::now();
    let (mut ending, mut close_notify) = (Ending::Fin, true);
    // A client that leaves or talks nonsense ends the loop like one that is done.
    while let Ok(Some(request)) = reader.next(&mut link) {
        let wants_close = request.wants_close();
        let (line, nth) = shared.log.open(number, request.clone());
        let reply = reply_to(shared, &request, nth);
        let status = reply.instead.is_none().then_some(reply.status);
        shared.log.update(line, |exchange| exchange.status = status);
        let outcome = Sender {
            link: &mut link,
            halt: &shared.halt,
            due: &mut due,
            on_body: &mut |bytes| {
                shared.log.update(line, |exchange| exchange.body_sent_bytes += bytes);
            },
        }
        .send(&reply);
        close_notify = reply.close_notify;
        ending = match outcome {
            Ok(Ending::Keep) if wants_close => Ending::Fin,
            Ok(ending) => ending,
            Err(_) => Ending::Fin,
        };
        let went = match outcome {
            Ok(Ending::Stall) => Outcome::Open,
            Ok(Ending::Keep | Ending::Fin | Ending::Reset) => Outcome::Sent,
            Err(_) => Outcome::Broken,
        };
        shared.log.update(line, |exchange| exchange.outcome = went);
        if ending == Ending::Stall {
            link.wait_for_leave();
            shared.log.update(line, |exchange| exchange.outcome = Outcome::Broken);
        }
        if ending != Ending::Keep {
            break;
        }
    }
    end(shared, number, link, ending, close_notify);
}

/// Closes the connection in the way that `ending` names.
fn end(shared: &Shared, number: u32, link: Link, ending: Ending, close_notify: bool) {
    let forget = || shared.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    match ending {
        Ending::Reset => {
            // The last owner's close is the reset, so the list must let go first. The option
            // cannot fail on a socket that is open.
            let _ = link.prepare_reset();
            drop(forget());
            drop(link);
        }
        Ending::Keep | Ending::Fin | Ending::Stall => {
            link.finish(close_notify);
            drop(forget());
        }
    }
}

/// The honest reply, bent by everything that the plan has for this request.
fn reply_to(shared: &Shared, request: &Request, nth: u32) -> Reply {
    let route = {
        let plan = shared.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.routes.get(request.path()).cloned()
    };
    let Some(route) = route else { return Reply::not_found() };
    let behaviours = route.behaviours(request, nth);
    let mut file = File::of(&route);
    for behaviour in &behaviours {
        behaviour.change(&mut file);
    }
    let mut reply = file.answer(request);
    for behaviour in &behaviours {
        behaviour.bend(&mut reply);
    }
    for (name, value) in &mut reply.fields {
        if name == "Location" {
            *value = value.replace("{authority}", &shared.authority);
        }
    }
    reply
}
