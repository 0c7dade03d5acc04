//! Origins that speak HTTP/2 and nothing else.

use std::sync::Arc;

use bytes::Bytes;
use dobbin_core::source::Reach;
use http::Version;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::super::*;
use super::authority::*;
use super::kit::*;
use super::streams::*;

const FILE: Bytes = Bytes::from_static(b"0123456789");

/// One that refuses everything but HTTP/2.
fn only_http2(authority: &Authority, name: &str) -> Ways {
    vec![(authority.speaking(name, NOW, &["h2"]), Speech::Http2)]
}

#[test]
fn an_origin_that_refuses_http1_is_asked_in_http2_and_remembered() {
    run(async {
        let authority = Authority::new("ours");
        let deeds = (0..4).map(|_| Deed::Serve(FILE));
        let mut origin = Streams::new(only_http2(&authority, "127.0.0.1"), deeds).await;
        let client = trusting(&authority);
        for _ in 0..3 {
            let mut response = client.open(&origin.request("/f?q")).await.unwrap();
            assert_eq!(response.version, Version::HTTP_2);
            assert!(response.header_text.starts_with("HTTP/2.0 200 OK\r\n"));
            assert_eq!(response.remote, Some(origin.address));
            assert_eq!(response.total, Some(10));
            assert_eq!(read(&mut response).await.unwrap(), FILE);
        }
        // One refusal, then one connection for all.
        assert_eq!((origin.tries_count(), origin.connections_count()), (2, 1));
        // What one thread found out, another need not.
        let mut response = client.for_another_thread().open(&origin.request("/f")).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), FILE);
        assert_eq!((origin.tries_count(), origin.connections_count()), (3, 2));
        let (_, heard) = origin.heard().await;
        assert_eq!(
            heard.uri(),
            &format!("https://{}/f?q", origin.address).parse::<http::Uri>().unwrap()
        );
        assert_eq!(heard.headers()["accept-encoding"], "identity");
        assert_eq!(heard.headers()["user-agent"], "Dobbin/1");
        for name in ["host", "connection", "keep-alive", "te", "transfer-encoding", "upgrade"] {
            assert!(!heard.headers().contains_key(name), "{name}");
        }
    });
}

#[test]
fn several_files_at_once_come_over_one_connection() {
    run(async {
        let authority = Authority::new("ours");
        // Longer than a window, so that the streams depend on our reading.
        let file = Bytes::from(vec![7; 20_000_000]);
        let deeds = (0..2).map(|_| Deed::Serve(file.clone()));
        let mut origin = Streams::new(only_http2(&authority, "127.0.0.1"), deeds).await;
        let client = trusting(&authority);
        let fetch = async |path| {
            let mut response = client.open(&origin.request(path)).await.unwrap();
            read(&mut response).await.unwrap()
        };
        let (one, two) = tokio::join!(fetch("/one"), fetch("/two"));
        assert!(one == file && two == file);
        assert_eq!(origin.connections_count(), 1);
        let mut paths = [origin.heard().await.1, origin.heard().await.1];
        paths.sort_by_key(|request| request.uri().path().to_owned());
        assert_eq!(paths.map(|request| request.uri().path().to_owned()), ["/one", "/two"]);
    });
}

/// A job's limit may hold all its readers back; another job's file comes all the same.
#[test]
fn readers_that_are_held_back_hold_up_no_others() {
    run(async {
        let authority = Authority::new("ours");
        let long = Bytes::from(vec![7; 9 * 1024 * 1024]);
        let held = dobbin_core::schedule::TRANSFERS_PER_JOB_MAX;
        let deeds = vec![Deed::Serve(long); held].into_iter().chain([Deed::Serve(FILE)]);
        let origin = Streams::new(only_http2(&authority, "127.0.0.1"), deeds).await;
        let client = trusting(&authority);
        let mut unread = Vec::new();
        for _ in 0..held {
            unread.push(client.open(&origin.request("/held")).await.unwrap());
        }
        let mut response = client.open(&origin.request("/f")).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), FILE);
        assert_eq!(origin.connections_count(), 1);
    });
}

