//! Which of a file's sources a connection should ask.
//!
//! A file has the URL that its caller named and perhaps others that are said to lead to the same bytes.
//! Fast sources get the work because connections take spans as they finish them; here is decided where
//! a new connection goes, and who is left alone for a while or for good. The caller's own URL is never
//! given up: what it says in the end is what the caller hears.
//!
//! Pure: told what came of asking, it says whom to ask.

use alloc::vec::Vec;
use core::time::Duration;

use dobbin_types::file::MIRRORS_MAX;

use crate::retry;

/// Sources that an origin may name for its file while it is fetched.
const NAMED_MAX: usize = 16;

/// Sources of one file at most: the caller's own URL, those that the caller named besides, and those
/// that an origin named.
pub const SOURCES_MAX: usize = 1 + MIRRORS_MAX + NAMED_MAX;

/// So many wrong pieces and a source is asked no more for this file.
pub const WRONG_PIECES_MAX: u32 = 3;

/// A source is a laggard when each of its connections is so many times slower than the best source's.
const LAGGARD_FACTOR: u64 = 8;

/// Which source of a file; 0 is the caller's own URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub usize);

impl SourceId {
    /// The URL that the caller named for the file itself.
    pub const OWN: SourceId = SourceId(0);

    /// Whether it is the caller's own URL.
    pub fn is_own(self) -> bool {
        self == SourceId::OWN
    }
}

/// What is known of one source.
#[derive(Debug, Clone, Default)]
struct Standing {
    connections_count: usize,
    /// Of one connection, lately; `None` when it was never measured.
    bytes_per_second: Option<u64>,
    failures_count: u32,
    rests_until: Option<Duration>,
    wrong_count: u32,
    struck: bool,
}

/// The sources of one file.
#[derive(Debug, Clone)]
pub struct Share {
    sources: Vec<Standing>,
}

impl Share {
    /// So many sources, the own URL among them; those beyond [`SOURCES_MAX`] are left out.
    pub fn new(sources_count: usize) -> Share {
        let count = sources_count.clamp(1, SOURCES_MAX);
        Share { sources: alloc::vec![Standing::default(); count] }
    }

    /// One more source; `None` when there are as many as are looked after.
    pub fn join(&mut self) -> Option<SourceId> {
        let id = SourceId(self.sources.len());
        (id.0 < SOURCES_MAX).then(|| self.sources.push(Standing::default()))?;
        Some(id)
    }

    /// All of them, in their order.
    pub fn ids(&self) -> impl Iterator<Item = SourceId> + Clone + use<> {
        (0..self.sources.len()).map(SourceId)
    }

    /// How many sources there are, whatever their standing.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Never: the own URL is always one of them.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The source for a new connection; `None` when none may be asked now.
    ///
    /// First each is given one connection, in their order, so that it is known what it is worth; then
    /// the one whose next connection promises most, its rate divided among them. Of equals the first.
    ///
    /// * `is_open`: whether a source may have one more connection, as far as others are concerned.
    pub fn choose(&self, now: Duration, is_open: impl Fn(SourceId) -> bool) -> Option<SourceId> {
        let usable = self.ids().filter(|id| self.is_usable(*id, now) && is_open(*id));
        usable.max_by_key(|id| {
            let source = &self.sources[id.0];
            let is_new = source.bytes_per_second.is_none() && source.connections_count == 0;
            let rate = source.bytes_per_second.unwrap_or(0);
            (is_new, rate / (source.connections_count as u64 + 1), core::cmp::Reverse(*id))
        })
    }

    /// Whether a source may be asked now: neither struck out nor resting.
    pub fn is_usable(&self, id: SourceId, now: Duration) -> bool {
        self.sources.get(id.0).is_some_and(|source| {
            !source.struck && source.rests_until.is_none_or(|until| until <= now)
        })
    }

    /// When the first of those that rest may be asked again; `None` when nobody rests.
    pub fn next_rested(&self) -> Option<Duration> {
        let waiting = self.sources.iter().filter(|source| !source.struck);
        waiting.filter_map(|source| source.rests_until).min()
    }

    /// Whether a source is out for this file, for good.
    pub fn is_struck(&self, id: SourceId) -> bool {
        self.sources.get(id.0).is_some_and(|source| source.struck)
    }

