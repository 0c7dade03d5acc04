//! A client against listeners that say exactly what a test wants them to say.

mod connections;
mod kit;
mod proxies;
mod redirects;
mod replies;
mod tls;
