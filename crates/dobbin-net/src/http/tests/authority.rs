//! Certificates for the tests beside this file.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::super::*;
use super::kit::*;

/// Years in which a certificate is good.
pub(super) const NOW: (i32, i32) = (2020, 4000);

/// An authority made for one test.
pub(super) struct Authority {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Authority {
            certificate: certificate.der().clone(),
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// A server's configuration with a certificate for this name, valid from and to these years. It
    /// would rather speak HTTP/2, which is not offered at first.
    pub(super) fn server(&self, name: &str, years: (i32, i32)) -> Arc<ServerConfig> {
        self.speaking(name, years, &["h2", "http/1.1"])
    }

    /// The same, for a server that speaks these; if none, it says nothing of that.
    pub(super) fn speaking(
        &self,
        name: &str,
        years: (i32, i32),
        alpn: &[&str],
    ) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

/// A client that trusts it besides the system's.
pub(super) fn trusting(authority: &Authority) -> Client {
    let extra_roots = vec![authority.certificate.clone()];
    Client::new(HttpSettings { extra_roots, ..settings() }).unwrap()
}
