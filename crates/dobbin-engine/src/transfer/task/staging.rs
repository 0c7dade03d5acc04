//! How a transfer opens its staging file, and begins one.

use std::sync::Arc;

use dobbin_core::piece::{Layout, PieceSet};
use dobbin_store::Staging;
use dobbin_types::Discard;

use super::super::check::PieceCheck;
use super::super::end::{End, too_large};
use super::super::flush::Flusher;
use super::super::hash::WholeHash;
use super::super::reopen::reopen;
use super::super::stream::Writer;
use super::Task;

impl Task {
    /// Opens what an earlier attempt left. Bytes whose version nobody noted are of no use.
    ///
    /// Returns how many bytes count because they were read back and had their hashes.
    pub(super) async fn open_staging(&mut self) -> Result<u64, End> {
        let Some(facts) = &self.facts else {
            Staging::discard_at(&self.order.place)?;
            return Ok(0);
        };
        let size = self.map(facts)?.local_size();
        let manifest = self.manifest_for(size)?;
        let earlier = self.order.file.earlier_bytes();
        let flushed = |layout| self.flushed(layout, earlier);
        let tools = (&self.hands, &self.stop);
        let Some(left) = reopen(&self.order, size, manifest.as_ref(), flushed, tools).await? else {
            // Gone, although the journal knows the file: somebody removed it. The journal must not
            // go on calling pieces flushed that will be fetched anew.
            self.order.ledger.opened(self.order.gauge.transferred(), 0);
            self.forget(Discard::Lost).await?;
            return Ok(0);
        };
        self.begin_writing(left.staging);
        if let Some(writer) = &mut self.writer {
            writer.resume_behind(earlier);
        }
        Ok(left.checked_bytes)
    }

    /// The pieces that survive a power cut: those that the journal names, and those that earlier
    /// portions of the file filled. When these were finished the file was shorter, and its journal's
    /// pieces were cut for that length.
    fn flushed(&self, layout: Layout, earlier: u64) -> Option<PieceSet> {
        let noted = self.order.flushed.as_ref().filter(|noted| noted.layout() == layout).cloned();
        if earlier == 0 {
            return noted;
        }
        let mut flushed = noted.unwrap_or_else(|| PieceSet::empty(layout));
        for piece in layout.pieces().take_while(|piece| layout.byte_range(*piece).end <= earlier) {
            flushed.insert(piece);
        }
        Some(flushed)
    }

    pub(super) fn create_staging(&mut self) -> Result<(), End> {
        let Some(facts) = &self.facts else {
            return Err(End::Stopped);
        };
        let size = self.map(facts)?.local_size();
        let layout = match self.manifest_for(size)? {
            Some(manifest) => manifest.layout(),
            None => Layout::without_manifest(size).ok_or_else(too_large)?,
        };
        Staging::discard_at(&self.order.place)?;
        let staging = Staging::create(self.order.place.clone(), layout, &self.order.boot)?;
        self.begin_writing(Arc::new(staging));
        Ok(())
    }

    fn begin_writing(&mut self, staging: Arc<Staging>) {
        let flusher = Flusher::new(
            self.order.job,
            self.order.number,
            self.order.generation,
            Arc::clone(&staging),
            self.hands.clone(),
            self.inbox.clone(),
        );
        let hash = self.order.file.sha256.map(|_| WholeHash::new());
        let check = self.manifest.clone().map(PieceCheck::new);
        self.writer = Some(Writer::new(staging, flusher, hash, check, self.order.gauge.clone()));
    }
}
