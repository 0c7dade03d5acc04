//! What goes wrong on a stream, and what goes wrong with all of them.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;

use super::super::*;
use super::authority::*;
use super::kit::*;
use super::streams::*;

const FILE: Bytes = Bytes::from_static(b"0123456789");

async fn doing(authority: &Authority, deeds: impl IntoIterator<Item = Deed>) -> Streams {
    let ways = vec![(authority.speaking("127.0.0.1", NOW, &["h2"]), Speech::Http2)];
    Streams::new(ways, deeds).await
}

/// A client that finds silence out while a test waits.
fn impatient(authority: &Authority) -> Client {
    let stall = StallRule { min_bytes_per_second: 4_000, over: Duration::from_millis(200) };
    let extra_roots = vec![authority.certificate.clone()];
    Client::new(HttpSettings { stall, extra_roots, ..settings() }).unwrap()
}

/// Reads the beginning of a reply, has this happen, and returns the error; then sees to it that the
/// next try is served. Returns also how many connections that took.
async fn broken_off(length: Option<usize>, mishap: Mishap) -> (FetchError, usize) {
    let authority = Authority::new("ours");
    let origin = doing(&authority, [Deed::Begin(length, mishap), Deed::Serve(FILE)]).await;
    let client = trusting(&authority);
    let mut response = client.open(&origin.request("/f")).await.unwrap();
    assert_eq!(response.body.next().await.unwrap().unwrap(), BEGINNING);
    origin.go_on.notify_one();
    let error = response.body.next().await.unwrap_err();
    let mut response = client.open(&origin.request("/f")).await.unwrap();
    assert_eq!(read(&mut response).await.unwrap(), FILE);
    (error, origin.connections_count())
}

#[test]
fn a_stream_that_breaks_off_is_never_taken_for_a_whole_one() {
    use FetchErrorKind as K;
    let truncated = K::Truncated { received_bytes: BEGINNING.len() as u64 };
    run(async {
        for (length, reason, expect) in [
            (Some(10), Reason::INTERNAL_ERROR, &K::Reset),
            (None, Reason::CANCEL, &K::Reset),
            // Not an error by its own account; but the stream was not ended either.
            (Some(10), Reason::NO_ERROR, &truncated),
            (None, Reason::NO_ERROR, &truncated),
        ] {
            let (error, connections) = broken_off(length, Mishap::Reset(reason)).await;
            assert_eq!((&error.kind, error.class()), (expect, Class::Transient));
            assert_eq!(connections, 1, "the connection is as good as before");
        }
    });
}

#[test]
fn a_connection_that_breaks_takes_no_half_reply_for_a_whole_one() {
    run(async {
        for mishap in [Mishap::GoAway(Reason::ENHANCE_YOUR_CALM), Mishap::Close] {
            for length in [Some(10), None] {
                let (error, connections) = broken_off(length, mishap).await;
                // Which one depends on whether the socket still held something of ours.
                let is_broken = matches!(
                    error.kind,
                    FetchErrorKind::Truncated { received_bytes: 5 } | FetchErrorKind::Broken(_)
                );
                assert!(is_broken && error.class() == Class::Transient, "{error}");
                assert_eq!(connections, 2);
            }
        }
    });
}

#[test]
fn a_connection_that_is_given_up_is_an_error_and_the_next_one_serves() {
    run(async {
        let authority = Authority::new("ours");
        let speaking = || authority.speaking("127.0.0.1", NOW, &["h2"]);
        let ways = [Speech::Http2, Speech::Leaves, Speech::Http2];
        let ways = ways.map(|speech| (speaking(), speech)).into();
        let origin = Streams::new(ways, [Deed::Serve(FILE)]).await;
        let client = trusting(&authority);
        let error = failure(&client, &origin.request("/f")).await;
        assert_eq!(error.kind, FetchErrorKind::Broken(io::ErrorKind::ConnectionAborted));
        assert_eq!(error.class(), Class::Transient);
        let mut response = client.open(&origin.request("/f")).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), FILE);
    });
}

