//! The interface for programs written for Microsoft's agent, over real sockets.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;

use dobbin_platform::Scope;
use dobbin_types::rest::AgentMode;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::options;
use crate::error::StartError;
use crate::ipc::Limits;
use crate::options::{AgentOptions, CompatOptions};
use crate::wire::Agent;

/// An agent that serves such programs, and where.
struct Served {
    agent: Agent,
    home: TempDir,
    address: SocketAddr,
}

fn run_dir(home: &Path) -> std::path::PathBuf {
    home.join("compat")
}

/// At whatever port is free: the file tells which.
fn port(home: &Path) -> Option<u16> {
    let folder = std::fs::read_dir(run_dir(home)).unwrap();
    let mut files = folder.map(|entry| entry.unwrap().path());
    let file = files.next()?;
    assert_eq!(files.next(), None, "one file alone");
    Some(std::fs::read_to_string(file).unwrap().trim_end().parse().unwrap())
}

impl Served {
    async fn open() -> Served {
        Served::with(Limits::PRODUCT).await
    }

    async fn with(limits: Limits) -> Served {
        let home = tempfile::tempdir().unwrap();
        let mut options = options(home.path(), Scope::User, AgentMode::Service);
        options.compat =
            Some(CompatOptions { ports: 0..=0, ..CompatOptions::at(run_dir(home.path())) });
        let agent = Agent::start(options, limits).await.unwrap();
        let port = port(home.path()).unwrap();
        Served { agent, home, address: (Ipv4Addr::LOCALHOST, port).into() }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn close(self) {
        self.agent.stop().await;
        assert_eq!(port(self.home.path()), None, "the file goes with the agent");
        assert!(TcpStream::connect(self.address).await.is_err(), "and so does the port");
    }
}

/// Sends these bytes and says that no more will come; everything that is answered.
async fn send(mut stream: TcpStream, text: &str) -> String {
    // What is refused early may not be read to its end.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn refusal(line: &str, code: i32) -> String {
    let body = format!("{{ \"ErrorCode\": {code} }}");
    let length = body.len();
    format!(
        "HTTP/1.1 {line}\r\nContent-Length: {length}\r\n\
         Server: Delivery-Optimization-Agent/1.1.0\r\n\r\n{body}"
    )
}

const UNREADABLE: &str =
    "HTTP/1.1 400 BadRequest\r\nServer: Delivery-Optimization-Agent/1.1.0\r\n\r\n";
const NOT_FOUND: i32 = -2_147_023_728;
const INVALID_ARGUMENT: i32 = -2_147_024_809;
const UNSUPPORTED: i32 = -2_147_024_846;

/// conformance: rest refusals, rest malformed, rest slashless, rest request-size
#[tokio::test]
async fn odd_requests_have_these_answers_byte_for_byte() {
    let served = Served::open().await;
    let not_found = refusal("404 NotFound", NOT_FOUND);
    let invalid = refusal("400 BadRequest", INVALID_ARGUMENT);
    let unsupported = refusal("400 BadRequest", UNSUPPORTED);
    let long = "a".repeat(3_000);
    for (line, expect) in [
        ("GET download/getstatus HTTP/1.1", &not_found),
        ("GET /download/getstatus HTTP/1.1", &not_found),
        ("GET //Download//GETSTATUS/ http/1.1", &not_found),
        ("GET download/getstatus HTTP/1.0", &not_found),
        ("GET download/getstatus?Id=x;Id=y HTTP/1.1", &not_found),
        ("GET download/getstatus?iD=x&ID=y HTTP/1.1", &not_found),
        ("GET download/getstatus?Other=x HTTP/1.1", &invalid),
        ("GET download/getproperty HTTP/1.1", &invalid),
        ("POST download/getstatus HTTP/1.1", &unsupported),
        ("get download/getstatus HTTP/1.1", &unsupported),
        ("GET v1/jobs HTTP/1.1", &unsupported),
        ("GET / HTTP/1.1", &unsupported),
        ("GET download/getstatus?Id=%zz HTTP/1.1", &refusal("500 InternalError", -2_147_024_322)),
        ("GET download/enumerate HTTP/1.1", &refusal("400 BadRequest", -2_147_467_263)),
        ("POST download/create?Uri=nothing HTTP/1.1", &refusal("400 BadRequest", -2_146_697_214)),
        ("POST download/create?Uri=ftp://a/ HTTP/1.1", &refusal("400 BadRequest", -2_146_697_214)),
        (&format!("GET download/getstatus?Id={long} HTTP/1.1"), &not_found),
        (&format!("GET {} HTTP/1.1", long.repeat(6)), &UNREADABLE.to_owned()),
        ("GET download/getstatus HTTP/2", &UNREADABLE.to_owned()),
        ("GET download/get\u{e9} HTTP/1.1", &UNREADABLE.to_owned()),
        ("GET", &UNREADABLE.to_owned()),
    ] {
        let answer = send(served.connect().await, &format!("{line}\r\n\r\n")).await;
        assert_eq!(answer, *expect, "{line}");
    }
    let chunked = "POST download/create HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(send(served.connect().await, chunked).await, UNREADABLE);
    served.close().await;
}

/// conformance: rest browsers
#[tokio::test]
async fn a_page_in_a_browser_makes_no_download() {
    let served = Served::open().await;
    let denied = refusal("400 BadRequest", -2_147_024_891);
    for field in ["Origin: http://evil.example", "Origin: null", "Host: evil.example"] {
        let request = format!("POST download/create HTTP/1.1\r\n{field}\r\n\r\n");
        assert_eq!(send(served.connect().await, &request).await, denied, "{field}");
    }
    served.close().await;
}

/// conformance: rest pipelining, rest create
#[tokio::test]
async fn a_thousand_requests_over_one_connection_are_answered_in_their_order() {
    let served = Served::open().await;
    let create = "POST download/create?Uri=http://a.example/b HTTP/1.1\r\n\r\n";
    let created = send(served.connect().await, create).await;
    let body = created.split_once("\r\n\r\n").unwrap().1;
    let id = body.strip_prefix("{\"Id\":\"").unwrap().strip_suffix("\"}\n").unwrap();
    assert_eq!((id.len(), id.to_lowercase()), (36, id.to_owned()));
    let (mut reading, mut writing) = served.connect().await.into_split();
    let requests: Vec<String> = (0..1_000)
        .map(|number| match number % 3 {
            0 => format!("GET download/getstatus?Id={id} HTTP/1.1\r\n\r\n"),
            1 => format!("GET download/x{number} HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"),
            _ => format!("GET /download/getproperty?Id={id}&PropertyKey=uRI HTTP/1.1\r\n\r\n"),
        })
        .collect();
    let sending = tokio::spawn(async move {
        writing.write_all(requests.concat().as_bytes()).await.unwrap();
        writing.shutdown().await.unwrap();
    });
    let mut answers = String::new();
    reading.read_to_string(&mut answers).await.unwrap();
    sending.await.unwrap();
    let status = "{\"Status\":\"Created\",\"BytesTotal\":\"0\",\"BytesTransferred\":\"0\",\
                  \"ErrorCode\":\"0\",\"ExtendedErrorCode\":\"0\"}\n";
    let uri = "{\"uRI\":\"http:\\/\\/a.example\\/b\"}\n";
    let success = |body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\
             Server: Delivery-Optimization-Agent/1.1.0\r\n\r\n{body}"
        )
    };
    let unsupported = refusal("400 BadRequest", UNSUPPORTED);
    let expect: String = (0..1_000)
        .map(|number| match number % 3 {
            0 => success(status),
            1 => unsupported.clone(),
            _ => success(uri),
        })
        .collect();
    assert!(answers == expect, "{} bytes, expected {}", answers.len(), expect.len());
    served.close().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_holds_up_no_other() {
    let served = Served::open().await;
    let mut half = served.connect().await;
    half.write_all(b"POST download/cre").await.unwrap();
    let request = "GET download/getstatus HTTP/1.1\r\n\r\n";
    let answer = send(served.connect().await, request).await;
    assert_eq!(answer, refusal("404 NotFound", NOT_FOUND));
    // Nor does it keep the agent from leaving.
    served.close().await;
}

