//! From the scheme, host and port of a URL to a connection that speaks HTTP.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::proxy::matcher::Intercept;
use tokio::time::timeout;
use tower_service::Service;

use super::dial::{Scope, dial, literal, look_up};
use super::error::FetchErrorKind;
use super::first_bytes::FirstBytes;
use super::network::Network;
use super::protocol::{Origins, Protocol, place};
use super::proxy::ProxyRules;
use super::socks::{self, Goal};
use super::tls::Tls;
use super::tunnel;
use super::wire::{Link, Pooled, Wire};

/// What every connection is made with.
pub(super) struct Ways {
    pub(super) network: Arc<dyn Network>,
    pub(super) proxy: ProxyRules,
    pub(super) tls: Tls,
    pub(super) connect_timeout: Duration,
    /// What the origins were found to speak.
    pub(super) origins: Arc<Origins>,
}

/// Makes connections for one pool.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) ways: Arc<Ways>,
    pub(super) scope: Scope,
    pub(super) protocol: Protocol,
}

impl Service<Uri> for Connector {
    type Response = Pooled;
    type Error = FetchErrorKind;
    type Future = Pin<Box<dyn Future<Output = Result<Pooled, FetchErrorKind>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), FetchErrorKind>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let limit = connector.ways.connect_timeout;
            let outcome = timeout(limit, connector.connect(&destination)).await;
            outcome.unwrap_or(Err(FetchErrorKind::ConnectTimeout))
        })
    }
}

impl Connector {
    async fn connect(&self, destination: &Uri) -> Result<Pooled, FetchErrorKind> {
        let ways = self.ways.as_ref();
        let (host, port) = place(destination).ok_or(FetchErrorKind::Url)?;
        let is_https = destination.scheme_str() == Some("https");
        let Some(proxy) = ways.proxy.intercept(destination) else {
            let (stream, remote) = dial(&ways.network, host, port, self.scope).await?;
            let link = Link::new(remote, false);
            return self.to_origin(destination, Wire::Plain(stream), link).await;
        };
        match proxy.uri().scheme_str() {
            Some("socks5" | "socks5h") => {
                let (wire, link) = through_socks(ways, self.scope, &proxy, host, port).await?;
                self.to_origin(destination, wire, link).await
            }
            Some("http" | "https") => {
                let (mut wire, remote) = reach_proxy(ways, &proxy).await?;
                let link = Link::new(remote, true);
                if !is_https {
                    return Ok(Pooled::new(wire, link).in_absolute_form());
                }
                tunnel::open(&mut wire, host, port, proxy.basic_auth()).await?;
                self.to_origin(destination, wire, link).await
            }
            _ => Err(FetchErrorKind::ProxyUnsupported),
        }
    }

    /// Makes a wire that leads to the origin one that speaks our HTTP with it. What its TLS says of
    /// the HTTP it speaks is noted.
    async fn to_origin(
        &self,
        destination: &Uri,
        wire: Wire,
        link: Link,
    ) -> Result<Pooled, FetchErrorKind> {
        if destination.scheme_str() != Some("https") {
            return Ok(Pooled::new(wire, link));
        }
        let (host, port) = place(destination).ok_or(FetchErrorKind::Url)?;
        let origins = &self.ways.origins;
        let sealed = self.ways.tls.seal(host, wire, self.protocol).await;
        let wire = sealed.inspect_err(|kind| {
            if *kind == FetchErrorKind::Protocol {
                origins.note(host, port, self.protocol.other());
            }
        })?;
        if wire.has_agreed() {
            return Ok(Pooled::new(wire, link));
        }
        let first = FirstBytes::new(Arc::clone(origins), host, port, self.protocol);
        Ok(Pooled::new(wire, link).listening(first))
    }
}

async fn through_socks(
    ways: &Ways,
    scope: Scope,
    proxy: &Intercept,
    host: &str,
    port: u16,
) -> Result<(Wire, Link), FetchErrorKind> {
    let here = proxy.uri().scheme_str() == Some("socks5") || literal(host).is_some();
    // Looked up before the proxy is bothered, and judged like any other address.
    let address = if here {
        look_up(&ways.network, host, port, scope).await?.into_iter().next()
    } else {
        None
    };
    let goal = address.map_or(Goal::Name(host, port), Goal::Address);
    let (mut wire, proxy_address) = reach_proxy(ways, proxy).await?;
    socks::open(&mut wire, goal, proxy.raw_auth()).await?;
    let link = match address {
        Some(address) => Link::new(address, false),
        None => Link::new(proxy_address, true),
    };
    Ok((wire, link))
}

/// Connects to the proxy, which may be anywhere: the owner named it.
async fn reach_proxy(ways: &Ways, proxy: &Intercept) -> Result<(Wire, SocketAddr), FetchErrorKind> {
    let (host, port) = place(proxy.uri()).ok_or(FetchErrorKind::ProxyUnsupported)?;
    let dialled = dial(&ways.network, host, port, Scope::Any).await;
    let (stream, address) = dialled.map_err(|kind| match kind {
        FetchErrorKind::Resolve => FetchErrorKind::ProxyResolve,
        FetchErrorKind::Connect(error) => FetchErrorKind::ProxyConnect(error),
        other => other,
    })?;
    let wire = Wire::Plain(stream);
    if proxy.uri().scheme_str() != Some("https") {
        return Ok((wire, address));
    }
    Ok((ways.tls.seal(host, wire, Protocol::Http1).await?, address))
}