#[test]
fn a_length_that_is_not_kept_is_an_error() {
    run(async {
        let authority = Authority::new("ours");
        for length in [BEGINNING.len() - 1, BEGINNING.len() + 1] {
            let origin = doing(&authority, [Deed::Contradict(length)]).await;
            let error = failure(&trusting(&authority), &origin.request("/f")).await;
            assert_eq!(error.kind, FetchErrorKind::Malformed, "{length}");
        }
    });
}

#[test]
fn a_refused_request_is_not_repeated_at_once() {
    run(async {
        let authority = Authority::new("ours");
        let refusals = (0..20).map(|_| Deed::Refuse(Reason::REFUSED_STREAM));
        let origin = doing(&authority, [Deed::Serve(FILE)].into_iter().chain(refusals)).await;
        let client = trusting(&authority);
        let mut response = client.open(&origin.request("/f")).await.unwrap();
        assert_eq!(read(&mut response).await.unwrap(), FILE);
        let error = failure(&client, &origin.request("/f")).await;
        assert_eq!((error.kind.clone(), error.class()), (FetchErrorKind::Reset, Class::Transient));
        let mut requests = origin.requests;
        let mut count = 0;
        while requests.try_recv().is_ok() {
            count += 1;
        }
        assert_eq!(count, 2);
    });
}

#[test]
fn an_origin_that_sends_us_back_to_http1_is_obeyed() {
    run(async {
        let authority = Authority::new("ours");
        let speaking = |alpn: &[&str]| authority.speaking("127.0.0.1", NOW, alpn);
        let ways = vec![
            (speaking(&["h2"]), Speech::Http2),
            (speaking(&["h2"]), Speech::Http2),
            (speaking(&["http/1.1"]), Speech::Http1),
        ];
        let deeds = [Deed::Serve(FILE), Deed::Refuse(Reason::HTTP_1_1_REQUIRED)];
        let origin = Streams::new(ways, deeds).await;
        let client = trusting(&authority);
        for expect in [http::Version::HTTP_2, http::Version::HTTP_11] {
            let mut response = client.open(&origin.request("/f")).await.unwrap();
            assert_eq!(response.version, expect);
            read(&mut response).await.unwrap();
        }
    });
}

#[test]
fn a_connection_that_fell_silent_serves_nobody_any_more() {
    run(async {
        let authority = Authority::new("ours");
        for (deed, expect) in [
            (Deed::Ignore, FetchErrorKind::Silent),
            (Deed::Begin(Some(10), Mishap::Hang), FetchErrorKind::Stalled),
        ] {
            let origin = doing(&authority, [deed, Deed::Serve(FILE)]).await;
            let client = impatient(&authority);
            assert_eq!(failure(&client, &origin.request("/f")).await.kind, expect);
            let mut response = client.open(&origin.request("/f")).await.unwrap();
            assert_eq!(read(&mut response).await.unwrap(), FILE);
            assert_eq!(origin.connections_count(), 2, "{expect:?}");
        }
    });
}

#[test]
fn a_connection_that_went_stale_is_replaced_without_a_word() {
    run(async {
        let authority = Authority::new("ours");
        let speaking = || authority.speaking("127.0.0.1", NOW, &["h2"]);
        // The first connection serves once, and is gone when it is asked again.
        let deeds = [Deed::Serve(FILE), Deed::Leave, Deed::Serve(FILE)];
        let mut origin = Streams::new(vec![(speaking(), Speech::Http2)], deeds).await;
        let client = trusting(&authority);
        for _ in 0..2 {
            let mut response = client.open(&origin.request("/f")).await.unwrap();
            assert_eq!(read(&mut response).await.unwrap(), FILE);
        }
        let numbers = [origin.heard().await.0, origin.heard().await.0, origin.heard().await.0];
        assert_eq!(numbers, [0, 0, 1]);
    });
}
