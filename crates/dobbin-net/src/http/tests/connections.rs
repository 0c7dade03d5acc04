//! Which connection a request travels on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dobbin_core::limit::BytesPerSecond;
use tokio::net::TcpListener;

use super::super::*;
use super::kit::*;
use crate::throttle::Throttle;

#[test]
fn small_files_share_a_connection() {
    run(async {
        let origin = Origin::new((0..50).map(|n| match n % 10 {
            // A refusal's body is read to its end, so that it costs no connection either.
            3 => Say("HTTP/1.1 404 Gone\r\nContent-Length: 4\r\n\r\ngone".into()),
            _ => Say(ok("hello")),
        }))
        .await;
        let (client, request) = (client(), Request::whole(origin.url("/f")));
        // As a task, as transfers run: it then competes with the tasks of its own connections.
        let fetches = tokio::spawn(async move {
            for n in 0..50 {
                match client.open(&request).await {
                    Ok(mut response) => assert_eq!(read(&mut response).await.unwrap(), b"hello"),
                    Err(error) => assert_eq!((n % 10, error.http_status), (3, Some(404))),
                }
            }
        });
        fetches.await.unwrap();
        assert_eq!(origin.connections_count(), 1);
    });
}

#[test]
fn large_files_one_after_the_other_share_a_connection() {
    run(async {
        // Longer than what is read at once, so that the end comes apart from the headers.
        let text = "x".repeat(3_000_000);
        let origin = Origin::new((0..10).map(|_| Say(ok(&text)))).await;
        let (client, request) = (client(), Request::whole(origin.url("/f")));
        let fetches = tokio::spawn(async move {
            for _ in 0..10 {
                let mut response = client.open(&request).await.unwrap();
                assert_eq!(read(&mut response).await.unwrap().len(), 3_000_000);
            }
        });
        fetches.await.unwrap();
        assert_eq!(origin.connections_count(), 1);
    });
}

#[test]
fn a_held_back_connection_is_read_in_sips_and_free_again_for_the_next_request() {
    run(async {
        let text = "x".repeat(3_000_000);
        let origin = Origin::new((0..2).map(|_| Say(ok(&text)))).await;
        let client = client();
        let throttle = Throttle::new(BytesPerSecond::new(1 << 20));
        let sip = throttle.read_max().unwrap();
        for is_held in [true, false] {
            let mut response = client.open(&Request::whole(origin.url("/f"))).await.unwrap();
            if is_held {
                response.body.keep_pace(&throttle);
            }
            let (mut sizes, mut sum) = (Vec::new(), 0);
            while let Some(bytes) = response.body.next().await.unwrap() {
                sizes.push(bytes.len());
                sum += bytes.len();
            }
            assert_eq!(sum, 3_000_000);
            // What came with the headers was read before anybody said a word: so it is little.
            assert!(sizes[0] <= 16 * 1024, "{}", sizes[0]);
            let largest = sizes.iter().skip(1).max().copied().unwrap_or(0);
            assert_eq!(largest <= sip, is_held, "{largest} of {sip}, {} reads", sizes.len());
        }
        assert_eq!(origin.connections_count(), 1);
    });
}

#[test]
fn a_connection_that_went_stale_is_replaced_without_a_word() {
    run(async {
        // It closes after the second request was read, as a server does whose idle limit has run
        // out; a client cannot tell that from a crash, but the first connection had served before.
        let acts = [Say(ok("one")), Leave(String::new()), Say(ok("two"))];
        let mut origin = Origin::new(acts).await;
        let client = client();
        for expect in ["one", "two"] {
            let mut response = client.open(&Request::whole(origin.url("/f"))).await.unwrap();
            assert_eq!(read(&mut response).await.unwrap(), expect.as_bytes());
        }
        let mut numbers = Vec::new();
        for _ in 0..3 {
            numbers.push(origin.heard().await.0);
        }
        assert_eq!(numbers, [0, 0, 1]);
    });
}

#[test]
fn connections_are_kept_through_a_nap_and_not_through_a_sleep() {
    run(async {
        let mut origin =
            Origin::new([Say(ok("1")), Say(ok("2")), Say(ok("3")), Say(ok("4"))]).await;
        let slept = Arc::new(AtomicU64::new(7));
        let clock = Arc::clone(&slept);
        let so_far = move || Duration::from_secs(clock.load(Ordering::Relaxed));
        let client = Client::new(HttpSettings { slept: Arc::new(so_far), ..settings() }).unwrap();
        for (now, connection) in [(7, 0), (16, 0), (17, 1), (18, 1)] {
            slept.store(now, Ordering::Relaxed);
            let mut response = client.open(&Request::whole(origin.url("/f"))).await.unwrap();
            read(&mut response).await.unwrap();
            assert_eq!(origin.heard().await.0, connection, "{now} s slept");
        }
    });
}

#[test]
fn a_dead_address_beside_a_living_one_costs_a_moment() {
    run(async {
        let origin = Origin::new([Say(ok("hello"))]).await;
        let dead = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let client =
            pretending(&[("a.test", PUBLIC, dead), ("a.test", ALSO_PUBLIC, origin.address)]);
        let mut response = client.open(&with_secret("http://a.test/")).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), b"hello");
        assert_eq!(response.remote, Some(SocketAddr::new(ALSO_PUBLIC.parse().unwrap(), 80)));
        let error = failure(&client, &with_secret("http://unknown.test/")).await;
        assert_eq!((error.kind, error.host.as_str()), (FetchErrorKind::Resolve, "unknown.test"));
    });
}

#[test]
fn a_fetch_may_be_a_task_of_its_own() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    run(async {
        let origin = Origin::new([Say(ok("hello"))]).await;
        let (client, request) = (client(), Request::whole(origin.url("/f")));
        let task = is_send(async move {
            let mut response = client.open(&request).await.unwrap();
            read(&mut response).await.unwrap()
        });
        assert_eq!(tokio::spawn(task).await.unwrap(), b"hello");
    });
}
