//! The way through a proxy.

use std::io;
use std::net::SocketAddr;

use dobbin_core::source::Reach;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::super::*;
use super::kit::*;

#[test]
fn an_http_proxy_is_asked_by_whole_urls() {
    run(async {
        let mut proxy = Origin::new([Say(ok("hello"))]).await;
        let mut direct = Origin::new([Say(ok("direct"))]).await;
        let rules = ProxyRules::new(&format!("http://me:pw@{}", proxy.address), "", "direct.test");
        let network = pretend(&[("direct.test", PUBLIC, direct.address)]);
        let client = Client::new(HttpSettings { proxy: rules, network, ..settings() }).unwrap();
        let request = with_secret("http://a.test/x?q");
        let mut response = client.open(&request).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), b"hello");
        let (_, heard) = proxy.heard().await;
        assert!(heard.starts_with("GET http://a.test/x?q HTTP/1.1\r\n"), "{heard}");
        for line in ["host: a.test\r\n", "proxy-authorization: Basic bWU6cHc=\r\n"] {
            assert!(heard.contains(line), "{heard}");
        }
        let mut response = client.open(&with_secret("http://direct.test/x")).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), b"direct");
        let (_, heard) = direct.heard().await;
        assert!(heard.starts_with("GET /x ") && !heard.contains("proxy-"), "{heard}");
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
fn a_proxy_that_is_down_is_named_as_what_is_down() {
    run(async {
        let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let proxy = format!("http://{dead}");
        let rules = ProxyRules::new(&proxy, &proxy, "");
        let client = Client::new(HttpSettings { proxy: rules, ..settings() }).unwrap();
        for url in ["http://a.test/", "https://a.test/"] {
            let error = failure(&client, &with_secret(url)).await;
            let refused = FetchErrorKind::ProxyConnect(io::ErrorKind::ConnectionRefused);
            assert_eq!((&error.kind, error.class()), (&refused, Class::Transient), "{url}");
        }
    });
}

#[test]
fn a_proxy_of_an_unknown_kind_is_not_passed_by() {
    run(async {
        let rules = ProxyRules::new("socks4://127.0.0.1:1", "", "");
        let client = Client::new(HttpSettings { proxy: rules, ..settings() }).unwrap();
        let error = failure(&client, &with_secret("http://a.test/")).await;
        assert_eq!(error.kind, FetchErrorKind::ProxyUnsupported);
    });
}

/// A proxy that expects exactly these messages and gives these answers, one for one, and then joins
/// the connection to a listener.
async fn joining(
    steps: &'static [(&'static [u8], &'static [u8])],
    listener: SocketAddr,
) -> SocketAddr {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = proxy.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut near, _) = proxy.accept().await.unwrap();
        for (expect, answer) in steps {
            let mut heard = vec![0; expect.len()];
            near.read_exact(&mut heard).await.unwrap();
            assert_eq!(heard, *expect);
            near.write_all(answer).await.unwrap();
        }
        let mut far = TcpStream::connect(listener).await.unwrap();
        let _ = copy_bidirectional(&mut near, &mut far).await;
    });
    address
}

#[test]
fn a_socks_proxy_connects_by_name_or_by_address() {
    run(async {
        let by_name: &[(&[u8], &[u8])] = &[
            (&[5, 2, 0, 2], &[5, 2]),
            (b"\x01\x02me\x02pw", &[1, 0]),
            (b"\x05\x01\x00\x03\x06a.test\x00\x50", &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
        ];
        let by_address: &[(&[u8], &[u8])] = &[
            (&[5, 2, 0, 2], &[5, 0]),
            (&[5, 1, 0, 1, 93, 184, 216, 34, 0, 80], b"\x05\x00\x00\x03\x01x\x00\x00"),
        ];
        for (scheme, steps) in [("socks5h", by_name), ("socks5", by_address)] {
            let mut origin = Origin::new([Say(ok("hello"))]).await;
            let proxy = joining(steps, origin.address).await;
            let rules = ProxyRules::new(&format!("{scheme}://me:pw@{proxy}"), "", "");
            let network = pretend(&[("a.test", PUBLIC, origin.address)]);
            let client = Client::new(HttpSettings { proxy: rules, network, ..settings() }).unwrap();
            let mut response = client.open(&with_secret("http://a.test/x")).await.unwrap();
            assert_eq!(read(&mut response).await.unwrap(), b"hello");
            let (_, heard) = origin.heard().await;
            assert!(heard.starts_with("GET /x HTTP/1.1\r\n"), "{heard}");
            assert!(!heard.contains("proxy-authorization"), "{heard}");
        }
    });
}

#[test]
fn a_socks_proxy_that_refuses_says_why() {
    run(async {
        let nowhere = Origin::new([]).await.address;
        let denied: &[(&[u8], &[u8])] = &[(&[5, 2, 0, 2], &[5, 0xff])];
        let wrong: &[(&[u8], &[u8])] = &[(&[5, 2, 0, 2], &[5, 2]), (b"\x01\x02me\x02pw", &[1, 1])];
        let refused: &[(&[u8], &[u8])] =
            &[(&[5, 2, 0, 2], &[5, 0]), (b"\x05\x01\x00\x03\x06a.test\x00\x50", &[5, 5, 0, 1])];
        let other: &[(&[u8], &[u8])] = &[(&[5, 2, 0, 2], b"HT")];
        for (steps, expect) in [
            (denied, FetchErrorKind::ProxyAuthentication),
            (wrong, FetchErrorKind::ProxyAuthentication),
            (refused, FetchErrorKind::ProxyRefused(5)),
            (other, FetchErrorKind::ProxyRefused(0)),
        ] {
            let proxy = joining(steps, nowhere).await;
            let rules = ProxyRules::new(&format!("socks5h://me:pw@{proxy}"), "", "");
            let client = Client::new(HttpSettings { proxy: rules, ..settings() }).unwrap();
            let error = failure(&client, &with_secret("http://a.test/x")).await;
            assert_eq!(error.kind, expect);
        }
    });
}
