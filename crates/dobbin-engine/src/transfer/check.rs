//! Comparing pieces with their hashes, while they are written or by reading them back.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use dobbin_core::piece::{Manifest, PieceIndex};
use dobbin_store::{Staging, StagingError};

/// Bytes read back at a time.
const READ_BYTES: usize = 1024 * 1024;

/// Compares the pieces of one file with its manifest, as their bytes come by.
pub(super) struct PieceCheck {
    manifest: Arc<Manifest>,
    context: Context,
    /// The piece whose bytes went into the context without a gap from its start, and up to where.
    /// Nothing before the first byte.
    hashed: Option<(PieceIndex, u64)>,
}

impl PieceCheck {
    pub(super) fn new(manifest: Arc<Manifest>) -> PieceCheck {
        PieceCheck { manifest, context: Context::new(&SHA256), hashed: None }
    }

    /// Bytes of `piece` that were just written at `offset` of the file.
    pub(super) fn pass(&mut self, piece: PieceIndex, bytes: &[u8], offset: u64) {
        if offset == self.manifest.layout().byte_range(piece).start {
            self.context = Context::new(&SHA256);
            self.hashed = Some((piece, offset));
        }
        match &mut self.hashed {
            Some((hashed, to)) if *hashed == piece && *to == offset => {
                self.context.update(bytes);
                *to += bytes.len() as u64;
            }
            // Not from its start: to be read back when it is whole.
            Some(_) | None => self.hashed = None,
        }
    }

    /// Whether the piece, all of which was written, has its hash.
    pub(super) fn is_right(
        &mut self,
        piece: PieceIndex,
        staging: &Staging,
    ) -> Result<bool, StagingError> {
        let end = self.manifest.layout().byte_range(piece).end;
        if self.hashed.take() != Some((piece, end)) {
            return reads_right(&self.manifest, piece, staging, &mut Vec::new());
        }
        let context = std::mem::replace(&mut self.context, Context::new(&SHA256));
        Ok(context.finish().as_ref() == self.manifest.digest(piece))
    }
}

/// Whether a piece has its hash, going by what lies in the staging file.
///
/// * `buffer`: room for what is read, to be used again for the next piece.
pub(super) fn reads_right(
    manifest: &Manifest,
    piece: PieceIndex,
    staging: &Staging,
    buffer: &mut Vec<u8>,
) -> Result<bool, StagingError> {
    let range = manifest.layout().byte_range(piece);
    let mut context = Context::new(&SHA256);
    let mut at = range.start;
    while at < range.end {
        let take = usize::try_from(range.end - at).unwrap_or(READ_BYTES).min(READ_BYTES);
        buffer.resize(take, 0);
        staging.read_at(buffer, at)?;
        context.update(buffer);
        at += take as u64;
    }
    Ok(context.finish().as_ref() == manifest.digest(piece))
}

#[cfg(test)]
mod tests;
