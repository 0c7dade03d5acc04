//! What an origin was asked and what it sent, for tests to look at.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::request::Request;

/// The most exchanges that are kept; later ones are answered, but not written down.
pub const EXCHANGES_MAX: usize = 100_000;

/// How an exchange went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Still being answered, or stalled as planned.
    Open,
    /// All that the plan wanted sent was handed to the system.
    Sent,
    /// The client left, or the origin stopped, before that.
    Broken,
}

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Number of the connection it came over, from 1, in the order in which they were accepted.
    pub connection: u32,
    /// Number among the requests for its path, from 1.
    pub nth: u32,
    /// What was asked.
    pub request: Request,
    /// The status of the reply; `None` where something else than a reply was sent, or nothing.
    pub status: Option<u16>,
    /// Bytes of the body sent so far, without framing.
    pub body_sent_bytes: u64,
    /// How it went.
    pub outcome: Outcome,
}

/// The list of exchanges. Its lock is held for single lines only.
#[derive(Debug, Default)]
pub(super) struct Log {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    exchanges: Vec<Exchange>,
    per_path: BTreeMap<String, u32>,
}

/// Which line of the log; `None` beyond [`EXCHANGES_MAX`].
pub(super) type Line = Option<usize>;

impl Log {
    /// Writes a request down, and says which one of its path it is.
    pub(super) fn open(&self, connection: u32, request: Request) -> (Line, u32) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = state.per_path.entry(request.path().to_owned()).or_default();
        *counter += 1;
        let nth = *counter;
        let line = (state.exchanges.len() < EXCHANGES_MAX).then_some(state.exchanges.len());
        if line.is_some() {
            let (status, outcome) = (None, Outcome::Open);
            let exchange =
                Exchange { connection, nth, request, status, body_sent_bytes: 0, outcome };
            state.exchanges.push(exchange);
        }
        self.changed.notify_all();
        (line, nth)
    }

    pub(super) fn update(&self, line: Line, change: impl FnOnce(&mut Exchange)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(exchange) = line.and_then(|index| state.exchanges.get_mut(index)) {
            change(exchange);
            self.changed.notify_all();
        }
    }

    /// The exchanges from number `first` on, counted from 0.
    pub(super) fn exchanges_from(&self, first: usize) -> Vec<Exchange> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.exchanges.get(first..).unwrap_or_default().to_vec()
    }

    /// Waits until `enough` is true of the list, at most `limit`; says whether it came true.
    pub(super) fn wait(&self, limit: Duration, enough: impl Fn(&[Exchange]) -> bool) -> bool {
        let due = Instant::now() + limit;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if enough(&state.exchanges) {
                return true;
            }
            let left = due.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return false;
            }
            state =
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