#[test]
fn ranges_and_conditions_mean_the_same() {
    run(async {
        let authority = Authority::new("ours");
        let deeds = (0..3).map(|_| Deed::Serve(FILE));
        let origin = Streams::new(only_http2(&authority, "127.0.0.1"), deeds).await;
        let client = trusting(&authority);
        let part = Extent::Part { start: 2, end: 5 };
        for (version, expect, bytes) in [
            (None, part, "234"),
            (Some("\"v1\""), part, "234"),
            (Some("\"v0\""), Extent::Whole, "0123456789"),
        ] {
            let mut request = Request::part(origin.request("/f").url, 2..5);
            request.if_range = version.map(|tag| Validator::StrongEtag(tag.into()));
            let mut response = client.open(&request).await.unwrap();
            assert_eq!((response.extent, response.total), (expect, Some(10)));
            assert_eq!(response.validator, Some(Validator::StrongEtag("\"v1\"".into())));
            assert!(response.accepts_ranges);
            assert_eq!(read(&mut response).await.unwrap(), bytes.as_bytes());
        }
    });
}

#[test]
fn a_redirect_may_lead_from_one_http_to_the_other() {
    run(async {
        let authority = Authority::new("ours");
        let far = Origin::new([Say(ok("plain"))]).await;
        let deeds = [Deed::Serve(FILE), Deed::Move(far.url("/f").into())];
        let mut origin = Streams::new(only_http2(&authority, "127.0.0.1"), deeds).await;
        let near = Origin::new([moved(origin.request("/f").url)]).await;
        let client = trusting(&authority);

        let mut response = client.open(&with_secret(near.url("/").as_str())).await.unwrap();
        assert_eq!(response.version, Version::HTTP_2);
        assert_eq!(read(&mut response).await.unwrap(), FILE);
        let (_, heard) = origin.heard().await;
        assert!(!heard.headers().contains_key("x-token"), "the secret is not for this origin");

        let secret = with_secret(origin.request("/f").url.as_str());
        let back = Request { allow_downgrade: true, ..secret };
        let mut response = client.open(&back).await.unwrap();
        assert_eq!(response.version, Version::HTTP_11);
        assert_eq!(read(&mut response).await.unwrap(), b"plain");
        let (_, heard) = origin.heard().await;
        assert_eq!(heard.headers()["x-token"], "canary");
    });
}

#[test]
fn a_redirect_from_a_public_address_stays_among_public_ones() {
    run(async {
        let authority = Authority::new("ours");
        let private = Streams::new(only_http2(&authority, "127.0.0.1"), []).await;
        let deeds = [Deed::Move(private.request("/").url.into())];
        let public = Streams::new(only_http2(&authority, "a.test"), deeds).await;
        let network = pretend(&[("a.test", PUBLIC, public.address)]);
        let extra_roots = vec![authority.certificate.clone()];
        let client = Client::new(HttpSettings { extra_roots, network, ..settings() }).unwrap();
        let error = failure(&client, &with_secret("https://a.test:80/")).await;
        assert_eq!(error.kind, FetchErrorKind::AddressRefused(Reach::Loopback));
        assert_eq!((public.connections_count(), private.tries_count()), (1, 0));
    });
}

