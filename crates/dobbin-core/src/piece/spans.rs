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

/// A span that will be done so soon, in milliseconds, is left to the connection that has it: asking
/// anew would take as long.
const LEAVE_MILLIS: u64 = 500;

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
            Some(free) => {
                let length = self.length(seeker, u64::from(free.end - free.start));
                free.start..free.start + length
            }
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

    /// How many pieces of `most` a seeker should take.
    fn length(&self, seeker: &Seeker<'_>, most: u64) -> u32 {
        let pieces = if seeker.among <= 1 {
            most
        } else {
            let bytes = (seeker.bytes_per_second.saturating_mul(SPAN_SECONDS))
                // Towards the end spans shrink, so that all are done at about the same time.
                .min(self.missing_bytes() / (2 * seeker.among as u64))
                .max(SPAN_BYTES_MIN);
            (bytes / u64::from(self.had.layout().piece_size())).max(1).min(most)
        };
        // No more than a file has.
        pieces as u32
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

    /// The back of the span that would take longest: at most half of what is left of it behind the
    /// piece its connection is at, which stays where it is.
    fn steal(&mut self, seeker: &Seeker<'_>) -> Option<Range<u32>> {
        let known = self.running.iter().map(|span| span.bytes_per_second).max().unwrap_or(0).max(1);
        let piece_size = u64::from(self.had.layout().piece_size());
        let millis_left = |span: &Running| {
            let rate = if span.bytes_per_second == 0 { known } else { span.bytes_per_second };
            let pieces = u64::from(span.end.saturating_sub(span.at + 1));
            pieces.saturating_mul(piece_size).saturating_mul(1_000) / rate
        };
        let victim = self.running.iter().enumerate().max_by_key(|(_, span)| millis_left(span))?.0;
        if millis_left(&self.running[victim]) < LEAVE_MILLIS {
            return None;
        }
        let (at, end) = (self.running[victim].at, self.running[victim].end);
        let half = (end - at - 1).div_ceil(2);
        let length = self.length(seeker, u64::from(half));
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