    /// A connection to it is made.
    pub fn began(&mut self, id: SourceId) {
        if let Some(source) = self.sources.get_mut(id.0) {
            source.connections_count += 1;
        }
    }

    /// That connection is gone.
    pub fn ended(&mut self, id: SourceId) {
        if let Some(source) = self.sources.get_mut(id.0) {
            source.connections_count = source.connections_count.saturating_sub(1);
        }
    }

    /// How fast one of its connections was over the last while. Smoothed, so that one pause does not
    /// decide anything.
    pub fn measured(&mut self, id: SourceId, bytes_per_second: u64) {
        if let Some(source) = self.sources.get_mut(id.0) {
            let before = source.bytes_per_second.unwrap_or(bytes_per_second);
            source.bytes_per_second =
                Some(before.saturating_mul(3).saturating_add(bytes_per_second) / 4);
        }
    }

    /// It brought what it should: its failures are forgotten.
    pub fn proved(&mut self, id: SourceId) {
        if let Some(source) = self.sources.get_mut(id.0) {
            source.failures_count = 0;
            source.rests_until = None;
        }
    }

    /// It failed in a way that may pass: it rests, longer each time (the waits of a foreground job's
    /// retries), and at least as long as it asked for.
    pub fn failed(
        &mut self,
        id: SourceId,
        now: Duration,
        retry_after: Option<Duration>,
        spread_thousandths: u16,
    ) {
        if let Some(source) = self.sources.get_mut(id.0) {
            source.failures_count += 1;
            let cap = retry::CAP_FOREGROUND;
            let wait = retry::delay(source.failures_count, cap, retry_after, spread_thousandths);
            source.rests_until = Some(now + wait);
        }
    }

    /// It is of no use for this file: it does not have it, or has another one. The own URL cannot be
    /// struck out; it says `false`.
    pub fn strike(&mut self, id: SourceId) -> bool {
        match self.sources.get_mut(id.0) {
            Some(source) if !id.is_own() => {
                source.struck = true;
                true
            }
            Some(_) | None => false,
        }
    }

    /// A piece from it was wrong. With [`WRONG_PIECES_MAX`] of them it is struck out, if it can be.
    /// Says how many there were.
    pub fn wrong(&mut self, id: SourceId) -> u32 {
        let Some(source) = self.sources.get_mut(id.0) else {
            return 0;
        };
        source.wrong_count += 1;
        let count = source.wrong_count;
        if count >= WRONG_PIECES_MAX {
            self.strike(id);
        }
        count
    }

