//! Certificates for origins: one good, the others each wrong in one way.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What a TLS origin shows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// Right in every way: for `127.0.0.1`, `::1` and `localhost`, signed by the authority.
    Valid,
    /// Valid until 2001.
    Expired,
    /// Valid from 2200.
    NotYetValid,
    /// For another host.
    WrongName,
    /// Signed by another authority than the one handed out.
    UnknownAuthority,
    /// Signed by itself.
    SelfSigned,
    /// For clients only: the wrong extended key usage.
    ClientOnly,
}

impl Identity {
    /// All of them.
    pub const ALL: [Identity; 7] = [
        Identity::Valid,
        Identity::Expired,
        Identity::NotYetValid,
        Identity::WrongName,
        Identity::UnknownAuthority,
        Identity::SelfSigned,
        Identity::ClientOnly,
    ];
}

/// A certificate with its key, and the authority that a client is told to trust.
#[derive(Debug)]
pub(super) struct Certificates {
    pub(super) authority_pem: String,
    pub(super) authority_der: Vec<u8>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivatePkcs8KeyDer<'static>,
}

impl Certificates {
    /// # Panics
    ///
    /// If the library refuses: the parameters are ours.
    pub(super) fn make(identity: Identity) -> Certificates {
        let trusted = authority("Dobbin lab authority");
        let (authority_pem, authority_der) = (trusted.pem(), trusted.der().to_vec());
        let key = KeyPair::generate().expect("a key");
        let leaf = leaf(identity);
        let certificate = match identity {
            Identity::SelfSigned => leaf.self_signed(&key),
            Identity::UnknownAuthority => leaf.signed_by(&key, &authority("Somebody else")),
            Identity::Valid
            | Identity::Expired
            | Identity::NotYetValid
            | Identity::WrongName
            | Identity::ClientOnly => leaf.signed_by(&key, &trusted),
        };
        let chain = vec![certificate.expect("a certificate").der().clone()];
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        Certificates { authority_pem, authority_der, chain, key }
    }

    /// TLS 1.2 and 1.3, HTTP/1.1 only: nothing here could lie in HTTP/2.
    pub(super) fn server_config(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), PrivateKeyDer::Pkcs8(self.key.clone_key()))
            .expect("a key that fits its certificate");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2300, 1, 1));
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("an authority")
}

fn leaf(identity: Identity) -> CertificateParams {
    let names = match identity {
        Identity::WrongName => vec!["elsewhere.test".to_owned()],
        Identity::Valid
        | Identity::Expired
        | Identity::NotYetValid
        | Identity::UnknownAuthority
        | Identity::SelfSigned
        | Identity::ClientOnly => ["127.0.0.1", "::1", "localhost"].map(str::to_owned).to_vec(),
    };
    let mut params = CertificateParams::new(names).expect("names that are names");
    params.distinguished_name.push(DnType::CommonName, "Dobbin lab origin");
    let (from_year, until_year) = match identity {
        Identity::Expired => (2000, 2001),
        Identity::NotYetValid => (2200, 2201),
        Identity::Valid
        | Identity::WrongName
        | Identity::UnknownAuthority
        | Identity::SelfSigned
        | Identity::ClientOnly => (2000, 2300),
    };
    params.not_before = date_time_ymd(from_year, 1, 1);
    params.not_after = date_time_ymd(until_year, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![match identity {
        Identity::ClientOnly => ExtendedKeyUsagePurpose::ClientAuth,
        Identity::Valid
        | Identity::Expired
        | Identity::NotYetValid
        | Identity::WrongName
        | Identity::UnknownAuthority
        | Identity::SelfSigned => ExtendedKeyUsagePurpose::ServerAuth,
    }];
    params
}
