//! What a transfer does with the hashes of its file's pieces.

use std::sync::Arc;

use dobbin_core::piece::Manifest;
use dobbin_core::piece::wrong::Next;
use dobbin_core::source::share::SourceId;
use dobbin_types::{Discard, ErrorCode, Reason};

use super::super::end::End;
use super::super::manifest::{self, Seeker};
use super::super::trouble::fatal;
use super::Task;

impl Task {
    /// Asks for the hashes, where there are any to be had.
    pub(super) async fn obtain_manifest(&mut self) -> Result<(), End> {
        let seeker = Seeker {
            order: &self.order,
            client: &self.client,
            hands: &self.hands,
            url: &self.url,
            headers: &self.headers,
        };
        let obtained = tokio::select! {
            biased;
            () = self.stop.wished() => return Err(End::Stopped),
            obtained = manifest::obtain(&seeker) => obtained,
        };
        self.manifest = obtained.map_err(End::Failed)?.map(Arc::new);
        Ok(())
    }

    /// The hashes, if the file is as large as they say.
    pub(super) fn manifest_for(&mut self, size: u64) -> Result<Option<Arc<Manifest>>, End> {
        let manifest = self.manifest.take();
        self.manifest = manifest::of_size(&self.order, manifest, size).map_err(End::Failed)?;
        Ok(self.manifest.clone())
    }

    /// What follows from the pieces that came wrong: each is fetched once more. One that is wrong
    /// again is the end of a file that must be checked, and the end of checking for any other.
    pub(super) fn judge_wrong_pieces(&mut self) -> Result<(), End> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        for piece in writer.take_wrong() {
            let length = u64::from(writer.staging.layout().piece_len(piece));
            self.order.ledger.discard(Discard::WrongPiece, length);
            self.reason = Reason::WrongHash;
            match self.wrongs.note(piece, SourceId::OWN, |_| true) {
                Next::Again => {}
                Next::Hopeless => {
                    let host = self.url.host_str().unwrap_or_default();
                    let why =
                        format!("piece {piece} of the file from {host} is not as its hash says");
                    let trouble = fatal(ErrorCode::DO_E_BAD_PIECE_HASH, why);
                    manifest::give_up(&self.order, trouble).map_err(End::Failed)?;
                    self.manifest = None;
                    writer.check = None;
                }
            }
        }
        Ok(())
    }
}
