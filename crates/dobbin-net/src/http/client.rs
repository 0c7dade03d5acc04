//! Asking an origin, and following where it sends us.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dobbin_core::source::Reach;
use dobbin_types::FileTime;
use http::header::{ACCEPT_RANGES, HeaderMap, PROXY_AUTHORIZATION};
use http::{Uri, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use url::{Host, Url};

use super::body::Body;
use super::connect::Ways;
use super::dial::Scope;
use super::digest;
use super::error::{FetchError, FetchErrorKind, HeaderText};
use super::link;
use super::pools::{IDLE_PER_HOST_MAX, Kept};
use super::protocol::{Origins, Protocol, place};
use super::redirect::{self, is_redirect};
use super::reply::judge;
use super::request::{Headers, Request};
use super::response::{Extent, Response, header_text};
use super::retry_after::retry_after;
use super::settings::HttpSettings;
use super::tls::{RootsError, Tls};
use super::trouble;
use super::validator;
use super::wire::{Link, retire};

/// How much of a refused reply's body is read so that its connection can be used again.
const DRAIN_BYTES_MAX: u64 = 64 * 1024;

/// How long that may take. Such a body mostly comes in one packet with its headers.
const DRAIN_TIME_MAX: Duration = Duration::from_millis(100);

/// Asks origins and keeps connections for the next request. Cheap to clone; clones share the
/// connections.
///
/// Over HTTP/1.1 each request that is under way has a connection of its own. An origin that will not
/// speak it inside TLS is asked for HTTP/2, on one connection for all requests at a time, and is
/// remembered, also by the clients of other threads. That it changes its mind is noticed.
///
/// Its connections are driven by the runtime that calls it, so there is one client for each transfer
/// thread: see [`Client::for_another_thread`].
#[derive(Clone)]
pub struct Client {
    settings: Arc<HttpSettings>,
    ways: Arc<Ways>,
    kept: Arc<Kept>,
}

/// One step on the way from the caller's URL to the file.
struct Hop {
    url: Url,
    /// Whether no redirect has left the first origin so far: then the caller's headers go along.
    trusted: bool,
    scope: Scope,
}

/// A request on its way to one hop.
struct Asking {
    uri: Uri,
    headers: HeaderMap,
    scope: Scope,
    connect_timeout: Duration,
}

/// A reply as hyper hands it out, and what it came over.
struct Reply {
    parts: http::response::Parts,
    body: Incoming,
    link: Option<Link>,
    connection: CaptureConnection,
}

impl Client {
    /// A client with connections of its own. Fails only for an unusable
    /// [`HttpSettings::extra_roots`].
    pub fn new(settings: HttpSettings) -> Result<Client, RootsError> {
        let ways = Ways {
            network: Arc::clone(&settings.network),
            proxy: settings.proxy.clone(),
            tls: Tls::new(settings.extra_roots.clone())?,
            connect_timeout: settings.connect_timeout,
            origins: Arc::new(Origins::default()),
        };
        Ok(Client::with(Arc::new(settings), Arc::new(ways)))
    }

    /// A client for another thread: the same settings, authorities, TLS sessions and memory of what
    /// origins speak, but connections of its own.
    pub fn for_another_thread(&self) -> Client {
        Client::with(Arc::clone(&self.settings), Arc::clone(&self.ways))
    }

    fn with(settings: Arc<HttpSettings>, ways: Arc<Ways>) -> Client {
        let kept = Arc::new(Kept::new(&ways, settings.read_buffer, &settings.slept));
        Client { settings, ways, kept }
    }

    /// Asks for what the request names, follows redirects, and returns the reply when its headers
    /// promise exactly that.
    ///
    /// A 200 reply to a request for a range is a success, as [`Extent::Whole`]; so is one that does
    /// not say its length. What to make of either is the caller's to decide.
    ///
    /// # Panics
    ///
    /// If the request's range is empty.
    pub async fn open(&self, request: &Request) -> Result<Response, FetchError> {
        let scope = if request.public_only { Scope::PublicOnly } else { Scope::Any };
        let mut hop = Hop { url: request.url.clone(), trusted: true, scope };
        // They are sent as headers; no text that is made of the URL from here on holds them.
        let _ = hop.url.set_username("");
        let _ = hop.url.set_password(None);
        hop.url.set_fragment(None);

        let headers = Headers::new(request, &self.settings.user_agent)
            .and_then(|headers| enter(&hop.url, scope).map(|()| headers))
            .map_err(|kind| FetchError::new(host_of(&hop.url), kind))?;
        for _ in 0..=self.settings.redirects_max {
            let asked = self.ask(request, &hop, &headers).await;
            let reply = asked.map_err(|kind| FetchError::new(host_of(&hop.url), kind))?;
            if !is_redirect(reply.parts.status) {
                return self.conclude(request, hop, reply).await;
            }
            hop = follow(request, &hop, &reply).map_err(|kind| FetchError {
                http_status: Some(reply.parts.status.as_u16()),
                reply_headers: Some(headers_of(&reply.parts)),
                ..FetchError::new(host_of(&hop.url), kind)
            })?;
            tracing::debug!(host = host_of(&hop.url), "redirect followed");
            drain(reply.body).await;
        }
        Err(FetchError::new(host_of(&hop.url), FetchErrorKind::TooManyRedirects))
    }

    /// One request and its reply. A connection that went stale in the pool is replaced, because its
    /// end says nothing about this request; and an origin that turns out to speak the other HTTP is
    /// asked in that.
    async fn ask(
        &self,
        request: &Request,
        hop: &Hop,
        headers: &Headers,
    ) -> Result<Reply, FetchErrorKind> {
        let uri: Uri = hop.url.as_str().parse().map_err(|_| FetchErrorKind::Url)?;
        let mut headers = headers.for_hop(hop.trusted);
        if uri.scheme_str() == Some("http")
            && let Some(proxy) = self.ways.proxy.intercept(&uri)
            && let Some(credentials) = proxy.basic_auth()
        {
            headers.insert(PROXY_AUTHORIZATION, credentials.clone());
        }
        let connect_timeout = request.connect_timeout.unwrap_or(self.settings.connect_timeout);
        let asking = Asking { uri, headers, scope: hop.scope, connect_timeout };
        let mut has_changed = false;
        // Each failure takes one used connection out of the pool.
        let mut stale_left = IDLE_PER_HOST_MAX;
        loop {
            let protocol = self.ways.origins.spoken_by(&asking.uri);
            let (kind, used) = match self.exchange(&asking, protocol).await {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            if !has_changed && self.ways.origins.spoken_by(&asking.uri) != protocol {
                has_changed = true;
                tracing::debug!(host = asking.uri.host(), from = ?protocol, "HTTP version changed");
                continue;
            }
            let is_stale =
                used && matches!(kind, FetchErrorKind::EmptyReply | FetchErrorKind::Broken(_));
            if !is_stale || stale_left == 0 {
                return Err(kind);
            }
            stale_left -= 1;
        }
    }

    /// One try. The error says whether the connection had served before.
    async fn exchange(
        &self,
        asking: &Asking,
        protocol: Protocol,
    ) -> Result<Reply, (FetchErrorKind, bool)> {
        let mut request = http::Request::new(Empty::new());
        *request.uri_mut() = asking.uri.clone();
        *request.headers_mut() = asking.headers.clone();
        let connection = capture_connection(&mut request);
        let mut captured = connection.clone();
        // Making a connection has a limit of its own, but over HTTP/2 one request makes it and others
        // wait. When it stands, the limit for the answer begins.
        let patience = async {
            let standing = captured.wait_for_connection_metadata();
            if timeout(asking.connect_timeout, standing).await.is_err() {
                return FetchErrorKind::ConnectTimeout;
            }
            sleep(self.settings.stall.over).await;
            FetchErrorKind::Silent
        };
        let pool = self.kept.pool(asking.scope, protocol);
        let outcome = tokio::select! {
            biased;
            outcome = pool.request(request) => outcome,
            kind = patience => {
                retire(&connection);
                return Err((kind, false));
            }
        };
        match outcome {
            Ok(response) => {
                let (parts, body) = response.into_parts();
                let link = parts.extensions.get::<Link>().cloned();
                if let Some(link) = &link {
                    link.replied(parts.version);
                }
                Ok(Reply { parts, body, link, connection })
            }
            Err(error) => Err(self.failed(asking, &connection, &error)),
        }
    }

    /// What follows from a request without a reply: for this connection, and for what is known of the
    /// origin.
    fn failed(
        &self,
        asking: &Asking,
        connection: &CaptureConnection,
        error: &legacy::Error,
    ) -> (FetchErrorKind, bool) {
        let kind = trouble::before_reply(error);
        if kind != FetchErrorKind::Reset {
            retire(connection);
        }
        if trouble::requires_http1(error)
            && let Some((host, port)) = place(&asking.uri)
        {
            self.ways.origins.note(host, port, Protocol::Http1);
        }
        let mut known = http::Extensions::new();
        if let Some(connected) = error.connect_info() {
            connected.get_extras(&mut known);
        }
        (kind, known.get::<Link>().is_some_and(Link::is_used))
    }

    /// Turns the last reply into the answer.
    async fn conclude(
        &self,
        request: &Request,
        hop: Hop,
        reply: Reply,
    ) -> Result<Response, FetchError> {
        let from_public = is_public_way(request, &hop, &reply);
        let Hop { url, .. } = hop;
        let Reply { parts, body, link, connection } = reply;
        let (status, headers) = (parts.status, &parts.headers);
        let promise = match judge(request, url.path(), status, headers, body.size_hint().exact()) {
            Ok(promise) => promise,
            Err(kind) => {
                if kind != FetchErrorKind::Malformed {
                    drain(body).await;
                }
                return Err(FetchError {
                    retry_after: retry_after(headers, SystemTime::now()),
                    http_status: Some(status.as_u16()),
                    reply_headers: Some(headers_of(&parts)),
                    ..FetchError::new(host_of(&url), kind)
                });
            }
        };
        Ok(Response {
            extent: promise.extent,
            total: promise.total,
            validator: validator::of(headers),
            last_modified: validator::last_modified(headers).and_then(file_time),
            sha256: digest::sha256_of_file(headers, promise.extent),
            duplicates: link::duplicates(&url, headers, from_public),
            from_public,
            accepts_ranges: matches!(promise.extent, Extent::Part { .. }) || says_ranges(headers),
            header_text: header_text(parts.version, status, headers),
            remote: link.as_ref().map(|link| link.remote),
            version: parts.version,
            body: Body::new(
                body,
                connection,
                parts.version,
                host_of(&url).into(),
                promise.length,
                self.settings.stall,
            )
            .over(link.filter(|_| parts.version != Version::HTTP_2)),
            final_url: url,
        })
    }
}

/// The next hop after this redirect.
fn follow(request: &Request, hop: &Hop, reply: &Reply) -> Result<Hop, FetchErrorKind> {
    let url = redirect::target(&hop.url, &reply.parts.headers, request.allow_downgrade)
        .map_err(FetchErrorKind::Redirect)?;
    // Once lost, trust does not return: a stranger who sends us back must not steer a request that
    // carries the caller's headers.
    let trusted = hop.trusted && url.origin() == request.url.origin();
    let scope = if is_public_way(request, hop, reply) { Scope::PublicOnly } else { Scope::Any };
    enter(&url, scope)?;
    Ok(Hop { url, trusted, scope })
}

/// Whether a URL's text denies that it may be asked. The connector would say the same; through a proxy
/// there is nobody else to say it.
fn enter(url: &Url, scope: Scope) -> Result<(), FetchErrorKind> {
    match literal_reach(url) {
        Some(reach) if scope == Scope::PublicOnly && !reach.is_public() => {
            Err(FetchErrorKind::AddressRefused(reach))
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether this reply, or one that led to it, came from a public address, or counts as if it had.
fn is_public_way(request: &Request, hop: &Hop, reply: &Reply) -> bool {
    match hop.scope {
        Scope::PublicOnly => true,
        Scope::Any if request.speaks_for_public => true,
        Scope::Any => answered_publicly(&hop.url, reply.link.as_ref()),
    }
}

/// Whether the reply came from a public address. Behind a proxy a name's address is unknown, and
/// counts as public: what follows is then held to more, not less.
fn answered_publicly(url: &Url, link: Option<&Link>) -> bool {
    match link {
        Some(link) if !link.proxied => Reach::of(link.remote.ip()).is_public(),
        Some(_) | None => literal_reach(url).is_none_or(Reach::is_public),
    }
}

/// The class of a host that is an address, or is a name that always means this machine (RFC 6761
/// §6.3).
pub fn literal_reach(url: &Url) -> Option<Reach> {
    match url.host()? {
        Host::Ipv4(address) => Some(Reach::of(address.into())),
        Host::Ipv6(address) => Some(Reach::of(address.into())),
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let is_local = name == "localhost" || name.ends_with(".localhost");
            is_local.then_some(Reach::Loopback)
        }
    }
}

fn headers_of(parts: &http::response::Parts) -> HeaderText {
    HeaderText(header_text(parts.version, parts.status, &parts.headers))
}

fn host_of(url: &Url) -> &str {
    url.host_str().unwrap_or("nowhere")
}

fn says_ranges(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT_RANGES).iter().any(|value| {
        let units = value.as_bytes().split(|byte| *byte == b',');
        units.map(<[u8]>::trim_ascii).any(|unit| unit.eq_ignore_ascii_case(b"bytes"))
    })
}

fn file_time(time: SystemTime) -> Option<FileTime> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(FileTime::from_unix_millis(u64::try_from(since.as_millis()).ok()?))
}

/// Reads what is left of a short body, so that its connection can be used again. A long or slow one is
/// not worth it: its connection is closed.
async fn drain(mut body: Incoming) {
    if body.size_hint().exact().is_some_and(|length| length <= DRAIN_BYTES_MAX) {
        let rest = async { while let Some(Ok(_)) = body.frame().await {} };
        let _ = timeout(DRAIN_TIME_MAX, rest).await;
        // See `Body`: lets the pool take the connection back.
        yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_an_address_is_spelled_it_is_seen_for_what_it_is() {
        for (text, expect) in [
            ("http://127.0.0.1/", Some(Reach::Loopback)),
            ("http://2130706433/", Some(Reach::Loopback)),
            ("http://0x7f000001/", Some(Reach::Loopback)),
            ("http://0x7F.0.0.1/", Some(Reach::Loopback)),
            ("http://0177.0.0.1/", Some(Reach::Loopback)),
            ("http://0177.0x0.1/", Some(Reach::Loopback)),
            ("http://017700000001/", Some(Reach::Loopback)),
            ("http://127.1/", Some(Reach::Loopback)),
            ("http://127.0.1/", Some(Reach::Loopback)),
            ("http://127.0.0.1./", Some(Reach::Loopback)),
            ("http://127.0.0.1:8080/", Some(Reach::Loopback)),
            ("http://%31%32%37.0.0.1/", Some(Reach::Loopback)),
            ("http://127。0。0。1/", Some(Reach::Loopback)),
            ("http://１２７.0.0.1/", Some(Reach::Loopback)),
            ("http://①②⑦.0.0.1/", Some(Reach::Loopback)),
            ("http://[::1]/", Some(Reach::Loopback)),
            ("http://[0:0:0:0:0:0:0:1]/", Some(Reach::Loopback)),
            ("http://[::ffff:127.0.0.1]/", Some(Reach::Loopback)),
            ("http://[::ffff:7f00:1]/", Some(Reach::Loopback)),
            ("http://[0:0:0:0:0:FFFF:7F00:0001]/", Some(Reach::Loopback)),
            ("http://[::127.0.0.1]/", Some(Reach::Loopback)),
            ("http://[64:ff9b::7f00:1]/", Some(Reach::Loopback)),
            ("http://[2002:7f00:1::]/", Some(Reach::Loopback)),
            ("http://localhost/", Some(Reach::Loopback)),
            ("http://LocalHost./", Some(Reach::Loopback)),
            ("http://a.localhost/", Some(Reach::Loopback)),
            ("http://0/", Some(Reach::Unspecified)),
            ("http://0.0.0.0/", Some(Reach::Unspecified)),
            ("http://0x0/", Some(Reach::Unspecified)),
            ("http://[::]/", Some(Reach::Unspecified)),
            ("http://[::ffff:0.0.0.0]/", Some(Reach::Unspecified)),
            ("http://10.0.0.1/", Some(Reach::Private)),
            ("http://167772161/", Some(Reach::Private)),
            ("http://0xa000001/", Some(Reach::Private)),
            ("http://012.1/", Some(Reach::Private)),
            ("http://172.16.0.1/", Some(Reach::Private)),
            ("http://192.168.0.1/", Some(Reach::Private)),
            ("http://0xc0a80001/", Some(Reach::Private)),
            ("http://192.168.1/", Some(Reach::Private)),
            ("http://100.64.0.1/", Some(Reach::Private)),
            ("http://[fc00::1]/", Some(Reach::Private)),
            ("http://[fd12:3456::1]/", Some(Reach::Private)),
            ("http://[fec0::1]/", Some(Reach::Private)),
            ("http://[::ffff:a00:1]/", Some(Reach::Private)),
            ("http://169.254.169.254/", Some(Reach::LinkLocal)),
            ("http://2852039166/", Some(Reach::LinkLocal)),
            ("http://0xA9FEA9FE/", Some(Reach::LinkLocal)),
            ("http://169.254.43518/", Some(Reach::LinkLocal)),
            ("http://[fe80::1]/", Some(Reach::LinkLocal)),
            ("http://[::ffff:169.254.169.254]/", Some(Reach::LinkLocal)),
            ("http://224.0.0.251/", Some(Reach::Multicast)),
            ("http://255.255.255.255/", Some(Reach::Multicast)),
            ("http://4294967295/", Some(Reach::Multicast)),
            ("http://[ff02::1]/", Some(Reach::Multicast)),
            ("http://198.18.0.1/", Some(Reach::Reserved)),
            ("http://192.0.2.1/", Some(Reach::Reserved)),
            ("http://240.0.0.1/", Some(Reach::Reserved)),
            ("http://[2001:db8::1]/", Some(Reach::Reserved)),
            ("http://[2001::1]/", Some(Reach::Reserved)),
            ("http://8.8.8.8/", Some(Reach::Public)),
            ("http://134744072/", Some(Reach::Public)),
            ("http://[2606:4700::1]/", Some(Reach::Public)),
            ("http://[64:ff9b::808:808]/", Some(Reach::Public)),
            ("http://example.com/", None),
            ("http://127.0.0.1.nip.io/", None),
            ("http://localhost.example/", None),
        ] {
            let url: Url = text.parse().unwrap();
            assert_eq!(literal_reach(&url), expect, "{text}");
        }
        for text in [
            "http://256.0.0.1/",
            "http://4294967296/",
            "http://1.2.3.4.5/",
            "http://[::1/",
            "http://127.0.0.0x100/",
            "http://[fe80::1%25eth0]/",
        ] {
            assert!(text.parse::<Url>().is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_are_accepted_when_the_origin_says_bytes() {
        for (text, expect) in
            [("bytes", true), ("Bytes", true), ("items, bytes", true), ("none", false), ("", false)]
        {
            let headers: HeaderMap = [(ACCEPT_RANGES, text.parse().unwrap())].into_iter().collect();
            assert_eq!(says_ranges(&headers), expect, "{text}");
        }
    }
}
