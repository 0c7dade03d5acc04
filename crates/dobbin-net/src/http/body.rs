//! The bytes of a reply, up to exactly where they must end.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::Version;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Frame, Incoming};
use hyper_util::client::legacy::connect::CaptureConnection;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

use super::error::{FetchError, FetchErrorKind};
use super::settings::StallRule;
use super::stall::StallWatch;
use super::trouble;
use super::wire::{Link, retire};
use crate::throttle::Throttle;

/// The bytes of a reply, up to exactly where they must end.
///
/// Dropping it before its end closes the connection, or over HTTP/2 only its stream; at its end the
/// connection serves the next request. After an error there is nothing more to read.
pub struct Body {
    incoming: Incoming,
    /// What it comes over.
    connection: CaptureConnection,
    version: Version,
    host: Arc<str>,
    /// How much is still to come; `None` where the origin did not say.
    left: Option<u64>,
    received: u64,
    stall: StallWatch,
    /// Over HTTP/1.1, where it has the connection for itself.
    link: Option<Link>,
    /// Says how much the next read should bring.
    pace: Option<Throttle>,
}

impl Body {
    pub(super) fn new(
        incoming: Incoming,
        connection: CaptureConnection,
        version: Version,
        host: Arc<str>,
        length: Option<u64>,
        rule: StallRule,
    ) -> Body {
        let stall = StallWatch::new(rule);
        Body {
            incoming,
            connection,
            version,
            host,
            left: length,
            received: 0,
            stall,
            link: None,
            pace: None,
        }
    }

    /// The same, over a connection of its own.
    pub(super) fn over(mut self, link: Option<Link>) -> Body {
        self.link = link;
        self
    }

    /// From here on the connection is read as smoothly as the throttle wants it: in small sips where
    /// a limit holds, instead of by the buffer. Who reads calls [`Throttle::take`] all the same. Over
    /// HTTP/2, where a connection serves others too, nothing changes.
    pub fn keep_pace(&mut self, throttle: &Throttle) {
        self.pace = Some(throttle.clone());
    }

    /// The next bytes, as the connection hands them out and at most
    /// [`read_buffer`](super::HttpSettings::read_buffer) at a time; never empty. `None` once, and only
    /// if, all of them came.
    ///
    /// The bytes are a window into the buffer they were read into and keep all of it alive, which may
    /// be many times their size: write or copy them and let go, rather than collect them.
    ///
    /// Only the time spent in here counts toward a stall, so a reader may take its time. Dropping the
    /// future before it is done loses no bytes: call again.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        if let Some(link) = &self.link {
            link.read_at_most(self.pace.as_ref().and_then(Throttle::read_max));
        }
        let outcome = self.data().await;
        outcome.map_err(|kind| FetchError::new(&self.host, kind))
    }

    /// How many bytes are still to come, where that is known.
    pub fn remaining(&self) -> Option<u64> {
        self.left
    }

    async fn data(&mut self) -> Result<Option<Bytes>, FetchErrorKind> {
        loop {
            // Nothing to wait for, and for a body without chunks nothing that could follow.
            if self.left == Some(0) && self.incoming.is_end_stream() {
                // The connection is free but its task has yet to tell the pool. Without this turn the
                // next of many small files would find none there and begin to open another.
                yield_now().await;
                return Ok(None);
            }
            let Some(frame) = self.frame().await? else {
                let truncated = FetchErrorKind::Truncated { received_bytes: self.received };
                return if self.has_ended() { Ok(None) } else { Err(truncated) };
            };
            // Trailers say nothing that we use.
            let Ok(data) = frame.into_data() else { continue };
            if data.is_empty() {
                continue;
            }
            let length = data.len() as u64;
            if let Some(left) = &mut self.left {
                *left = left.checked_sub(length).ok_or(FetchErrorKind::Length)?;
            }
            self.received += length;
            self.stall.received(length);
            return Ok(Some(data));
        }
    }

    /// Whether it ended where it should, now that nothing more comes.
    fn has_ended(&self) -> bool {
        match self.left {
            Some(left) => left == 0,
            // An HTTP/2 origin may give a stream up without calling that an error (RFC 9113 §8.1);
            // only its own mark is the end.
            None if self.version == Version::HTTP_2 => self.incoming.is_end_stream(),
            None => true,
        }
    }

    /// The next frame, or `None` at the end; a stall or a broken connection is an error.
    async fn frame(&mut self) -> Result<Option<Frame<Bytes>>, FetchErrorKind> {
        let Body { incoming, connection, stall, received, .. } = self;
        let explain = |error| trouble::in_body(&error, *received);

        // What is here already costs no timer.
        let ready = poll_fn(|cx| Poll::Ready(Pin::new(&mut *incoming).poll_frame(cx))).await;
        if let Poll::Ready(frame) = ready {
            return frame.transpose().map_err(explain);
        }
        while !stall.is_stalled() {
            let waiting = Waiting { since: Instant::now(), stall };
            let outcome = timeout(waiting.stall.patience(), incoming.frame()).await;
            drop(waiting);
            if let Ok(frame) = outcome {
                return frame.transpose().map_err(explain);
            }
        }
        // Over HTTP/2 it would else serve the next request, dead as it may be.
        retire(connection);
        Err(FetchErrorKind::Stalled)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // The next request on the connection may be another job's.
        if let Some(link) = &self.link {
            link.await_head();
        }
    }
}

/// A wait for the server. It counts however it ends, also when the reader gives up on it to look at
/// something else: a reader that looks around often must not keep a dead server alive.
struct Waiting<'a> {
    since: Instant,
    stall: &'a mut StallWatch,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.stall.waited(self.since.elapsed());
    }
}
