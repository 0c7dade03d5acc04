//! Where the bytes of a file go, whichever connection brings them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use dobbin_core::job::{Attempt, Facts};
use dobbin_core::piece::{Manifest, PieceIndex, Spans};
use dobbin_store::publish::mode_of_new_files;
use dobbin_store::{Staging, StagingError};
use dobbin_types::FileTime;

use super::flush::{Flusher, Rest};
use super::hash::WholeHash;
use crate::gauge::SharedGauge;
use crate::publish::on_disk;

/// The writing end of one file: what all of its connections share.
pub(super) struct Sink {
    pub(super) staging: Arc<Staging>,
    pub(super) flusher: Flusher,
    /// Present when the whole file's hash was given.
    pub(super) hash: Option<WholeHash>,
    /// What is had, and which connection fetches what.
    pub(super) spans: Spans,
    /// The hashes of the pieces, where there are any to be believed.
    pub(super) manifest: Option<Arc<Manifest>>,
    gauge: SharedGauge,
}

impl Sink {
    pub(super) fn new(
        staging: Arc<Staging>,
        flusher: Flusher,
        hash: Option<WholeHash>,
        manifest: Option<Arc<Manifest>>,
        gauge: SharedGauge,
    ) -> Sink {
        let spans = Spans::new(staging.have());
        gauge.set_transferred(spans.had().byte_count());
        Sink { staging, flusher, hash, spans, manifest, gauge }
    }

    /// Whether every piece is had.
    pub(super) fn is_complete(&self) -> bool {
        self.spans.had().is_full()
    }

    /// Writes bytes of pieces that are not had. They count for people at once, for us only when their
    /// piece is whole.
    pub(super) fn put(&mut self, bytes: &[u8], offset: u64) -> Result<(), StagingError> {
        self.staging.write_at(bytes, offset)?;
        let length = bytes.len() as u64;
        self.gauge.transferred_bytes.fetch_add(length, Ordering::Relaxed);
        if let Some(hash) = &mut self.hash {
            hash.pass(bytes, offset);
        }
        self.flusher.wrote(length, offset + length);
        Ok(())
    }

    /// The piece is here, all of it, and right as far as anybody can tell. After its bytes: the order
    /// is never reversed.
    pub(super) fn have(&mut self, piece: PieceIndex) -> Result<(), StagingError> {
        self.staging.mark_have(piece)?;
        self.spans.have(piece);
        Ok(())
    }

    /// Bytes of a piece that is not whole are here from an earlier portion of the file.
    pub(super) fn count_earlier(&mut self, bytes: u64) {
        self.gauge.transferred_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many bytes that were put count for nothing after all.
    pub(super) fn uncount(&mut self, bytes: u64) {
        self.gauge.transferred_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Everything is here: has it flushed, with the mode and the time that the file will be shown
    /// with. See [`Flusher::finish`].
    pub(super) async fn finish(
        &mut self,
        attempt: Attempt,
        last_modified: Option<FileTime>,
        facts: Option<Facts>,
    ) -> Result<Rest, StagingError> {
        self.staging.seal(mode_of_new_files(), last_modified.map(on_disk))?;
        self.flusher.finish(attempt, facts).await
    }

    /// The hash of the whole file took in bytes that were wrong: it begins anew, by reading back.
    pub(super) fn begin_hash_anew(&mut self) {
        if let Some(hash) = &mut self.hash {
            *hash = WholeHash::new();
        }
    }

    /// The transfer stops: bytes of pieces that are not whole count for nothing.
    pub(super) fn leave(&mut self) {
        self.flusher.leave();
        self.gauge.set_transferred(self.spans.had().byte_count());
    }
}
