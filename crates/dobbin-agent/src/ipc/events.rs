//! Events of jobs as server-sent events (HTML Living Standard §9.2).

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::response::sse::{Event as Frame, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use dobbin_types::rest::Event;
use futures_core::Stream;
use tokio::sync::mpsc::Receiver;

use super::leave::Leave;
use super::limit::Limits;

/// A reply that goes on until the engine closes `events`, the agent leaves or the caller hangs up.
///
/// A comment every [`Limits::keep_alive`] finds out about callers that are gone; there is no timer
/// when nobody is subscribed.
pub(crate) fn stream(events: Receiver<Event>, leave: Leave, limits: &Limits) -> Response {
    let frames = Frames { events, leave: leave.into_future() };
    Sse::new(frames).keep_alive(KeepAlive::new().interval(limits.keep_alive)).into_response()
}

struct Frames {
    events: Receiver<Event>,
    leave: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Stream for Frames {
    type Item = Result<Frame, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Events first: what happened before the agent was told to leave is still told.
        match self.events.poll_recv(cx) {
            Poll::Ready(event) => Poll::Ready(event.and_then(frame).map(Ok)),
            Poll::Pending => self.leave.as_mut().poll(cx).map(|()| None),
        }
    }
}

/// One event as it travels. `None`, which ends the stream, if it has no JSON form, so that a
/// subscriber rather learns the state anew than misses an event.
fn frame(event: Event) -> Option<Frame> {
    match Frame::default().event(event.kind.word()).json_data(&event) {
        Ok(frame) => Some(frame),
        Err(error) => {
            tracing::error!(job = %event.job.id, %error, "event cannot be written");
            None
        }
    }
}
