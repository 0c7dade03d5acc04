//! A client against listeners that say exactly what a test wants them to say.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dobbin_core::source::Reach;
use dobbin_types::ErrorCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use url::Url;

use super::*;

/// Runs a test on the kind of runtime that a transfer thread has.
fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test)
}

/// What a listener does after it has read one request.
#[derive(Clone)]
enum Act {
    /// Send these bytes and wait for the next request.
    Say(String),
    /// Send these bytes and close.
    Leave(String),
    /// Send these bytes, then nothing, and keep the connection.
    Hang(String),
}

use Act::{Hang, Leave, Say};

/// A listener that answers its requests, over all connections, with the acts in their order.
struct Origin {
    address: SocketAddr,
    /// The head of each request, and the number of the connection it came on.
    requests: mpsc::UnboundedReceiver<(usize, String)>,
}

impl Origin {
    async fn new(acts: impl IntoIterator<Item = Act>) -> Origin {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, requests) = mpsc::unbounded_channel();
        let acts = Arc::new(Mutex::new(acts.into_iter().collect::<Vec<_>>().into_iter()));
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                tokio::spawn(serve(stream, number, Arc::clone(&acts), tell.clone()));
            }
        });
        Origin { address, requests }
    }

    fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    /// The next request that was read, and on which connection.
    async fn heard(&mut self) -> (usize, String) {
        self.requests.recv().await.unwrap()
    }
}

