//! Listeners, pretended names and clients for the tests beside this file.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use url::Url;

use super::super::*;

/// Runs a test on the kind of runtime that a transfer thread has.
pub(super) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test)
}

/// What a listener does after it has read one request.
#[derive(Clone)]
pub(super) enum Act {
    /// Send these bytes and wait for the next request.
    Say(String),
    /// Send these bytes and close.
    Leave(String),
    /// Send these bytes, then nothing, and keep the connection.
    Hang(String),
}

pub(super) use Act::{Hang, Leave, Say};

/// A listener that answers its requests, over all connections, with the acts in their order.
pub(super) struct Origin {
    pub(super) address: SocketAddr,
    /// The head of each request, and the number of the connection it came on.
    pub(super) requests: mpsc::UnboundedReceiver<(usize, String)>,
    /// How many connections were made, also those that nothing was asked on.
    connections_count: Arc<AtomicUsize>,
}

impl Origin {
    pub(super) async fn new(acts: impl IntoIterator<Item = Act>) -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, requests) = mpsc::unbounded_channel();
        let acts = Arc::new(Mutex::new(acts.into_iter().collect::<Vec<_>>().into_iter()));
        let connections_count = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections_count);
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, number, Arc::clone(&acts), tell.clone()));
            }
        });
        Origin { address, requests, connections_count }
    }

    pub(super) fn connections_count(&self) -> usize {
        self.connections_count.load(Ordering::Relaxed)
    }

    pub(super) fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    /// The next request that was read, and on which connection.
    pub(super) async fn heard(&mut self) -> (usize, String) {
        self.requests.recv().await.unwrap()
    }
}

pub(super) async fn serve(
    mut stream: TcpStream,
    number: usize,
    acts: Arc<Mutex<std::vec::IntoIter<Act>>>,
    tell: mpsc::UnboundedSender<(usize, String)>,
) {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let _ = tell.send((number, String::from_utf8(head).unwrap()));
        let act = acts.lock().unwrap().next();
        match act {
            Some(Say(text)) => stream.write_all(text.as_bytes()).await.unwrap(),
            Some(Leave(text)) => {
                let _ = stream.write_all(text.as_bytes()).await;
                return;
            }
            Some(Hang(text)) => {
                stream.write_all(text.as_bytes()).await.unwrap();
                std::future::pending::<()>().await;
            }
            None => return,
        }
    }
}

/// Names and public addresses that all lead to listeners on this machine.
#[derive(Default)]
struct Pretend {
    names: HashMap<&'static str, Vec<SocketAddr>>,
    routes: HashMap<SocketAddr, SocketAddr>,
}

impl Network for Pretend {
    fn resolve<'a>(
        &'a self,
        host: &'a str,
        _port: u16,
    ) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        let found = self.names.get(host).cloned();
        Box::pin(async move { found.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }

    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<TcpStream>> {
        let route = self.routes.get(&address).copied();
        Box::pin(TcpStream::connect(route.unwrap_or(address)))
    }
}

pub(super) fn settings() -> HttpSettings {
    HttpSettings { proxy: ProxyRules::none(), ..HttpSettings::product("Dobbin/1") }
}

pub(super) fn client() -> Client {
    Client::new(settings()).unwrap()
}

/// Rules so strict that silence is found out while a test waits.
pub(super) fn impatient() -> Client {
    let stall = StallRule { min_bytes_per_second: 4_000, over: Duration::from_millis(200) };
    Client::new(HttpSettings { stall, ..settings() }).unwrap()
}

pub(super) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

pub(super) fn moved(to: impl std::fmt::Display) -> Act {
    Say(format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"))
}

pub(super) async fn read(response: &mut Response) -> Result<Vec<u8>, FetchError> {
    let mut all = Vec::new();
    while let Some(bytes) = response.body.next().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

/// Fetches a whole and says how that failed.
pub(super) async fn failure(client: &Client, request: &Request) -> FetchError {
    match client.open(request).await {
        Err(error) => error,
        Ok(mut response) => read(&mut response).await.expect_err("the fetch should fail"),
    }
}

/// A network in which these names have these addresses, each answered by a listener of this machine.
pub(super) fn pretend(places: &[(&'static str, &str, SocketAddr)]) -> Arc<dyn Network> {
    let mut pretend = Pretend::default();
    for (name, address, listener) in places {
        let address = SocketAddr::new(address.parse().unwrap(), 80);
        pretend.names.entry(name).or_default().push(address);
        pretend.routes.insert(address, *listener);
    }
    Arc::new(pretend)
}

/// A client in such a network.
pub(super) fn pretending(places: &[(&'static str, &str, SocketAddr)]) -> Client {
    Client::new(HttpSettings { network: pretend(places), ..settings() }).unwrap()
}

pub(super) fn with_secret(url: &str) -> Request {
    let mut request = Request::whole(url.parse().unwrap());
    request.headers.push(("x-token".parse().unwrap(), "canary".parse().unwrap()));
    request
}

pub(super) const PUBLIC: &str = "93.184.216.34";
pub(super) const ALSO_PUBLIC: &str = "2606:4700::1";
