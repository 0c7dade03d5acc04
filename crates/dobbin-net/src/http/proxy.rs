//! Which hosts are reached through which proxy.

use std::fmt;
use std::sync::Arc;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// Which hosts are reached through which proxy. Cheap to clone.
///
/// A proxy is named by a URL: `http` or `https` (the whole URL for plain http, CONNECT for https),
/// `socks5h`, or `socks5`. Behind all but the last, names are the proxy's to look up, and so is the
/// guard over where they lead: the address rule then only sees hosts that are addresses themselves.
#[derive(Clone)]
pub struct ProxyRules(Arc<Matcher>);

impl ProxyRules {
    /// The rules of the environment as it is now: `http_proxy`, `https_proxy`, `all_proxy` and
    /// `no_proxy`, in upper or lower case.
    ///
    /// Where `REQUEST_METHOD` is set, as it is for a CGI program, there is no proxy at all:
    /// `HTTP_PROXY` could then be a stranger's `Proxy:` header. Loopback is not special: it goes
    /// through the proxy unless `no_proxy` names it.
    pub fn from_environment() -> ProxyRules {
        ProxyRules(Arc::new(Matcher::from_env()))
    }

    /// No proxy for anybody.
    pub fn none() -> ProxyRules {
        ProxyRules(Arc::new(Matcher::builder().build()))
    }

    /// Rules given by hand, in the form of the environment variables; an empty text is an absent one.
    /// `http` and `https` are by the scheme of the destination.
    pub fn new(http: &str, https: &str, no: &str) -> ProxyRules {
        ProxyRules(Arc::new(Matcher::builder().http(http).https(https).no(no).build()))
    }

    /// The proxy in front of this destination, if there is one.
    pub(super) fn intercept(&self, destination: &Uri) -> Option<Intercept> {
        self.0.intercept(destination)
    }
}

impl fmt::Debug for ProxyRules {
    /// Says nothing: proxy URLs carry passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyRules")
    }
}