async fn serve(
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

fn settings() -> HttpSettings {
    HttpSettings { proxy: ProxyRules::none(), ..HttpSettings::product("Dobbin/1") }
}

fn client() -> Client {
    Client::new(settings()).unwrap()
}

/// Rules so strict that silence is found out while a test waits.
fn impatient() -> Client {
    let stall = StallRule { min_bytes_per_second: 4_000, over: Duration::from_millis(200) };
    Client::new(HttpSettings { stall, ..settings() }).unwrap()
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn moved(to: impl std::fmt::Display) -> Act {
    Say(format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"))
}

async fn read(response: &mut Response) -> Result<Vec<u8>, FetchError> {
    let mut all = Vec::new();
    while let Some(bytes) = response.body.next().await? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}

/// Fetches a whole and says how that failed.
async fn failure(client: &Client, request: &Request) -> FetchError {
    match client.open(request).await {
        Err(error) => error,
        Ok(mut response) => read(&mut response).await.expect_err("the fetch should fail"),
    }
}

#[test]
fn a_range_comes_with_all_that_is_known_of_it() {
    run(async {
        let reply = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-5/10\r\n\
            Content-Length: 4\r\nETag: \"v1\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\ncdef";
        let mut origin = Origin::new([Say(reply.into())]).await;
        let request = Request::part(origin.url("/f"), 2..6);
        let mut response = client().open(&request).await.unwrap();
        assert_eq!(response.extent, Extent::Part { start: 2, end: 6 });
        assert_eq!(response.total, Some(10));
        assert_eq!(response.validator, Some(Validator::StrongEtag("\"v1\"".into())));
        assert_eq!(response.last_modified.unwrap().unix_millis(), 784_111_777_000);
        assert_eq!(response.remote, Some(origin.address));
        assert!(response.accepts_ranges);
        assert!(response.header_text.starts_with("HTTP/1.1 206 Partial Content\r\n"));
        assert_eq!(response.body.remaining(), Some(4));
        assert_eq!(read(&mut response).await.unwrap(), b"cdef");
        assert_eq!(response.body.remaining(), Some(0));
        let (_, heard) = origin.heard().await;
        assert!(heard.starts_with("GET /f HTTP/1.1\r\n"), "{heard}");
        for line in
            ["range: bytes=2-5\r\n", "accept-encoding: identity\r\n", "user-agent: Dobbin/1\r\n"]
        {
            assert!(heard.contains(line), "{heard}");
        }
    });
}

#[test]
fn an_origin_that_ignores_ranges_is_told_apart() {
    run(async {
        let origin = Origin::new([Say(ok("0123456789"))]).await;
        let request = Request::part(origin.url("/f"), 2..6);
        let mut response = client().open(&request).await.unwrap();
        assert_eq!((response.extent, response.total), (Extent::Whole, Some(10)));
        assert!(!response.accepts_ranges);
        assert_eq!(read(&mut response).await.unwrap(), b"0123456789");
    });
}

#[test]
fn a_body_without_a_length_ends_with_the_connection_or_the_last_chunk() {
    run(async {
        let close = Leave("HTTP/1.1 200 OK\r\n\r\nhello".into());
        let chunks =
            Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
                .into());
        let origin = Origin::new([close, chunks]).await;
        for _ in 0..2 {
            let mut response = client().open(&Request::whole(origin.url("/f"))).await.unwrap();
            assert_eq!(response.total, None);
            assert_eq!(read(&mut response).await.unwrap(), b"hello");
        }
    });
}

#[test]
fn a_body_that_ends_early_or_late_is_an_error() {
    run(async {
        let part = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/10\r\n";
        let chunked = format!("{part}Transfer-Encoding: chunked\r\n\r\n");
        let truncated = FetchErrorKind::Truncated { received_bytes: 5 };
        for (reply, expect) in [
            (format!("{part}Content-Length: 10\r\n\r\nhello"), truncated.clone()),
            (format!("{part}\r\nhello"), truncated.clone()),
            (format!("{chunked}5\r\nhello\r\n"), truncated.clone()),
            (format!("{chunked}5\r\nhello\r\n0\r\n\r\n"), truncated.clone()),
            (format!("{chunked}5\r\nhello\r\n6\r\nworlds\r\n0\r\n\r\n"), FetchErrorKind::Length),
            (format!("{chunked}5\r\nhello\r\nXX\r\n"), FetchErrorKind::Malformed),
        ] {
            let origin = Origin::new([Leave(reply.clone())]).await;
            let error = failure(&client(), &Request::part(origin.url("/f"), 0..10)).await;
            assert_eq!(error.kind, expect, "{reply}");
        }
    });
}

#[test]
fn silence_is_found_out_before_and_inside_the_body() {
    run(async {
        for (said, expect) in [
            ("", FetchErrorKind::Silent),
            ("HTTP/1.1 200 OK\r\nContent-", FetchErrorKind::Silent),
            ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", FetchErrorKind::Stalled),
            ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", FetchErrorKind::Stalled),
        ] {
            let origin = Origin::new([Hang(said.into())]).await;
            let error = failure(&impatient(), &Request::whole(origin.url("/f"))).await;
            assert_eq!(error.kind, expect, "{said:?}");
            assert_eq!(error.code(), ErrorCode::WININET_E_TIMEOUT);
        }
    });
}

#[test]
fn a_reader_that_takes_its_time_blames_nobody() {
    run(async {
        let origin = Origin::new([Say(ok("hello"))]).await;
        let mut response = impatient().open(&Request::whole(origin.url("/f"))).await.unwrap();
        // Longer than the whole stall rule; a held-back reader does the same.
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(read(&mut response).await.unwrap(), b"hello");
    });
}

#[test]
fn no_answer_has_its_own_error() {
    run(async {
        let origin = Origin::new([Leave(String::new())]).await;
        let error = failure(&client(), &Request::whole(origin.url("/f"))).await;
        assert_eq!(error.kind, FetchErrorKind::EmptyReply);

        let origin = Origin::new([Leave("220 mail.example ESMTP\r\n\r\n".into())]).await;
        let error = failure(&client(), &Request::whole(origin.url("/f"))).await;
        assert_eq!(error.kind, FetchErrorKind::Malformed);

        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let url: Url = format!("http://{free}/").parse().unwrap();
        let error = failure(&client(), &Request::whole(url)).await;
        assert_eq!(error.kind, FetchErrorKind::Connect(io::ErrorKind::ConnectionRefused));
        assert_eq!(error.code(), ErrorCode::WIN32_CANNOT_CONNECT);
    });
}

#[test]
fn a_refusal_carries_its_status_and_the_wish_for_patience() {
    run(async {
        let reply = "HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n";
        let origin = Origin::new([Say(reply.into())]).await;
        let error = failure(&client(), &Request::whole(origin.url("/f?canary"))).await;
        assert_eq!(error.kind, FetchErrorKind::Status(503));
        assert_eq!(error.http_status, Some(503));
        assert_eq!(error.retry_after, Some(Duration::from_secs(120)));
        assert_eq!(error.class(), Class::Transient);
        assert_eq!(error.host, "127.0.0.1");
        assert!(!format!("{error} {error:?}").contains("canary"));
    });
}

#[test]
fn small_files_share_a_connection() {
    run(async {
        let mut origin = Origin::new((0..50).map(|n| match n % 10 {
            // A refusal's body is read to its end, so that it costs no connection either.
            3 => Say("HTTP/1.1 404 Gone\r\nContent-Length: 4\r\n\r\ngone".into()),
            _ => Say(ok("hello")),
        }))
        .await;
        let client = client();
        for n in 0..50 {
            match client.open(&Request::whole(origin.url("/f"))).await {
                Ok(mut response) => assert_eq!(read(&mut response).await.unwrap(), b"hello"),
                Err(error) => assert_eq!((n % 10, error.http_status), (3, Some(404))),
            }
            // Lets the connection's task find the end of the reply and give it back.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        }
        let mut connections = 0;
        for _ in 0..50 {
            connections = connections.max(origin.heard().await.0 + 1);
        }
        assert!(connections <= 6, "{connections} connections");
    });
}

#[test]
fn a_connection_that_went_stale_is_replaced_without_a_word() {
    run(async {
        // It closes after the second request was read, as a server does whose idle limit has run
        // out; a client cannot tell that from a crash, but the first connection had served before.
        let acts = [Say(ok("one")), Leave(String::new()), Say(ok("two"))];
        let mut origin = Origin::new(acts).await;
        let client = client();
        for expect in ["one", "two"] {
            let mut response = client.open(&Request::whole(origin.url("/f"))).await.unwrap();
            assert_eq!(read(&mut response).await.unwrap(), expect.as_bytes());
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        }
        let mut numbers = Vec::new();
        for _ in 0..3 {
            numbers.push(origin.heard().await.0);
        }
        assert_eq!(numbers, [0, 0, 1]);
    });
}

/// A client for which these names have these addresses, each answered by a listener of this machine.
fn pretending(places: &[(&'static str, &str, SocketAddr)]) -> Client {
    let mut pretend = Pretend::default();
    for (name, address, listener) in places {
        let address = SocketAddr::new(address.parse().unwrap(), 80);
        pretend.names.entry(name).or_default().push(address);
        pretend.routes.insert(address, *listener);
    }
    Client::new(HttpSettings { network: Arc::new(pretend), ..settings() }).unwrap()
}

fn with_secret(url: &str) -> Request {
    let mut request = Request::whole(url.parse().unwrap());
    request.headers.push(("x-token".parse().unwrap(), "canary".parse().unwrap()));
    request
}

const PUBLIC: &str = "93.184.216.34";
const ALSO_PUBLIC: &str = "2606:4700::1";

#[test]
fn secrets_stay_with_the_first_origin_even_when_sent_back_to_it() {
    run(async {
        let acts = [moved("/next"), moved("http://b.test/x"), Say(ok("hello"))];
        let mut first = Origin::new(acts).await;
        let mut second = Origin::new([moved("http://a.test/back")]).await;
        let client = pretending(&[
            ("a.test", PUBLIC, first.address),
            ("b.test", ALSO_PUBLIC, second.address),
        ]);
        let request = with_secret("http://user:canary@a.test/start#here");
        let mut response = client.open(&request).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), b"hello");
        assert_eq!(response.final_url.as_str(), "http://a.test/back");
        assert_eq!(response.remote, Some(SocketAddr::new(PUBLIC.parse().unwrap(), 80)));
        for (path, trusted) in [("/start", true), ("/next", true), ("/back", false)] {
            let (_, heard) = first.heard().await;
            assert!(heard.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{heard}");
            assert_eq!(heard.contains("x-token: canary\r\n"), trusted, "{heard}");
            assert_eq!(heard.contains("authorization: Basic "), trusted, "{heard}");
        }
        let (_, heard) = second.heard().await;
        assert!(!heard.contains("canary") && !heard.contains("authorization"), "{heard}");
    });
}

#[test]
fn another_port_of_the_same_host_is_another_origin() {
    run(async {
        let mut second = Origin::new([Say(ok("hello"))]).await;
        let first = Origin::new([moved(second.url("/x"))]).await;
        client().open(&with_secret(first.url("/").as_str())).await.unwrap();
        let (_, heard) = second.heard().await;
        assert!(!heard.contains("canary"), "{heard}");
    });
}

#[test]
fn a_redirect_from_a_public_address_never_reaches_a_private_one() {
    run(async {
        // Whatever arrives here must not have arrived.
        let mut inside = Origin::new([]).await;
        let port = inside.address.port();
        for target in [
            "http://inside.test/".to_owned(),
            "http://10.0.0.1/".to_owned(),
            format!("http://127.0.0.1:{port}/"),
            format!("http://2130706433:{port}/"),
            format!("http://[::ffff:7f00:1]:{port}/"),
            format!("http://localhost:{port}/"),
        ] {
            let outside = Origin::new([moved(&target)]).await;
            let client = pretending(&[
                ("outside.test", PUBLIC, outside.address),
                ("inside.test", "10.0.0.1", inside.address),
            ]);
            let error = failure(&client, &with_secret("http://outside.test/")).await;
            assert!(matches!(error.kind, FetchErrorKind::AddressRefused(_)), "{target}: {error}");
            assert_eq!(error.code(), ErrorCode::E_ACCESSDENIED);
            assert_eq!(error.class(), Class::Fatal);
        }
        assert!(inside.requests.try_recv().is_err());
    });
}

#[test]
fn one_public_hop_is_enough_to_close_the_way_back() {
    run(async {
        let mut inside = Origin::new([moved("http://outside.test/"), Say(ok("secret"))]).await;
        let outside = Origin::new([moved("http://third.test/")]).await;
        let third = Origin::new([moved("http://inside.test/metadata")]).await;
        let client = pretending(&[
            ("inside.test", "192.168.1.1", inside.address),
            ("outside.test", PUBLIC, outside.address),
            ("third.test", ALSO_PUBLIC, third.address),
        ]);
        // The caller may name the private host itself; the way out leaves a connection to it in the
        // pool, which the way back must not find.
        let error = failure(&client, &with_secret("http://inside.test/")).await;
        assert_eq!(error.kind, FetchErrorKind::AddressRefused(Reach::Private));
        assert_eq!(inside.heard().await.0, 0);
        assert!(inside.requests.try_recv().is_err());
    });
}

#[test]
fn among_private_addresses_redirects_are_followed() {
    run(async {
        let second = Origin::new([Say(ok("hello"))]).await;
        let first = Origin::new([moved("http://b.test/")]).await;
        let client = pretending(&[
            ("a.test", "10.0.0.1", first.address),
            ("b.test", "192.168.1.1", second.address),
        ]);
        let mut response = client.open(&with_secret("http://a.test/")).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), b"hello");
    });
}

#[test]
fn redirects_end_somewhere() {
    run(async {
        let origin = Origin::new((0..20).map(|_| moved("/again"))).await;
        let error = failure(&client(), &Request::whole(origin.url("/"))).await;
        assert_eq!(error.kind, FetchErrorKind::TooManyRedirects);
        assert_eq!(error.code(), ErrorCode::CURL_TOO_MANY_REDIRECTS);

        let mut acts: Vec<Act> = (0..10).map(|_| moved("/again")).collect();
        acts.push(Say(ok("hello")));
        let origin = Origin::new(acts).await;
        client().open(&Request::whole(origin.url("/"))).await.unwrap();
    });
}

#[test]
fn a_dead_address_beside_a_living_one_costs_a_moment() {
    run(async {
        let origin = Origin::new([Say(ok("hello"))]).await;
        let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let client =
            pretending(&[("a.test", PUBLIC, dead), ("a.test", ALSO_PUBLIC, origin.address)]);
        let mut response = client.open(&with_secret("http://a.test/")).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), b"hello");
        assert_eq!(response.remote, Some(SocketAddr::new(ALSO_PUBLIC.parse().unwrap(), 80)));
        let error = failure(&client, &with_secret("http://unknown.test/")).await;
        assert_eq!((error.kind, error.host.as_str()), (FetchErrorKind::Resolve, "unknown.test"));
    });
}

