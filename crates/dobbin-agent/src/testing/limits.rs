//! Callers who are slow, large or many.

use std::time::Duration;

use dobbin_platform::Scope;
use dobbin_types::ErrorCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Answer, House, JSON_TYPE, request};
use crate::ipc::Limits;

/// Short enough to wait for.
const SHORT: Duration = Duration::from_millis(50);

async fn house(limits: Limits) -> House {
    House::with(limits, Scope::User).await
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_refused_before_it_is_read() {
    let house = House::open().await;
    let mut stream = house.connect().await;
    let head = "POST /v1/jobs HTTP/1.1\r\nhost: agent\r\ncontent-type: application/json\r\n\
                content-length: 8388609\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    // Answered although not one byte of the body was sent.
    stream.read_to_end(&mut reply).await.unwrap();
    let failure = Answer::read(&reply).refused(413, ErrorCode::E_INVALIDARG);
    assert!(failure.message.contains("8388608"), "{failure:?}");
    assert!(failure.remedy.is_some());
    house.close().await;
}

#[tokio::test]
async fn a_body_that_does_not_say_how_long_it_is_is_read_up_to_the_limit() {
    let house = house(Limits { request_bytes_max: 100, ..Limits::PRODUCT }).await;
    let chunked = |body: &str| {
        let headers = [JSON_TYPE, ("transfer-encoding", "chunked")];
        let mut bytes = request("POST", "/v1/jobs", &headers, None);
        bytes.extend_from_slice(format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).as_bytes());
        bytes
    };
    let small = r#"{"display_name":"x"}"#;
    assert_eq!(house.send(chunked(small)).await.status, 201);
    let large = format!(r#"{{"display_name":"{}"}}"#, "x".repeat(100));
    house.send(chunked(&large)).await.refused(413, ErrorCode::E_INVALIDARG);
    house.close().await;
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let house = house(Limits { body: SHORT, ..Limits::PRODUCT }).await;
    let whole = request("POST", "/v1/jobs", &[JSON_TYPE], Some(r#"{"display_name":"x"}"#));
    let part = &whole[..whole.len() - 1];
    house.send(part).await.refused(408, ErrorCode::E_INVALIDARG);
    house.close().await;
}

/// Sends `bytes` and reads until the agent hangs up.
async fn until_hung_up(house: &House, bytes: &[u8]) -> String {
    let mut stream = house.connect().await;
    // What is refused early is not read to its end: writing may fail, and reading may end in an
    // error after the reply.
    let _ = stream.write_all(bytes).await;
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply).await;
    String::from_utf8(reply).unwrap()
}

#[tokio::test]
async fn a_header_that_does_not_end_is_given_up() {
    let house = house(Limits { head: SHORT, ..Limits::PRODUCT }).await;
    assert_eq!(until_hung_up(&house, b"GET /v1/agent HTTP/1.1\r\nx-slow: ").await, "");
    house.close().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_more_is_given_up() {
    let house = house(Limits { idle: SHORT, ..Limits::PRODUCT }).await;
    assert_eq!(until_hung_up(&house, b"").await, "");
    let reply = until_hung_up(&house, b"GET /v1/agent HTTP/1.1\r\nhost: agent\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
    house.close().await;
}

#[tokio::test]
async fn a_header_that_is_too_large_is_refused() {
    let house = House::open().await;
    let large = format!("GET /v1/agent HTTP/1.1\r\nx-large: {}\r\n\r\n", "x".repeat(64 * 1024));
    let reply = until_hung_up(&house, large.as_bytes()).await;
    assert!(reply.starts_with("HTTP/1.1 431 "), "{reply}");
    house.close().await;
}

#[tokio::test]
async fn a_user_with_too_many_connections_is_told_so() {
    let house = house(Limits { connections_per_user_max: 2, ..Limits::PRODUCT }).await;
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut stream = house.connect().await;
        stream.write_all(b"GET /v1/agent HTTP/1.1\r\nhost: agent\r\n\r\n").await.unwrap();
        // Answered, so accepted.
        assert!(stream.read(&mut [0; 64]).await.unwrap() > 0);
        kept.push(stream);
    }
    let refused = house.ask("GET", "/v1/agent").await;
    refused.refused(503, ErrorCode::DO_E_NO_SERVICE);

    drop(kept);
    // The seats are free as soon as the agent sees that; asking again is what a caller would do.
    while house.ask("GET", "/v1/agent").await.status != 200 {
        tokio::task::yield_now().await;
    }
    house.close().await;
}
