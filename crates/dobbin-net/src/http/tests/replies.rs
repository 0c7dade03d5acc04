//! What a reply promises and what its body holds.

use std::io;
use std::time::Duration;

use dobbin_types::ErrorCode;
use tokio::net::TcpListener;
use url::Url;

use super::super::*;
use super::kit::*;

/// conformance: number single-range, http multi-range
#[test]
fn a_range_comes_with_all_that_is_known_of_it() {
    run(async {
        let reply = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-5/10\r\n\
            Content-Length: 4\r\nETag: \"v1\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\ncdef";
        let mut origin = Origin::new([Say(reply.into())]).await;
        let request = Request::part(origin.url("/f"), 2..6);
        let mut response = client().open(&request).await.unwrap();
        assert_eq!(response.extent, Extent::Part { start: 2, end: 6 });
        assert_eq!(response.total, Some(10));
        assert_eq!(response.validator, Some(Validator::StrongEtag("\"v1\"".into())));
        assert_eq!(response.last_modified.unwrap().unix_millis(), 784_111_777_000);
        assert_eq!(response.remote, Some(origin.address));
        assert!(response.accepts_ranges);
        assert!(response.header_text.starts_with("HTTP/1.1 206 Partial Content\r\n"));
        assert_eq!(response.body.remaining(), Some(4));
        assert_eq!(read(&mut response).await.unwrap(), b"cdef");
        assert_eq!(response.body.remaining(), Some(0));
        let (_, heard) = origin.heard().await;
        assert!(heard.starts_with("GET /f HTTP/1.1\r\n"), "{heard}");
        for line in
            ["range: bytes=2-5\r\n", "accept-encoding: identity\r\n", "user-agent: Dobbin/1\r\n"]
        {
            assert!(heard.contains(line), "{heard}");
        }
    });
}

#[test]
fn an_origin_that_ignores_ranges_is_told_apart() {
    run(async {
        let origin = Origin::new([Say(ok("0123456789"))]).await;
        let request = Request::part(origin.url("/f"), 2..6);
        let mut response = client().open(&request).await.unwrap();
        assert_eq!((response.extent, response.total), (Extent::Whole, Some(10)));
        assert!(!response.accepts_ranges);
        assert_eq!(read(&mut response).await.unwrap(), b"0123456789");
    });
}

#[test]
fn a_body_without_a_length_ends_with_the_connection_or_the_last_chunk() {
    run(async {
        let close = Leave("HTTP/1.1 200 OK\r\n\r\nhello".into());
        let chunks =
            Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
                .into());
        let origin = Origin::new([close, chunks]).await;
        for _ in 0..2 {
            let mut response = client().open(&Request::whole(origin.url("/f"))).await.unwrap();
            assert_eq!(response.total, None);
            assert_eq!(read(&mut response).await.unwrap(), b"hello");
        }
    });
}

#[test]
fn a_body_that_ends_early_or_late_is_an_error() {
    run(async {
        let part = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/10\r\n";
        let chunked = format!("{part}Transfer-Encoding: chunked\r\n\r\n");
        let truncated = FetchErrorKind::Truncated { received_bytes: 5 };
        for (reply, expect) in [
            (format!("{part}Content-Length: 10\r\n\r\nhello"), truncated.clone()),
            (format!("{part}\r\nhello"), truncated.clone()),
            (format!("{chunked}5\r\nhello\r\n"), truncated.clone()),
            (format!("{chunked}5\r\nhello\r\n0\r\n\r\n"), truncated.clone()),
            (format!("{chunked}5\r\nhello\r\n6\r\nworlds\r\n0\r\n\r\n"), FetchErrorKind::Length),
            (format!("{chunked}5\r\nhello\r\nXX\r\n"), FetchErrorKind::Malformed),
        ] {
            let origin = Origin::new([Leave(reply.clone())]).await;
            let error = failure(&client(), &Request::part(origin.url("/f"), 0..10)).await;
            assert_eq!(error.kind, expect, "{reply}");
        }
    });
}

