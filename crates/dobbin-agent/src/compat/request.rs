//! From bytes to a request: HTTP/1.1 as programs written for Microsoft's agent speak it.
//!
//! By hand, because their request target has no leading slash (`POST download/create?… HTTP/1.1`),
//! which libraries refuse, and rightly so. What a target means is said in [`super::target`]; the
//! bytes may arrive in any portions, and several requests in one.

use httparse::{EMPTY_HEADER, Header, Status};

use crate::ipc::{HEAD_BYTES_MAX, HEADER_FIELDS_MAX};

/// Bytes of a request with its body, which is read and ignored. Microsoft's agent takes 2,048; a URL
/// of 2,200 characters needs up to 6,600 when all of it is encoded, and so may a path.
pub(super) const REQUEST_BYTES_MAX: usize = HEAD_BYTES_MAX;

/// What the bytes that have arrived so far are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// The beginning of a request.
    Beginning,
    /// A request, and how many bytes it took: those behind it belong to the next one.
    Request(Request, usize),
    /// Nothing that can become a request.
    Malformed,
}

/// A request as it was sent: nothing is decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// `GET` or `POST`, or whatever letters were sent.
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    /// Whether it was sent by a page in somebody's browser, or to a name that is not this machine's:
    /// see [`is_from_afar`].
    pub(super) is_from_afar: bool,
    /// Whether the connection ends with the answer: the caller said so, or speaks HTTP/1.0.
    pub(super) is_last: bool,
}

/// Why bytes are no request. Callers hear only that they are not.
#[derive(Debug)]
struct Malformed;

/// Reads the request at the beginning of `bytes`.
///
/// Takes what Microsoft's agent takes, and beyond it all characters of RFC 3986, HTTP/1.0, empty
/// lines before a request (RFC 9112 §2.2) and longer ones. Refused are chunked bodies and everything
/// above [`REQUEST_BYTES_MAX`]. Cost: O(bytes).
pub(super) fn read(bytes: &[u8]) -> Read {
    match complete(bytes) {
        Ok(Some((request, bytes_count))) => Read::Request(request, bytes_count),
        Ok(None) if bytes.len() >= REQUEST_BYTES_MAX => Read::Malformed,
        Ok(None) => Read::Beginning,
        Err(Malformed) => Read::Malformed,
    }
}

fn complete(bytes: &[u8]) -> Result<Option<(Request, usize)>, Malformed> {
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let Some((line, line_bytes)) = request_line(&bytes[blank..])? else {
        return Ok(None);
    };
    let fields_at = blank + line_bytes;
    let mut space = [EMPTY_HEADER; HEADER_FIELDS_MAX];
    let (fields_bytes, fields) = match httparse::parse_headers(&bytes[fields_at..], &mut space) {
        Ok(Status::Complete(parsed)) => parsed,
        Ok(Status::Partial) => return Ok(None),
        Err(_) => return Err(Malformed),
    };
    let bytes_count = (fields_at + fields_bytes).saturating_add(body_bytes(fields)?);
    if bytes_count > REQUEST_BYTES_MAX {
        return Err(Malformed);
    }
    if bytes_count > bytes.len() {
        return Ok(None);
    }
    let Line { method, target, version } = line;
    let is_last = version.eq_ignore_ascii_case("HTTP/1.0") || asks_to_close(fields);
    let (method, target) = (method.to_owned(), target.to_owned());
    let is_from_afar = is_from_afar(fields);
    Ok(Some((Request { method, target, is_from_afar, is_last }, bytes_count)))
}

/// The words of a request line.
struct Line<'a> {
    method: &'a str,
    target: &'a str,
    version: &'a str,
}

/// The request line and how many bytes it has with its end; nothing while it is not all here. A wrong
/// character is noticed at once, so that who speaks another protocol is not waited for.
fn request_line(bytes: &[u8]) -> Result<Option<(Line<'_>, usize)>, Malformed> {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let line = &bytes[..end.unwrap_or(bytes.len())];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = str::from_utf8(line).map_err(|_| Malformed)?;
    if line.starts_with(' ') || line.contains("  ") {
        return Err(Malformed);
    }
    let mut words = line.split(' ');
    let mut word = |is_allowed: fn(u8) -> bool| {
        let word = words.next().unwrap_or_default();
        if word.bytes().all(is_allowed) { Ok(word) } else { Err(Malformed) }
    };
    let method = word(|byte| byte.is_ascii_alphabetic())?;
    let target = word(is_in_target)?;
    let version = word(|byte| b"hHtTpP/1.0".contains(&byte))?;
    if words.next().is_some() {
        return Err(Malformed);
    }
    let Some(end) = end else {
        return Ok(None);
    };
    if method.is_empty() || target.is_empty() || version.is_empty() {
        return Err(Malformed);
    }
    Ok(Some((Line { method, target, version }, end + 1)))
}

/// Characters of a URI (RFC 3986 §2), those of its escapes included.
fn is_in_target(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte)
}

/// Bytes of the body. Several fields must agree (RFC 9112 §6.3); a chunked body cannot be skipped
/// without reading it, and nobody sends one.
fn body_bytes(fields: &[Header<'_>]) -> Result<usize, Malformed> {
    if values(fields, "transfer-encoding").next().is_some() {
        return Err(Malformed);
    }
    let mut found = None;
    for value in values(fields, "content-length") {
        let digits = str::from_utf8(value).map_err(|_| Malformed)?.trim();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Malformed);
        }
        // Too large for a number is too large for us as well.
        let count: usize = digits.parse().map_err(|_| Malformed)?;
        if found.replace(count).is_some_and(|other| other != count) {
            return Err(Malformed);
        }
    }
    Ok(found.unwrap_or(0))
}

fn asks_to_close(fields: &[Header<'_>]) -> bool {
    values(fields, "connection")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// Whether a browser sent this on behalf of a page, or somebody who was given our address under a
/// foreign name (DNS rebinding). Programs on this machine do neither, and a page must not make
/// downloads here: a browser connects to loopback for every page that asks it to, and sends a POST
/// without asking first.
fn is_from_afar(fields: &[Header<'_>]) -> bool {
    let is_foreign = |host: &[u8]| !str::from_utf8(host).is_ok_and(is_this_machine);
    values(fields, "origin").next().is_some() || values(fields, "host").any(is_foreign)
}

/// Whether the value of a `Host` field names this machine: empty, `localhost`, or a loopback address,
/// with a port or without one.
fn is_this_machine(host: &str) -> bool {
    let name = match host.trim().rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host.trim(),
    };
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.is_empty()
        || name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The values of all fields of that name, which is in lower case.
fn values<'a>(fields: &'a [Header<'a>], name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    fields
        .iter()
        .filter(move |field| field.name.eq_ignore_ascii_case(name))
        .map(|field| field.value.trim_ascii())
}

#[cfg(test)]
mod tests;
