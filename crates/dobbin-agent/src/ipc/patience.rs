//! How long we wait for the other end of a connection: in silence, over a request's header, and
//! for bytes of ours to be read.
//!
//! Bodies have their own limit where they are read. While a request is served nothing is expected
//! from the caller, so an event stream may last for days. A connection costs a timer only while
//! somebody waits for it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::limit::Limits;

/// A stream that fails with `TimedOut` when the other end is too slow.
#[derive(Debug)]
pub(crate) struct Patient<S> {
    stream: S,
    limits: Limits,
    turn: Turn,
    /// The turn that `head_begun` is about.
    turn_seen: u64,
    /// Whether bytes of the next request's header are here.
    head_begun: bool,
    quiet: Deadline,
    unread: Deadline,
}

/// Whose turn it is on a connection. Cheap to clone.
///
/// Counts the beginnings and ends of requests: even, and the caller is to speak; odd, and we are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn(Arc<TurnCount>);

#[derive(Debug, Default)]
struct TurnCount {
    number: AtomicU64,
    /// Who reads the connection. Woken when the caller's turn begins: whoever was waiting for bytes
    /// during our turn would not look again, and nobody would notice that none come. Held for no
    /// longer than it takes to put it in or take it out.
    reader: Mutex<Option<Waker>>,
}

/// A request is being served for as long as this lives.
#[derive(Debug)]
pub(crate) struct Serving(Turn);

impl Turn {
    /// A request's header is here: from now on it is our turn. HTTP/1.1 serves the requests of a
    /// connection one after the other, so there is at most one [`Serving`] of each connection.
    pub(crate) fn begin(&self) -> Serving {
        self.0.number.fetch_add(1, Ordering::Relaxed);
        Serving(self.clone())
    }

    fn number(&self) -> u64 {
        self.0.number.load(Ordering::Relaxed)
    }

