//! Where redirects lead, and what goes along.

use std::net::SocketAddr;

use dobbin_core::source::Reach;
use dobbin_types::ErrorCode;

use super::super::*;
use super::kit::*;

#[test]
fn secrets_stay_with_the_first_origin_even_when_sent_back_to_it() {
    run(async {
        let acts = [moved("/next"), moved("http://b.test/x"), Say(ok("hello"))];
        let mut first = Origin::new(acts).await;
        let mut second = Origin::new([moved("http://a.test/back")]).await;
        let client = pretending(&[
            ("a.test", PUBLIC, first.address),
            ("b.test", ALSO_PUBLIC, second.address),
        ]);
        let request = with_secret("http://user:canary@a.test/start#here");
        let mut response = client.open(&request).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), b"hello");
        assert_eq!(response.final_url.as_str(), "http://a.test/back");
        assert_eq!(response.remote, Some(SocketAddr::new(PUBLIC.parse().unwrap(), 80)));
        for (path, trusted) in [("/start", true), ("/next", true), ("/back", false)] {
            let (_, heard) = first.heard().await;
            assert!(heard.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{heard}");
            assert_eq!(heard.contains("x-token: canary\r\n"), trusted, "{heard}");
            assert_eq!(heard.contains("authorization: Basic "), trusted, "{heard}");
        }
        let (_, heard) = second.heard().await;
        assert!(!heard.contains("canary") && !heard.contains("authorization"), "{heard}");
    });
}

#[test]
fn another_port_of_the_same_host_is_another_origin() {
    run(async {
        let mut second = Origin::new([Say(ok("hello"))]).await;
        let first = Origin::new([moved(second.url("/x"))]).await;
        client().open(&with_secret(first.url("/").as_str())).await.unwrap();
        let (_, heard) = second.heard().await;
        assert!(!heard.contains("canary"), "{heard}");
    });
}

#[test]
fn a_redirect_from_a_public_address_never_reaches_a_private_one() {
    run(async {
        // Whatever arrives here must not have arrived.
        let mut inside = Origin::new([]).await;
        let port = inside.address.port();
        for target in [
            "http://inside.test/".to_owned(),
            "http://10.0.0.1/".to_owned(),
            format!("http://127.0.0.1:{port}/"),
            format!("http://2130706433:{port}/"),
            format!("http://[::ffff:7f00:1]:{port}/"),
            format!("http://localhost:{port}/"),
        ] {
            let outside = Origin::new([moved(&target)]).await;
            let client = pretending(&[
                ("outside.test", PUBLIC, outside.address),
                ("inside.test", "10.0.0.1", inside.address),
            ]);
            let error = failure(&client, &with_secret("http://outside.test/")).await;
            assert!(matches!(error.kind, FetchErrorKind::AddressRefused(_)), "{target}: {error}");
            assert_eq!(error.code(), ErrorCode::E_ACCESSDENIED);
            assert_eq!(error.class(), Class::Fatal);
        }
        assert!(inside.requests.try_recv().is_err());
    });
}

#[test]
fn one_public_hop_is_enough_to_close_the_way_back() {
    run(async {
        let mut inside = Origin::new([moved("http://outside.test/"), Say(ok("secret"))]).await;
        let outside = Origin::new([moved("http://third.test/")]).await;
        let third = Origin::new([moved("http://inside.test/metadata")]).await;
        let client = pretending(&[
            ("inside.test", "192.168.1.1", inside.address),
            ("outside.test", PUBLIC, outside.address),
            ("third.test", ALSO_PUBLIC, third.address),
        ]);
        // The caller may name the private host itself; the way out leaves a connection to it in the
        // pool, which the way back must not find.
        let error = failure(&client, &with_secret("http://inside.test/")).await;
        assert_eq!(error.kind, FetchErrorKind::AddressRefused(Reach::Private));
        assert_eq!(inside.heard().await.0, 0);
        assert!(inside.requests.try_recv().is_err());
    });
}

#[test]
fn among_private_addresses_redirects_are_followed() {
    run(async {
        let second = Origin::new([Say(ok("hello"))]).await;
        let first = Origin::new([moved("http://b.test/")]).await;
        let client = pretending(&[
            ("a.test", "10.0.0.1", first.address),
            ("b.test", "192.168.1.1", second.address),
        ]);
        let mut response = client.open(&with_secret("http://a.test/")).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), b"hello");
    });
}

#[test]
fn redirects_end_somewhere() {
    run(async {
        let origin = Origin::new((0..20).map(|_| moved("/again"))).await;
        let error = failure(&client(), &Request::whole(origin.url("/"))).await;
        assert_eq!(error.kind, FetchErrorKind::TooManyRedirects);
        assert_eq!(error.code(), ErrorCode::CURL_TOO_MANY_REDIRECTS);

        let mut acts: Vec<Act> = (0..10).map(|_| moved("/again")).collect();
        acts.push(Say(ok("hello")));
        let origin = Origin::new(acts).await;
        client().open(&Request::whole(origin.url("/"))).await.unwrap();
    });
}
