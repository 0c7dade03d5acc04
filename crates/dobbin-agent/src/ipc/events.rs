//! Events as server-sent events (HTML Living Standard §9.2): what happens to jobs, and calls.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::response::sse::{Event as Frame, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use dobbin_engine::{Listening, Watching};
use dobbin_types::rest::{CallbackEvent, Event};
use futures_core::Stream;
use serde::Serialize;

use super::leave::Leave;
use super::limit::Limits;

/// Where events come from.
pub(crate) trait Source: Send + Unpin + 'static {
    /// What comes.
    type Event: Serialize;

    /// The next event; nothing when there will be no more.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Event>>;

    /// The event's name on the wire.
    fn word(event: &Self::Event) -> &'static str;
}

impl Source for Watching {
    type Event = Event;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_recv(cx)
    }

    fn word(event: &Event) -> &'static str {
        event.kind.word()
    }
}

impl Source for Listening {
    type Event = CallbackEvent;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<CallbackEvent>> {
        self.poll_recv(cx)
    }

    fn word(event: &CallbackEvent) -> &'static str {
        event.word()
    }
}

/// A reply that goes on until the engine ends `events`, the agent leaves or the caller hangs up.
///
/// A comment every [`Limits::keep_alive`] finds out about callers that are gone; there is no timer
/// when nobody is subscribed.
pub(crate) fn stream(events: impl Source, leave: Leave, limits: &Limits) -> Response {
    let frames = Frames { events, leave: leave.into_future() };
    Sse::new(frames).keep_alive(KeepAlive::new().interval(limits.keep_alive)).into_response()
}

struct Frames<S> {
    events: S,
    leave: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<S: Source> Stream for Frames<S> {
    type Item = Result<Frame, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Events first: what happened before the agent was told to leave is still told.
        match self.events.poll_next(cx) {
            Poll::Ready(event) => Poll::Ready(event.and_then(|event| frame::<S>(&event)).map(Ok)),
            Poll::Pending => self.leave.as_mut().poll(cx).map(|()| None),
        }
    }
}

/// One event as it travels. `None`, which ends the stream, if it has no JSON form, so that a
/// subscriber rather learns the state anew than misses an event.
fn frame<S: Source>(event: &S::Event) -> Option<Frame> {
    match Frame::default().event(S::word(event)).json_data(event) {
        Ok(frame) => Some(frame),
        Err(error) => {
            tracing::error!(event = S::word(event), %error, "event cannot be written");
            None
        }
    }
}
