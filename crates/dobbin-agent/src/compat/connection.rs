//! One connection: requests in, replies out in the same order, for as long as both sides want.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::reply::Reply;
use super::request::{self, REQUEST_BYTES_MAX, Read, Request};
use crate::ipc::{Leave, Limits, Patient, Turn};

/// Bytes read at a time: most requests whole.
const READ_BYTES: usize = 2_048;

/// Bytes that somebody still sends behind a request which cannot be read, and which are passed over.
const LINGER_BYTES_MAX: usize = 8 * REQUEST_BYTES_MAX;

/// How long they are waited for. A connection that is closed with bytes unread takes its last reply
/// along, before the caller has read it.
const LINGER: Duration = Duration::from_secs(1);

/// How long we wait for the other end, and what ends all waiting.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    /// Time for each part, as on the agent's own interface.
    pub(super) limits: Limits,
    /// Says that the agent leaves: the request that is being served is the last one.
    pub(super) leave: Leave,
}

/// A connection to a caller.
#[derive(Debug)]
pub(super) struct Connection<S> {
    stream: Patient<S>,
    turn: Turn,
    leave: Leave,
    /// What has arrived and is not read yet: at most one request and [`READ_BYTES`].
    arrived: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(super) fn new(stream: S, patience: Patience) -> Connection<S> {
        let (stream, turn) = Patient::new(stream, patience.limits);
        Connection { stream, turn, leave: patience.leave, arrived: Vec::new() }
    }

    /// Has every request answered, one after the other, until either side ends it. Requests may be sent
    /// without waiting for the replies to those before them.
    ///
    /// # Errors
    ///
    /// Those of the socket, and `TimedOut` when the other end is too slow.
    pub(super) async fn serve(mut self, answer: impl AsyncFn(Request) -> Reply) -> io::Result<()> {
        loop {
            let read = request::read(&self.arrived);
            let request = match read {
                Read::Request(request, bytes_count) => {
                    self.arrived.drain(..bytes_count);
                    request
                }
                Read::Beginning => match self.more().await? {
                    true => continue,
                    false => return Ok(()),
                },
                Read::Malformed => {
                    self.stream.write_all(&Reply::unreadable().into_bytes()).await?;
                    return self.end().await;
                }
            };
            let serving = self.turn.begin();
            let is_last = request.is_last;
            let reply = answer(request).await;
            let bytes = reply.into_bytes();
            self.stream.write_all(&bytes).await?;
            drop(serving);
            if is_last {
                return self.end().await;
            }
        }
    }

    /// Waits for more bytes; `false` when there will be none, or none that we wait for.
    async fn more(&mut self) -> io::Result<bool> {
        self.arrived.reserve(READ_BYTES);
        tokio::select! {
            biased;
            () = self.leave.told() => Ok(false),
            count = self.stream.read_buf(&mut self.arrived) => Ok(count? > 0),
        }
    }

