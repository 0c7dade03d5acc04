//! What is asked of an origin.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{self, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use url::Url;

use super::error::FetchErrorKind;
use super::range::range_header;
use super::redirect::is_web;
use super::validator::Validator;

/// What is asked of an origin.
#[derive(Clone)]
pub struct Request {
    /// The caller's URL. Any address may be named. A user name and password in it become `Basic`
    /// credentials, unless `headers` hold an `Authorization` of their own.
    pub url: Url,
    /// Which bytes, by offset; open-ended when the end is [`u64::MAX`]. Never empty. `None` asks for
    /// the whole, without a `Range`.
    pub range: Option<Range<u64>>,
    /// Ask for the range only if the file is still this version; else the whole comes, as
    /// [`Extent::Whole`](super::Extent::Whole). Means nothing without a range.
    pub if_range: Option<Validator>,
    /// The caller's own headers, in order. All of them count as secret: they go to the URL's scheme,
    /// host and port, and from the first redirect that leaves these on, to nobody. None may be
    /// [reserved](is_reserved).
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether a redirect may lead from https to http.
    pub allow_downgrade: bool,
    /// Whether only public addresses may be asked, because it was a public address that named the URL.
    /// Any may, where the caller named it.
    pub public_only: bool,
    /// Whether what is answered counts as said by a public address, whatever the address is: whoever is
    /// asked speaks for somebody public. Redirects and duplicates are held to public addresses then.
    pub speaks_for_public: bool,
    /// How long a connection may take; where nothing is said, as
    /// [`HttpSettings::connect_timeout`](super::HttpSettings::connect_timeout), which is also the most.
    pub connect_timeout: Option<Duration>,
}

impl Request {
    /// The whole of a file, with nothing else said.
    pub fn whole(url: Url) -> Request {
        Request {
            url,
            range: None,
            if_range: None,
            headers: Vec::new(),
            allow_downgrade: false,
            public_only: false,
            speaks_for_public: false,
            connect_timeout: None,
        }
    }

    /// Some bytes of a file, with nothing else said.
    pub fn part(url: Url, range: Range<u64>) -> Request {
        Request { range: Some(range), ..Request::whole(url) }
    }
}