    /// Whether it is so slow beside another one that its connections are better made there.
    pub fn is_laggard(&self, id: SourceId, now: Duration) -> bool {
        let usable = self.ids().filter(|id| self.is_usable(*id, now));
        let best = usable.filter_map(|id| self.sources[id.0].bytes_per_second).max();
        let own = self.sources.get(id.0).and_then(|source| source.bytes_per_second);
        best.zip(own).is_some_and(|(best, own)| own.saturating_mul(LAGGARD_FACTOR) < best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;
    const OWN: SourceId = SourceId::OWN;
    const SECOND: SourceId = SourceId(1);
    const THIRD: SourceId = SourceId(2);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn anybody(_: SourceId) -> bool {
        true
    }

    #[test]
    fn every_source_is_tried_once_and_then_the_fastest_get_more() {
        let mut share = Share::new(3);
        for expect in [OWN, SECOND, THIRD] {
            assert_eq!(share.choose(at(0), anybody), Some(expect));
            share.began(expect);
        }
        for (id, rate) in [(OWN, 10 * MIB), (SECOND, 25 * MIB), (THIRD, MIB)] {
            share.measured(id, rate);
        }
        let mut got = [0; 3];
        for _ in 0..6 {
            let id = share.choose(at(0), anybody).unwrap();
            got[id.0] += 1;
            share.began(id);
        }
        assert_eq!(got, [1, 5, 0]);
        assert_eq!(share.choose(at(0), |id| id != SECOND), Some(OWN), "as far as it is open");
    }

    #[test]
    fn who_has_lost_its_connections_promises_all_of_its_rate_again() {
        let mut share = Share::new(2);
        for id in [OWN, SECOND, OWN] {
            share.began(id);
            share.measured(id, MIB);
        }
        assert_eq!(share.choose(at(0), anybody), Some(SECOND));
        share.ended(OWN);
        share.ended(OWN);
        assert_eq!(share.choose(at(0), anybody), Some(OWN));
        share.ended(OWN);
        share.began(OWN);
        share.began(OWN);
        assert_eq!(share.choose(at(0), anybody), Some(SECOND), "none is owed by one that had none");
    }

    #[test]
    fn one_pause_decides_nothing_and_several_do() {
        let mut share = Share::new(2);
        share.measured(OWN, 8 * MIB);
        share.measured(SECOND, 5 * MIB);
        share.measured(OWN, 0);
        assert_eq!(share.choose(at(0), anybody), Some(OWN));
        share.measured(OWN, 0);
        assert_eq!(share.choose(at(0), anybody), Some(SECOND));
    }

    #[test]
    fn nobody_rests_longer_than_a_job_that_somebody_waits_for() {
        let mut share = Share::new(1);
        (0..40).for_each(|_| share.failed(OWN, at(0), None, 0));
        assert_eq!(share.next_rested(), Some(retry::CAP_FOREGROUND));
    }

    #[test]
    fn who_fails_rests_longer_each_time_and_is_forgiven_when_it_works() {
        let mut share = Share::new(2);
        share.failed(OWN, at(0), None, 0);
        assert_eq!(share.choose(at(0), anybody), Some(SECOND));
        assert_eq!(share.next_rested(), Some(at(2)));
        assert!(share.is_usable(OWN, at(2)) && !share.is_usable(OWN, at(1)));
        share.failed(OWN, at(2), None, 0);
        assert!(!share.is_usable(OWN, at(5)) && share.is_usable(OWN, at(6)));
        share.failed(OWN, at(6), Some(at(100)), 0);
        assert!(!share.is_usable(OWN, at(100)));
        share.proved(OWN);
        assert!(share.is_usable(OWN, at(100)));
        share.failed(OWN, at(200), None, 0);
        assert!(share.is_usable(OWN, at(202)), "the count began anew");
    }

    #[test]
    fn all_but_the_own_url_can_be_struck_out() {
        let mut share = Share::new(2);
        assert!(share.strike(SECOND) && !share.strike(OWN));
        assert_eq!(share.choose(at(0), anybody), Some(OWN));
        assert!(!share.strike(SourceId(9)));
        share.failed(SECOND, at(0), None, 0);
        assert!(!share.is_usable(SECOND, at(1_000)), "for good");
        assert_eq!(share.next_rested(), None);
    }

    #[test]
    fn three_wrong_pieces_are_enough() {
        let mut share = Share::new(2);
        for (count, usable) in [(1, true), (2, true), (3, false)] {
            assert_eq!(share.wrong(SECOND), count);
            assert_eq!(share.is_usable(SECOND, at(0)), usable);
            assert_eq!(share.wrong(OWN), count);
            assert!(share.is_usable(OWN, at(0)));
        }
    }

    #[test]
    fn a_laggard_is_known_by_the_best() {
        let mut share = Share::new(3);
        share.measured(OWN, MIB);
        assert!(!share.is_laggard(OWN, at(0)), "alone it is the best there is");
        share.measured(SECOND, 8 * MIB);
        assert!(!share.is_laggard(OWN, at(0)), "eight times slower is not too slow yet");
        share.measured(SECOND, 12 * MIB);
        assert!(share.is_laggard(OWN, at(0)) && !share.is_laggard(SECOND, at(0)));
        assert!(!share.is_laggard(THIRD, at(0)), "nobody knows");
        share.strike(SECOND);
        assert!(!share.is_laggard(OWN, at(0)), "there is none better any more");
    }

    #[test]
    fn there_are_never_more_sources_than_are_looked_after() {
        assert_eq!(Share::new(1_000).len(), SOURCES_MAX);
        let mut share = Share::new(0);
        assert_eq!(share.len(), 1);
        while let Some(id) = share.join() {
            assert_eq!(share.ids().last(), Some(id));
        }
        assert_eq!(share.len(), SOURCES_MAX);
    }
}
