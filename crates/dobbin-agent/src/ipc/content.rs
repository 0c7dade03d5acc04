//! The bytes of a download as the body of a reply.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use dobbin_engine::Content;
use dobbin_types::rest::Failure;
use futures_core::Stream;
use tokio::task::{JoinHandle, spawn_blocking};

/// Reads a content from its beginning to its end, on threads that may wait for the disk and no faster
/// than the caller takes it.
pub(super) struct Reading {
    step: Step,
}

enum Step {
    /// Nothing is being read.
    Ready(Content),
    /// The next bytes are being read.
    Busy(JoinHandle<(Content, Result<Vec<u8>, Failure>)>),
    /// The end, or an error.
    Over,
}

impl Reading {
    pub(super) fn new(content: Content) -> Reading {
        Reading { step: Step::Ready(content) }
    }
}

impl Stream for Reading {
    type Item = io::Result<Bytes>;

    /// An error breaks the connection off, so that the caller does not take the beginning for the
    /// whole.
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut reading = match std::mem::replace(&mut self.step, Step::Over) {
            Step::Over => return Poll::Ready(None),
            Step::Ready(content) if content.left() == 0 => return Poll::Ready(None),
            Step::Ready(content) => spawn_blocking(move || read(content)),
            Step::Busy(reading) => reading,
        };
        match pin!(&mut reading).poll(cx) {
            Poll::Pending => {
                self.step = Step::Busy(reading);
                Poll::Pending
            }
            Poll::Ready(Ok((content, Ok(bytes)))) => {
                self.step = Step::Ready(content);
                Poll::Ready(Some(Ok(bytes.into())))
            }
            Poll::Ready(Ok((_, Err(failure)))) => {
                tracing::warn!(code = %failure.code, "a download's bytes cannot be read");
                Poll::Ready(Some(Err(io::Error::other(failure.message))))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Some(Err(io::Error::other(error)))),
        }
    }
}

fn read(mut content: Content) -> (Content, Result<Vec<u8>, Failure>) {
    let bytes = content.next_bytes();
    (content, bytes)
}