#[test]
fn an_http_proxy_is_asked_by_whole_urls() {
    run(async {
        let mut proxy = Origin::new([Say(ok("hello")), Say(ok("again"))]).await;
        let rules = ProxyRules::new(&format!("http://me:pw@{}", proxy.address), "", "direct.test");
        let client = Client::new(HttpSettings { proxy: rules, ..settings() }).unwrap();
        let request = with_secret("http://a.test/x?q");
        let mut response = client.open(&request).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), b"hello");
        let (_, heard) = proxy.heard().await;
        assert!(heard.starts_with("GET http://a.test/x?q HTTP/1.1\r\n"), "{heard}");
        for line in ["host: a.test\r\n", "proxy-authorization: Basic bWU6cHc=\r\n"] {
            assert!(heard.contains(line), "{heard}");
        }
    });
}

#[test]
fn a_redirect_through_a_proxy_may_not_name_a_private_address() {
    run(async {
        let proxy = Origin::new([moved("http://169.254.169.254/latest")]).await;
        let rules = ProxyRules::new(&format!("http://{}", proxy.address), "", "");
        let client = Client::new(HttpSettings { proxy: rules, ..settings() }).unwrap();
        let error = failure(&client, &with_secret("http://a.test/")).await;
        assert_eq!(error.kind, FetchErrorKind::AddressRefused(Reach::LinkLocal));
    });
}