impl fmt::Debug for Request {
    /// Host and range only; all else may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("host", &self.url.host_str())
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

/// Whether the transfer itself decides this header, so that no caller may set it: those that select
/// and frame the body or steer the connection, and those meant for the proxy.
pub fn is_reserved(name: &HeaderName) -> bool {
    const RESERVED: [HeaderName; 12] = [
        header::ACCEPT_ENCODING,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::EXPECT,
        header::HOST,
        header::IF_RANGE,
        header::PROXY_AUTHORIZATION,
        header::RANGE,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    RESERVED.contains(name) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// The headers of one request, cut into what everybody may see and what only the first origin may.
pub(super) struct Headers {
    open: HeaderMap,
    secret: HeaderMap,
}

impl Headers {
    /// Prepares them once for all hops. Fails for a URL that this source cannot fetch and for a
    /// reserved header.
    pub(super) fn new(request: &Request, user_agent: &str) -> Result<Headers, FetchErrorKind> {
        if !is_web(&request.url) {
            return Err(FetchErrorKind::Url);
        }
        Ok(Headers { open: open(request, user_agent), secret: secret(request)? })
    }

    /// Those to send. `trusted` says whether no redirect has left the first origin so far.
    pub(super) fn for_hop(&self, trusted: bool) -> HeaderMap {
        let mut headers = self.open.clone();
        if trusted {
            for name in self.secret.keys() {
                headers.remove(name);
            }
            let secret = self.secret.iter().map(|(name, value)| (name.clone(), value.clone()));
            for (name, value) in secret {
                headers.append(name, value);
            }
        }
        headers
    }
}

fn open(request: &Request, user_agent: &str) -> HeaderMap {
    let mut open = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(user_agent) {
        open.insert(header::USER_AGENT, value);
    }
    open.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    // Offsets count the bytes of the file, so the file itself must come.
    open.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(range) = &request.range {
        let value = HeaderValue::from_str(&range_header(range)).expect("digits and signs");
        open.insert(header::RANGE, value);
        let condition = request.if_range.as_ref().map(|validator| validator.as_str());
        if let Some(Ok(value)) = condition.map(HeaderValue::from_str) {
            open.insert(header::IF_RANGE, value);
        }
    }
    open
}

fn secret(request: &Request) -> Result<HeaderMap, FetchErrorKind> {
    let mut secret = HeaderMap::new();
    for (name, value) in &request.headers {
        if is_reserved(name) {
            return Err(FetchErrorKind::ReservedHeader(name.clone()));
        }
        let mut value = value.clone();
        value.set_sensitive(true);
        secret.append(name.clone(), value);
    }
    if let Some(value) = basic(&request.url)
        && !secret.contains_key(AUTHORIZATION)
    {
        secret.insert(AUTHORIZATION, value);
    }
    Ok(secret)
}

/// The URL's own user name and password as credentials (RFC 7617), if it has any.
fn basic(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair: Vec<u8> = percent_decode_str(url.username()).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(url.password().unwrap_or_default()));
    let text = format!("Basic {}", BASE64_STANDARD.encode(pair));
    let mut value = HeaderValue::from_str(&text).expect("base64 fits a header");
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(request: &Request) -> Headers {
        Headers::new(request, "Dobbin/1").map_err(|kind| kind.to_string()).unwrap()
    }

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn every_request_says_who_asks_and_wants_the_plain_bytes() {
        let sent = headers(&Request::whole(url("http://a.example/"))).for_hop(true);
        assert_eq!(sent["user-agent"], "Dobbin/1");
        assert_eq!(sent["accept-encoding"], "identity");
        assert!(!sent.contains_key("range") && !sent.contains_key("authorization"));
    }

    #[test]
    fn a_condition_goes_with_a_range_only() {
        let tag = Some(Validator::StrongEtag("\"v1\"".into()));
        let part = Request { if_range: tag.clone(), ..Request::part(url("http://a/"), 5..10) };
        let sent = headers(&part).for_hop(true);
        assert_eq!(
            (&sent["range"], &sent["if-range"]),
            (&"bytes=5-9".parse().unwrap(), &"\"v1\"".parse().unwrap())
        );
        let whole = Request { if_range: tag, ..Request::whole(url("http://a/")) };
        assert!(!headers(&whole).for_hop(true).contains_key("if-range"));
    }

    #[test]
    fn the_callers_headers_stay_with_the_first_origin() {
        let mut request = Request::whole(url("http://user:p%40ss@a.example/"));
        for (name, value) in [("x-token", "one"), ("x-token", "two"), ("user-agent", "Mine/2")] {
            request.headers.push((name.parse().unwrap(), value.parse().unwrap()));
        }
        let trusted = headers(&request).for_hop(true);
        assert_eq!(trusted.get_all("x-token").iter().count(), 2);
        assert_eq!(trusted.get_all("user-agent").iter().collect::<Vec<_>>(), ["Mine/2"]);
        assert_eq!(trusted["authorization"], "Basic dXNlcjpwQHNz");
        let elsewhere = headers(&request).for_hop(false);
        assert_eq!(elsewhere["user-agent"], "Dobbin/1");
        assert!(!elsewhere.contains_key("x-token") && !elsewhere.contains_key("authorization"));
    }

    #[test]
    fn explicit_credentials_win_over_those_in_the_url() {
        let mut request = Request::whole(url("http://user:pw@a.example/"));
        request.headers.push((AUTHORIZATION, HeaderValue::from_static("Bearer t")));
        assert_eq!(headers(&request).for_hop(true)["authorization"], "Bearer t");
    }

    #[test]
    fn headers_that_frame_the_transfer_are_refused() {
        for name in [
            "Host",
            "range",
            "If-Range",
            "accept-encoding",
            "Connection",
            "te",
            "content-length",
            "transfer-encoding",
            "Upgrade",
            "proxy-authorization",
            "keep-alive",
            "proxy-connection",
            "expect",
            "trailer",
        ] {
            let mut request = Request::whole(url("http://a.example/"));
            let name: HeaderName = name.parse().unwrap();
            request.headers.push((name.clone(), HeaderValue::from_static("x")));
            let refused = Headers::new(&request, "Dobbin/1").err();
            assert_eq!(refused, Some(FetchErrorKind::ReservedHeader(name)));
        }
    }

    #[test]
    fn only_the_web_is_fetched() {
        for text in ["ftp://a.example/", "file:///etc/passwd", "data:,x", "mailto:a@b"] {
            let refused = Headers::new(&Request::whole(url(text)), "Dobbin/1").err();
            assert_eq!(refused, Some(FetchErrorKind::Url), "{text}");
        }
    }

    #[test]
    fn nothing_secret_is_printed() {
        let mut request = Request::part(url("http://user:canary@a.example/x?canary=1"), 0..1);
        request.headers.push((AUTHORIZATION, HeaderValue::from_static("canary")));
        assert!(!format!("{request:?} {:?}", headers(&request).for_hop(true)).contains("canary"));
    }
}
