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
use super::network::Network;
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
}

/// Makes connections for one pool.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) ways: Arc<Ways>,
    pub(super) scope: Scope,
}

impl Service<Uri> for Connector {
    type Response = Pooled;
    type Error = FetchErrorKind;
    type Future = Pin<Box<dyn Future<Output = Result<Pooled, FetchErrorKind>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), FetchErrorKind>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let Connector { ways, scope } = self.clone();
        Box::pin(async move {
            let limit = ways.connect_timeout;
            let outcome = timeout(limit, connect(&ways, scope, &destination)).await;
            outcome.unwrap_or(Err(FetchErrorKind::ConnectTimeout))
        })
    }
}

async fn connect(ways: &Ways, scope: Scope, destination: &Uri) -> Result<Pooled, FetchErrorKind> {
    let (host, port) = place(destination).ok_or(FetchErrorKind::Url)?;
    let is_https = destination.scheme_str() == Some("https");
    let Some(proxy) = ways.proxy.intercept(destination) else {
        let (stream, remote) = dial(&ways.network, host, port, scope).await?;
        let wire = sealed_if(is_https, ways, host, Wire::Plain(stream)).await?;
        return Ok(Pooled::new(wire, Link::new(remote, false), false));
    };
    match proxy.uri().scheme_str() {
        Some("socks5" | "socks5h") => {
            let (wire, link) = through_socks(ways, scope, &proxy, host, port).await?;
            let wire = sealed_if(is_https, ways, host, wire).await?;
            Ok(Pooled::new(wire, link, false))
        }
        Some("http" | "https") => {
            let (mut wire, remote) = reach_proxy(ways, &proxy).await?;
            if is_https {
                tunnel::open(&mut wire, host, port, proxy.basic_auth()).await?;
            }
            let wire = sealed_if(is_https, ways, host, wire).await?;
            Ok(Pooled::new(wire, Link::new(remote, true), !is_https))
        }
        _ => Err(FetchErrorKind::ProxyUnsupported),
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
    let is_https = proxy.uri().scheme_str() == Some("https");
    Ok((sealed_if(is_https, ways, host, Wire::Plain(stream)).await?, address))
}

async fn sealed_if(
    is_https: bool,
    ways: &Ways,
    host: &str,
    wire: Wire,
) -> Result<Wire, FetchErrorKind> {
    if is_https { ways.tls.seal(host, wire).await } else { Ok(wire) }
}

/// Host and port, the latter the scheme's own where it is not named.
fn place(uri: &Uri) -> Option<(&str, u16)> {
    let standard = match uri.scheme_str() {
        Some("https") => 443,
        Some("socks5" | "socks5h") => 1080,
        _ => 80,
    };
    Some((uri.host()?, uri.port_u16().unwrap_or(standard)))
}
