//! From a connection to replies, for as long as the agent lives.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};
use tower_service::Service;

use super::actor::{Caller, at_other_end};
use super::incoming::serve_until_told;
use super::leave::Leave;
use super::limit::{HEAD_BYTES_MAX, HEADER_FIELDS_MAX, Limits};
use super::patience::{Patient, Serving};
use super::reply::{no_seat, with_common_headers};
use super::seats::{Full, Seats};

/// Serves the interface at this socket until it is told to leave: see [`serve_until_told`].
pub(crate) async fn accept_until_told(
    listener: UnixListener,
    router: Router,
    limits: Limits,
    leave: Leave,
    grace: Duration,
) {
    let seats = Seats::new(limits);
    let hears = leave.clone();
    let serve = move |stream| {
        let caller = seat(&stream, &seats)?;
        Some(serve(stream, caller, router.clone(), limits, hears.clone()))
    };
    serve_until_told(listener, "api", leave, grace, serve).await;
}

/// Who is at the other end, with a seat; nothing for a caller who was sent away.
fn seat(stream: &UnixStream, seats: &Seats) -> Option<Caller> {
    let actor = match at_other_end(stream) {
        Ok(actor) => actor,
        Err(error) => {
            tracing::warn!(%error, "caller is not known to the kernel");
            return None;
        }
    };
    let message = match seats.take(actor.uid()) {
        Ok(seat) => return Some(Caller { actor, seat }),
        Err(Full::User) => "the user has too many connections",
        Err(Full::House) => "the agent has too many connections",
    };
    tracing::debug!(uid = %actor.uid(), message, "connection refused");
    // One try that cannot wait: the socket's buffer is empty, so it takes these few bytes.
    let _ = stream.try_write(&no_seat(message));
    None
}

/// Serves one connection until either side ends it.
async fn serve(
    stream: UnixStream,
    caller: Caller,
    router: Router,
    limits: Limits,
    mut leave: Leave,
) {
    let (stream, turn) = Patient::new(stream, limits);
    let uid = caller.actor.uid();
    let service =
        service_fn(|request| answer(request, caller.clone(), router.clone(), turn.begin()));
    let mut connection = pin!(
        http1::Builder::new()
            // Patience is ours: it can tell an unfinished header from an idle connection.
            .header_read_timeout(None)
            .max_header_size(HEAD_BYTES_MAX)
            .max_headers(HEADER_FIELDS_MAX)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = leave.told() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%uid, %error, "connection failed");
    }
}

/// Answers one request. `serving` ends with the last byte of the reply.
async fn answer(
    request: Request<Incoming>,
    caller: Caller,
    mut router: Router,
    serving: Serving,
) -> Result<Response<Served>, Infallible> {
    let begun = Instant::now();
    let uid = caller.actor.uid();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(caller);
    let response = match router.call(request).await {
        Ok(response) => with_common_headers(response),
        Err(never) => match never {},
    };
    tracing::debug!(
        %uid,
        %method,
        // Without the query, which may hold a user's path.
        path = uri.path(),
        status = response.status().as_u16(),
        elapsed_ms = begun.elapsed().as_millis(),
        "request answered"
    );
    Ok(response.map(|body| Served { body, _serving: serving }))
}

/// A reply's body that keeps the caller's turn away until it is sent.
struct Served {
    body: Body,
    _serving: Serving,
}

impl hyper::body::Body for Served {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