#[test]
fn a_proxy_that_opens_no_tunnel_says_why() {
    run(async {
        for (reply, expect) in [
            ("HTTP/1.1 407 Auth\r\n\r\n", FetchErrorKind::ProxyAuthentication),
            ("HTTP/1.1 502 Bad\r\n\r\n", FetchErrorKind::ProxyRefused(502)),
            ("SSH-2.0-x\r\n\r\n", FetchErrorKind::ProxyRefused(0)),
            ("", FetchErrorKind::ProxyConnect(io::ErrorKind::UnexpectedEof)),
        ] {
            let mut proxy = Origin::new([Leave(reply.into())]).await;
            let rules = ProxyRules::new("", &format!("http://me:pw@{}", proxy.address), "");
            let client = Client::new(HttpSettings { proxy: rules, ..settings() }).unwrap();
            let error = failure(&client, &with_secret("https://a.test/")).await;
            assert_eq!(error.kind, expect);
            let (_, heard) = proxy.heard().await;
            assert!(heard.starts_with("CONNECT a.test:443 HTTP/1.1\r\n"), "{heard}");
            assert!(heard.contains("Proxy-Authorization: Basic bWU6cHc=\r\n"), "{heard}");
            assert!(!heard.contains("canary"), "{heard}");
        }
    });
}

#[test]
fn a_proxy_of_an_unknown_kind_is_not_passed_by() {
    run(async {
        let rules = ProxyRules::new("socks5://127.0.0.1:1", "", "");
        let client = Client::new(HttpSettings { proxy: rules, ..settings() }).unwrap();
        let error = failure(&client, &with_secret("http://a.test/")).await;
        assert_eq!(error.kind, FetchErrorKind::ProxyUnsupported);
    });
}
