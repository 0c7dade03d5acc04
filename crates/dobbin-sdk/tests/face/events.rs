//! Subscriptions.

use std::future::ready;

use crate::agent::{FakeAgent, Step, connect, events, job_id, job_info, refusal};
use dobbin_sdk::types::rest::{Event, EventKind};
use dobbin_sdk::types::{ErrorCode, JobState};
use dobbin_sdk::{Error, Events};

fn event(kind: EventKind, state: JobState) -> Event {
    Event { kind, job: job_info(state) }
}

/// The event as the agent writes it.
fn text(event: &Event) -> String {
    format!("event: {}\ndata: {}\n\n", event.kind.word(), serde_json::to_string(event).unwrap())
}

/// A subscription whose agent sends these portions. The first connection is the manager's own.
async fn subscribe(portions: &[&str]) -> (FakeAgent, Events) {
    let agent = FakeAgent::start(vec![vec![Step::HangUp], vec![events(portions)]]);
    let manager = connect(&agent.socket()).await;
    let events = manager.events(None).await.unwrap();
    (agent, events)
}

#[tokio::test]
async fn events_arrive_in_order_however_the_bytes_are_cut() {
    let expect = [
        event(EventKind::Current, JobState::Suspended),
        event(EventKind::Modified, JobState::Transferring),
        event(EventKind::Transferred, JobState::Transferred),
        event(EventKind::Ended, JobState::Acknowledged),
    ];
    let stream: String = expect.iter().map(text).collect();
    for size in [1, 7, 100, stream.len()] {
        let portions: Vec<&str> =
            stream.as_bytes().chunks(size).map(|part| str::from_utf8(part).unwrap()).collect();
        let (_agent, mut events) = subscribe(&portions).await;
        for event in &expect {
            assert_eq!(&events.next().await.unwrap(), event, "portions of {size}");
        }
    }
}

#[tokio::test]
async fn keep_alives_and_kinds_of_tomorrow_are_passed_over() {
    let current = event(EventKind::Current, JobState::Queued);
    let stream = format!(": alive\n\nevent: renamed\ndata: {{\"x\":1}}\n\n{}", text(&current));
    let (_agent, mut events) = subscribe(&[&stream]).await;
    assert_eq!(events.next().await.unwrap(), current);
}

#[tokio::test]
async fn an_event_that_is_none_is_an_error() {
    let (_agent, mut events) = subscribe(&["event: current\ndata: {\"kind\":1}\n\n"]).await;
    let error = events.next().await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn the_end_of_the_stream_is_a_lost_connection() {
    let current = event(EventKind::Current, JobState::Queued);
    let (_agent, mut events) = subscribe(&[&text(&current), "event: modi"]).await;
    assert_eq!(events.next().await.unwrap(), current);
    let error = events.next().await.unwrap_err();
    assert!(matches!(error, Error::Lost { doing: "following events", .. }), "{error:?}");
}

#[tokio::test]
async fn waiting_can_be_given_up_without_losing_anything() {
    let expect = event(EventKind::Current, JobState::Queued);
    let stream = text(&expect);
    let (first, second) = stream.split_at(stream.len() / 2);
    let (_agent, mut events) = subscribe(&[first, second]).await;
    let mut abandoned = 0;
    let event = loop {
        tokio::select! {
            biased;
            event = events.next() => break event.unwrap(),
            () = ready(()) => abandoned += 1,
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(event, expect);
    assert!(abandoned > 0);
}

#[tokio::test]
async fn a_subscription_may_be_refused() {
    let refused = refusal("404 Not Found", ErrorCode::DO_E_JOB_NOT_FOUND);
    let agent = FakeAgent::start(vec![vec![Step::HangUp], vec![refused]]);
    let manager = connect(&agent.socket()).await;
    let error = manager.events(Some(job_id())).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DO_E_JOB_NOT_FOUND);
    assert_eq!(agent.asked(), [format!("GET /v1/events?job={}", crate::agent::JOB)]);
}

#[tokio::test]
async fn dropping_a_subscription_hangs_up() {
    let current = text(&event(EventKind::Current, JobState::Queued));
    // The agent's script waits for one more request, which never comes: only the end does.
    let scripts = vec![vec![Step::HangUp], vec![open_events(&current), Step::HangUp]];
    let mut agent = FakeAgent::start(scripts);
    let manager = connect(&agent.socket()).await;
    let mut events = manager.events(None).await.unwrap();
    events.next().await.unwrap();
    drop(events);
    agent.hung_up().await;
    assert_eq!(agent.asked().len(), 1);
}

/// Events on a connection that stays open.
fn open_events(stream: &str) -> Step {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let size = stream.len();
    Step::Answer(vec![format!("{head}{size:x}\r\n{stream}\r\n").into_bytes()])
}
