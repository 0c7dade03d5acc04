//! What replies say of the file beyond its bytes: its hash, and where else it is.

use dobbin_core::source::Reach;
use dobbin_types::ErrorCode;

use super::super::*;
use super::kit::*;

/// A reply that names these places, each as a duplicate.
fn naming(places: &[&str]) -> Act {
    let links: String =
        places.iter().map(|place| format!("Link: <{place}>; rel=duplicate\r\n")).collect();
    Say(format!("HTTP/1.1 200 OK\r\n{links}Content-Length: 5\r\n\r\nhello"))
}

fn urls(response: &Response) -> Vec<&str> {
    response.duplicates.iter().map(|duplicate| duplicate.url.as_str()).collect()
}

const EVERYWHERE: [&str; 4] =
    ["http://m.test/f", "http://127.0.0.1/f", "http://localhost/f", "http://[2606:4700::2]/f"];

#[test]
fn a_public_address_names_public_places_only() {
    run(async {
        let origin = Origin::new([naming(&EVERYWHERE)]).await;
        let client = pretending(&[("a.test", PUBLIC, origin.address)]);
        let response = client.open(&with_secret("http://a.test/f")).await.unwrap();
        assert!(response.from_public);
        assert_eq!(urls(&response), [EVERYWHERE[0], EVERYWHERE[3]]);
        assert!(response.duplicates.iter().all(|duplicate| duplicate.public_only));
    });
}

#[test]
fn an_address_inside_may_name_others_inside() {
    run(async {
        let origin = Origin::new([naming(&EVERYWHERE)]).await;
        let client = pretending(&[("a.test", "10.0.0.1", origin.address)]);
        let response = client.open(&with_secret("http://a.test/f")).await.unwrap();
        assert!(!response.from_public);
        assert_eq!(urls(&response), EVERYWHERE);
        assert!(response.duplicates.iter().all(|duplicate| !duplicate.public_only));
    });
}

#[test]
fn a_public_hop_on_the_way_counts() {
    run(async {
        let first = Origin::new([moved("http://b.test/f")]).await;
        let second = Origin::new([naming(&EVERYWHERE)]).await;
        let client = pretending(&[
            ("a.test", PUBLIC, first.address),
            ("b.test", ALSO_PUBLIC, second.address),
        ]);
        let response = client.open(&with_secret("http://a.test/f")).await.unwrap();
        assert_eq!(urls(&response), [EVERYWHERE[0], EVERYWHERE[3]]);
    });
}

#[test]
fn what_a_public_address_named_is_asked_at_public_addresses_only() {
    run(async {
        let mut inside = Origin::new([]).await;
        let port = inside.address.port();
        let outside = Origin::new([Say(ok("hello"))]).await;
        let client = pretending(&[
            ("inside.test", "10.0.0.1", inside.address),
            ("outside.test", PUBLIC, outside.address),
        ]);
        let asked =
            |url: &str| Request { public_only: true, ..Request::whole(url.parse().unwrap()) };
        for (url, reach) in [
            ("http://inside.test/".to_owned(), Reach::Private),
            (format!("http://127.0.0.1:{port}/"), Reach::Loopback),
            (format!("http://2130706433:{port}/"), Reach::Loopback),
            (format!("http://localhost:{port}/"), Reach::Loopback),
        ] {
            let error = failure(&client, &asked(&url)).await;
            assert_eq!(error.kind, FetchErrorKind::AddressRefused(reach), "{url}");
            assert_eq!(error.code(), ErrorCode::E_ACCESSDENIED);
        }
        assert!(inside.requests.try_recv().is_err());
        client.open(&asked("http://outside.test/")).await.unwrap();
    });
}

#[test]
fn a_reply_says_the_hash_of_the_whole_file() {
    run(async {
        let digest = "WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=";
        let said = format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-2/6\r\nContent-Length: 3\r\n\
             Repr-Digest: sha-256=:{digest}:\r\nContent-Digest: sha-256=:AAAA:\r\n\r\nhel"
        );
        let origin = Origin::new([Say(said), Say(ok("hello\n"))]).await;
        let part = Request::part(origin.url("/"), 0..3);
        let response = client().open(&part).await.unwrap();
        let sha256 = response.sha256.unwrap();
        assert_eq!((sha256[0], sha256[31]), (0x58, 0x03));
        let plain = client().open(&Request::whole(origin.url("/"))).await.unwrap();
        assert_eq!(plain.sha256, None);
    });
}