    /// Ends it so that the last reply arrives.
    async fn end(mut self) -> io::Result<()> {
        self.stream.shutdown().await?;
        let mut rest = self.stream.take(LINGER_BYTES_MAX as u64);
        let mut nowhere = tokio::io::sink();
        let pass_over = tokio::io::copy(&mut rest, &mut nowhere);
        tokio::select! {
            () = self.leave.told() => {}
            // Whatever came of it, the reply is sent.
            _ = timeout(LINGER, pass_over) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::*;
    use crate::ipc::LeaveSign;

    /// A connection whose requests are answered with their own target, and the caller's end of it.
    fn echo(limits: Limits) -> (DuplexStream, LeaveSign, tokio::task::JoinHandle<io::Result<()>>) {
        let (ours, callers) = duplex(256);
        let (sign, leave) = LeaveSign::new();
        let connection = Connection::new(ours, Patience { limits, leave });
        let answer = |request: Request| async move { Reply::of(&[("Target", &request.target)]) };
        let serving = tokio::spawn(connection.serve(answer));
        (callers, sign, serving)
    }

    fn reply_to(target: &str) -> Vec<u8> {
        Reply::of(&[("Target", target)]).into_bytes()
    }

    /// conformance: rest pipelining
    #[tokio::test]
    async fn a_thousand_requests_in_a_row_are_answered_in_their_order() {
        let (callers, _sign, serving) = echo(Limits::PRODUCT);
        let (mut reading, mut writing) = tokio::io::split(callers);
        let sending = tokio::spawn(async move {
            for number in 0..1_000 {
                let request = format!("GET a{number} HTTP/1.1\r\nContent-Length: 2\r\n\r\nxy");
                writing.write_all(request.as_bytes()).await.unwrap();
            }
            writing.shutdown().await.unwrap();
        });
        for number in 0..1_000 {
            let expect = reply_to(&format!("a{number}"));
            let mut reply = vec![0; expect.len()];
            reading.read_exact(&mut reply).await.unwrap();
            assert_eq!(reply, expect, "{number}");
        }
        sending.await.unwrap();
        assert_eq!(reading.read(&mut [0]).await.unwrap(), 0);
        serving.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_request_in_parts_is_answered_once_wherever_they_meet() {
        let text = b"POST a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        for at in 1..text.len() {
            let (mut callers, _sign, _serving) = echo(Limits::PRODUCT);
            let (first, second) = text.split_at(at);
            for part in [first, second] {
                callers.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
            let mut replies = Vec::new();
            callers.shutdown().await.unwrap();
            callers.read_to_end(&mut replies).await.unwrap();
            assert_eq!(replies, reply_to("a"), "{at}");
        }
    }

    /// conformance: rest malformed
    #[tokio::test]
    async fn what_is_no_request_is_answered_without_a_word_and_ends_it() {
        let long = format!("GET {} HTTP/1.1\r\n\r\n", "a".repeat(20_000));
        for (rest, text) in [("", "G\"T a HTTP/1.1\r\n\r\n"), ("", &long), ("GET b", "a\n")] {
            let (callers, _sign, serving) = echo(Limits::PRODUCT);
            let (mut reading, mut writing) = tokio::io::split(callers);
            let text = format!("GET a HTTP/1.1\r\n\r\n{text}{rest}");
            let sending = tokio::spawn(async move {
                // The other end may have had enough.
                let _ = writing.write_all(text.as_bytes()).await;
                let _ = writing.shutdown().await;
            });
            let mut replies = Vec::new();
            reading.read_to_end(&mut replies).await.unwrap();
            sending.await.unwrap();
            let expect = [reply_to("a"), Reply::unreadable().into_bytes()].concat();
            assert_eq!(replies, expect);
            serving.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_caller_who_says_so_has_the_connection_closed() {
        let (mut callers, _sign, serving) = echo(Limits::PRODUCT);
        callers.write_all(b"GET a HTTP/1.0\r\n\r\nGET b HTTP/1.0\r\n\r\n").await.unwrap();
        callers.shutdown().await.unwrap();
        let mut replies = Vec::new();
        callers.read_to_end(&mut replies).await.unwrap();
        assert_eq!(replies, reply_to("a"));
        serving.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn an_agent_that_leaves_waits_for_no_further_request() {
        let (mut callers, sign, serving) = echo(Limits::PRODUCT);
        callers.write_all(b"GET a HTTP/1.1\r\n\r\nGET").await.unwrap();
        let mut reply = vec![0; reply_to("a").len()];
        callers.read_exact(&mut reply).await.unwrap();
        sign.give();
        serving.await.unwrap().unwrap();
        assert_eq!(callers.read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn silence_and_half_a_request_are_given_up() {
        let short = Duration::from_millis(20);
        for (limits, text) in [
            (Limits { idle: short, ..Limits::PRODUCT }, ""),
            (Limits { head: short, ..Limits::PRODUCT }, "GET a"),
        ] {
            let (mut callers, _sign, serving) = echo(limits);
            callers.write_all(text.as_bytes()).await.unwrap();
            let error = serving.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{text:?}");
        }
    }
}
