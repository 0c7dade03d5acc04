//! One connection's bytes on their way to their places, and noticing when a piece is whole and right.

use std::sync::Arc;

use dobbin_core::piece::{PieceIndex, SpanId};
use dobbin_store::StagingError;

use super::check::PieceCheck;
use super::sink::Sink;

/// Where one connection is in the file.
pub(super) struct Stream {
    /// What was written without a gap up to `position`. Reaches back beyond one reply when the next
    /// one goes on where it ended, as those of neighbouring ranges do.
    unbroken_from: u64,
    position: u64,
    /// Compares pieces with their hashes, where there are any. Made with the first byte.
    check: Option<PieceCheck>,
    /// Bytes of the piece in progress that count for people and do not count yet for us.
    unsettled_bytes: u64,
}

/// What became of some bytes.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Of bytes that were not here yet.
    pub(super) new_bytes: u64,
    /// Bytes that count for nothing, because only the end of their piece came.
    pub(super) lost_bytes: u64,
    /// Pieces whose hash turned out to be wrong.
    pub(super) wrong: Vec<PieceIndex>,
}

impl Stream {
    pub(super) fn new() -> Stream {
        Stream { unbroken_from: 0, position: 0, check: None, unsettled_bytes: 0 }
    }

    /// Where the next byte goes.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether any byte counts of the piece that is being written.
    pub(super) fn is_within(&self) -> bool {
        self.unbroken_from < self.position
    }

    /// Whether it can go on in the middle of a span that begins at `start` and ends at `end`.
    pub(super) fn goes_on_in(&self, start: u64, end: u64) -> bool {
        (start..end).contains(&self.position) && self.unbroken_from <= start
    }

    /// The file's first `earlier` bytes are here, although the piece in which they end is not whole: a
    /// portion of the file that was transferred before. Writing goes on behind them, so that not one
    /// of them is fetched again.
    pub(super) fn resume_behind(&mut self, sink: &mut Sink, earlier: u64) {
        let layout = sink.staging.layout();
        let Some(piece) = layout.piece_at(earlier) else {
            return;
        };
        let start = layout.byte_range(piece).start;
        // The last of them must be there: somebody may have cut the file short.
        let is_there = earlier > start && sink.staging.read_at(&mut [0], earlier - 1).is_ok();
        let is_first_gap = sink.spans.had().missing().next() == Some(piece);
        if is_there && is_first_gap {
            self.unbroken_from = start;
            self.position = earlier;
            self.unsettled_bytes = earlier - start;
            sink.count_earlier(self.unsettled_bytes);
        }
    }

    /// The next bytes that come stand at `offset` of the file. Says how many bytes are given up with
    /// the piece that was being written.
    pub(super) fn seek(&mut self, sink: &mut Sink, offset: u64) -> u64 {
        if offset == self.position {
            return 0;
        }
        let lost = self.give_up(sink);
        self.position = offset;
        self.unbroken_from = offset;
        lost
    }

    /// The piece in progress will not be finished here. Says how many bytes of it came for nothing.
    pub(super) fn give_up(&mut self, sink: &mut Sink) -> u64 {
        let lost = std::mem::take(&mut self.unsettled_bytes);
        sink.uncount(lost);
        self.unbroken_from = self.position;
        lost
    }

    /// Writes bytes at the position and moves it behind them. Pieces that are had already are left
    /// as they are. Bytes beyond the end of the file are ignored.
    pub(super) fn write(
        &mut self,
        sink: &mut Sink,
        span: SpanId,
        bytes: &[u8],
    ) -> Result<Written, StagingError> {
        let layout = sink.staging.layout();
        let mut written = Written::default();
        let mut rest = bytes;
        while let Some(piece) = layout.piece_at(self.position)
            && !rest.is_empty()
        {
            // As far as possible in one write: to the end of the run of pieces that are alike.
            let end = self.run_end(sink, piece, rest.len() as u64);
            let take = usize::try_from(end - self.position).unwrap_or(rest.len()).min(rest.len());
            let (now, later) = rest.split_at(take);
            if sink.spans.had().contains(piece) {
                self.position += take as u64;
                self.unbroken_from = self.position;
            } else {
                sink.put(now, self.position)?;
                written.new_bytes += take as u64;
                self.settle(sink, now, &mut written)?;
            }
            rest = later;
        }
        sink.spans.advance(span, layout.piece_at(self.position));
        Ok(written)
    }

    /// Where the run of pieces that are had, or are missing, like this one ends; no farther than
    /// `bytes` reach.
    fn run_end(&self, sink: &Sink, piece: PieceIndex, bytes: u64) -> u64 {
        let reach = self.position + bytes;
        let (layout, had) = (sink.staging.layout(), sink.spans.had());
        let like = had.contains(piece);
        let mut end = layout.byte_range(piece).end;
        while end < reach
            && let Some(next) = layout.piece_at(end)
            && had.contains(next) == like
        {
            end = layout.byte_range(next).end;
        }
        end.min(reach)
    }

    /// Moves behind bytes that were put at the position, and settles each piece that they complete.
    fn settle(
        &mut self,
        sink: &mut Sink,
        bytes: &[u8],
        written: &mut Written,
    ) -> Result<(), StagingError> {
        let layout = sink.staging.layout();
        match &sink.manifest {
            Some(manifest) if self.check.is_none() => {
                self.check = Some(PieceCheck::new(Arc::clone(manifest)));
            }
            Some(_) => {}
            None => self.check = None,
        }
        let mut rest = bytes;
        while let Some(piece) = layout.piece_at(self.position)
            && !rest.is_empty()
        {
            let range = layout.byte_range(piece);
            let take = usize::try_from(range.end - self.position).unwrap_or(rest.len());
            let (now, later) = rest.split_at(take.min(rest.len()));
            if let Some(check) = &mut self.check {
                check.pass(piece, now, self.position);
            }
            self.position += now.len() as u64;
            self.unsettled_bytes += now.len() as u64;
            if self.position == range.end {
                self.conclude(sink, piece, range.start, written)?;
            }
            rest = later;
        }
        Ok(())
    }

    /// The position is at the end of a piece.
    fn conclude(
        &mut self,
        sink: &mut Sink,
        piece: PieceIndex,
        start: u64,
        written: &mut Written,
    ) -> Result<(), StagingError> {
        if self.unbroken_from > start {
            // Only its end came.
            written.lost_bytes += self.give_up(sink);
            return Ok(());
        }
        let is_right = match &mut self.check {
            Some(check) => check.is_right(piece, &sink.staging)?,
            None => true,
        };
        if is_right {
            self.unsettled_bytes = 0;
            return sink.have(piece);
        }
        self.give_up(sink);
        sink.begin_hash_anew();
        written.wrong.push(piece);
        Ok(())
    }
}
