//! Writing what arrives to its place and noticing when a piece is whole.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use dobbin_core::piece::{PieceIndex, PieceSet};
use dobbin_store::{Staging, StagingError};

use super::check::PieceCheck;
use super::flush::Flusher;
use super::hash::WholeHash;
use crate::gauge::SharedGauge;

/// The writing end of one file.
pub(super) struct Writer {
    pub(super) staging: Arc<Staging>,
    pub(super) flusher: Flusher,
    /// Present when the whole file's hash was given.
    pub(super) hash: Option<WholeHash>,
    /// Present while pieces are compared with their hashes.
    pub(super) check: Option<PieceCheck>,
    /// Pieces that came whole and wrong since somebody last asked.
    wrong: Vec<PieceIndex>,
    gauge: SharedGauge,
    have: PieceSet,
    /// What was written without a gap up to `position`. Reaches back beyond one reply when the next
    /// one goes on where it ended, as those of neighbouring ranges do.
    unbroken_from: u64,
    position: u64,
}

impl Writer {
    pub(super) fn new(
        staging: Arc<Staging>,
        flusher: Flusher,
        hash: Option<WholeHash>,
        check: Option<PieceCheck>,
        gauge: SharedGauge,
    ) -> Writer {
        let have = staging.have();
        gauge.set_transferred(have.byte_count());
        let wrong = Vec::new();
        Writer { staging, flusher, hash, check, wrong, gauge, have, unbroken_from: 0, position: 0 }
    }

    /// The pieces that are had.
    pub(super) fn have(&self) -> &PieceSet {
        &self.have
    }

    /// Whether any byte counts: of a piece that is had, or of the one that is being written.
    pub(super) fn has_anything(&self) -> bool {
        !self.have.is_empty() || self.unbroken_from < self.position
    }

    /// Whether every piece is had.
    pub(super) fn is_complete(&self) -> bool {
        self.have.is_full()
    }

    /// The next bytes of the file to ask for: the first missing run, or what is left of it when the
    /// writer stands in its middle.
    pub(super) fn next_missing(&self) -> Option<Range<u64>> {
        let run = dobbin_core::piece::picker::next_run(&self.have, u64::MAX)?.bytes();
        let goes_on = run.contains(&self.position) && self.unbroken_from <= run.start;
        Some(if goes_on { self.position..run.end } else { run })
    }

    /// The file's first `earlier` bytes are here, although the piece in which they end is not whole: a
    /// portion of the file that was transferred before. Writing goes on behind them, so that not one
    /// of them is fetched again.
    pub(super) fn resume_behind(&mut self, earlier: u64) {
        let Some(piece) = self.staging.layout().piece_at(earlier) else {
            return;
        };
        let start = self.staging.layout().byte_range(piece).start;
        // The last of them must be there: somebody may have cut the file short.
        let is_there = earlier > start && self.staging.read_at(&mut [0], earlier - 1).is_ok();
        let is_first_gap = self.have.missing().next() == Some(piece);
        if is_there && is_first_gap {
            self.unbroken_from = start;
            self.position = earlier;
            self.gauge.set_transferred(self.have.byte_count() + (earlier - start));
        }
    }

    /// The next bytes that come stand at `offset` of the file.
    pub(super) fn seek(&mut self, offset: u64) {
        if offset != self.position {
            self.position = offset;
            self.unbroken_from = offset;
        }
    }

    /// Writes bytes at the position and moves it behind them. Pieces that are had already are left
    /// as they are. Bytes beyond the end of the file are ignored.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), StagingError> {
        let size = self.staging.layout().file_size();
        let mut rest = bytes;
        while let Some(piece) = self.staging.layout().piece_at(self.position)
            && !rest.is_empty()
        {
            let piece_end = self.staging.layout().byte_range(piece).end;
            // As far as possible in one write: to the end of the run of pieces that are alike.
            let end = self.run_end(piece, piece_end, rest.len() as u64).min(size);
            let take = usize::try_from(end - self.position).unwrap_or(rest.len()).min(rest.len());
            let (now, later) = rest.split_at(take);
            if self.have.contains(piece) {
                self.position += take as u64;
                self.unbroken_from = self.position;
            } else {
                self.put(now)?;
            }
            rest = later;
        }
        Ok(())
    }

    /// Where the run of pieces that are had, or are missing, like this one ends; no farther than
    /// `bytes` reach.
    fn run_end(&self, piece: PieceIndex, piece_end: u64, bytes: u64) -> u64 {
        let reach = self.position + bytes;
        let like = self.have.contains(piece);
        let layout = self.staging.layout();
        let mut end = piece_end;
        while end < reach
            && let Some(next) = layout.piece_at(end)
            && self.have.contains(next) == like
        {
            end = layout.byte_range(next).end;
        }
        end.min(reach)
    }

    /// Data first, then the bits of the pieces that it completed: the order is never reversed.
    fn put(&mut self, bytes: &[u8]) -> Result<(), StagingError> {
        let start = self.position;
        self.staging.write_at(bytes, start)?;
        self.position += bytes.len() as u64;
        self.gauge.transferred_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let layout = self.staging.layout();
        let mut at = start;
        if let Some(hash) = &mut self.hash {
            hash.pass(bytes, start);
        }
        let mut rest = bytes;
        while let Some(piece) = layout.piece_at(at).filter(|_| !rest.is_empty()) {
            let range = layout.byte_range(piece);
            let take = usize::try_from(range.end - at).unwrap_or(rest.len()).min(rest.len());
            let (now, later) = rest.split_at(take);
            if let Some(check) = &mut self.check {
                check.pass(piece, now, at);
            }
            at += take as u64;
            rest = later;
            if at == range.end && self.unbroken_from <= range.start {
                self.whole(piece, range)?;
            }
        }
        self.flusher.wrote(bytes.len() as u64, self.position);
        Ok(())
    }

    /// All bytes of a piece are written: it is had, if it is right as far as anybody can tell.
    fn whole(&mut self, piece: PieceIndex, range: Range<u64>) -> Result<(), StagingError> {
        let is_right = match &mut self.check {
            Some(check) => check.is_right(piece, &self.staging)?,
            None => true,
        };
        if is_right {
            self.staging.mark_have(piece)?;
            self.have.insert(piece);
            return Ok(());
        }
        self.wrong.push(piece);
        // What follows is unbroken from behind it; it is a gap again.
        self.unbroken_from = range.end;
        if let Some(hash) = &mut self.hash {
            // It took in wrong bytes. It begins anew, and reads back what is here by then.
            *hash = WholeHash::new();
        }
        Ok(())
    }

    /// The pieces that came wrong since the last call. Their bytes count no more.
    pub(super) fn take_wrong(&mut self) -> Vec<PieceIndex> {
        let wrong = std::mem::take(&mut self.wrong);
        let layout = self.staging.layout();
        let bytes = wrong.iter().map(|piece| u64::from(layout.piece_len(*piece))).sum();
        self.gauge.transferred_bytes.fetch_sub(bytes, Ordering::Relaxed);
        wrong
    }

    /// The transfer stops: bytes of pieces that are not whole count for nothing.
    pub(super) fn leave(&mut self) {
        self.flusher.leave();
        self.gauge.set_transferred(self.have.byte_count());
    }
}