    fn reader(&self) -> MutexGuard<'_, Option<Waker>> {
        self.0.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.0.number.fetch_add(1, Ordering::Relaxed);
        let reader = self.0.reader().take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl<S> Patient<S> {
    /// Wraps `stream`. The [`Turn`] is for whoever serves the requests that arrive on it.
    pub(crate) fn new(stream: S, limits: Limits) -> (Patient<S>, Turn) {
        let turn = Turn::default();
        let patient = Patient {
            stream,
            limits,
            turn: turn.clone(),
            turn_seen: 0,
            head_begun: false,
            quiet: Deadline::default(),
            unread: Deadline::default(),
        };
        (patient, turn)
    }

    /// Whether the caller is to speak. Forgets the last header once a request was served since: a
    /// next one that was sent along with it then has [`Limits::idle`] for its end, which is longer,
    /// but an end.
    fn callers_turn(&mut self) -> bool {
        let turn = self.turn.number();
        if turn != self.turn_seen {
            self.turn_seen = turn;
            self.head_begun = false;
            self.quiet.clear();
        }
        turn.is_multiple_of(2)
    }

    /// What a write came to, unless it has been waiting for too long.
    fn or_unread<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        match written {
            Poll::Ready(done) => {
                self.unread.clear();
                Poll::Ready(done)
            }
            Poll::Pending => {
                ready!(self.unread.poll(self.limits.write, cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let callers_turn = this.callers_turn();
        match Pin::new(&mut this.stream).poll_read(cx, buffer) {
            Poll::Ready(done) => {
                if callers_turn && !this.head_begun {
                    this.head_begun = true;
                    this.quiet.clear();
                }
                Poll::Ready(done)
            }
            Poll::Pending if callers_turn => {
                let patience = if this.head_begun { this.limits.head } else { this.limits.idle };
                ready!(this.quiet.poll(patience, cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => {
                *this.turn.reader() = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.or_unread(written, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bytes);
        this.or_unread(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        this.or_unread(flushed, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// A timer that exists only while somebody waits. Begins with the first poll after a clear.
#[derive(Debug, Default)]
struct Deadline(Option<Pin<Box<Sleep>>>);

impl Deadline {
    fn clear(&mut self) {
        self.0 = None;
    }

    fn poll(&mut self, patience: Duration, cx: &mut Context<'_>) -> Poll<()> {
        self.0.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::*;

    /// Long enough that a test which needs it to pass never ends.
    const LONG: Duration = Duration::from_secs(3_600);

    /// Short enough to wait for.
    const SHORT: Duration = Duration::from_millis(20);

    const LIMITS: Limits = Limits { head: LONG, idle: LONG, write: LONG, ..Limits::PRODUCT };

    /// Our end, whose turn it is, and the caller's end, which holds 16 bytes each way.
    fn connection(limits: Limits) -> (Patient<DuplexStream>, Turn, DuplexStream) {
        let (ours, callers) = duplex(16);
        let (patient, turn) = Patient::new(ours, limits);
        (patient, turn, callers)
    }

    /// Reads until patience ends; hangs if it never does.
    async fn check_ends(patient: &mut Patient<DuplexStream>) {
        let error = patient.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_silent_connection_is_given_up() {
        let (mut patient, _turn, _callers) = connection(Limits { idle: SHORT, ..LIMITS });
        check_ends(&mut patient).await;
    }

    #[tokio::test]
    async fn a_header_that_does_not_end_is_given_up_however_long_silence_may_last() {
        let (mut patient, _turn, mut callers) = connection(Limits { head: SHORT, ..LIMITS });
        callers.write_all(b"GET /v1").await.unwrap();
        check_ends(&mut patient).await;
    }

    #[tokio::test]
    async fn more_bytes_of_a_header_buy_no_time() {
        let (mut patient, _turn, mut callers) = connection(Limits { head: SHORT, ..LIMITS });
        let drip = tokio::spawn(async move {
            // The write fails once the patient end is gone.
            while callers.write_all(b"x").await.is_ok() {
                tokio::time::sleep(SHORT / 20).await;
            }
        });
        check_ends(&mut patient).await;
        drop(patient);
        drip.await.unwrap();
    }

    #[tokio::test]
    async fn nothing_is_expected_of_a_caller_who_is_being_served() {
        let limits = Limits { head: SHORT, idle: SHORT, ..LIMITS };
        let (mut patient, turn, mut callers) = connection(limits);
        callers.write_all(b"GET").await.unwrap();
        patient.read_exact(&mut [0; 3]).await.unwrap();

        let serving = turn.begin();
        let waited = timeout(SHORT * 3, patient.read(&mut [0; 1])).await;
        assert!(waited.is_err(), "still waiting: {waited:?}");
        drop(serving);
        check_ends(&mut patient).await;
    }

    #[tokio::test]
    async fn a_wait_that_began_while_serving_ends_when_the_caller_is_to_speak() {
        let (mut patient, turn, _callers) = connection(Limits { idle: SHORT, ..LIMITS });
        let serving = turn.begin();
        let mut reading = Box::pin(check_ends(&mut patient));
        assert!(timeout(SHORT * 3, &mut reading).await.is_err());
        drop(serving);
        reading.await;
    }

    #[tokio::test]
    async fn after_a_request_the_next_header_has_its_own_time() {
        let (mut patient, turn, mut callers) = connection(Limits { head: SHORT, ..LIMITS });
        callers.write_all(b"GET").await.unwrap();
        patient.read_exact(&mut [0; 3]).await.unwrap();
        drop(turn.begin());
        // Silence after a request is idling, for which there is much time.
        assert!(timeout(SHORT * 3, patient.read(&mut [0; 1])).await.is_err());
        callers.write_all(b"GET").await.unwrap();
        check_ends(&mut patient).await;
    }

    #[tokio::test]
    async fn a_reply_that_nobody_reads_is_given_up() {
        let (mut patient, _turn, mut callers) = connection(Limits { write: SHORT, ..LIMITS });
        let error = patient.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);

        // One that is read, however late, may go on.
        callers.read_exact(&mut [0; 16]).await.unwrap();
        patient.write_all(&[0; 16]).await.unwrap();
    }
}