#[test]
fn a_proxy_leads_to_http2_as_to_anything_else() {
    run(async {
        let authority = Authority::new("ours");
        let deeds = [Deed::Serve(FILE)];
        let origin = Streams::new(only_http2(&authority, "a.test"), deeds).await;
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rules = ProxyRules::new("", &format!("http://{}", proxy.local_addr().unwrap()), "");
        let address = origin.address;
        tokio::spawn(async move {
            loop {
                let (mut near, _) = proxy.accept().await.unwrap();
                tokio::spawn(async move {
                    let mut head = [0; 4096];
                    let length = near.read(&mut head).await.unwrap();
                    assert!(head[..length].starts_with(b"CONNECT a.test:8443 HTTP/1.1\r\n"));
                    near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                    let mut far = TcpStream::connect(address).await.unwrap();
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        let extra_roots = vec![authority.certificate.clone()];
        let client = HttpSettings { extra_roots, proxy: rules, ..settings() };
        let request = with_secret("https://a.test:8443/");
        let mut response = Client::new(client).unwrap().open(&request).await.unwrap();
        assert_eq!(response.version, Version::HTTP_2);
        assert_eq!(read(&mut response).await.unwrap(), FILE);
        assert_eq!((origin.tries_count(), origin.connections_count()), (2, 1));
    });
}

#[test]
fn an_origin_that_speaks_both_or_only_http1_is_asked_in_http1() {
    run(async {
        let authority = Authority::new("ours");
        for alpn in [&["h2", "http/1.1"][..], &["http/1.1"], &[]] {
            let ways = vec![(authority.speaking("127.0.0.1", NOW, alpn), Speech::Http1)];
            let origin = Streams::new(ways, []).await;
            let mut response = trusting(&authority).open(&origin.request("/")).await.unwrap();
            assert_eq!(response.version, Version::HTTP_11);
            assert_eq!(read(&mut response).await.unwrap(), b"one");
            assert_eq!(origin.tries_count(), 1, "{alpn:?}");
        }
    });
}

#[test]
fn an_origin_that_speaks_http2_without_saying_so_is_understood() {
    run(async {
        let authority = Authority::new("ours");
        let ways = vec![(authority.speaking("127.0.0.1", NOW, &[]), Speech::Http2)];
        let origin = Streams::new(ways, [Deed::Serve(FILE), Deed::Serve(FILE)]).await;
        let client = trusting(&authority);
        for _ in 0..2 {
            let mut response = client.open(&origin.request("/")).await.unwrap();
            assert_eq!(response.version, Version::HTTP_2);
            assert_eq!(read(&mut response).await.unwrap(), FILE);
        }
        assert_eq!(origin.tries_count(), 2);
    });
}

#[test]
fn an_origin_that_learned_or_unlearned_http2_is_believed() {
    run(async {
        let authority = Authority::new("ours");
        let speaking = |alpn: &[&str]| authority.speaking("127.0.0.1", NOW, alpn);
        for later in [&["http/1.1"][..], &[]] {
            let ways = vec![
                (speaking(&["h2"]), Speech::Http2),
                (speaking(&["h2"]), Speech::Http2),
                (speaking(later), Speech::Http1),
            ];
            // The connection is gone before the second request.
            let deeds = [Deed::Begin(None, Mishap::Close)];
            let origin = Streams::new(ways, deeds).await;
            let client = trusting(&authority);
            let mut response = client.open(&origin.request("/")).await.unwrap();
            assert_eq!(response.version, Version::HTTP_2);
            origin.go_on.notify_one();
            assert!(read(&mut response).await.is_err());
            for _ in 0..2 {
                let mut response = client.open(&origin.request("/")).await.unwrap();
                assert_eq!(response.version, Version::HTTP_11, "{later:?}");
                assert_eq!(read(&mut response).await.unwrap(), b"one");
            }
            // Refused, served; in HTTP/2 in vain, and then twice in HTTP/1.1.
            assert_eq!(origin.tries_count(), 5, "{later:?}");
        }
    });
}

#[test]
fn an_origin_that_speaks_neither_is_an_error_that_says_so() {
    run(async {
        let authority = Authority::new("ours");
        let config = authority.speaking("127.0.0.1", NOW, &["smtp"]);
        let origin = Streams::new(vec![(Arc::clone(&config), Speech::Http1)], []).await;
        let client = trusting(&authority);
        for round in 1..=2 {
            let error = failure(&client, &origin.request("/")).await;
            assert_eq!(
                (error.kind.clone(), error.class()),
                (FetchErrorKind::Protocol, Class::Transient)
            );
            assert_eq!(origin.tries_count(), 2 * round);
        }
    });
}
