//! Whose certificate is believed, and where a sealed body ends.

use std::net::SocketAddr;
use std::sync::Arc;

use dobbin_types::ErrorCode;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::super::*;
use super::authority::*;
use super::kit::*;

/// How a sealed origin leaves after its reply.
#[derive(Clone, Copy)]
enum Leaving {
    /// With TLS's own goodbye.
    Politely,
    /// By closing the socket.
    Rudely,
}

/// A listener that gives every connection this reply and leaves.
async fn sealed_origin(
    config: Arc<ServerConfig>,
    reply: &'static str,
    leaving: Leaving,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            let acceptor = TlsAcceptor::from(Arc::clone(&config));
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(reply.as_bytes()).await;
                let _ = stream.flush().await;
                if let Leaving::Politely = leaving {
                    let _ = stream.shutdown().await;
                }
            });
        }
    });
    address
}

fn https(address: SocketAddr) -> Request {
    Request::whole(format!("https://{address}/").parse().unwrap())
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn an_authority_of_the_owner_is_trusted() {
    run(async {
        let authority = Authority::new("ours");
        let roots = certificates_from_pem(authority.pem.as_bytes()).unwrap();
        assert_eq!(roots.as_slice(), std::slice::from_ref(&authority.certificate));
        let address =
            sealed_origin(authority.server("127.0.0.1", NOW), OK, Leaving::Politely).await;
        let client = trusting(&authority);
        for client in [client.clone(), client.for_another_thread()] {
            let mut response = client.open(&https(address)).await.unwrap();
            assert_eq!(response.version, http::Version::HTTP_11);
            assert_eq!(read(&mut response).await.unwrap(), b"hello");
        }
    });
}

/// conformance: class certificate, code DO_E_HTTP_CERT_VALIDATION
#[test]
fn a_certificate_that_is_not_good_stops_everything_and_says_why() {
    run(async {
        let (authority, stranger) = (Authority::new("ours"), Authority::new("a stranger's"));
        for (server, expect) in [
            (stranger.server("127.0.0.1", NOW), "no authority"),
            (authority.server("127.0.0.2", NOW), "names other hosts"),
            (authority.server("example.com", NOW), "names other hosts"),
            (authority.server("127.0.0.1", (2000, 2001)), "expired"),
            (authority.server("127.0.0.1", (3000, 3001)), "not valid yet"),
        ] {
            let address = sealed_origin(server, OK, Leaving::Politely).await;
            let error = failure(&trusting(&authority), &https(address)).await;
            assert!(error.to_string().contains(expect), "{error}");
            assert_eq!(error.code(), ErrorCode::DO_E_HTTP_CERT_VALIDATION);
            assert_eq!(error.class(), Class::Fatal);
        }
    });
}

#[test]
fn a_sealed_body_that_is_cut_off_is_not_a_whole_one() {
    run(async {
        let authority = Authority::new("ours");
        let server = authority.server("127.0.0.1", NOW);
        let open_ended = "HTTP/1.1 200 OK\r\n\r\nhello";
        let polite = sealed_origin(Arc::clone(&server), open_ended, Leaving::Politely).await;
        let mut response = trusting(&authority).open(&https(polite)).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), b"hello");
        // The same bytes, but anybody on the way could have cut them off here.
        let rude = sealed_origin(server, open_ended, Leaving::Rudely).await;
        let error = failure(&trusting(&authority), &https(rude)).await;
        assert_eq!(error.kind, FetchErrorKind::Truncated { received_bytes: 5 });
        assert_eq!(error.code(), ErrorCode::CURL_PARTIAL_FILE);
    });
}

#[test]
fn through_a_proxy_tls_still_ends_at_the_origin() {
    run(async {
        let authority = Authority::new("ours");
        let origin = sealed_origin(authority.server("a.test", NOW), OK, Leaving::Politely).await;
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rules = ProxyRules::new("", &format!("http://{}", proxy.local_addr().unwrap()), "");
        tokio::spawn(async move {
            let (mut near, _) = proxy.accept().await.unwrap();
            let mut head = [0; 4096];
            let length = near.read(&mut head).await.unwrap();
            assert!(head[..length].starts_with(b"CONNECT a.test:8443 HTTP/1.1\r\n"));
            near.write_all(b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n").await.unwrap();
            let mut far = TcpStream::connect(origin).await.unwrap();
            let _ = copy_bidirectional(&mut near, &mut far).await;
        });
        let extra_roots = vec![authority.certificate.clone()];
        let client = HttpSettings { extra_roots, proxy: rules, ..settings() };
        let request = with_secret("https://a.test:8443/");
        let mut response = Client::new(client).unwrap().open(&request).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), b"hello");
    });
}

#[test]
fn a_server_that_speaks_no_tls_is_no_certificate_problem() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        });
        let error = failure(&client(), &https(address)).await;
        assert!(matches!(error.kind, FetchErrorKind::Handshake(_)), "{error}");
        assert_eq!(error.code(), ErrorCode::CURL_TLS_HANDSHAKE);
    });
}

/// conformance: class certificate
#[test]
fn a_server_of_before_tls_1_2_stops_everything_and_is_told_apart() {
    // It answers with TLS 1.1: a random of zeros, no session, one of its cipher suites.
    let hello = b"\x16\x03\x02\x00\x2A\x02\x00\x00\x26\x03\x02";
    let server_hello = [&hello[..], &[0; 32], b"\x00\xC0\x14\x00"].concat();
    // Or it only says that it will not have our version.
    let alert = b"\x15\x03\x02\x00\x02\x02\x46".to_vec();
    run(async {
        for answer in [server_hello, alert] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                stream.write_all(&answer).await.unwrap();
                let _ = stream.read(&mut head).await;
            });
            let error = failure(&client(), &https(address)).await;
            assert_eq!(error.kind, FetchErrorKind::TlsTooOld);
            assert_eq!(error.code(), ErrorCode::DO_E_HTTP_CERT_VALIDATION);
            assert_eq!(error.class(), Class::Fatal);
        }
    });
}

#[test]
fn an_unusable_authority_is_reported_when_the_client_is_made() {
    let extra_roots = vec![CertificateDer::from(vec![1, 2, 3])];
    let error = Client::new(HttpSettings { extra_roots, ..settings() }).err();
    assert_eq!(error, Some(RootsError::NotAnAuthority(0)));
    for text in ["", "nonsense", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"] {
        assert_eq!(certificates_from_pem(text.as_bytes()), Err(RootsError::Unreadable), "{text}");
    }
}
