//! How much is fetched a second time because the agent was killed.

use std::collections::BTreeMap;
use std::ops::Range;

use super::stretches::Stretches;
use crate::origin::Exchange;

/// A transfer: the target that its requests name, which no other transfer's do.
pub(super) type Target = String;

/// What the origin has been asked for, by transfer. Fed with the origin's record after every kill.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// Where in the record the next look begins.
    seen: usize,
    /// What each transfer had written when the agent last died in the middle of it.
    written: BTreeMap<Target, Stretches>,
}

/// What one life of the agent has asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Life {
    /// For each transfer that went on after a kill: bytes that it asked for again, over all of its
    /// connections.
    pub(super) again: Vec<(Target, u64)>,
    /// The transfers that were given bytes.
    pub(super) given: Vec<Target>,
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
        let mut asked: BTreeMap<&Target, Stretches> = BTreeMap::new();
        for exchange in exchanges {
            life.sent_bytes += exchange.body_sent_bytes;
            let given = match exchange.status {
                Some(206) => exchange.request.field("range").map_or(WHOLE, asked_range),
                Some(200) => WHOLE,
                // Anything but bytes of the file says nothing of what the client lacks.
                _ => continue,
            };
            asked.entry(&exchange.request.target).or_default().add(given);
        }
        for (target, asked) in asked {
            if let Some(written) = self.written.remove(target) {
                life.again.push((target.clone(), written.common_bytes(&asked)));
            }
            life.given.push(target.clone());
        }
        life
    }

    /// The transfer had written this when the agent died.
    pub(super) fn died_with(&mut self, target: Target, written: Stretches) {
        self.written.insert(target, written);
    }
}

/// All of a file.
const WHOLE: Range<u64> = 0..u64::MAX;

/// What a `Range` field asks for; everything where it is none of ours.
fn asked_range(text: &str) -> Range<u64> {
    let ends = text.strip_prefix("bytes=").and_then(|ends| ends.split_once('-'));
    let Some((Ok(first), last)) = ends.map(|(first, last)| (first.parse(), last)) else {
        return WHOLE;
    };
    first..last.parse().map_or(u64::MAX, |last: u64| last.saturating_add(1))
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

    fn written(ranges: impl IntoIterator<Item = Range<u64>>) -> Stretches {
        let mut stretches = Stretches::default();
        ranges.into_iter().for_each(|range| stretches.add(range));
        stretches
    }

    #[test]
    fn bytes_count_as_fetched_again_that_were_written_and_are_asked_for() {
        let mut accounts = Accounts::default();
        let first = accounts.close(&[exchange("/a", None, 200, 500), exchange("/b", None, 200, 9)]);
        assert_eq!((first.again, first.sent_bytes), (vec![], 509));
        assert_eq!(first.given, ["/a", "/b"]);
        accounts.died_with("/a".into(), written(Some(0..480)));
        let second = accounts.close(&[
            exchange("/a", Some("bytes=100-999"), 503, 30),
            exchange("/a", Some("bytes=400-999"), 206, 50),
            exchange("/a", Some("bytes=450-999"), 206, 100),
        ]);
        assert_eq!(second.again, [("/a".into(), 80)], "once for one death");
        accounts.died_with("/a".into(), written(Some(0..550)));
        let third = accounts.close(&[exchange("/a", Some("bytes=400-"), 200, 10)]);
        assert_eq!(third.again, [("/a".into(), 550)], "a whole begins at 0, whatever was asked");
        assert_eq!(accounts.seen(), 6);
    }

    #[test]
    fn what_lay_between_connections_is_not_fetched_again() {
        let mut accounts = Accounts::default();
        accounts.died_with("/a".into(), written([0..130, 500..630]));
        let life = accounts.close(&[
            exchange("/a", Some("bytes=100-499"), 206, 400),
            exchange("/a", Some("bytes=600-999"), 206, 400),
        ]);
        assert_eq!(life.again, [("/a".into(), 60)]);
    }
}
