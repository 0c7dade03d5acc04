//! Reading values that core does not read.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use dobbin_core::download::{Fault, Syntax};
use dobbin_types::ErrorCode;
use dobbin_types::rest::Header;

use crate::door;
use crate::property::CheckInfo;

/// Longest client certificate, in bytes: a chain of some certificates and a key.
const CERTIFICATE_BYTES_MAX: usize = 64 * 1024;

/// Reads what callers write.
pub(super) struct Reader;

impl Syntax for Reader {
    fn url(&self, text: &str) -> Result<(), Fault> {
        door::is_url(text)
    }

    fn headers(&self, headers: &[(String, String)]) -> Result<(), Fault> {
        let headers =
            headers.iter().map(|(name, value)| Header { name: name.clone(), value: value.clone() });
        let checked = door::headers(headers.collect());
        checked.map(drop).map_err(|failure| (failure.code, failure.message))
    }

    fn integrity_info(&self, text: &str) -> Result<(), Fault> {
        let is_url = |url: &str| door::is_url(url).map_err(|(_code, why)| why);
        CheckInfo::read(text, is_url).map(drop).map_err(|why| (ErrorCode::E_INVALIDARG, why))
    }

    fn certificate(&self, text: &str) -> Result<(), Fault> {
        let bytes = BASE64_STANDARD
            .decode(text)
            .map_err(|_| (ErrorCode::E_INVALIDARG, "the value is not base64".to_owned()))?;
        if bytes.len() <= CERTIFICATE_BYTES_MAX && (is_pem(&bytes) || is_pkcs12(&bytes)) {
            Ok(())
        } else {
            Err((ErrorCode::CRYPT_E_FILE_ERROR, "the bytes are neither PEM nor PKCS#12".to_owned()))
        }
    }
}

/// Whether there is a certificate in the textual encoding of RFC 7468 §5.
fn is_pem(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let begin = text.find("-----BEGIN CERTIFICATE-----");
    let end = text.find("-----END CERTIFICATE-----");
    begin.zip(end).is_some_and(|(begin, end)| begin < end)
}

/// Whether the bytes are one `PFX` of version 3 (RFC 7292 §4), as far as its first fields tell.
fn is_pkcs12(bytes: &[u8]) -> bool {
    const VERSION: [u8; 3] = [0x02, 0x01, 0x03];
    let Some((0x30, rest)) = bytes.split_first().map(|(tag, rest)| (*tag, rest)) else {
        return false;
    };
    let Some((first, rest)) = rest.split_first() else {
        return false;
    };
    // A length below 128 stands there itself; else it says how many bytes the length has (X.690
    // §8.1.3).
    let (length, body) = match first {
        0..=0x7F => (usize::from(*first), rest),
        0x81..=0x84 if rest.len() >= usize::from(first & 0x7F) => {
            let (digits, body) = rest.split_at(usize::from(first & 0x7F));
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), body)
        }
        _ => return false,
    };
    body.len() == length && body.starts_with(&VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// conformance: download-property SecurityContext
    #[test]
    fn a_client_certificate_is_pem_or_pkcs12() {
        let mut long = vec![0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x03];
        long.resize(4 + 256, 0);
        let pem = b"-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n";
        let short = [0x30, 0x04, 0x02, 0x01, 0x03, 0x00];
        for good in [&pem[..], &short, &long] {
            assert_eq!(Reader.certificate(&BASE64_STANDARD.encode(good)), Ok(()));
        }
        for bad in [
            &b""[..],
            b"junk",
            b"-----END CERTIFICATE----- -----BEGIN CERTIFICATE-----",
            &[0x30],
            &[0x30, 0x05, 0x02, 0x01, 0x03, 0x00],
            &[0x30, 0x03, 0x02, 0x01, 0x01],
            &[0x30, 0x84, 0x01],
            &long[..100],
        ] {
            let got = Reader.certificate(&BASE64_STANDARD.encode(bad)).map_err(|(code, _)| code);
            assert_eq!(got, Err(ErrorCode::CRYPT_E_FILE_ERROR), "{bad:?}");
        }
        let got = Reader.certificate("not base64!").map_err(|(code, _)| code);
        assert_eq!(got, Err(ErrorCode::E_INVALIDARG));
    }

    #[test]
    fn headers_of_the_transfer_itself_are_refused() {
        for name in ["Host", "range", "Content-Length", "Transfer-Encoding", "connection"] {
            let got = Reader.headers(&[(name.into(), "x".into())]).map_err(|(code, _)| code);
            assert_eq!(got, Err(ErrorCode::E_INVALIDARG), "{name}");
        }
        assert_eq!(Reader.headers(&[("x-mine".into(), "x".into())]), Ok(()));
    }
}