#[tokio::test]
async fn one_connection_too_many_hears_that_there_is_no_service() {
    let served = Served::with(Limits { connections_per_user_max: 1, ..Limits::PRODUCT }).await;
    let mut first = served.connect().await;
    let request = b"GET download/getstatus HTTP/1.1\r\n\r\n";
    first.write_all(request).await.unwrap();
    let mut answer = vec![0; refusal("404 NotFound", NOT_FOUND).len()];
    first.read_exact(&mut answer).await.unwrap();
    let mut second = String::new();
    served.connect().await.read_to_string(&mut second).await.unwrap();
    assert_eq!(second, refusal("400 BadRequest", -2_133_848_063));
    served.close().await;
}

#[tokio::test]
async fn an_agent_without_a_port_does_not_start_and_leaves_its_store_free() {
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let home = tempfile::tempdir().unwrap();
    let options = || options(home.path(), Scope::User, AgentMode::Service);
    let compat = CompatOptions { ports: port..=port, ..CompatOptions::at(run_dir(home.path())) };
    let asked = AgentOptions { compat: Some(compat), ..options() };
    let refused = Agent::start(asked, Limits::PRODUCT).await.err().unwrap();
    assert!(matches!(refused, StartError::NoPort { .. }), "{refused}");
    assert!(refused.to_string().contains(&format!("ports {port} to {port}")), "{refused}");
    assert!(!run_dir(home.path()).exists(), "nobody is told of a port");
    Agent::start(options(), Limits::PRODUCT).await.unwrap().stop().await;
}

/// An address of this machine that is no loopback one, as the routes say it. Nothing is sent.
fn own_address() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // Of a block for documentation (RFC 5737 §3).
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    match socket.local_addr().ok()?.ip() {
        std::net::IpAddr::V4(address) if !address.is_loopback() => Some(address),
        _ => None,
    }
}

/// conformance: rest remote
#[tokio::test]
async fn a_caller_with_an_address_of_a_network_is_refused() {
    let Some(address) = own_address() else {
        eprintln!("SKIPPED: this machine has no address but loopback ones");
        return;
    };
    let served = Served::open().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((address, 0).into()).unwrap();
    let stream = socket.connect(served.address).await.unwrap();
    let answer = send(stream, "GET download/getstatus HTTP/1.1\r\n\r\n").await;
    assert_eq!(answer, refusal("400 BadRequest", INVALID_ARGUMENT));
    served.close().await;
}
