//! A client against listeners that say exactly what a test wants them to say.

mod authority;
mod cache_hosts;
mod connections;
mod http2;
mod http2_trouble;
mod kit;
mod links;
mod proxies;
mod redirects;
mod replies;
mod streams;
mod tls;
