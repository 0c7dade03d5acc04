//! Which connection fetches which pieces of a file.
//!
//! Each connection at work has one **span**: neighbouring pieces that it fetches one after the other
//! and nobody else fetches. A connection that is alone gets everything up to the next gap, and so makes
//! one request for a whole file. One that joins others gets a span of its own length out of what nobody
//! fetches; where nothing is left of that, the back of the span that would take longest. So the front of
//! a file fills in order, and nobody waits for a slow connection at the end.
//!
//! Pure: told what came and how fast, it says what to ask for.

use alloc::vec::Vec;
use core::ops::Range;
use core::time::Duration;

use super::layout::{Layout, PieceIndex, PieceRun};
use super::set::PieceSet;

/// Spans of one file at once: as many as connections. More bring nothing that these do not, from any
/// server we know, and cost each side memory and work.
pub const SPANS_MAX: usize = 16;

/// Bytes of the shortest span that is worth a request beside others. Over a slow and distant line
/// (10 Mbit/s, 100 ms) asking for it costs 3 % of the time it takes.
pub const SPAN_BYTES_MIN: u64 = 4 * 1024 * 1024;

/// How long a connection should be busy with its span, in seconds: so long that asking for the next
/// one costs little, so short that few are left over in the end.
const SPAN_SECONDS: u64 = 4;

/// What asking takes where nobody knows, in milliseconds.
const WAIT_MILLIS: u64 = 160;

/// A span that will be done within so many times what asking takes is left to the connection that has
/// it. Shared at three times, it is done after two: what is saved is what it costs.
const LEAVE_WAITS: u64 = 3;

/// The same where asking takes no time at all, in milliseconds: a request is work for both sides.
const LEAVE_MILLIS_MIN: u64 = 50;

/// Which span. Never given out twice for one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(u32);

/// A connection that wants something to do.
#[derive(Debug, Clone, Copy)]
pub struct Seeker<'a> {
    /// How many connections share the file, this one included.
    pub among: usize,
    /// How fast it has been lately; 0 when nobody knows.
    pub bytes_per_second: u64,
    /// How long it takes from asking to the first byte; `None` when nobody knows.
    pub wait: Option<Duration>,
    /// Pieces that are not for it, in their order.
    pub except: &'a [PieceIndex],
}

/// What is had of a file and who fetches the rest.
#[derive(Debug, Clone)]
pub struct Spans {
    had: PieceSet,
    /// At most [`SPANS_MAX`].
    running: Vec<Running>,
    next_id: u32,
}

/// A span that is being fetched. Its connection is at the piece `at`; all of its pieces from there on
/// are its own.
#[derive(Debug, Clone)]
struct Running {
    id: SpanId,
    start: u32,
    at: u32,
    end: u32,
    bytes_per_second: u64,
    was_stolen: bool,
}

impl Spans {
    /// Nobody fetches anything yet of a file of which these pieces are had.
    pub fn new(had: PieceSet) -> Spans {
        Spans { had, running: Vec::new(), next_id: 0 }
    }

    /// How the file is cut.
    pub fn layout(&self) -> Layout {
        self.had.layout()
    }

    /// The pieces that are had.
    pub fn had(&self) -> &PieceSet {
        &self.had
    }

    /// How many spans are being fetched.
    pub fn running_count(&self) -> usize {
        self.running.len()
    }

    /// Bytes that are neither had nor, as far as whole pieces tell, on their way: what there still is
    /// to share.
    pub fn missing_bytes(&self) -> u64 {
        self.had.layout().file_size() - self.had.byte_count()
    }

