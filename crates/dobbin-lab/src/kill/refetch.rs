//! How much is fetched a second time because the agent was killed.

use std::collections::BTreeMap;

use crate::origin::Exchange;

/// A transfer: the target that its requests name, which no other transfer's do.
pub(super) type Target = String;

/// What the origin has been asked for, by transfer. Fed with the origin's record after every kill.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// Where in the record the next look begins.
    seen: usize,
    /// Up to where each transfer had come when the agent last died in the middle of it.
    reached: BTreeMap<Target, u64>,
}

/// How far a transfer had come at most: the reply that it was reading when the agent died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) target: Target,
    /// The first byte of the reply.
    pub(super) from: u64,
    /// Behind the last byte that the origin had sent.
    pub(super) to: u64,
}

/// What one life of the agent has asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Life {
    /// For each transfer that went on after a kill: bytes that it asked for again.
    pub(super) again: Vec<(Target, u64)>,
    /// For each transfer, its last reply.
    pub(super) last: Vec<Reading>,
    /// Bytes that the origin sent.
    pub(super) sent_bytes: u64,
}

impl Accounts {
    /// Where the next [`Accounts::close`] begins to read.
    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    /// Reads what one life has added to the record.
    pub(super) fn close(&mut self, exchanges: &[Exchange]) -> Life {
        self.seen += exchanges.len();
        let mut life = Life::default();
        let mut last: BTreeMap<&str, Reading> = BTreeMap::new();
        for exchange in exchanges {
            life.sent_bytes += exchange.body_sent_bytes;
            // Anything but bytes of the file says nothing of where the client stood.
            if !matches!(exchange.status, Some(200 | 206)) {
                continue;
            }
            let target = &exchange.request.target;
            let asked_from = exchange.request.field("range").map_or(0, range_start);
            if let Some(reached) = self.reached.remove(target) {
                life.again.push((target.clone(), reached.saturating_sub(asked_from)));
            }
            let from = if exchange.status == Some(206) { asked_from } else { 0 };
            let to = from + exchange.body_sent_bytes;
            last.insert(target, Reading { target: target.clone(), from, to });
        }
        life.last = last.into_values().collect();
        life
    }

    /// The transfer had written this far when the agent died.
    pub(super) fn died_at(&mut self, target: Target, reached: u64) {
        self.reached.insert(target, reached);
    }
}

/// Where a `Range` field begins.
fn range_start(text: &str) -> u64 {
    let first = text.strip_prefix("bytes=").and_then(|rest| rest.split('-').next());
    first.and_then(|first| first.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::{Outcome, Request};

    fn exchange(target: &str, range: Option<&str>, status: u16, sent: u64) -> Exchange {
        let fields = range.map(|range| ("range".to_owned(), range.to_owned()));
        let request = Request {
            method: "GET".to_owned(),
            target: target.to_owned(),
            fields: fields.into_iter().collect(),
        };
        Exchange {
            connection: 1,
            nth: 1,
            request,
            status: Some(status),
            body_sent_bytes: sent,
            outcome: Outcome::Broken,
        }
    }

    #[test]
    fn bytes_count_as_fetched_again_from_where_the_next_life_begins() {
        let mut accounts = Accounts::default();
        let first = accounts.close(&[exchange("/a", None, 200, 500), exchange("/b", None, 200, 9)]);
        assert_eq!(first.again, []);
        assert_eq!(first.sent_bytes, 509);
        assert_eq!(first.last[0], Reading { target: "/a".into(), from: 0, to: 500 });
        accounts.died_at("/a".into(), 480);
        let second = accounts.close(&[
            exchange("/a", Some("bytes=400-999"), 503, 30),
            exchange("/a", Some("bytes=400-999"), 206, 50),
            exchange("/a", Some("bytes=450-999"), 206, 100),
        ]);
        assert_eq!(second.again, [("/a".into(), 80)], "once for one death");
        assert_eq!(second.last, [Reading { target: "/a".into(), from: 450, to: 550 }]);
        accounts.died_at("/a".into(), 550);
        let third = accounts.close(&[exchange("/a", Some("bytes=400-"), 200, 10)]);
        assert_eq!(third.again, [("/a".into(), 150)]);
        assert_eq!(third.last[0].to, 10, "a whole begins at 0, whatever was asked");
        assert_eq!(accounts.seen(), 6);
    }
}
