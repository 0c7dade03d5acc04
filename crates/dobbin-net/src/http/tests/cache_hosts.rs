//! Servers that speak for another one, and that are worth less patience than that.

use std::future::pending;
use std::time::Duration;

use dobbin_core::cache::CONNECT_TIMEOUT;
use dobbin_core::source::Reach;
use tokio::net::TcpStream;
use tokio::time::{Instant, pause};

use super::super::*;
use super::kit::*;

/// What a cache host passes on are its origin's words: from a private address they may come, and to one
/// they may not lead.
#[test]
fn who_speaks_for_somebody_public_sends_nobody_to_a_private_address() {
    run(async {
        let mut inside = Origin::new([Say(ok("secret"))]).await;
        let duplicate = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\
                         Link: <http://inside.test/>; rel=duplicate\r\n\r\nhello";
        let acts = [moved("http://inside.test/"), Say(duplicate.to_owned())];
        let cache = Origin::new(acts).await;
        let client = pretending(&[
            ("cache.test", "10.0.0.1", cache.address),
            ("inside.test", "10.0.0.2", inside.address),
        ]);
        let request = Request { speaks_for_public: true, ..with_secret("http://cache.test/") };
        let error = failure(&client, &request).await;
        assert_eq!(error.kind, FetchErrorKind::AddressRefused(Reach::Private));
        let response = client.open(&request).await.unwrap();
        assert!(response.from_public && response.duplicates.iter().all(|other| other.public_only));
        assert_eq!(response.duplicates.len(), 1);
        assert!(inside.requests.try_recv().is_err());
    });
}

/// A network in which nobody ever takes a connection.
struct Nowhere;

impl Network for Nowhere {
    fn resolve<'a>(
        &'a self,
        _host: &'a str,
        port: u16,
    ) -> Pending<'a, std::io::Result<Vec<std::net::SocketAddr>>> {
        Box::pin(async move { Ok(vec![([192, 0, 2, 1], port).into()]) })
    }

    fn connect(&self, _address: std::net::SocketAddr) -> Pending<'_, std::io::Result<TcpStream>> {
        Box::pin(pending())
    }
}

/// conformance: cache-host connect-timeout
#[test]
fn a_cache_host_has_three_seconds_for_a_connection_and_an_origin_fifteen() {
    run(async {
        pause();
        let settings = HttpSettings { network: std::sync::Arc::new(Nowhere), ..settings() };
        let client = Client::new(settings).unwrap();
        for (connect_timeout, expect) in [(Some(CONNECT_TIMEOUT), 3), (None, 15)] {
            let request =
                Request { connect_timeout, ..Request::whole("http://a.test/".parse().unwrap()) };
            let began = Instant::now();
            assert_eq!(failure(&client, &request).await.kind, FetchErrorKind::ConnectTimeout);
            let took = began.elapsed();
            assert!(
                took.abs_diff(Duration::from_secs(expect)) < Duration::from_millis(50),
                "{took:?}"
            );
        }
    });
}