    /// Gives a connection its next span: see the head of this file. `None` when there is nothing for it.
    ///
    /// Cost: O(pieces / 8) for a look through the set, and O([`SPANS_MAX`]²).
    pub fn take(&mut self, seeker: &Seeker<'_>) -> Option<SpanId> {
        if self.running.len() >= SPANS_MAX {
            return None;
        }
        let free = self.first_free(seeker.except);
        let was_stolen = free.is_none();
        let pieces = match free {
            Some(free) => free.start..free.start + self.length(seeker, free.end - free.start),
            None => self.steal(seeker)?,
        };
        let id = SpanId(self.next_id);
        self.next_id += 1;
        let Range { start, end } = pieces;
        let bytes_per_second = seeker.bytes_per_second;
        self.running.push(Running { id, start, at: start, end, bytes_per_second, was_stolen });
        Some(id)
    }

    /// Makes the only span that runs cover everything from the first missing piece to the end of the
    /// file, had pieces between them included: for an origin that always sends all of it. Says whether
    /// it could: not while others fetch too.
    pub fn widen(&mut self, id: SpanId) -> bool {
        let first = self.had.missing().next();
        let end = self.had.layout().piece_count();
        match (&mut self.running[..], first) {
            ([only], Some(first)) if only.id == id => {
                (only.at, only.end) = (first.number(), end);
                true
            }
            _ => false,
        }
    }

    /// What is left of a span, from the piece its connection is at; `None` when nothing is, or it was
    /// given back. Its end comes nearer when somebody takes over its back.
    pub fn left(&self, id: SpanId) -> Option<PieceRun> {
        let span = self.find(id)?;
        self.had.layout().run(span.at..span.end)
    }

    /// Whether a span was the back of somebody else's.
    pub fn was_stolen(&self, id: SpanId) -> bool {
        self.find(id).is_some_and(|span| span.was_stolen)
    }

    /// The connection has come to `piece`, or to the end of the file: what lies before is no longer its
    /// own. Pieces before it that are not had are free for anybody.
    pub fn advance(&mut self, id: SpanId, piece: Option<PieceIndex>) {
        if let Some(span) = self.find_mut(id) {
            let at = piece.map_or(span.end, PieceIndex::number);
            span.at = span.at.max(at).min(span.end);
        }
    }

    /// The piece is here and right. Says whether that is new.
    pub fn have(&mut self, piece: PieceIndex) -> bool {
        self.had.insert(piece)
    }

    /// The connection is so fast now.
    pub fn measured(&mut self, id: SpanId, bytes_per_second: u64) {
        if let Some(span) = self.find_mut(id) {
            span.bytes_per_second = bytes_per_second;
        }
    }

    /// The connection is done with its span, or will not finish it: what is not had of it is free. A
    /// back of which nothing came is its former owner's again, who may be about to receive it anyway.
    pub fn give_back(&mut self, id: SpanId) {
        let Some(at) = self.running.iter().position(|span| span.id == id) else {
            return;
        };
        let span = self.running.swap_remove(at);
        if span.was_stolen && span.at == span.start && span.at < span.end {
            let before = self.running.iter_mut().find(|other| other.end == span.start);
            if let Some(owner) = before {
                owner.end = span.end;
            }
        }
    }

    /// The span ends with the piece its connection is at, and the rest is free: its connection is no
    /// longer needed. Says whether anything was left of it.
    pub fn cut(&mut self, id: SpanId) -> bool {
        let Some(span) = self.find_mut(id) else {
            return false;
        };
        let end = span.end;
        span.end = end.min(span.at + 1);
        span.end < end
    }

    fn find(&self, id: SpanId) -> Option<&Running> {
        self.running.iter().find(|span| span.id == id)
    }

    fn find_mut(&mut self, id: SpanId) -> Option<&mut Running> {
        self.running.iter_mut().find(|span| span.id == id)
    }

    /// How many of `most` pieces that nobody fetches a seeker should take.
    fn length(&self, seeker: &Seeker<'_>, most: u32) -> u32 {
        if seeker.among <= 1 {
            return most;
        }
        // Towards the end spans shrink, so that all are done at about the same time.
        let fair = self.missing_bytes() / (2 * seeker.among as u64);
        self.pieces_in(seeker.bytes_per_second.saturating_mul(SPAN_SECONDS).min(fair), most)
    }