/// conformance: number stall-timeout
#[test]
fn silence_is_found_out_before_and_inside_the_body() {
    run(async {
        for (said, expect) in [
            ("", FetchErrorKind::Silent),
            ("HTTP/1.1 200 OK\r\nContent-", FetchErrorKind::Silent),
            ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", FetchErrorKind::Stalled),
            ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", FetchErrorKind::Stalled),
        ] {
            let origin = Origin::new([Hang(said.into())]).await;
            let error = failure(&impatient(), &Request::whole(origin.url("/f"))).await;
            assert_eq!(error.kind, expect, "{said:?}");
            assert_eq!(error.code(), ErrorCode::WININET_E_TIMEOUT);
        }
    });
}

#[test]
fn a_reader_that_looks_around_keeps_no_dead_server_alive() {
    run(async {
        let origin =
            Origin::new([Hang("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n".into())]).await;
        let mut response = impatient().open(&Request::whole(origin.url("/f"))).await.unwrap();
        let error = loop {
            let glance = Duration::from_millis(3);
            if let Ok(outcome) = tokio::time::timeout(glance, response.body.next()).await {
                break outcome.unwrap_err();
            }
        };
        assert_eq!(error.kind, FetchErrorKind::Stalled);
    });
}

#[test]
fn a_reader_that_takes_its_time_blames_nobody() {
    run(async {
        let origin = Origin::new([Say(ok("hello"))]).await;
        let mut response = impatient().open(&Request::whole(origin.url("/f"))).await.unwrap();
        // Longer than the whole stall rule; a held-back reader does the same.
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(read(&mut response).await.unwrap(), b"hello");
    });
}

/// conformance: code WIN32_CANNOT_CONNECT
#[test]
fn no_answer_has_its_own_error() {
    run(async {
        let origin = Origin::new([Leave(String::new())]).await;
        let error = failure(&client(), &Request::whole(origin.url("/f"))).await;
        assert_eq!(error.kind, FetchErrorKind::EmptyReply);

        let origin = Origin::new([Leave("220 mail.example ESMTP\r\n\r\n".into())]).await;
        let error = failure(&client(), &Request::whole(origin.url("/f"))).await;
        assert_eq!(error.kind, FetchErrorKind::Malformed);

        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let url: Url = format!("http://{free}/").parse().unwrap();
        let error = failure(&client(), &Request::whole(url)).await;
        assert_eq!(error.kind, FetchErrorKind::Connect(io::ErrorKind::ConnectionRefused));
        assert_eq!(error.code(), ErrorCode::WIN32_CANNOT_CONNECT);
    });
}

#[test]
fn a_refusal_carries_its_status_and_the_wish_for_patience() {
    run(async {
        let reply = "HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n";
        let origin = Origin::new([Say(reply.into())]).await;
        let error = failure(&client(), &Request::whole(origin.url("/f?canary"))).await;
        assert_eq!(error.kind, FetchErrorKind::Status(503));
        assert_eq!(error.http_status, Some(503));
        assert_eq!(error.retry_after, Some(Duration::from_secs(120)));
        assert_eq!(error.class(), Class::Transient);
        assert_eq!(error.host, "127.0.0.1");
        assert!(!format!("{error} {error:?}").contains("canary"));
    });
}

#[test]
fn a_large_body_comes_whole_and_in_frames_of_bounded_size() {
    run(async {
        let text: String = (0..1_000_000).map(|n| format!("{n:07}\n")).collect();
        for read_buffer in [64 * 1024, 1024 * 1024] {
            let origin = Origin::new([Say(ok(&text))]).await;
            let client = Client::new(HttpSettings { read_buffer, ..settings() }).unwrap();
            let mut response = client.open(&Request::whole(origin.url("/f"))).await.unwrap();
            let (mut all, mut longest) = (Vec::new(), 0);
            while let Some(bytes) = response.body.next().await.unwrap() {
                longest = longest.max(bytes.len());
                all.extend_from_slice(&bytes);
            }
            assert!(all == text.as_bytes());
            assert!(longest <= read_buffer, "a frame of {longest} bytes");
        }
    });
}
