//! What a reply says is the SHA-256 of the whole file: `Repr-Digest` and `Content-Digest` (RFC 9530),
//! and `Digest`, which came before them (RFC 3230).
//!
//! Pure. Whoever can change the bytes of an unprotected reply can change these headers too: they find
//! damage, and prove nothing about who sent it. Weaker and unknown algorithms are passed over.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, HeaderName};

use super::response::Extent;

/// The longest header that is read, all its lines together. Every algorithm ever registered, each with
/// its digest, has a tenth of that.
const VALUE_BYTES_MAX: usize = 8 * 1024;

/// The most algorithms that one header may name.
const ALGORITHMS_MAX: usize = 32;

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const DIGEST: HeaderName = HeaderName::from_static("digest");

/// Parsers of structured fields are asked not to insist on padding (RFC 9651 §4.2.7).
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The SHA-256 of the whole file, as the reply's headers say.
///
/// `Content-Digest` is that of the body alone, which is the file's only where the body is the whole of
/// it. Headers that contradict each other say nothing.
pub(super) fn sha256_of_file(headers: &HeaderMap, extent: Extent) -> Option<[u8; 32]> {
    let of_content = match extent {
        Extent::Whole => value(headers, &CONTENT_DIGEST).and_then(|text| dictionary(&text)),
        Extent::Part { .. } => None,
    };
    let of_file = value(headers, &REPR_DIGEST).and_then(|text| dictionary(&text));
    let older = value(headers, &DIGEST).and_then(|text| instance_digest(&text));
    let mut said = [of_file, of_content, older].into_iter().flatten();
    let first = said.next()?;
    said.all(|other| other == first).then_some(first)
}

/// All lines of a header as one (RFC 9110 §5.3).
fn value(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    for line in headers.get_all(name) {
        if !whole.is_empty() {
            whole.push(b',');
        }
        if whole.len() + line.len() > VALUE_BYTES_MAX {
            return None;
        }
        whole.extend_from_slice(line.as_bytes());
    }
    (!whole.is_empty()).then_some(whole)
}

/// The SHA-256 in a dictionary of byte sequences (RFC 9530 §2, RFC 9651 §4.2.2). One mistake anywhere
/// and the whole header counts for nothing, as RFC 9651 §4.2 wants; of a repeated key the last counts.
fn dictionary(text: &[u8]) -> Option<[u8; 32]> {
    let mut rest = Reader(text.trim_ascii());
    let mut found = None;
    for _ in 0..ALGORITHMS_MAX {
        let key = rest.key()?;
        rest.exactly(b'=')?;
        let digest = rest.byte_sequence()?;
        rest.parameters()?;
        if key == b"sha-256" {
            found = Some(<[u8; 32]>::try_from(digest).ok()?);
        }
        rest.skip(b" \t");
        if rest.0.is_empty() {
            return found;
        }
        rest.exactly(b',')?;
        rest.skip(b" \t");
    }
    None
}

/// The SHA-256 in a list of instance digests (RFC 3230 §4.3.2). The names of algorithms have no case.
fn instance_digest(text: &[u8]) -> Option<[u8; 32]> {
    let mut found = None;
    for (number, member) in text.split(|byte| *byte == b',').enumerate() {
        if number == ALGORITHMS_MAX {
            return None;
        }
        let mut halves = member.trim_ascii().splitn(2, |byte| *byte == b'=');
        let (Some(algorithm), Some(encoded)) = (halves.next(), halves.next()) else { continue };
        if !algorithm.eq_ignore_ascii_case(b"sha-256") {
            continue;
        }
        let digest = <[u8; 32]>::try_from(BASE64.decode(encoded).ok()?).ok()?;
        if found.is_some_and(|before| before != digest) {
            return None;
        }
        found = Some(digest);
    }
    found
}

