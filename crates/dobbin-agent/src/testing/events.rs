//! Event streams as they look on the wire.

use std::time::Duration;

use dobbin_platform::Scope;
use dobbin_types::rest::{Event, EventKind};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::House;
use crate::ipc::Limits;

/// Lines of an event stream. Every event and comment is written as one chunk, so chunk sizes stand
/// on lines of their own.
pub(super) struct Subscribed(BufReader<UnixStream>);

impl Subscribed {
    pub(super) async fn to(house: &House, path: &str) -> Subscribed {
        Subscribed::by(house, "GET", path).await
    }

    pub(super) async fn by(house: &House, method: &str, path: &str) -> Subscribed {
        let mut stream = house.connect().await;
        let request = format!("{method} {path} HTTP/1.1\r\nhost: agent\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut subscribed = Subscribed(BufReader::new(stream));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head += &subscribed.line().await.unwrap();
        }
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
        assert!(head.contains("cache-control: no-store\r\n"), "{head}");
        subscribed
    }

    /// The next line with its end; nothing at the end of the stream.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let bytes_count = self.0.read_line(&mut line).await.unwrap();
        (bytes_count > 0).then_some(line)
    }

    /// The next event, checked to be framed as one.
    pub(super) async fn event(&mut self) -> Event {
        let (word, event) = self.named::<Event>().await;
        assert_eq!(word, event.kind.word());
        event
    }

    /// The next event of any kind, with its name.
    pub(super) async fn named<T: DeserializeOwned>(&mut self) -> (String, T) {
        loop {
            let line = self.line().await.expect("the stream goes on");
            let Some(word) = line.strip_prefix("event: ") else { continue };
            let data = self.line().await.unwrap();
            let event = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(self.line().await.as_deref(), Some("\n"), "an empty line ends an event");
            return (word.trim_end().to_owned(), event);
        }
    }

    async fn comment(&mut self) {
        while self.line().await.expect("the stream goes on").trim_end() != ":" {}
    }
}

#[tokio::test]
async fn a_subscriber_learns_what_is_and_then_what_happens() {
    let house = House::open().await;
    let first = house.create("first").await;
    let mut events = Subscribed::to(&house, "/v1/events").await;
    let event = events.event().await;
    assert_eq!((event.kind, event.job.id), (EventKind::Current, first));

    let second = house.create("second").await;
    let event = events.event().await;
    assert_eq!((event.kind, event.job.id), (EventKind::Created, second));
    assert_eq!(event.job.display_name, "second");

    house.ask("POST", &format!("/v1/jobs/{first}/cancel")).await;
    let event = loop {
        let event = events.event().await;
        if event.kind == EventKind::Ended {
            break event;
        }
    };
    assert_eq!(event.job.id, first);
    house.close().await;
}

#[tokio::test]
async fn a_subscription_to_one_job_tells_of_no_other() {
    let house = House::open().await;
    let first = house.create("first").await;
    let second = house.create("second").await;
    let mut events = Subscribed::to(&house, &format!("/v1/events?job={second}")).await;
    assert_eq!(events.event().await.job.id, second);
    for job in [first, second] {
        house.ask("POST", &format!("/v1/jobs/{job}/cancel")).await;
    }
    assert_eq!(events.event().await.job.id, second);
    house.close().await;
}

#[tokio::test]
async fn silence_on_a_stream_is_filled_with_comments_and_ends_nothing() {
    let short = Duration::from_millis(10);
    let limits = Limits { head: short, idle: short, keep_alive: short, ..Limits::PRODUCT };
    let house = House::with(limits, Scope::User).await;
    let mut events = Subscribed::to(&house, "/v1/events").await;
    // Several times as long as a silent connection would live.
    for _ in 0..5 {
        events.comment().await;
    }
    let job = house.create("late").await;
    assert_eq!(events.event().await.job.id, job);
    house.close().await;
}

#[tokio::test]
async fn a_stream_ends_whole_when_the_agent_leaves() {
    let house = House::open().await;
    let mut events = Subscribed::to(&house, "/v1/events").await;
    let reading = tokio::spawn(async move {
        let mut rest = String::new();
        events.0.read_to_string(&mut rest).await.unwrap();
        rest
    });
    house.close().await;
    assert!(reading.await.unwrap().ends_with("0\r\n\r\n"), "the last chunk is the empty one");
}
