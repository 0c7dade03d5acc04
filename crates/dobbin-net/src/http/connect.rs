//! From the scheme, host and port of a URL to a connection that speaks HTTP.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::proxy::matcher::Intercept;
use tokio::time::timeout;
use tower_service::Service;

use super::dial::{Scope, dial};
use super::error::FetchErrorKind;
use super::network::Network;
use super::proxy::ProxyRules;
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
        let mut wire = Wire::Plain(stream);
        if is_https {
            wire = ways.tls.seal(host, wire).await?;
        }
        return Ok(Pooled::new(wire, Link::new(remote, false), false));
    };
    let (mut wire, link) = reach_proxy(ways, &proxy).await?;
    if is_https {
        tunnel::open(&mut wire, host, port, proxy.basic_auth()).await?;
        wire = ways.tls.seal(host, wire).await?;
    }
    Ok(Pooled::new(wire, link, !is_https))
}

/// Connects to the proxy, which may be anywhere: the owner named it.
async fn reach_proxy(ways: &Ways, proxy: &Intercept) -> Result<(Wire, Link), FetchErrorKind> {
    let is_https = match proxy.uri().scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(FetchErrorKind::ProxyUnsupported),
    };
    let (host, port) = place(proxy.uri()).ok_or(FetchErrorKind::ProxyUnsupported)?;
    let dialled = dial(&ways.network, host, port, Scope::Any).await;
    let (stream, remote) = dialled.map_err(|kind| match kind {
        FetchErrorKind::Resolve => FetchErrorKind::ProxyResolve,
        FetchErrorKind::Connect(error) => FetchErrorKind::ProxyConnect(error),
        other => other,
    })?;
    let mut wire = Wire::Plain(stream);
    if is_https {
        wire = ways.tls.seal(host, wire).await?;
    }
    Ok((wire, Link::new(remote, true)))
}

/// Host and port, the latter the scheme's own where it is not named.
fn place(uri: &Uri) -> Option<(&str, u16)> {
    let standard = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Some((uri.host()?, uri.port_u16().unwrap_or(standard)))
}