/// What is left of a structured field (RFC 9651).
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The bytes at the front of which this holds.
    fn while_so(&mut self, is_so: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.0.iter().position(|byte| !is_so(*byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn skip(&mut self, bytes: &[u8]) {
        self.while_so(|byte| bytes.contains(&byte));
    }

    fn exactly(&mut self, expected: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        (*first == expected).then_some(())
    }

    /// §4.2.3.3.
    fn key(&mut self) -> Option<&'a [u8]> {
        self.0.first().filter(|first| first.is_ascii_lowercase() || **first == b'*')?;
        Some(self.while_so(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte)
        }))
    }

    /// §4.2.7.
    fn byte_sequence(&mut self) -> Option<Vec<u8>> {
        self.exactly(b':')?;
        let encoded = self.while_so(|byte| byte != b':');
        self.exactly(b':')?;
        BASE64.decode(encoded).ok()
    }

    /// §4.2.3.2. None are defined for digests, and unknown ones mean nothing.
    fn parameters(&mut self) -> Option<()> {
        while self.0.first() == Some(&b';') {
            self.exactly(b';')?;
            self.skip(b" ");
            self.key()?;
            if self.0.first() == Some(&b'=') {
                self.exactly(b'=')?;
                self.bare_item()?;
            }
        }
        Some(())
    }

    /// §4.2.3.1, passed over.
    fn bare_item(&mut self) -> Option<()> {
        match self.0.first()? {
            b':' => self.byte_sequence().map(drop),
            b'"' => self.string(),
            b'?' => {
                self.exactly(b'?')?;
                (self.while_so(|byte| matches!(byte, b'0' | b'1')).len() == 1).then_some(())
            }
            // Numbers, dates and tokens.
            _ => {
                let is_part = |byte: u8| {
                    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/@".contains(&byte)
                };
                (!self.while_so(is_part).is_empty()).then_some(())
            }
        }
    }

    /// §4.2.5.
    fn string(&mut self) -> Option<()> {
        self.exactly(b'"')?;
        loop {
            self.while_so(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\');
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            match first {
                b'"' => return Some(()),
                b'\\' => {
                    let (escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    matches!(escaped, b'"' | b'\\').then_some(())?;
                }
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    /// The SHA-256 of "hello" and a line feed, as `sha256sum | xxd -r -p | base64` has it.
    const HELLO: &str = "WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=";
    /// That of "world" and a line feed.
    const WORLD: &str = "4ljSSP2pTGN1Ngf3xElO4Py+kvGna/2seVydhBAesxc=";

    const PART: Extent = Extent::Part { start: 0, end: 3 };

    fn hello() -> [u8; 32] {
        BASE64.decode(HELLO).unwrap().try_into().unwrap()
    }

    fn said(lines: &[(&str, String)], extent: Extent) -> Option<[u8; 32]> {
        let line = |(name, value): &(&str, String)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        };
        sha256_of_file(&lines.iter().map(line).collect(), extent)
    }

    #[track_caller]
    fn check(name: &str, value: impl Into<String>, is_read: bool) {
        let value = value.into();
        let got = said(&[(name, value.clone())], Extent::Whole);
        assert_eq!(got, is_read.then(hello), "{name}: {value}");
    }

    #[test]
    fn a_dictionary_of_digests_is_read_as_structured_fields_are() {
        for value in [
            format!("sha-256=:{HELLO}:"),
            format!("  sha-256=:{HELLO}:  "),
            format!("sha-256=:{}:", HELLO.trim_end_matches('=')),
            format!("md5=:AAAA:,sha-256=:{HELLO}:"),
            format!("sha-512=::\t, \tsha-256=:{HELLO}:,unixsum=:AA==:"),
            format!("sha-256=:{WORLD}:, sha-256=:{HELLO}:"),
            format!("sha-256=:{HELLO}:;a;b=1;c=\"x\\\"y\";d=?1;e=tok/en:x;f=:AA==:;g=-1.5"),
            format!("*x=:AA==:, sha-256=:{HELLO}:"),
        ] {
            check("repr-digest", value, true);
        }
    }

    #[test]
    fn one_mistake_spoils_a_dictionary() {
        let short = BASE64.encode([7; 31]);
        for value in [
            String::new(),
            HELLO.to_owned(),
            format!("sha-256={HELLO}"),
            format!("SHA-256=:{HELLO}:"),
            format!("sha-512=:{HELLO}:"),
            format!("sha-256=:{HELLO}"),
            format!("sha-256= :{HELLO}:"),
            format!("sha-256 =:{HELLO}:"),
            format!("sha-256=:{HELLO}:,"),
            format!("sha-256=:{HELLO}: md5=:AAAA:"),
            format!("sha-256=:{HELLO}:,md5"),
            format!("sha-256=:{HELLO}:,md5=5"),
            format!("sha-256=:{HELLO}:;"),
            format!("sha-256=:{HELLO}:;a="),
            format!("sha-256=:{HELLO}:;a=\"x"),
            format!("sha-256=:{HELLO}:;a=\"\\x\""),
            format!("sha-256=:{HELLO}:;a=?2"),
            format!("sha-256=:{short}:"),
            format!("sha-256=:{}:", BASE64.encode([7; 33])),
            "sha-256=::".to_owned(),
            "sha-256=:!:".to_owned(),
            format!("sha-256=:{HELLO}:, sha-256=:{short}:"),
        ] {
            check("repr-digest", value, false);
        }
    }

    #[test]
    fn the_older_header_is_read_too() {
        check("digest", format!("SHA-256={HELLO}"), true);
        check("digest", format!("md5=AAAA, sha-256={HELLO} ,UNIXsum=30637"), true);
        check("digest", format!("sha-256={HELLO},sha-256={HELLO}"), true);
        check("digest", format!("sha-256={HELLO},sha-256={WORLD}"), false);
        check("digest", format!("SHA={HELLO}"), false);
        check("digest", "sha-256", false);
        check("digest", "sha-256=", false);
        check("digest", format!("sha-256=:{HELLO}:"), false);
    }

    #[test]
    fn of_a_part_only_what_speaks_of_the_whole_counts() {
        let modern = format!("sha-256=:{HELLO}:");
        let older = format!("sha-256={HELLO}");
        assert_eq!(said(&[("content-digest", modern.clone())], Extent::Whole), Some(hello()));
        assert_eq!(said(&[("content-digest", modern.clone())], PART), None);
        assert_eq!(said(&[("repr-digest", modern)], PART), Some(hello()));
        assert_eq!(said(&[("digest", older)], PART), Some(hello()));
    }

    #[test]
    fn headers_that_contradict_each_other_say_nothing() {
        let lines = |of_file: &str, older: &str| {
            let of_file = ("repr-digest", format!("sha-256=:{of_file}:"));
            [of_file, ("digest", format!("sha-256={older}"))]
        };
        assert_eq!(said(&lines(HELLO, HELLO), PART), Some(hello()));
        assert_eq!(said(&lines(HELLO, WORLD), PART), None);
        // Several lines are one value.
        let split = ["md5=:AAAA:".to_owned(), format!("sha-256=:{HELLO}:")];
        assert_eq!(said(&split.map(|line| ("repr-digest", line)), PART), Some(hello()));
    }

    #[test]
    fn too_much_is_not_read() {
        let many = |count: usize| {
            let mut value = "md5=:AA==:,".repeat(count - 1);
            value.push_str(&format!("sha-256=:{HELLO}:"));
            value
        };
        check("repr-digest", many(ALGORITHMS_MAX), true);
        check("repr-digest", many(ALGORITHMS_MAX + 1), false);
        let older = |count| many(count).replace(":", "");
        check("digest", older(ALGORITHMS_MAX), true);
        check("digest", older(ALGORITHMS_MAX + 1), false);
        let long = format!("a=:{}:,sha-256=:{HELLO}:", "A".repeat(VALUE_BYTES_MAX));
        check("repr-digest", long, false);
    }

    proptest! {
        /// Whatever comes is read or passed over, and nothing but a SHA-256 of the right length is
        /// ever believed.
        #[test]
        fn no_header_is_too_strange(
            value in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..80),
                "(sha-256|md5)?=?:?[A-Za-z0-9+/]{40,46}=?:?[;,]?[a-z\"\\\\?:= ]{0,9}".prop_map(String::into_bytes),
            ],
            name in prop_oneof![Just(REPR_DIGEST), Just(CONTENT_DIGEST), Just(DIGEST)],
        ) {
            let Ok(header) = HeaderValue::from_bytes(&value) else { return Ok(()) };
            let headers = [(name, header)].into_iter().collect();
            if let Some(digest) = sha256_of_file(&headers, Extent::Whole) {
                let text = String::from_utf8(value).unwrap();
                let encoded = BASE64.encode(digest);
                // The last bits of the last digit mean nothing.
                prop_assert!(text.contains(&encoded[..42]), "{text}");
            }
        }
    }
}