    /// As many whole pieces as these bytes make, and as are worth a request: from 1 to `most`.
    fn pieces_in(&self, bytes: u64, most: u32) -> u32 {
        let piece_size = u64::from(self.had.layout().piece_size());
        let count = (bytes.max(SPAN_BYTES_MIN) / piece_size).max(1);
        // No more than a file has.
        count.min(u64::from(most)) as u32
    }

    /// The first stretch of pieces that are neither had nor fetched by anybody nor excepted.
    fn first_free(&self, except: &[PieceIndex]) -> Option<Range<u32>> {
        let taken = |number: u32| {
            let of_span = self.running.iter().find(|s| s.at <= number && number < s.end);
            let excepted = || except.iter().find(|piece| piece.number() == number);
            of_span.map(|span| span.end).or_else(|| Some(excepted()?.number() + 1))
        };
        for run in self.had.missing_runs() {
            let (mut from, end) = (run.first().number(), run.last().number() + 1);
            while from < end {
                if let Some(behind) = taken(from) {
                    from = behind;
                    continue;
                }
                let spans = self.running.iter().map(|span| span.at);
                let others = spans.chain(except.iter().map(|piece| piece.number()));
                let until = others.filter(|at| *at > from).min().unwrap_or(end).min(end);
                return Some(from..until);
            }
        }
        None
    }

    /// The back of the span that would take longest, of what is left of it behind the piece its
    /// connection is at, which stays where it is: so much that both are done at the same time.
    fn steal(&mut self, seeker: &Seeker<'_>) -> Option<Range<u32>> {
        let rates = self.running.iter().map(|span| span.bytes_per_second);
        let known = rates.max().unwrap_or(0).max(seeker.bytes_per_second).max(1);
        let or_known = |rate: u64| if rate == 0 { known } else { rate };
        let piece_size = u64::from(self.had.layout().piece_size());
        let bytes_left = |span: &Running| {
            u64::from(span.end.saturating_sub(span.at + 1)).saturating_mul(piece_size)
        };
        let millis_left = |span: &Running| {
            bytes_left(span).saturating_mul(1_000) / or_known(span.bytes_per_second)
        };
        let victim = self.running.iter().enumerate().max_by_key(|(_, span)| millis_left(span))?.0;
        let wait_millis = seeker.wait.map_or(WAIT_MILLIS, |wait| wait.as_millis() as u64);
        let owner = &self.running[victim];
        if millis_left(owner) < wait_millis.saturating_mul(LEAVE_WAITS).max(LEAVE_MILLIS_MIN) {
            return None;
        }
        let (at, end) = (owner.at, owner.end);
        let (ours, theirs) = (or_known(seeker.bytes_per_second), or_known(owner.bytes_per_second));
        let meanwhile = theirs.saturating_mul(wait_millis) / 1_000;
        let shared = bytes_left(owner).saturating_sub(meanwhile);
        let fair = u128::from(shared) * u128::from(ours) / (u128::from(ours) + u128::from(theirs));
        let fair = u64::try_from(fair).unwrap_or(u64::MAX).div_ceil(piece_size);
        let length = match seeker.bytes_per_second {
            0 => fair,
            rate => fair.min(self.pieces_in(rate.saturating_mul(SPAN_SECONDS), u32::MAX).into()),
        };
        // At least one, and no more than the owner has.
        let length = length.clamp(1, u64::from(end - at - 1)) as u32;
        let behind = seeker.except.iter().map(|piece| piece.number() + 1);
        let behind = behind.filter(|number| *number <= end).max().unwrap_or(0);
        let start = (end - length).max(behind);
        if start >= end {
            return None;
        }
        self.running[victim].end = start;
        Some(start..end)
    }
}

/// Whether a file of which so much is missing may be shared between connections at all: not when a
/// part of it would be shorter than a span.
pub fn is_worth_sharing(missing_bytes: u64) -> bool {
    missing_bytes >= 2 * SPAN_BYTES_MIN
}

#[cfg(test)]
mod tests;
