//! Whom we believe to be who they say, and how connections are sealed.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, crypto};
use rustls_platform_verifier::Verifier;
use tokio_rustls::TlsConnector;

use super::error::FetchErrorKind;
use super::protocol::Protocol;
use super::wire::Wire;

/// A certificate of the owner's configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootsError {
    /// The text holds no certificate, or a broken one.
    #[error("no certificate could be read from the text")]
    Unreadable,
    /// The number of the certificate, from 0, that cannot be an authority's.
    #[error("certificate number {0} cannot be used as an authority")]
    NotAnAuthority(usize),
}

/// All certificates of a PEM text, at least one.
pub fn certificates_from_pem(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or(RootsError::Unreadable)
}

/// The same but for the HTTP they offer.
struct Connectors {
    http1: TlsConnector,
    http2: TlsConnector,
}

/// TLS as a client: the system's authorities and the owner's own, TLS 1.2 and 1.3, one version of HTTP
/// at a time.
///
/// Nothing here can switch verification off.
pub(super) struct Tls {
    extra_roots: Vec<CertificateDer<'static>>,
    /// Made for the first https connection: reading the system's authorities takes milliseconds and
    /// a megabyte that a client of plain http never needs. A failure stays until the client is made
    /// anew.
    connectors: OnceLock<Result<Connectors, String>>,
}

impl Tls {
    /// Fails if one of the extra authorities is unusable, so that the owner hears of it at once.
    pub(super) fn new(extra_roots: Vec<CertificateDer<'static>>) -> Result<Tls, RootsError> {
        let mut store = RootCertStore::empty();
        for (number, root) in extra_roots.iter().enumerate() {
            store.add(root.clone()).map_err(|_| RootsError::NotAnAuthority(number))?;
        }
        Ok(Tls { extra_roots, connectors: OnceLock::new() })
    }

    /// Seals a connection to this host, whose certificate must name it, for this HTTP. If the host
    /// refuses just that, the error is [`FetchErrorKind::Protocol`].
    pub(super) async fn seal(
        &self,
        host: &str,
        wire: Wire,
        protocol: Protocol,
    ) -> Result<Wire, FetchErrorKind> {
        let connectors = self.connectors.get_or_init(|| connectors(&self.extra_roots));
        let connectors = connectors.as_ref().map_err(|e| FetchErrorKind::Certificate(e.clone()))?;
        let connector = match protocol {
            Protocol::Http1 => &connectors.http1,
            Protocol::Http2 => &connectors.http2,
        };
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(bare.to_owned())
            .map_err(|_| FetchErrorKind::Certificate("no certificate can name this host".into()))?;
        let sealed = connector.connect(name, wire).await.map_err(|error| explain(&error))?;
        Ok(Wire::Tls(Box::new(sealed)))
    }
}

fn connectors(extra_roots: &[CertificateDer<'static>]) -> Result<Connectors, String> {
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let make = || -> Result<ClientConfig, rustls::Error> {
        let verifier =
            Verifier::new_with_extra_roots(extra_roots.iter().cloned(), Arc::clone(&provider))?;
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            // "Dangerous" is the door to any verifier; ours is the system's.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(config)
    };
    let config = make().map_err(|error| error.to_string())?;
    // The copies share the authorities and the sessions.
    let offering = |protocol: Protocol| {
        let mut config = config.clone();
        config.alpn_protocols = vec![protocol.alpn().to_vec()];
        TlsConnector::from(Arc::new(config))
    };
    Ok(Connectors { http1: offering(Protocol::Http1), http2: offering(Protocol::Http2) })
}

/// What a failed handshake means.
fn explain(error: &io::Error) -> FetchErrorKind {
    use rustls::{AlertDescription, Error as E, PeerIncompatible, PeerMisbehaved};
    let Some(cause) = error.get_ref().and_then(|inner| inner.downcast_ref::<E>()) else {
        return FetchErrorKind::Handshake(error.kind().to_string());
    };
    match cause {
        E::InvalidCertificate(reason) => FetchErrorKind::Certificate(words(reason)),
        // RFC 7301 §3.2 has an alert for it; some servers insist on the other one instead.
        E::AlertReceived(AlertDescription::NoApplicationProtocol)
        | E::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => {
            FetchErrorKind::Protocol
        }
        // RFC 8996: what is older is no longer spoken, by us and by those who know better.
        E::AlertReceived(AlertDescription::ProtocolVersion)
        | E::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13) => {
            FetchErrorKind::TlsTooOld
        }
        E::NoCertificatesPresented => FetchErrorKind::Certificate("it has none".into()),
        other => FetchErrorKind::Handshake(other.to_string()),
    }
}

/// Why a certificate is refused, for people.
fn words(reason: &rustls::CertificateError) -> String {
    use rustls::CertificateError as C;
    match reason {
        C::Expired | C::ExpiredContext { .. } => {
            "it has expired, or this machine's clock is wrong".into()
        }
        C::NotValidYet | C::NotValidYetContext { .. } => {
            "it is not valid yet, or this machine's clock is wrong".into()
        }
        C::UnknownIssuer => "no authority that this machine trusts has issued it".into(),
        C::NotValidForName | C::NotValidForNameContext { .. } => "it names other hosts".into(),
        C::Revoked => "it was revoked".into(),
        C::BadSignature => "its signature is wrong".into(),
        C::BadEncoding => "it is not properly encoded".into(),
        other => other.to_string(),
    }
}
