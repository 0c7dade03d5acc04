//! The origin's TLS side, with the library's own client as the judge.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use dobbin_lab::origin::{Content, End, Identity, Length, Origin, Plan, Route};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const FILE: Content = Content::new(8, 5000);

/// Fetches `/f` trusting what the origin hands out; `Err` is what the handshake or the end of the
/// stream complained of.
fn fetch(origin: &Origin, name: &str) -> Result<Vec<u8>, std::io::Error> {
    let mut roots = RootCertStore::empty();
    let der = origin.authority_der().expect("a TLS origin");
    roots.add(CertificateDer::from(der.to_vec())).expect("an authority");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let socket = TcpStream::connect(origin.address()).expect("the origin listens");
    let mut stream = StreamOwned::new(connection, socket);
    stream.write_all(b"GET /f HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let at = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    Ok(bytes.split_off(at + 4))
}

#[test]
fn only_the_valid_identity_is_believed() {
    for identity in Identity::ALL {
        let origin = Origin::start_tls(Plan::new().file("/f", FILE), identity);
        let outcome = fetch(&origin, "127.0.0.1");
        let expected = match identity {
            Identity::Valid => {
                assert_eq!(outcome.unwrap(), FILE.all());
                assert_eq!(fetch(&origin, "localhost").unwrap(), FILE.all());
                continue;
            }
            Identity::Expired => "Expired",
            Identity::NotYetValid => "NotValidYet",
            Identity::WrongName => "NotValidForName",
            Identity::UnknownAuthority | Identity::SelfSigned => "UnknownIssuer",
            Identity::ClientOnly => "InvalidPurpose",
        };
        let complaint = format!("{:?}", outcome.unwrap_err());
        let seen = origin.requests();
        assert!(complaint.contains(expected), "{identity:?}: {complaint}");
        assert!(seen.is_empty(), "{identity:?}: no request may follow a bad certificate");
    }
}

#[test]
fn the_end_of_a_stream_is_announced_unless_told_otherwise() {
    for (route, whole) in [
        (Route::honest(FILE).always(Length::Unsaid), true),
        (Route::honest(FILE).always(Length::Unsaid).always(End::NoCloseNotify), false),
    ] {
        let origin = Origin::start_tls(Plan::new().route("/f", route), Identity::Valid);
        let outcome = fetch(&origin, "localhost");
        match whole {
            true => assert_eq!(outcome.unwrap(), FILE.all()),
            false => {
                let kind = outcome.unwrap_err().kind();
                assert_eq!(kind, std::io::ErrorKind::UnexpectedEof);
            }
        }
    }
}
